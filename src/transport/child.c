/* Child processes: started with exactly the descriptors they need, dying with their parent. */
#include "transport/child.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* More would only delay what is measured at its end: the rate, and whether compressing pays. */
#define SOCKET_BUFFER (1 << 20)

void socket_enlarge(int fd)
{
	static const int plain[] = {SO_SNDBUF, SO_RCVBUF}, forced[] = {SO_SNDBUFFORCE, SO_RCVBUFFORCE};
	int size = SOCKET_BUFFER;

	/* The forced form goes beyond wmem_max and needs CAP_NET_ADMIN; what cannot be had is done without. */
	for (size_t i = 0; i < 2; i++)
		if (setsockopt(fd, SOL_SOCKET, forced[i], &size, sizeof(size)) < 0 &&
			setsockopt(fd, SOL_SOCKET, plain[i], &size, sizeof(size)) < 0)
			return;
}

static void signals_reset(bool ignore_int)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
	if (ignore_int) {
		signal(SIGINT, SIG_IGN);
		signal(SIGQUIT, SIG_IGN);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts descriptor i of the child in place. Sources were moved above CHILD_FDS before, so none is overwritten. */
static bool place(int from, int i)
{
	if (from < 0 && i == 2)
		return true;
	if (from < 0 && i > 2)
		return true;
	if (from < 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0)
			return false;
		if (null == i)
			return fd_set_cloexec(i, false) == 0;
		if (dup2(null, i) < 0)
			return false;
		close(null);
		return true;
	}
	return dup2(from, i) >= 0;
}

static NORETURN void child_exec(const struct child *c, pid_t parent, int report)
{
	int fds[CHILD_FDS], err;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	signals_reset(c->ignore_int);
	if (c->own_group)
		setpgid(0, 0);
	report = fcntl(report, F_DUPFD_CLOEXEC, 64);
	for (int i = 0; i < CHILD_FDS; i++) {
		fds[i] = c->fd[i] < 0 ? -1 : fcntl(c->fd[i], F_DUPFD_CLOEXEC, 64);
		if (c->fd[i] >= 0 && fds[i] < 0)
			goto failed;
	}
	for (int i = 0; i < CHILD_FDS; i++)
		if (!place(fds[i], i))
			goto failed;
	if (c->env)
		for (size_t i = 0; i < c->env->n; i++)
			putenv(c->env->v[i]);
	if (c->path)
		execv(c->path, c->argv);
	else
		execvp(c->argv[0], c->argv);
failed:
	err = errno;
	if (write(report, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

pid_t child_start(const struct child *c)
{
	int report[2], err = 0;
	pid_t parent = getpid(), pid;
	ssize_t got;

	if (pipe2(report, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		child_exec(c, parent, report[1]);
	if (pid < 0)
		err = errno;
	close(report[1]);
	if (pid > 0) {
		/* End of file means that the exec succeeded. */
		got = fd_read_full(report[0], &err, sizeof(err));
		if (got == 0)
			err = 0;
		else if (got != sizeof(err))
			err = EIO;
		if (err)
			while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
				;
	}
	close(report[0]);
	errno = err;
	return err ? -1 : pid;
}

/* Takes what is there, keeping the first 64 KiB. False at end of file. */
static bool take(int fd, struct buf *out)
{
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (out->len < 65536)
		buf_append(out, chunk, (size_t)n);
	return n > 0;
}

static bool collect_both(int out_fd, int err_fd, int64_t deadline, struct buf *out, struct buf *err)
{
	struct pollfd p[2] = {{.fd = out_fd, .events = POLLIN}, {.fd = err_fd, .events = POLLIN}};

	while (p[0].fd >= 0) { /* stderr may be held open by a child of the child */
		int64_t left = deadline - clock_mono_ns();

		if (left <= 0 || signals_end_pending())
			return false;
		if (poll(p, 2, (int)MIN(left / NS_PER_MS + 1, INT64_C(200))) < 0 && errno != EINTR)
			return false;
		if (p[1].revents && !take(err_fd, err))
			p[1].fd = -1;
		if (p[0].revents && !take(out_fd, out))
			p[0].fd = -1;
		p[0].revents = p[1].revents = 0;
	}
	if (p[1].fd >= 0 && poll(p + 1, 1, 0) > 0)
		take(err_fd, err);
	return true;
}

bool child_capture(char *const *argv, unsigned timeout_s, struct buf *out, struct buf *err, int *out_status)
{
	int64_t deadline = clock_mono_ns() + (int64_t)timeout_s * NS_PER_S;
	struct child c = CHILD_INIT;
	int o[2], e[2];
	bool ended;
	pid_t pid;

	if (pipe2(o, O_CLOEXEC) < 0)
		return false;
	if (pipe2(e, O_CLOEXEC) < 0) {
		close(o[0]);
		close(o[1]);
		return false;
	}
	c.argv = argv;
	c.fd[1] = o[1];
	c.fd[2] = e[1];
	c.own_group = true;
	pid = child_start(&c);
	close(o[1]);
	close(e[1]);
	ended = pid > 0 && collect_both(o[0], e[0], deadline, out, err);
	if (pid > 0) {
		if (!ended || !child_reap(pid, deadline, NULL, out_status)) {
			kill(-pid, SIGKILL);
			child_reap(pid, clock_mono_ns() + NS_PER_S, NULL, out_status);
			errno = ETIMEDOUT;
			ended = false;
		}
	}
	cleanup_close(&o[0]);
	cleanup_close(&e[0]);
	return ended;
}

bool child_reap(pid_t pid, int64_t deadline, struct transport_conn *conn, int *out_status)
{
	for (unsigned wait_ms = 1;; wait_ms = MIN(wait_ms * 2, 20u)) {
		struct pollfd p = {.fd = conn ? conn->err_fd : -1, .events = POLLIN};
		pid_t got = waitpid(pid, out_status, WNOHANG);

		if (got == pid)
			return true;
		if (got < 0 && errno != EINTR) {
			*out_status = 0; /* somebody else has reaped it */
			return true;
		}
		if (clock_mono_ns() >= deadline || signals_end_pending())
			return false;
		if (poll(&p, 1, (int)wait_ms) > 0) {
			transport_drain(conn);
			if (p.revents & (POLLHUP | POLLERR)) { /* would spin: sleep instead */
				p.fd = -1;
				poll(&p, 1, (int)wait_ms);
			}
		}
	}
}
