/* Connections and their probes, as the coordinator sees them. What a probe says is checked like anything from outside. */
#include "check/line.h"
#include "base/clock.h"
#include "base/signals.h"
#include "ipc/role.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 50
#define END_NS (2 * NS_PER_S)
#define ANSWER_NS (40 * NS_PER_S) /* a probe gives up by itself before; starting one has bounds of its own */

/* ---- one line ---- */

static void line_send(struct line *l, uint8_t type, const struct buf *b)
{
	int64_t wait;

	chan_send(&l->ipc, type, 0, b ? b->data : NULL, b ? b->len : 0);
	(void)chan_flush(&l->ipc, &wait); /* one that has gone is found out when its answer is awaited */
}

/* Checked again: the probe has read what another host sent. */
static bool take_part(struct line *l, const struct frame *f)
{
	struct operator_part m;

	if (!l->facts)
		l->facts = xcalloc(1, sizeof(*l->facts));
	return operator_part_get(f, &m) && sections_take(l->facts, &m) != SECTIONS_BAD;
}

static bool take_facts_done(struct line *l, const struct frame *f)
{
	struct operator_facts_done m;

	if (!l->facts || l->facts->open || !operator_facts_done_get(f, &m))
		return false;
	l->facts->got.live = m.live;
	l->facts->got.taken = m.taken;
	return true;
}

static bool take_image_done(struct line *l, const struct frame *f)
{
	struct operator_image_done m;

	if (!operator_image_done_get(f, &m))
		return false;
	l->image_made = m.made;
	return true;
}

static bool take_rtts(struct line *l, struct rd *r)
{
	for (l->rtt_count = 0; rd_left(r) && l->rtt_count < PINGS_MAX;)
		l->rtts[l->rtt_count++] = rd_u64(r);
	return rd_done(r) && l->rtt_count;
}

bool line_frame(struct lines *all, struct line *l, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct sysload load;
	struct bytes dir;

	if (f->type == PROBE_DIAG)
		return rd_diag(&r, &l->diag) && rd_done(&r);
	if (f->type == PROBE_FACTS_PART && l->waits_for == PROBE_FACTS_DONE)
		return take_part(l, f);
	if (!l->waits_for || f->type != l->waits_for)
		return false;
	l->waits_for = 0;
	switch (f->type) {
	case PROBE_READY:
		dir = rd_bytes(&r, sizeof(all->shared_dir) - 1);
		if (!rd_done(&r))
			return false;
		memcpy(all->shared_dir, dir.p, dir.len);
		all->shared_dir[dir.len] = '\0';
		return true;
	case PROBE_FACTS_PART: /* nobody waits for a part */
		return false;
	case PROBE_FACTS_DONE:
		return take_facts_done(l, f);
	case PROBE_IMAGE_DONE:
		return take_image_done(l, f);
	case PROBE_RTTS:
		return take_rtts(l, &r);
	case PROBE_FILLED:
		l->filled = rd_u64(&r);
		l->filled_ns = rd_u64(&r);
		return rd_done(&r);
	default:
		if (!msg_load_get(f, &load))
			return false;
		l->load = load;
		return true;
	}
}

static void line_read(struct lines *all, struct line *l)
{
	bool more = chan_fill(&l->ipc);
	enum frame_status s;
	struct frame f;

	while ((s = frame_decode(&l->ipc.in, &f)) == FRAME_READY && line_frame(all, l, &f))
		;
	l->ended = !more || s != FRAME_NEED_MORE;
	if (s == FRAME_NEED_MORE)
		return;
	if (!diag_is_set(&l->diag))
		diag_set(&l->diag, DIAG_CHECK_PROTOCOL, 0, NULL,
			"the process that talks to the target sent something malformed");
}

static void line_release(struct line *l)
{
	if (l->pid > 0) {
		kill(l->pid, SIGKILL);
		waitpid(l->pid, NULL, 0);
	}
	if (l->facts)
		sections_release(l->facts);
	free(l->facts);
	chan_release(&l->ipc);
	transport_conn_release(&l->conn);
	diag_release(&l->diag);
	*l = (struct line){.ipc.fd = -1};
}

/* It has ended: why. RES_RETRY: start again, with the other back end. */
static enum result line_why(struct lines *all, struct line *l, struct diag *d)
{
	AUTO_DIAG of_transport = DIAG_INIT;
	enum result r;
	int status = 0;

	if (l->pid > 0) {
		kill(l->pid, SIGKILL); /* does nothing to one that has ended, as it should have */
		waitpid(l->pid, &status, 0);
	}
	l->pid = 0;
	r = transport_collect(all->transport, &l->conn, &of_transport);
	if (r == RES_RETRY && !l->started)
		return r;
	if (diag_is_set(&l->diag))
		diag_move(d, &l->diag);
	else if (diag_is_set(&of_transport))
		diag_move(d, &of_transport);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == PROBE_LOST)
		diag_set(d, DIAG_CHECK_LOST, 0, NULL, "the connection to '%s' ended, or is silent",
			transport_name(all->transport));
	else
		diag_set(d, DIAG_CHECK_PROCESS, 0, NULL,
			"the process that talks to the target ended unexpectedly (status %d)", status);
	return RES_FATAL;
}

/* ---- all of them ---- */

