#include "ipc/role.h"
#include "base/clock.h"
#include "base/fd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* When memory runs out a role is killed, and not who could start another. */
static void die_first(void)
{
	AUTO_CLOSE int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16] = "";
	int n;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return;
	n = snprintf(text, sizeof(text), "%d", MIN(atoi(text) + 300, 1000));
	(void)!pwrite(fd, text, (size_t)n, 0);
}

static NORETURN void role_exec(char **argv, const int *fds, size_t n, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	die_first();
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0)
			fd_set_cloexec(fds[i], false);
	execv("/proc/self/exe", argv);
	_exit(1);
}

pid_t role_start(const char *name, const int *fds, size_t n)
{
	char **argv = xcalloc(n + 3, sizeof(*argv));
	pid_t parent = getpid(), pid;

	argv[0] = xstrdup("rehost");
	argv[1] = xasprintf("--role=%s", name);
	for (size_t i = 0; i < n; i++)
		argv[i + 2] = xasprintf("%d", fds[i]);
	pid = fork();
	if (pid == 0)
		role_exec(argv, fds, n, parent);
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	free(argv);
	return pid;
}

static bool reaped(pid_t pid, int *status, int64_t wait_ns)
{
	const struct timespec soon = {.tv_nsec = 2 * NS_PER_MS};
	const int64_t deadline = clock_mono_ns() + wait_ns;
	pid_t got;

	while ((got = waitpid(pid, status, WNOHANG)) == 0 && clock_mono_ns() < deadline)
		nanosleep(&soon, NULL);
	return got != 0;
}

int role_end(pid_t pid)
{
	int status = 0;

	if (reaped(pid, &status, 500 * NS_PER_MS))
		return status;
	kill(pid, SIGKILL);
	return reaped(pid, &status, NS_PER_S) ? status : SIGKILL;
}
