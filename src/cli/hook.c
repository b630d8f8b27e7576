#include "cli/hook.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "diag/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often the process is looked for when its output has ended, which mostly comes with its end. */
#define TICK_MS 20
#define LISTEN_MS 200
#define GRACE_NS NS_PER_S /* between SIGTERM and SIGKILL */
#define LINE_MAX_BYTES 1024 /* a longer one is cut in pieces */

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

struct run {
	const struct hook *hook;
	pid_t pid;
	int output, signals; /* output -1: at its end */
	struct buf line;
	int64_t deadline;
	bool told_to_end, timed_out;
	int signal;
};

static void close_others(void)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536)
		limit.rlim_cur = 65536;
	for (int fd = 3; fd < (int)limit.rlim_cur; fd++)
		close(fd);
}

static NORETURN void child(const struct hook *h, int output, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	setsid(); /* no terminal to ask at, and none that signals it beside us */
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(open("/dev/null", O_RDONLY), STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
		dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	close_others();
	for (const char *const *e = h->environment; *e; e++)
		putenv((char *)*e);
	execl("/bin/sh", "sh", "-c", h->command, (char *)NULL);
	dprintf(STDERR_FILENO, "cannot run /bin/sh: %s\n", strerror(errno));
	_exit(127);
}

static bool start(struct run *r)
{
	pid_t self = getpid();
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return false;
	r->pid = fork();
	if (r->pid == 0)
		child(r->hook, p[1], self);
	close(p[1]);
	r->output = p[0];
	return r->pid > 0 && fd_set_nonblock(r->output, true) == 0;
}

static void say_line(struct run *r, size_t n)
{
	AUTO_BUF text = BUF_INIT, clean = BUF_INIT;

	buf_append(&text, r->line.data, n);
	text_clean(&clean, text.data, text.len);
	if (clean.len)
		r->hook->line(r->hook->arg, buf_cstr(&clean));
}

static void say_lines(struct run *r, bool last)
{
	while (r->line.len) {
		const uint8_t *end = memchr(r->line.data, '\n', r->line.len);
		size_t n = end ? (size_t)(end - r->line.data) : r->line.len;

		if (!end && n < LINE_MAX_BYTES && !last)
			return;
		n = MIN(n, (size_t)LINE_MAX_BYTES);
		say_line(r, n);
		buf_consume(&r->line, n + (end == r->line.data + n));
	}
}

static void listen_once(struct run *r)
{
	ssize_t n = read(r->output, buf_reserve(&r->line, 4096), 4096);

	if (n > 0) {
		r->line.len += (size_t)n;
		say_lines(r, false);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(r->output);
		r->output = -1;
	}
}

/* At the first call asks, at the second insists. */
static void end(struct run *r)
{
	kill(-r->pid, r->told_to_end ? SIGKILL : SIGTERM);
	r->deadline = r->told_to_end ? INT64_MAX : clock_mono_ns() + GRACE_NS;
	r->told_to_end = true;
}

static void wait_a_while(struct run *r)
{
	struct pollfd p[2] = {{.fd = r->signals, .events = POLLIN}, {.fd = r->output, .events = POLLIN}};
	struct signalfd_siginfo s;
	int64_t now;

	poll(p, 2, r->output >= 0 ? LISTEN_MS : TICK_MS);
	if (r->output >= 0 && p[1].revents)
		listen_once(r);
	if (p[0].revents && read(r->signals, &s, sizeof(s)) == sizeof(s) && !r->signal) {
		r->signal = (int)s.ssi_signo;
		if (!r->told_to_end)
			end(r);
	}
	now = clock_mono_ns();
	if (now >= r->deadline) {
		r->timed_out = r->timed_out || !r->told_to_end;
		end(r);
	}
}

static bool tell(const struct run *r, int status, struct buf *why)
{
	if (r->timed_out) {
		buf_append_str(why, "it took longer than ");
		text_duration(why, (uint64_t)(r->hook->timeout_ns / NS_PER_S));
	} else if (r->told_to_end) {
		buf_printf(why, "ended by signal %d to rehost", r->signal);
	} else if (WIFSIGNALED(status)) {
		buf_printf(why, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	} else if (WEXITSTATUS(status)) {
		buf_printf(why, "exit code %d", WEXITSTATUS(status));
	} else {
		return true;
	}
	return false;
}

bool hook_run(const struct hook *h, struct buf *out_why, int *out_signal)
{
	struct run r = {.hook = h, .output = -1, .deadline = clock_mono_ns() + h->timeout_ns};
	sigset_t set;
	int status = 0;
	bool ok = false;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	r.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (r.signals < 0 || !start(&r)) {
		buf_printf(out_why, "cannot start a process: %s", strerror(errno));
		goto out;
	}
	while (waitpid(r.pid, &status, WNOHANG) == 0)
		wait_a_while(&r);
	if (r.told_to_end)
		kill(-r.pid, SIGKILL); /* what the shell has left behind */
	for (int i = 0; i < 64 && r.output >= 0; i++) /* what is left in the pipe; a child of its may go on writing */
		listen_once(&r);
	say_lines(&r, true);
	ok = tell(&r, status, out_why);
out:
	*out_signal = r.signal;
	buf_release(&r.line);
	if (r.output >= 0)
		close(r.output);
	if (r.signals >= 0)
		close(r.signals);
	return ok;
}