static void turn(struct lines *all, struct line *l, size_t n)
{
	struct pollfd p[2 * NETCHECK_PROCESSES_MAX];
	int64_t wait;

	for (size_t i = 0; i < n; i++) {
		p[2 * i] = (struct pollfd){.fd = l[i].ended ? -1 : l[i].ipc.fd, .events = POLLIN};
		if (chan_unsent(&l[i].ipc))
			p[2 * i].events |= POLLOUT;
		p[2 * i + 1] = (struct pollfd){.fd = l[i].conn.err_fd, .events = POLLIN};
	}
	poll(p, 2 * n, TICK_MS);
	for (size_t i = 0; i < n; i++) {
		if (p[2 * i].revents & POLLOUT)
			(void)chan_flush(&l[i].ipc, &wait);
		if (p[2 * i].revents & ~POLLOUT)
			line_read(all, &l[i]);
		if (p[2 * i + 1].revents)
			transport_drain(&l[i].conn);
	}
}

/* Until these n have answered, or one of them has ended or is late, which is then returned; so it is when a signal is to end us
 * that is blocked for now. */
static struct line *await(struct lines *all, struct line *l, size_t n, int64_t deadline)
{
	struct line *waiting;

	do {
		waiting = NULL;
		turn(all, l, n);
		if (all->tick)
			all->tick(all->arg);
		for (size_t i = 0; i < n; i++) {
			if (l[i].ended)
				return &l[i];
			if (l[i].waits_for)
				waiting = &l[i];
		}
	} while (waiting && clock_mono_ns() < deadline && !signals_end_pending());
	if (waiting && !diag_is_set(&waiting->diag))
		diag_set(&waiting->diag, DIAG_CHECK_LOST, 0, NULL, "'%s' takes too long to answer",
			transport_name(all->transport));
	return waiting;
}

bool lines_ask(struct lines *l, size_t n, uint8_t type, const struct buf *payload, struct diag *d)
{
	static const uint8_t answers[] = {[PROBE_PING] = PROBE_RTTS,
		[PROBE_FILL] = PROBE_FILLED,
		[PROBE_LOAD] = PROBE_LOAD_OK,
		[PROBE_FACTS] = PROBE_FACTS_DONE,
		[PROBE_IMAGE] = PROBE_IMAGE_DONE};
	struct line *ended;

	for (size_t i = 0; i < n; i++) {
		l->line[i].waits_for = answers[type];
		line_send(&l->line[i], type, payload);
	}
	ended = await(l, l->line, n, clock_mono_ns() + (l->answer_ns ? l->answer_ns : ANSWER_NS));
	if (ended)
		line_why(l, ended, d);
	return !ended;
}

static struct transport_receiver receiver(const struct conf *c, bool operate)
{
	return (struct transport_receiver){.root = c->target.root,
		.read_only = !operate,
		.operate = operate,
		.sudo = c->target.sudo,
		.helper = c->target.helper};
}

static bool start(struct lines *all, struct line *l, struct diag *d)
{
	struct transport_receiver r = receiver(all->conf, all->operate);
	const char *path = transport_helper_path();
	AUTO_CLOSE int helper = -1;
	AUTO_BUF bootstrap = BUF_INIT;
	AUTO_BUF b = BUF_INIT;
	int pair[2];

	*l = (struct line){.ipc.fd = -1};
	if (!transport_start(all->transport, &r, &l->conn, d))
		return false;
	if (transport_kind(all->transport) != TRANSPORT_LOCAL && path)
		helper = open(path, O_RDONLY | O_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		const int fds[] = {pair[1], l->conn.fd, helper, all->throttle_fd};

		chan_init(&l->ipc, pair[0]);
		l->pid = role_start("probe", fds, ARRAY_LEN(fds));
		close(pair[1]);
	}
	if (l->pid <= 0) {
		diag_set(d, DIAG_CHECK_PROCESS, errno, NULL, "cannot start a process");
		return false;
	}
	close(l->conn.fd); /* the probe's alone: its end must be seen by the process behind it */
	l->conn.fd = -1;
	transport_bootstrap_pack(all->transport, &r, &bootstrap);
	wr_u8(&b, all->operate);
	wr_bytes(&b, bootstrap.data, bootstrap.len);
	wr_str(&b, all->shared_dir);
	l->waits_for = PROBE_READY;
	line_send(l, PROBE_CONFIG, &b);
	return true;
}

bool lines_add(struct lines *l, struct diag *d)
{
	struct line *new = &l->line[l->n];
	enum result r;

	do {
		AUTO_DIAG why = DIAG_INIT;

		r = !start(l, new, &why) ? RES_FATAL : !await(l, new, 1, INT64_MAX) ? RES_OK : line_why(l, new, &why);
		if (r == RES_OK)
			new->started = true;
		else
			line_release(new);
		if (r == RES_FATAL)
			diag_move(d, &why);
	} while (r == RES_RETRY);
	l->n += r == RES_OK;
	return r == RES_OK;
}

void lines_end(struct lines *l)
{
	int64_t deadline = clock_mono_ns() + END_NS;
	size_t left = l->n;

	for (size_t i = 0; i < l->n; i++)
		line_send(&l->line[i], PROBE_END, NULL);
	while (left && clock_mono_ns() < deadline) {
		turn(l, l->line, l->n);
		left = 0;
		for (size_t i = 0; i < l->n; i++)
			left += !l->line[i].ended;
	}
	for (size_t i = 0; i < l->n; i++) {
		AUTO_DIAG ignored = DIAG_INIT;

		line_why(l, &l->line[i], &ignored);
		line_release(&l->line[i]);
	}
	l->n = 0;
}
