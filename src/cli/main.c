#include "cli/commands.h"
#include "cli/roles.h"

int main(int argc, char **argv)
{
	/* The roles this program plays for itself come before anything else: they must not even parse options. */
	if (argc > 1 && strncmp(argv[1], "--role=", strlen("--role=")) == 0)
		role_main(argc, argv);
	return cli_main(argc, argv);
}
