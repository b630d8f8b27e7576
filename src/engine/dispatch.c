#include "base/clock.h"
#include "base/text.h"
#include "engine/private.h"

#include <signal.h>
#include <stdio.h>

#define LASTED_NS (300 * NS_PER_S)

/* What workers say. They have parsed bytes of another host: every message is checked, and a bad one ends the run. */

void dispatch_malformed(struct engine *e, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_ENGINE_WORKER, 0, NULL, "a worker sent a malformed message (%s)", what);
	engine_fatal(e, &d);
}

/* ---- directories handed on ---- */

static char *join(const char *dir, const struct bytes *name)
{
	return *dir ? xasprintf("%s/%.*s", dir, (int)name->len, (const char *)name->p) : xmemdup(name->p, name->len);
}

static void give_mount(struct engine *e, const struct ipc_give *g)
{
	const struct mount *m = &e->plan.chosen[g->mount];
	AUTO_FREE char *dst = xmemdup(g->dst.p, g->dst.len);
	bool bare = g->flags & UNIT_BARE;

	if (!bare && e->mount_given[g->mount])
		return;
	if (!bare)
		e->mount_given[g->mount] = true;
	queue_add(&e->queue, UNIT_DIR, g->flags & (UNIT_NEW | UNIT_PARENTS | UNIT_BARE), g->mount, m->rel,
		bare ? dst : m->target_rel);
}

static void give(struct engine *e, struct worker *w, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct unit *u = worker_unit(w, rd_u32(&r));
	struct ipc_give g;

	if (!u) {
		dispatch_malformed(e, "unit");
		return;
	}
	while (ipc_give_get(&r, &g)) {
		if (g.other_mount) {
			if (g.mount >= e->plan.chosen_count) {
				dispatch_malformed(e, "mount");
				return;
			}
			give_mount(e, &g);
		} else if (!queue_unit_gave(u, &e->name_key, g.name.p, g.name.len, e->spill_dir)) {
			AUTO_FREE char *src = join(u->src, &g.name);
			AUTO_FREE char *dst = join(u->dst, &g.name);
			queue_add(&e->queue, UNIT_DIR, g.flags & (UNIT_NEW | UNIT_BARE), u->mount, src, dst);
		}
	}
	if (!rd_done(&r))
		dispatch_malformed(e, "give");
}

static void unit_done(struct engine *e, struct worker *w, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct unit *u = worker_unit(w, rd_u32(&r));
	bool ok = rd_u8(&r);
	uint64_t files = rd_u64(&r), bytes = rd_u64(&r);

	if (!rd_done(&r) || !u) {
		dispatch_malformed(e, "unit done");
		return;
	}
	if (u->share) {
		u->share->changed = u->share->changed || files;
		w->settled.done += u->len;
	} else {
		e->units_done_files += files;
		e->units_done_bytes += bytes;
		w->settled.files += files;
		w->settled.bytes += bytes;
		w->settled.done += bytes;
	}
	engine_link_used(e);
	worker_unit_done(e, w, u);
	if (u->share)
		share_segment_done(e, u->share, ok);
	queue_unit_free(u);
}

/* ---- shared files ---- */

#define SEGMENTS_MAX 4096
#define SHARES_MAX 64 /* of one worker: more than it holds open files */

