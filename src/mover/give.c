#include "mover/give.h"
#include "base/path.h"
#include "mover/dir.h"
#include "mover/state.h"
#include "mover/tell.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* btrfs: a subvolume that is a chosen mount itself is walked there, not here. */
static bool walked_elsewhere(const struct mover *m, const struct dir *d, const char *name)
{
	struct stat st;

	if (!m->mounts[d->mount].btrfs || fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev == d->dev)
		return false;
	for (uint32_t i = 0; i < m->mount_count; i++)
		if (i != d->mount && m->mounts[i].dev == st.st_dev)
			return true;
	return false;
}

int32_t dir_mount_at(const struct mover *m, const struct dir *d, const char *name)
{
	size_t dir_len = strlen(d->src), name_len = strlen(name);

	for (uint32_t i = 0; i < m->mount_count; i++) {
		const char *rel = m->mounts[i].rel;
		if (i == d->mount || strlen(rel) != dir_len + (dir_len > 0) + name_len)
			continue;
		if (memcmp(rel, d->src, dir_len) == 0 && (!dir_len || rel[dir_len] == '/') &&
			str_eq(rel + dir_len + (dir_len > 0), name))
			return (int32_t)i;
	}
	return -1;
}

void dir_give(struct mover *m, struct dir *d, const char *name, int32_t mount, bool is_new)
{
	struct ipc_given g = {.flags = is_new ? UNIT_NEW : 0};
	struct ipc_given bare;

	if ((d->unit_flags & UNIT_REVISIT) || path_set_has(&m->missing, d->src, name))
		return;
	g.name = bytes_of(name);
	bare = g;
	buf_clear(&m->msg);
	if (mount >= 0) {
		const char *to = m->mounts[mount].target_rel;
		AUTO_FREE char *here = path_join(d->dst, name);
		g.other_mount = 1;
		g.mount = (uint32_t)mount;
		g.dst = bytes_of(to);
		if (!str_eq(here, to)) { /* mapped elsewhere: here only the mount point */
			g.flags = UNIT_PARENTS;
			bare.flags |= UNIT_BARE;
			bare.other_mount = 1;
			bare.mount = (uint32_t)mount;
			bare.dst = bytes_of(here);
			bare.flags &= (uint8_t)~UNIT_NEW; /* it is not streamed: its digest is that of nothing */
			ipc_given_put(&m->msg, &bare);
		}
		ipc_given_put(&m->msg, &g);
	} else {
		if (walked_elsewhere(m, d, name)) {
			g.flags = UNIT_BARE;
			tell_note(m, "left out here: '%s/%s' is mounted elsewhere too and copied there", d->src, name);
		}
		ipc_given_put(&m->msg, &g);
	}
	ipc_give_send(&m->ipc, &(struct ipc_give){.unit = d->unit, .records = {m->msg.data, m->msg.len}});
}

void dir_give_listed(struct mover *m, struct dir *d)
{
	for (uint32_t i = 0; i < d->scan.listing.len; i++) {
		const struct listed *e = &d->scan.listing.entries[i];
		const char *name = listed_name(&d->scan.listing, e);
		if (e->type == META_DIR)
			dir_give(m, d, name, dir_mount_at(m, d, name), e->needs);
	}
}
