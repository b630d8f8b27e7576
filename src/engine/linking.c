#include "engine/linking.h"
#include "engine/coordinator.h"
#include "engine/links.h"

#include <errno.h>

bool linking_begin(struct engine *e, struct diag *d)
{
	links_free(e->links);
	e->links = links_new(e->walk.spill_dir);
	if (e->links)
		return true;
	diag_set(d, DIAG_ENGINE_ROOM, errno, e->walk.spill_dir, "cannot make the table of hard links in '%s'",
		e->walk.spill_dir ? e->walk.spill_dir : "memory");
	return false;
}

static void wake(void *arg, uint32_t serial, uint64_t token, bool first, const struct link_target *to)
{
	struct worker *w = worker_by_serial(arg, serial);

	if (w && first)
		worker_send_link_first(w, &(struct ipc_link_first){.token = token});
	else if (w)
		worker_send_link_to(w,
			&(struct ipc_link_to){
				.token = token, .dev = to->dev, .ino = to->ino, .path = bytes_of(to->path)});
}

void linking_worker_gone(struct engine *e, uint32_t serial)
{
	if (e->links)
		links_worker_gone(e->links, serial, wake, e);
}

void on_link_claim(struct engine *e, struct worker *w, const struct ipc_link_claim *m)
{
	struct link_target to = {};
	enum claim c = links_claim(e->links, m->dev, m->ino, m->group, w->serial, m->token, &to);

	if (c != CLAIM_WAIT)
		wake(e, w->serial, m->token, c == CLAIM_FIRST, &to);
}

void on_link_bind(struct engine *e, struct worker *w, const struct ipc_link_bind *m)
{
	bool ok = links_bind(e->links, m->dev, m->ino, m->tdev, m->tino);

	worker_send_link_bound(w, &(struct ipc_link_bound){.token = m->token, .ok = ok});
}

void on_link_commit(struct engine *e, struct worker *w, const struct ipc_link_commit *m)
{
	AUTO_FREE char *path = xmemdup(m->path.p, m->path.len);

	links_commit(e->links, m->dev, m->ino, m->group, m->tdev, m->tino, path, wake, e);
}

void on_link_fail(struct engine *e, struct worker *w, const struct ipc_link_fail *m)
{
	links_fail(e->links, m->dev, m->ino, m->group, wake, e);
}