void share_segment_done(struct engine *e, struct share *s, bool ok)
{
	struct worker *owner;
	AUTO_BUF msg = BUF_INIT;

	s->failed = s->failed || !ok;
	if (--s->left)
		return;
	owner = s->orphan ? NULL : worker_by_serial(e, s->worker);
	if (owner) {
		wr_u32(&msg, s->file);
		wr_u8(&msg, !s->failed);
		wr_u8(&msg, s->changed);
		worker_send(owner, IPC_SHARE_DONE, &msg);
	}
	for (struct share **p = &e->shares; *p; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
	free(s);
}

void shares_clear(struct engine *e)
{
	while (e->shares) {
		struct share *s = e->shares;
		e->shares = s->next;
		free(s);
	}
}

static unsigned shares_of(const struct engine *e, const struct worker *w)
{
	unsigned n = 0;

	for (const struct share *s = e->shares; s; s = s->next)
		n += s->worker == w->serial;
	return n;
}

static void share(struct engine *e, struct worker *w, const struct frame *f)
{
	struct ipc_share m;
	struct share *s;
	uint64_t step;
	AUTO_FREE char *src = NULL, *path = NULL, *basis_path = NULL;

	if (!ipc_share_get(f, &m) || m.mount >= e->plan.chosen_count || !m.size || m.size > INT64_MAX ||
		!worker_unit(w, m.unit) || shares_of(e, w) >= SHARES_MAX) {
		dispatch_malformed(e, "share");
		return;
	}
	s = xcalloc(1, sizeof(*s));
	s->worker = w->serial;
	s->file = m.file;
	s->next = e->shares;
	e->shares = s;
	src = xmemdup(m.src.p, m.src.len);
	path = xmemdup(m.path.p, m.path.len);
	basis_path = xmemdup(m.basis_path.p, m.basis_path.len);
	/* However long (sparse files have no bound), there are not many segments. */
	step = IPC_SHARE_SEGMENT * (m.size / ((uint64_t)IPC_SHARE_SEGMENT * SEGMENTS_MAX) + 1);
	/* Pushed backwards, so that the first segment is the first to be taken. */
	for (uint64_t n = (m.size - 1) / step + 1; n-- > 0;) {
		struct unit *u = queue_unit_new(UNIT_SEGMENT, 0, m.mount, src, "");
		u->share = s;
		u->path = xstrdup(path);
		u->basis_path = xstrdup(basis_path);
		u->size = m.size;
		u->off = n * step;
		u->len = MIN(m.size - u->off, step);
		u->basis = m.basis;
		u->ino = m.ino;
		u->mtime_ns = m.mtime_ns;
		s->left++;
		queue_push(&e->segments, u);
	}
}

/* ---- hard links ---- */

void links_wake(void *arg, uint32_t serial, uint64_t token, bool first, const struct link_target *to)
{
	struct worker *w = worker_by_serial(arg, serial);
	AUTO_BUF msg = BUF_INIT;

	if (!w)
		return;
	wr_u64(&msg, token);
	if (first) {
		worker_send(w, IPC_LINK_FIRST, &msg);
		return;
	}
	wr_u64(&msg, to->dev);
	wr_u64(&msg, to->ino);
	wr_str(&msg, to->path);
	worker_send(w, IPC_LINK_TO, &msg);
}

static void link_frame(struct engine *e, struct worker *w, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint64_t token = 0, dev, ino, tdev, tino;
	struct link_target to = {};

	if (f->type == IPC_LINK_CLAIM || f->type == IPC_LINK_BIND)
		token = rd_u64(&r);
	dev = rd_u64(&r);
	ino = rd_u64(&r);
	if (f->type == IPC_LINK_CLAIM) {
		enum claim c;
		rd_u64(&r);
		c = links_claim(e->links, dev, ino, w->serial, token, &to);
		if (c != CLAIM_WAIT)
			links_wake(e, w->serial, token, c == CLAIM_FIRST, &to);
	} else if (f->type == IPC_LINK_BIND) {
		AUTO_BUF msg = BUF_INIT;
		tdev = rd_u64(&r);
		tino = rd_u64(&r);
		wr_u64(&msg, token);
		wr_u8(&msg, links_bind(e->links, dev, ino, tdev, tino));
		worker_send(w, IPC_LINK_BOUND, &msg);
	} else if (f->type == IPC_LINK_COMMIT) {
		tdev = rd_u64(&r);
		tino = rd_u64(&r);
		AUTO_FREE char *path = rd_path(&r, WIRE_PATH_MAX);
		if (path)
			links_commit(e->links, dev, ino, tdev, tino, path, links_wake, e);
	} else {
		links_fail(e->links, dev, ino, links_wake, e);
	}
	if (!rd_done(&r))
		dispatch_malformed(e, "link");
}

/* ---- deletions ---- */

static void grant(struct engine *e, uint32_t serial, uint64_t token)
{
	struct worker *w = worker_by_serial(e, serial);
	AUTO_BUF msg = BUF_INIT;

	if (!w)
		return;
	wr_u64(&msg, token);
	wr_u64(&msg, e->delete_budget);
	worker_send(w, IPC_GRANT, &msg);
	e->budget_lent = e->delete_budget > 0;
	e->budget_holder = serial;
	if (!e->delete_budget && !e->budget_warned) {
		AUTO_DIAG d = DIAG_INIT;
		e->budget_warned = true;
		diag_set(&d, DIAG_ENGINE_MAX_DELETE, 0, NULL,
			"more than max_delete = %lld entries would have been deleted",
			(long long)e->job->conf->rules.max_delete);
		engine_diag(e, &d);
	}
}

/* What is left of the budget goes to one directory at a time; it gives back what it did not use. */
static void budget(struct engine *e, struct worker *w, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint64_t token = rd_u64(&r);

	if (!rd_done(&r) || e->ask_len >= WORKERS_MAX * IPC_UNITS_MAX) { /* a directory asks, and waits */
		dispatch_malformed(e, "budget");
	} else if (e->budget_lent) {
		e->asks = xrealloc(e->asks, (e->ask_len + 1) * sizeof(*e->asks));
		e->asks[e->ask_len++] = (struct budget_ask){w->serial, token};
	} else {
		grant(e, w->serial, token);
	}
}

static void next_ask(struct engine *e)
{
	e->budget_lent = false;
	while (!e->budget_lent && e->ask_len) {
		struct budget_ask a = e->asks[--e->ask_len];
		grant(e, a.worker, a.token);
	}
}

static void refund(struct engine *e, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint64_t back = rd_u64(&r);
	bool reached = rd_u8(&r);

	if (!rd_done(&r) || back > e->delete_budget || !e->budget_lent) {
		dispatch_malformed(e, "refund");
		return;
	}
	e->delete_budget = back;
	if (reached)
		e->delete_budget = 0;
	next_ask(e);
	if (reached && !e->budget_warned) {
		AUTO_DIAG d = DIAG_INIT;
		e->budget_warned = true;
		diag_set(&d, DIAG_ENGINE_MAX_DELETE, 0, NULL,
			"more than max_delete = %lld entries would have been deleted",
			(long long)e->job->conf->rules.max_delete);
		engine_diag(e, &d);
	}
}

void budget_worker_gone(struct engine *e, uint32_t serial)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->ask_len; i++)
		if (e->asks[i].worker != serial)
			e->asks[kept++] = e->asks[i];
	e->ask_len = kept;
	if (e->budget_lent && e->budget_holder == serial) {
		/* How much it had deleted is not known: nothing more is deleted, rather than too much. */
		e->delete_budget = 0;
		next_ask(e);
	}
}

