#include "mover/claim.h"
#include "base/path.h"
#include "mover/dir.h"
#include "mover/drain.h"
#include "mover/state.h"
#include "mover/tell.h"

#include <errno.h>

static void claim(struct mover *m, const struct link_wait *w)
{
	ipc_link_claim_send(
		&m->ipc, &(struct ipc_link_claim){.token = w->id, .dev = w->dev, .ino = w->ino, .group = w->group});
}

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
	claim(m, w);
	return w;
}

#define GROUPS_MAX 64

static uint64_t group_of(const struct mover *m, const struct link_wait *w, int err, uint64_t dev)
{
	AUTO_FREE char *path = path_join(w->dir->dst, w->name);

	if (err == EMLINK) /* behind the inode that is full */
		return digest_name(&m->digest_key, &w->to_ino, sizeof(w->to_ino)) ^ w->to_dev;
	if (err == EXDEV && !w->group) /* with those that lie there, too */
		return digest_name(&m->digest_key, &dev, sizeof(dev));
	return digest_name(&m->digest_key, path, strlen(path)); /* alone */
}

bool link_regroup(struct mover *m, struct link_wait *w, int err, uint64_t dev)
{
	if (++w->regrouped > (err == EMLINK ? GROUPS_MAX : 3))
		return false;
	w->group = group_of(m, w, err, dev);
	w->have_claim = w->first = w->bound = false;
	free(w->copy_of);
	w->copy_of = STEAL(w->to);
	w->copy_err = err;
	claim(m, w);
	return true;
}

void link_release(struct mover *m, struct link_wait *w)
{
	struct dir *d = w->dir;

	slots_remove(&m->slots, w->id);
	m->links--;
	free(w->name);
	free(w->to);
	free(w->copy_of);
	free(w);
	dir_pending_done(m, d);
}

void link_committed(struct mover *m, struct link_wait *w, bool ok, uint64_t tdev, uint64_t tino)
{
	if (ok) {
		AUTO_FREE char *path = path_join(w->dir->dst, w->name);

		ipc_link_commit_send(&m->ipc,
			&(struct ipc_link_commit){.dev = w->dev,
				.ino = w->ino,
				.group = w->group,
				.tdev = tdev,
				.tino = tino,
				.path = bytes_of(path)});
	} else {
		ipc_link_fail_send(&m->ipc, &(struct ipc_link_fail){.dev = w->dev, .ino = w->ino, .group = w->group});
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
