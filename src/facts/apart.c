#include "facts/apart.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT_MAX 65535
#define FIRST_OTHER 4 /* descriptor */

/* One that hangs for good must not hold the pipe by which its parent is awaited. */
static void close_others(int keep)
{
	if (keep != FIRST_OTHER - 1 && dup2(keep, FIRST_OTHER - 1) < 0)
		_exit(EBADF);
#ifdef SYS_close_range
	if (syscall(SYS_close_range, FIRST_OTHER, ~0U, 0) == 0)
		return;
#endif
	for (int fd = FIRST_OTHER; fd < 1024; fd++)
		close(fd);
}

NORETURN static void look_apart(apart_fn look, const void *arg, int fd, pid_t parent)
{
	struct buf out = BUF_INIT;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EIO);
	close_others(fd);
	err = look(arg, &out);
	if (!err && out.len <= OUT_MAX && fd_write_full(FIRST_OTHER - 1, out.data, out.len) < 0)
		err = EIO;
	_exit(err > 0 && err < 255 ? err : err ? EIO : 0);
}

/* Until its end. False: it hangs. */
static bool read_all(int fd, struct buf *out)
{
	int64_t deadline = clock_mono_ns() + APART_MS * NS_PER_MS;

	for (;;) {
		int64_t left = deadline - clock_mono_ns();
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)(left / NS_PER_MS) + 1) <= 0)
			continue;
		n = read(fd, buf_reserve(out, OUT_MAX), OUT_MAX);
		if (n == 0 || (n < 0 && errno != EINTR))
			return true;
		out->len += n > 0 ? (size_t)n : 0;
	}
}

int apart(apart_fn look, const void *arg, struct buf *out)
{
	const pid_t parent = getpid();
	int pair[2], status = 0;
	bool ended;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return errno;
	pid = fork();
	if (pid == 0)
		look_apart(look, arg, pair[1], parent);
	close(pair[1]);
	ended = pid > 0 && read_all(pair[0], out);
	close(pair[0]);
	if (pid < 0)
		return EAGAIN;
	if (!ended) {
		kill(pid, SIGKILL);
		return ETIMEDOUT; /* it may be beyond that, too: nobody waits for it */
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}