/* ---- reports ---- */

static void item(struct engine *e, const struct frame *f)
{
	struct ipc_item m;
	AUTO_FREE char *path = NULL, *link = NULL;
	struct item i;

	if (!ipc_item_get(f, &m) || m.op > ITEM_DELETE || m.type >= META_TYPE_END) {
		dispatch_malformed(e, "item");
		return;
	}
	path = xmemdup(m.path.p, m.path.len);
	link = m.link.len ? xmemdup(m.link.p, m.link.len) : NULL;
	i = (struct item){
		.op = (enum item_op)m.op, .path = path, .type = m.type, .why = m.why, .bytes = m.bytes, .link = link};
	if (e->job->want_items && e->observer->item)
		e->observer->item(e->observer->arg, &i);
}

static void diag_frame(struct engine *e, struct worker *w, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	bool fatal = rd_u8(&r), failed = rd_u8(&r);
	AUTO_DIAG d = DIAG_INIT;

	if (!rd_diag(&r, &d) || !rd_done(&r)) {
		dispatch_malformed(e, "diagnostic");
		return;
	}
	/* What a receiver says before it has begun is text alone. */
	if (d.code == DIAG_RECEIVER_ROOT && !d.path)
		d.path = xstrdup(e->job->conf->target.root);
	if (fatal && d.code == DIAG_RECEIVER_ROOT && e->target_checked) {
		diag_move(&w->no_root, &d);
	} else if (fatal) {
		w->fatal_said = true;
		engine_fatal(e, &d);
	} else {
		e->failed_said += failed && e->job->kind != JOB_VERIFY;
		engine_diag(e, &d);
	}
}

/*
 * A unit may take longer than a link lasts: what the target has confirmed is not done again. The rest is, so it counts
 * only when the link has lasted for a while; else what breaks it at once, whenever it comes to that, would be tried for ever.
 */
static bool of_use(const struct worker *w, const struct ipc_count *c)
{
	return c->transferred || c->deleted || c->metadata || c->links || c->dirs ||
		((c->examined || c->literal || c->matched || c->hashed) && clock_mono_ns() - w->ready_ns > LASTED_NS);
}

static void count(struct engine *e, struct worker *w, const struct frame *f)
{
	struct ipc_count c;

	if (!ipc_count_get(f, &c)) {
		dispatch_malformed(e, "count");
		return;
	}
#define X(name) e->total.name += c.name;
	IPC_COUNTERS(X)
#undef X
	w->counted.files += c.examined;
	w->counted.bytes += c.examined_bytes;
	w->counted.done += c.done_bytes;
	if (of_use(w, &c))
		engine_link_used(e);
}

static void take_back(uint64_t *total, uint64_t counted, uint64_t settled)
{
	*total -= MIN(*total, counted > settled ? counted - settled : 0);
}

