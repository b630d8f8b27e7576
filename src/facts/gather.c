/* Each probe in a child: what it writes is its section, when its time is over it is killed. */
#include "facts/facts.h"
#include "base/clock.h"
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
#define SECTION_MAX (16u << 20)

static const struct {
	const char *name;
	probe_fn probe;
} probes[] = {
	{"os", probe_os},
	{"kernel", probe_kernel},
	{"machine", probe_machine},
	{"disks", probe_disks},
	{"lvm", probe_lvm},
	{"mounts", probe_mounts},
	{"boot", probe_boot},
	{"network", probe_network},
	{"services", probe_services},
	{"processes", probe_processes},
	{"security", probe_security},
	{"time", probe_time},
	{"config", probe_config},
};
#define PROBES ARRAY_LEN(probes)

struct child {
	pid_t pid;
	int fd; /* -1: it has ended */
	struct buf text;
	const char *failed; /* why there is no section */
};

NORETURN static void child_main(const struct tree *t, probe_fn probe, int fd)
{
	cJSON *section = cJSON_CreateObject();
	char *text;
	size_t n, at = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	probe(t, section);
	text = cJSON_PrintUnformatted(section);
	n = text ? strlen(text) : 0;
	while (at < n) {
		ssize_t w = write(fd, text + at, n - at);

		if (w < 0 && errno != EINTR)
			_exit(1);
		at += w > 0 ? (size_t)w : 0;
	}
	_exit(n ? 0 : 1);
}

static void start(const struct tree *t, probe_fn probe, struct child *c)
{
	int pair[2];

	*c = (struct child){.fd = -1};
	if (pipe2(pair, O_CLOEXEC) < 0) {
		c->failed = "no pipe";
		return;
	}
	c->pid = fork();
	if (c->pid == 0)
		child_main(t, probe, pair[1]);
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
		if (c->text.len <= SECTION_MAX)
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

static void collect(struct child *all, int64_t deadline)
{
	for (;;) {
		struct pollfd p[PROBES];
		int64_t left = deadline - clock_mono_ns();
		nfds_t open = 0;

		for (size_t i = 0; i < PROBES; i++) {
			p[i] = (struct pollfd){.fd = all[i].fd, .events = POLLIN};
			open += all[i].fd >= 0;
		}
		if (!open)
			return;
		if (left > 0)
			poll(p, PROBES, (int)(left / NS_PER_MS) + 1);
		for (size_t i = 0; i < PROBES; i++) {
			struct child *c = &all[i];

			if (c->fd < 0)
				continue;
			if (left <= 0)
				c->failed = "it took too long";
			if (c->failed || (p[i].revents && !take(c)))
				end(c);
		}
	}
}

static void add_section(cJSON *facts, size_t i, struct child *c)
{
	cJSON *section = c->failed ? NULL : cJSON_ParseWithLength((const char *)c->text.data, c->text.len);

	if (section) {
		cJSON_AddItemToObject(facts, probes[i].name, section);
	} else {
		put_null(facts, probes[i].name);
		put_unknown(facts, probes[i].name, c->failed ? c->failed : "the probe ended unexpectedly", 0);
	}
	buf_release(&c->text);
}

static void put_head(cJSON *facts, const struct tree *t, const char *root)
{
	time_t now = time(NULL);
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_u64(facts, "schema", FACTS_SCHEMA);
	put_text(facts, "rehost", REHOST_VERSION);
	put_text(facts, "taken", when);
	put_text(facts, "root", root);
	put_bool(facts, "live", t->live);
	put_array(facts, "unknown");
}

cJSON *facts_gather(const struct facts_options *o, struct diag *d)
{
	const char *root = o->root ? o->root : "/";
	struct child children[PROBES];
	struct tree t;
	cJSON *facts;

	if (!tree_open(&t, root)) {
		diag_set(d, DIAG_FACTS_ROOT, errno, root, "cannot read the host below '%s'", root);
		return NULL;
	}
	facts = cJSON_CreateObject();
	put_head(facts, &t, root);
	for (size_t i = 0; i < PROBES; i++)
		start(&t, probes[i].probe, &children[i]);
	collect(children, clock_mono_ns() + (o->limit_ms ? o->limit_ms : LIMIT_MS) * NS_PER_MS);
	for (size_t i = 0; i < PROBES; i++)
		add_section(facts, i, &children[i]);
	tree_close(&t);
	return facts;
}
