#include "cli/roles.h"
#include "base/text.h"
#include "check/netcheck.h"
#include "diag/diag.h"
#include "ipc/role.h"
#include "mover/mover.h"
#include "transport/transport.h"
#include "verify/role.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static int number(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	return *end || !*s || v < -1 || v > 1 << 20 ? -2 : (int)v;
}

void role_main(int argc, char **argv)
{
	int *fds = xcalloc((size_t)argc, sizeof(*fds)), n = 0; /* as many as there are mounts, and a few */

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* once more: it does not survive every exec */
	signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i++) {
		fds[n] = number(argv[i]);
		if (fds[n++] == -2)
			_exit(EXIT_USAGE_ERROR);
	}
	if (str_eq(argv[1], "--role=link") && n == 2)
		_exit(transport_link_main(fds[0], fds[1]));
	if (n < 4)
		_exit(EXIT_USAGE_ERROR);
	struct worker_fds w = {.ipc = fds[0],
		.wire = fds[1],
		.helper = fds[2],
		.throttle = fds[3],
		.mounts = fds + 4,
		.mount_count = n - 4};
	if (str_eq(argv[1], "--role=mover"))
		mover_main(&w);
	if (str_eq(argv[1], "--role=probe") && n == 4)
		probe_main(fds[0], fds[1], fds[2], fds[3]);
	if (str_eq(argv[1], "--role=verifier"))
		verifier_role_main(&w);
	_exit(EXIT_USAGE_ERROR);
}
