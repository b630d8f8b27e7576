#include "engine/shares.h"
#include "engine/coordinator.h"
#include "engine/queue.h"

#define SEGMENTS_MAX 4096
#define SHARES_MAX 64 /* of one worker: more than it holds open files */

void share_segment_done(struct engine *e, struct share *s, bool ok)
{
	struct worker *owner;

	s->failed = s->failed || !ok;
	if (--s->left)
		return;
	owner = s->orphan ? NULL : worker_by_serial(e, s->worker);
	if (owner)
		worker_send_share_done(
			owner, &(struct ipc_share_done){.file = s->file, .ok = !s->failed, .changed = s->changed});
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

void shares_worker_gone(struct engine *e, uint32_t serial)
{
	for (struct share *s = e->shares; s; s = s->next)
		if (s->worker == serial)
			s->orphan = true;
}

static unsigned shares_of(const struct engine *e, const struct worker *w)
{
	unsigned n = 0;

	for (const struct share *s = e->shares; s; s = s->next)
		n += s->worker == w->serial;
	return n;
}

void on_share(struct engine *e, struct worker *w, const struct ipc_share *m)
{
	struct share *s;
	uint64_t step;
	AUTO_FREE char *src = NULL, *path = NULL, *basis_path = NULL;

	if (m->mount >= e->plan.chosen_count || !m->size || m->size > INT64_MAX || !worker_find_unit(w, m->unit) ||
		shares_of(e, w) >= SHARES_MAX) {
		engine_malformed(e, "share");
		return;
	}
	s = xcalloc(1, sizeof(*s));
	s->worker = w->serial;
	s->file = m->file;
	s->next = e->shares;
	e->shares = s;
	src = xmemdup(m->src.p, m->src.len);
	path = xmemdup(m->path.p, m->path.len);
	basis_path = xmemdup(m->basis_path.p, m->basis_path.len);
	/* However long (sparse files have no bound), there are not many segments. */
	step = IPC_SHARE_SEGMENT * (m->size / ((uint64_t)IPC_SHARE_SEGMENT * SEGMENTS_MAX) + 1);
	/* Pushed backwards, so that the first segment is the first to be taken. */
	for (uint64_t n = (m->size - 1) / step + 1; n-- > 0;) {
		struct unit *u = queue_unit_new(UNIT_SEGMENT, 0, m->mount, src, "");
		u->share = s;
		u->path = xstrdup(path);
		u->basis_path = xstrdup(basis_path);
		u->size = m->size;
		u->off = n * step;
		u->len = MIN(m->size - u->off, step);
		u->basis = m->basis;
		u->ino = m->ino;
		u->mtime_ns = m->mtime_ns;
		s->left++;
		queue_push(&e->walk.segments, u);
	}
}
