#include "base/signals.h"

#include <stddef.h>

void signals_of_loop(sigset_t *out)
{
	struct sigaction interrupt;

	sigemptyset(out);
	sigaddset(out, SIGTERM);
	sigaddset(out, SIGHUP);
	sigaddset(out, SIGUSR1);
	sigaddset(out, SIGUSR2);
	if (sigaction(SIGINT, NULL, &interrupt) < 0 || interrupt.sa_handler != SIG_IGN)
		sigaddset(out, SIGINT);
}

bool signals_end_pending(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && (sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1);
}
