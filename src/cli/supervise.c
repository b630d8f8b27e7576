#include "cli/supervise.h"
#include "base/clock.h"
#include "base/signals.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_NS (4 * NS_PER_S)
/* What comes sooner is the same one, from the terminal and from who passes it on. */
#define TWICE_NS (300 * NS_PER_MS)

/* Standard error may be a pipe that nobody reads. */
static PRINTF_LIKE(2, 3) void say(enum diag_code code, const char *fmt, ...)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	AUTO_FREE char *text = NULL;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diag_set(&d, code, 0, NULL, "%s", text);
	diag_format(&b, &d);
	if (poll(&p, 1, 0) > 0 && p.revents & POLLOUT)
		dprintf(STDERR_FILENO, "\nrehost: error: %s\nrehost: hint: %s\n", buf_cstr(&b),
			diag_info(code)->remedy);
}

NORETURN static void leave(int status)
{
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	say(DIAG_ENGINE_WORKER, "the process at work was ended by signal %d (%s)", WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	_exit(128 + WTERMSIG(status));
}

NORETURN static void abandon(pid_t worker, int sig, bool twice)
{
	kill(worker, SIGKILL);
	say(DIAG_SIGNAL, "ended by signal %d (%s)%s", sig, strsignal(sig),
		twice ? ", given again" : "; the process at work did not end in time and was killed");
	_exit(128 + sig);
}

static bool ends(int sig, enum hangup hangup)
{
	return sig == SIGINT || sig == SIGTERM || (sig == SIGHUP && hangup == HANGUP_ENDS);
}

NORETURN static void watch(pid_t worker, const sigset_t *set, enum hangup hangup)
{
	int64_t since = 0; /* when the first signal came that ends it */
	int by = 0, status;

	for (;;) {
		int64_t now = clock_mono_ns(), left = since ? MAX(since + GRACE_NS - now, INT64_C(0)) : 3600 * NS_PER_S;
		struct timespec wait = {.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};
		int sig;

		if (waitpid(worker, &status, WNOHANG) == worker)
			leave(status);
		if (by && left == 0)
			abandon(worker, by, false);
		sig = sigtimedwait(set, NULL, &wait);
		if (sig <= 0 || sig == SIGCHLD)
			continue;
		if (by && (sig == SIGINT || sig == SIGTERM) && clock_mono_ns() - since > TWICE_NS)
			abandon(worker, by, true);
		kill(worker, sig);
		if (ends(sig, hangup) && !by) {
			by = sig;
			since = clock_mono_ns();
		}
	}
}

pid_t supervise(enum hangup hangup)
{
	pid_t self = getpid(), worker;
	sigset_t set;

	signal(SIGCHLD, SIG_DFL); /* ignored, it would not tell how a child ended */
	signals_of_loop(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	worker = fork();
	if (worker > 0)
		watch(worker, &set, hangup);
	if (worker < 0) /* then it must do without */
		return self;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != self)
		_exit(128 + SIGKILL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return self;
}
