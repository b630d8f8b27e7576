#include "engine/durable.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine/coordinator.h"

#include <string.h>

#define CLOCK_SLACK (2 * NS_PER_S) /* coarse times of inodes, and a clock that is being corrected */
#define KEEP_NS (5 * NS_PER_S)
/* A receiver whose link is lost may go on for a while with what it has been sent: until it surely has ended, another one
 * brings everything on its host to the disk. */
#define FLUSH_NS (15 * NS_PER_S)
#define SETTLED_NS (300 * NS_PER_S)

_Static_assert(STATE_TIME_MAX == WIRE_TIME_MAX, "what has not ended in the state has not ended for the receivers");

static struct unclean *own(struct engine *e)
{
	return &e->state.unclean[e->state.unclean_len - 1];
}

/* Which walk it is: only one that comes by the same places clears what an earlier one has left. */
static uint64_t walk_id(const struct engine *e)
{
	static const uint8_t seed[16];
	struct digest_key key;
	AUTO_BUF b = BUF_INIT;

	wr_str(&b, e->job->conf->source.root);
	rules_pack(e->rules, &b);
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		wr_str(&b, e->plan.chosen[i].rel);
	digest_key_init(&key, seed);
	return digest_name(&key, b.data, b.len) | 1;
}

/* Where does it end, if `now` is the first the target says after it? Nowhere, when its clock has been set back. */
static int64_t end_of(const struct unclean *u, int64_t now)
{
	int64_t here = clock_real_ns() - u->at, there = now - u->from;

	return there < 0 || there < here - here / 1000 - CLOCK_SLACK ? WIRE_TIME_MAX : now;
}

/* What another target was given is no business of this run. */
static bool of_target(const struct engine *e, const struct unclean *u)
{
	return str_eq(u->target, e->durable.target);
}

static void close_open(struct engine *e, int64_t now)
{
	struct job_state *s = &e->state;

	for (size_t i = 0; i < s->unclean_len; i++)
		if (of_target(e, &s->unclean[i]) && s->unclean[i].to == STATE_TIME_MAX)
			s->unclean[i].to = end_of(&s->unclean[i], now);
}

/* While there are too many, the two oldest become one, which no walk clears if theirs differ. */
static void make_room(struct engine *e)
{
	struct job_state *s = &e->state;
	size_t n, at[2];

	for (;;) {
		struct unclean *old, *next;

		n = 0;
		for (size_t i = 0; i < s->unclean_len; i++) {
			if (!of_target(e, &s->unclean[i]))
				continue;
			if (n < ARRAY_LEN(at))
				at[n] = i;
			n++;
		}
		if (n < STATE_UNCLEAN_MAX)
			return;
		old = &s->unclean[at[0]];
		next = &s->unclean[at[1]];
		next->from = MIN(old->from, next->from);
		next->to = MAX(old->to, next->to);
		next->walk = old->walk == next->walk ? next->walk : 0;
		state_unclean_drop(s, at[0]);
	}
}

static void open_own(struct engine *e, int64_t now)
{
	int64_t here = clock_real_ns();

	make_room(e);
	*state_unclean_add(&e->state) = (struct unclean){.from = MAX(now - CLOCK_SLACK, INT64_C(0)),
		.to = STATE_TIME_MAX,
		.at = here,
		.walk = e->durable.walk,
		.target = xstrdup(e->durable.target)};
	e->durable.until = now;
	e->durable.until_at = here;
	e->durable.host = WIRE_TIME_MAX;
}

static void keep(struct engine *e)
{
	own(e)->from = MAX(e->durable.until - CLOCK_SLACK, INT64_C(0));
	own(e)->at = e->durable.until_at;
}

static void send_suspects(struct engine *e, struct worker *w)
{
	AUTO_BUF b = BUF_INIT;

	for (const struct unclean *u = e->state.unclean; u < own(e); u++)
		if (of_target(e, u))
			msg_suspect_put(&b, &(struct suspect){u->from, u->to});
	worker_send_suspect(w, &(struct ipc_suspect){.intervals = {b.data, b.len}});
}

void durable_begin(struct engine *e, const struct ipc_ready *r)
{
	e->durable.target = state_key(e->job);
	e->durable.walk = walk_id(e);
	close_open(e, r->now);
	open_own(e, r->now);
	e->durable.begun = true;
}

void durable_ready(struct engine *e, struct worker *w, const struct ipc_ready *r)
{
	w->durable = r->now;
	send_suspects(e, w);
}

/* ---- while it runs ---- */

void on_epoch(struct engine *e, struct worker *w, const struct ipc_epoch *epoch)
{
	const struct msg_epoch *m = &epoch->epoch;
	int64_t until;

	if (!e->durable.begun)
		return;
	w->durable = m->time;
	if (m->all && e->durable.host != WIRE_TIME_MAX)
		e->durable.host = clock_mono_ns() - e->durable.lost_ns > SETTLED_NS ? WIRE_TIME_MAX : m->time;
	until = e->durable.host;
	for (const struct worker *o = e->workers.first; o; o = o->next)
		if (worker_works(o))
			until = MIN(until, o->durable);
	if (until == WIRE_TIME_MAX || until == e->durable.until)
		return;
	e->durable.until = until;
	e->durable.until_at = clock_real_ns();
}

void durable_lost(struct engine *e, const struct worker *w)
{
	e->durable.host = MIN(e->durable.host, w->durable);
	e->durable.lost_ns = clock_mono_ns();
	e->durable.asked_ns = 0;
}

static void ask_flush(struct engine *e, int64_t now)
{
	struct worker *w = e->workers.first;

	while (w && w->state != WORKER_READY)
		w = w->next;
	if (!w)
		return;
	worker_send_flush(w, &(struct ipc_flush){});
	e->durable.asked_ns = now;
}

void durable_tick(struct engine *e)
{
	int64_t now = clock_mono_ns(), from;
	AUTO_DIAG d = DIAG_INIT;

	if (!e->durable.begun || e->job->dry_run)
		return;
	if (e->durable.host != WIRE_TIME_MAX && now - e->durable.asked_ns > FLUSH_NS)
		ask_flush(e, now);
	from = own(e)->from;
	if (now - e->durable.kept_ns < KEEP_NS)
		return;
	e->durable.kept_ns = now;
	keep(e);
	if (own(e)->from != from)
		(void)state_write(e->job, &e->state, &d); /* what is there is older: it costs more and is as right */
}

void durable_end(struct engine *e, bool whole)
{
	struct job_state *s = &e->state;

	if (!e->durable.begun)
		return;
	if (!whole) {
		keep(e);
		return;
	}
	state_unclean_drop(s, s->unclean_len - 1);
	for (size_t i = s->unclean_len; i-- > 0 && e->out->exit_code == EXIT_DONE;)
		if (of_target(e, &s->unclean[i]) && s->unclean[i].walk == e->durable.walk)
			state_unclean_drop(s, i);
}

void durable_again(struct engine *e, struct worker *w, int64_t now)
{
	AUTO_DIAG d = DIAG_INIT;

	keep(e);
	own(e)->to = end_of(own(e), now);
	open_own(e, now);
	if (!e->job->dry_run && !state_write(e->job, &e->state, &d))
		engine_fatal(e, &d);
	if (w)
		send_suspects(e, w);
}
