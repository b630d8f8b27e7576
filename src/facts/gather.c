/* Each probe in a child: what it writes is its section, when its time is over it is killed. */
#include "facts/facts.h"
#include "base/clock.h"
#include "base/signals.h"
#include "base/fd.h"
#include "facts/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 10000
#define LOOK_MS 250 /* whether the peer is still there */

static const struct {
	const char *name;
	probe_fn probe;
} probes[] = {
	{"os", probe_os}, {"kernel", probe_kernel}, {"machine", probe_machine}, {"disks", probe_disks},
	{"lvm", probe_lvm}, {"mounts", probe_mounts}, {"boot", probe_boot}, {"network", probe_network},
	{"services", probe_services}, {"processes", probe_processes}, {"security", probe_security},
	{"time", probe_time}, {"config", probe_config},
	{"target_root", probe_target}, /* the last: not always asked for */
};
#define PROBES ARRAY_LEN(probes)

struct child {
	pid_t pid;
	int fd; /* -1: it has ended */
	struct buf text;
	const char *failed; /* why there is no section */
};

NORETURN static void child_main(const struct tree *t, probe_fn probe, int fd, pid_t parent)
{
	struct value *section = value_object();
	struct buf text = BUF_INIT;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	probe(t, section);
	value_print(&text, section);
	_exit(fd_write_full(fd, text.data, text.len) < 0);
}

static void start(const struct tree *t, probe_fn probe, struct child *c)
{
	const pid_t parent = getpid();
	int pair[2];

	*c = (struct child){.fd = -1};
	if (pipe2(pair, O_CLOEXEC) < 0) {
		c->failed = "no pipe";
		return;
	}
	c->pid = fork();
	if (c->pid == 0)
		child_main(t, probe, pair[1], parent);
	close(pair[1]);
	c->fd = pair[0];
	if (c->pid > 0)
		return;
	c->failed = "no process";
	close(c->fd);
	c->fd = -1;
}

/* False: it has ended. */
static bool take(struct child *c)
{
	ssize_t n = read(c->fd, buf_reserve(&c->text, 65536), 65536);

	if (n > 0) {
		c->text.len += (size_t)n;
		if (c->text.len <= FACTS_SECTION_MAX)
			return true;
		c->failed = "it is too large";
	}
	return n < 0 && errno == EINTR;
}

static void end(struct child *c)
{
	int status = 0;

	close(c->fd);
	c->fd = -1;
	if (c->failed)
		kill(c->pid, SIGKILL);
	/* One that waits for a device cannot be ended: it is left to itself. */
	if (waitpid(c->pid, &status, c->failed ? WNOHANG : 0) == c->pid && !c->failed &&
		!(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		c->failed = "the probe ended unexpectedly";
}

/* False: there is nobody left to gather for. */
static bool may_go_on(const struct facts_options *o)
{
	struct pollfd p = {.fd = o->peer, .events = POLLRDHUP};

	return !o->has_peer || poll(&p, 1, 0) <= 0 || !(p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL));
}

/* One round. False: all have ended. */
static bool collect_some(struct child *all, size_t n, int64_t deadline)
{
	struct pollfd p[PROBES];
	/* A signal that is blocked, and is to end us, waits for nothing more. */
	int64_t left = signals_end_pending() ? 0 : deadline - clock_mono_ns();
	nfds_t open = 0;

	for (size_t i = 0; i < n; i++) {
		p[i] = (struct pollfd){.fd = all[i].fd, .events = POLLIN};
		open += all[i].fd >= 0;
	}
	if (!open)
		return false;
	if (left > 0 && poll(p, n, (int)MIN(left / NS_PER_MS + 1, (int64_t)LOOK_MS)) < 0)
		return true;
	for (size_t i = 0; i < n; i++) {
		struct child *c = &all[i];

		if (c->fd < 0)
			continue;
		if (left <= 0)
			c->failed = "it took too long";
		if (c->failed || (p[i].revents && !take(c)))
			end(c);
	}
	return true;
}

/* False: nobody wants it any more, and all children are gone. */
static bool collect(const struct facts_options *o, struct child *all, size_t n)
{
	int64_t deadline =
		clock_mono_ns() + (o->limit_ms ? MIN(o->limit_ms, FACTS_LIMIT_MAX_MS) : LIMIT_MS) * NS_PER_MS;

	while (collect_some(all, n, deadline)) {
		if (may_go_on(o))
			continue;
		for (size_t i = 0; i < n; i++) {
			all[i].failed = "nobody wants it";
			if (all[i].fd >= 0)
				end(&all[i]);
		}
		return false;
	}
	return true;
}

static void keep(struct facts_sections *out, const char *name, struct child *c)
{
	struct facts_section *s = &out->all[out->count++];

	snprintf(s->name, sizeof(s->name), "%s", name);
	s->text = c->text;
	c->text = (struct buf)BUF_INIT;
	s->unknown = c->failed ? xstrdup(c->failed) : NULL;
}

void facts_sections_release(struct facts_sections *s)
{
	for (size_t i = 0; i < s->count; i++) {
		buf_release(&s->all[i].text);
		free(s->all[i].unknown);
	}
	*s = (struct facts_sections){};
}

bool facts_gather_sections(const struct facts_options *o, struct facts_sections *out, struct diag *d)
{
	const char *root = o->root ? o->root : "/";
	const size_t n = o->target ? PROBES : PROBES - 1;
	struct child children[PROBES];
	struct tree t;
	bool ok;

	*out = (struct facts_sections){};
	if (!may_go_on(o))
		return false;
	if (!tree_open(&t, root)) {
		diag_set(d, DIAG_FACTS_ROOT, errno, root, "cannot read the host below '%s'", root);
		return false;
	}
	t.target = o->target;
	out->live = t.live;
	out->taken = time(NULL);
	for (size_t i = 0; i < n; i++)
		start(&t, probes[i].probe, &children[i]);
	ok = collect(o, children, n);
	for (size_t i = 0; i < n; i++)
		keep(out, probes[i].name, &children[i]);
	tree_close(&t);
	if (!ok)
		facts_sections_release(out);
	return ok;
}