void dispatch_uncount(struct engine *e, const struct worker *w)
{
	take_back(&e->total.examined, w->counted.files, w->settled.files);
	take_back(&e->total.examined_bytes, w->counted.bytes, w->settled.bytes);
	take_back(&e->total.done_bytes, w->counted.done, w->settled.done);
}

static bool target_begin(struct engine *e, struct worker *w, const struct ipc_ready *r, struct diag *d)
{
	if (!target_check(e, r, d))
		return false;
	if (e->job->kind != JOB_VERIFY) {
		durable_target(e, w, r);
		durable_begin(e, r);
	}
	return e->job->dry_run || state_begin(e, d);
}

static void ready(struct engine *e, struct worker *w, const struct frame *f)
{
	const bool mover = e->job->kind != JOB_VERIFY;
	struct ipc_ready r;
	AUTO_DIAG d = DIAG_INIT;

	if (!ipc_ready_get(f, &r) || w->state != WORKER_STARTING) {
		dispatch_malformed(e, "ready");
		return;
	}
	if (!e->target_checked) {
		if (!target_begin(e, w, &r, &d)) {
			engine_fatal(e, &d);
			return;
		}
		e->target_checked = true;
	} else if (mover && !durable_target(e, w, &r)) {
		diag_set(&w->no_root, DIAG_ENGINE_OTHER_ROOT, 0, e->job->conf->target.root,
			"'%s' on the target is another directory than before", e->job->conf->target.root);
		w->discarded = true;
		kill(w->pid, SIGKILL);
		return;
	}
	worker_ready(e, w, &r);
	if (mover)
		durable_ready(e, w, &r);
}

static void synced(struct engine *e, struct worker *w, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	bool failed = rd_u8(&r);
	AUTO_DIAG d = DIAG_INIT;

	if (!rd_diag(&r, &d) || w->state != WORKER_SYNCING)
		dispatch_malformed(e, "synced");
	else if (failed)
		engine_fatal(e, &d);
	w->state = WORKER_SYNCED;
}

/* Once, however often it is said, and also when the unit is done again. */
static void defer(struct engine *e, struct unit *u)
{
	if (!u || u->deferred)
		return;
	u->deferred = true;
	queue_add(&e->deferred, UNIT_DIR, UNIT_REVISIT, u->mount, u->src, u->dst);
}

void dispatch_frame(struct engine *e, struct worker *w, const struct frame *f)
{
	bool mover = e->job->kind != JOB_VERIFY;

	switch (f->type) {
	case IPC_READY:
		ready(e, w, f);
		return;
	case IPC_GIVE:
		give(e, w, f);
		return;
	case IPC_UNIT_DONE:
		unit_done(e, w, f);
		return;
	case IPC_DIAG:
		diag_frame(e, w, f);
		return;
	case IPC_NOTE:
		engine_note(e, "%.*s", (int)f->len, (const char *)f->payload);
		return;
	case IPC_COUNT:
		count(e, w, f);
		return;
	case IPC_USED:
		target_limits_used(e, w, f);
		return;
	case IPC_DIFFERENCE:
		if (!mover) {
			verifyjob_difference(e, f);
			return;
		}
		break;
	case IPC_PAIR:
		if (!mover) {
			verifyjob_pair(e, f);
			return;
		}
		break;
	default:
		break;
	}
	if (!mover) {
		dispatch_malformed(e, "type");
		return;
	}
	switch (f->type) {
	case IPC_LINK_CLAIM:
	case IPC_LINK_BIND:
	case IPC_LINK_COMMIT:
	case IPC_LINK_FAIL:
		link_frame(e, w, f);
		break;
	case IPC_SHARE:
		share(e, w, f);
		break;
	case IPC_BUDGET:
		budget(e, w, f);
		break;
	case IPC_REFUND:
		refund(e, f);
		break;
	case IPC_LISTED: {
		struct rd r = rd_init(f->payload, f->len);
		struct unit *u = worker_unit(w, rd_u32(&r));
		if (u)
			u->listed = true;
		break;
	}
	case IPC_DEFER: {
		struct rd r = rd_init(f->payload, f->len);
		defer(e, worker_unit(w, rd_u32(&r)));
		break;
	}
	case IPC_ITEM:
		item(e, f);
		break;
	case IPC_SYNCED:
		synced(e, w, f);
		break;
	case IPC_EPOCH: {
		struct msg_epoch m;
		if (!msg_epoch_get(f, &m))
			dispatch_malformed(e, "epoch");
		else if (e->durable.begun)
			durable_epoch(e, w, &m);
		break;
	}
	default:
		dispatch_malformed(e, "type");
	}
}
