#include "cli/commands.h"
#include "cli/roles.h"
#include "base/stack.h"

int main(int argc, char **argv)
{
	const bool room = stack_make_room();

	/* The roles this program plays for itself come before anything else: they must not even parse options. */
	if (argc > 1 && strncmp(argv[1], "--role=", strlen("--role=")) == 0)
		role_main(argc, argv);
	if (!room)
		return cli_without_stack();
	return cli_main(argc, argv);
}
