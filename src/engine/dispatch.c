#include "engine/dispatch.h"
#include "engine/coordinator.h"
#include "engine/linking.h"
#include "engine/shares.h"
#include "engine/target_limits.h"

static void on_item(struct engine *e, struct worker *w, const struct ipc_item *m)
{
	AUTO_FREE char *path = NULL, *link = NULL;
	struct item i;

	if (m->op > ITEM_DELETE || m->type >= META_TYPE_END) {
		engine_malformed(e, "item");
		return;
	}
	path = xmemdup(m->path.p, m->path.len);
	link = m->link.len ? xmemdup(m->link.p, m->link.len) : NULL;
	i = (struct item){.op = (enum item_op)m->op,
		.path = path,
		.type = m->type,
		.why = m->why,
		.bytes = m->bytes,
		.link = link};
	if (e->job->want_items && e->observer->item)
		e->observer->item(e->observer->arg, &i);
}

/* Takes what it is given. */
static void on_diag(struct engine *e, struct worker *w, const struct ipc_diag *m)
{
	AUTO_DIAG d = m->diag;

	/* What a receiver says before it has begun is text alone. */
	if (d.code == DIAG_RECEIVER_ROOT && !d.path)
		d.path = xstrdup(e->job->conf->target.root);
	if (m->fatal && d.code == DIAG_RECEIVER_ROOT && e->target.checked) {
		diag_move(&w->no_root, &d);
	} else if (m->fatal) {
		w->fatal_said = true;
		engine_fatal(e, &d);
	} else {
		e->totals.failed_said += m->failed && e->job->kind != JOB_VERIFY;
		if (m->failed && e->job->kind == JOB_VERIFY && d.path)
			verifyjob_unread(e, d.path);
		engine_diag(e, &d);
	}
}

static void on_note(struct engine *e, struct worker *w, const struct ipc_note *m)
{
	engine_note(e, "%.*s", (int)m->text.len, (const char *)m->text.p);
}

/* Takes what it is given. */
static void on_synced(struct engine *e, struct worker *w, const struct ipc_synced *m)
{
	AUTO_DIAG d = m->diag;

	if (w->state != WORKER_SYNCING)
		engine_malformed(e, "synced");
	else if (m->failed)
		engine_fatal(e, &d);
	w->state = WORKER_SYNCED;
}

void dispatch_frame(struct engine *e, struct worker *w, const struct frame *f)
{
	const enum ipc_role role = e->job->kind == JOB_VERIFY ? IPC_ROLE_VERIFIER : IPC_ROLE_MOVER;

	switch (f->type) {
#define X(NAME, name, roles)                                            \
	case IPC_##NAME: {                                              \
		struct ipc_##name m;                                    \
		if (IPC_ROLE_##roles & role && ipc_##name##_get(f, &m)) \
			on_##name(e, w, &m);                            \
		else                                                    \
			engine_malformed(e, #name);                     \
		return;                                                 \
	}
		IPC_TO_COORDINATOR(X)
#undef X
	default:
		engine_malformed(e, "type");
	}
}

void dispatch_frames(struct engine *e, struct worker *w)
{
	struct frame f;
	enum frame_status s;

	while (!e->stop && (s = frame_decode(&w->ipc.in, &f)) == FRAME_READY)
		if (!w->discarded)
			dispatch_frame(e, w, &f);
	if (!e->stop && s == FRAME_BAD)
		engine_malformed(e, "frame");
}
