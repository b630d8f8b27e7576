/* Programs that make something. Which there are is decided here and nowhere else. */
#include "operator/image.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAFE_PATH "/usr/sbin:/usr/bin:/sbin:/bin"
#define SAID_MAX 4096 /* of its last words */
#define NOT_THERE 127

static const char *const programs[] = {"sfdisk", "mkfs.vfat", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"};

NORETURN static void become(int dir, const char *const *argv, int in, int out, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || fchdir(dir) < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
		dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	signal(SIGPIPE, SIG_DFL);
	setenv("PATH", SAFE_PATH, 1);
	setenv("LC_ALL", "C", 1);
	execvp(argv[0], (char *const *)argv);
	_exit(errno == ENOENT ? NOT_THERE : 126);
}

bool peer_gone(int peer)
{
	struct pollfd p = {.fd = peer, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL);
}

/* What it says, until it has closed its output. False: the time is over, or there is nobody left to do it for. */
static bool listen_to(int out, int peer, struct buf *said, int64_t deadline)
{
	for (;;) {
		struct pollfd p[2] = {{.fd = out, .events = POLLIN}, {.fd = peer, .events = POLLRDHUP}};
		const int64_t left = deadline - clock_mono_ns();
		uint8_t part[1024];
		ssize_t n;

		if (left <= 0)
			return false;
		if (poll(p, 2, (int)MIN(left / NS_PER_MS + 1, INT64_C(1000))) <= 0)
			continue;
		if (p[1].revents)
			return false;
		if (!p[0].revents)
			continue;
		n = read(out, part, sizeof(part));
		if (n == 0 || (n < 0 && errno != EINTR))
			return true;
		if (n > 0 && said->len + (size_t)n <= SAID_MAX)
			buf_append(said, part, (size_t)n);
	}
}

static bool is_known(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (str_eq(name, programs[i]))
			return true;
	return false;
}

static bool judge(const char *name, int status, bool ended, struct buf *said, struct diag *d)
{
	if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (ended && WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE)
		diag_set(d, DIAG_LAYOUT_PROGRAM, 0, NULL, "'%s' is not installed there", name);
	else if (!ended)
		diag_set(d, DIAG_LAYOUT_PROGRAM, 0, NULL,
			"'%s' was ended: it took too long, or the connection was lost", name);
	else
		diag_set(d, DIAG_LAYOUT_PROGRAM, 0, NULL, "'%s' failed: %s", name,
			said->len ? buf_cstr(said) : "it does not say why");
	return false;
}

bool program_run(int dir, int peer, const char *const *argv, const struct buf *input, unsigned limit_s, struct diag *d)
{
	const int64_t deadline = clock_mono_ns() + limit_s * NS_PER_S;
	const pid_t parent = getpid();
	AUTO_CLOSE int in = fd_temporary("/tmp");
	AUTO_BUF said = BUF_INIT;
	int pair[2], status = 0;
	bool ended;
	pid_t pid;

	if (!is_known(argv[0]) || in < 0 || fd_write_full(in, input->data, input->len) < 0 ||
		lseek(in, 0, SEEK_SET) < 0 || pipe2(pair, O_CLOEXEC) < 0) {
		diag_set(d, DIAG_LAYOUT_PROGRAM, errno, NULL, "cannot start '%s'", argv[0]);
		return false;
	}
	pid = fork();
	if (pid == 0)
		become(dir, argv, in, pair[1], parent);
	close(pair[1]);
	ended = pid > 0 && listen_to(pair[0], peer, &said, deadline);
	close(pair[0]);
	if (pid > 0) {
		if (!ended)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	return judge(argv[0], status, ended, &said, d);
}
