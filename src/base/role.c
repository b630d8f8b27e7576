#include "base/role.h"
#include "base/fd.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static NORETURN void role_exec(char **argv, const int *fds, size_t n, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
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
