#include "mover/claim.h"
#include "base/path.h"
#include "mover/dir.h"
#include "mover/drain.h"
#include "mover/state.h"
#include "mover/tell.h"

struct link_wait *link_new(struct mover *m, struct dir *d, const char *name, const struct meta *meta, bool have_state)
{
	struct link_wait *w = xcalloc(1, sizeof(*w));

	w->dir = d;
	w->name = xstrdup(name);
	w->type = meta->type;
	w->size = meta->type == META_REG ? meta->size : 0;
	w->dev = meta->dev;
	w->ino = meta->ino;
	w->have_state = have_state;
	w->id = slots_add(&m->slots, SLOT_LINK, w);
	d->pending++;
	m->links++;
	ipc_link_claim_send(&m->ipc, &(struct ipc_link_claim){.token = w->id, .dev = w->dev, .ino = w->ino});
	return w;
}

void link_release(struct mover *m, struct link_wait *w)
{
	struct dir *d = w->dir;

	slots_remove(&m->slots, w->id);
	m->links--;
	free(w->name);
	free(w->to);
	free(w);
	dir_pending_done(m, d);
}

void link_committed(struct mover *m, struct link_wait *w, bool ok, uint64_t tdev, uint64_t tino)
{
	if (ok) {
		AUTO_FREE char *path = path_join(w->dir->dst, w->name);

		ipc_link_commit_send(&m->ipc,
			&(struct ipc_link_commit){
				.dev = w->dev, .ino = w->ino, .tdev = tdev, .tino = tino, .path = bytes_of(path)});
	} else {
		ipc_link_fail_send(&m->ipc, &(struct ipc_link_fail){.dev = w->dev, .ino = w->ino});
	}
	link_release(m, w);
}

void link_failed(struct mover *m, struct link_wait *w)
{
	/* Whether it was or becomes the first: the next name takes its place. */
	w->failed = true;
	if (w->have_claim) {
		if (w->first)
			link_committed(m, w, false, 0, 0);
		else
			link_release(m, w);
	}
}
