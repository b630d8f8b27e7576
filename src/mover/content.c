#include "mover/content.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/put.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <unistd.h>

/* Below this an update is sent whole: hashes and a round trip would cost as much. */
#define WHOLE_MAX 8192

/* No more than this would be sent: holes are not, and what takes less for being compressed is sent in full. */
static uint64_t bound(const struct meta *meta, int fd)
{
	const bool holes = meta->blocks * 512 < meta->size && lseek(fd, 0, SEEK_HOLE) < (off_t)meta->size;

	return holes ? MIN(meta->size, meta->blocks * 512) : meta->size;
}

/* What would be sent whole a dry run knows without looking; where the basis is as long, it compares. */
static void foretell(struct mover *m, struct dir *d, const char *name, const struct meta *meta, int fd,
	const struct content_request *r, bool whole)
{
	m->count.files_transferred++;
	m->count.bytes_literal += bound(meta, fd);
	m->count.bytes_done += meta->size;
	tell_item(m, r->op, d->src, name, META_REG, r->why | (whole ? 0 : META_D_CONTENT), meta->size, NULL);
	if (r->link)
		link_committed(m, r->link, true, 0, 0);
}

void content_send(
	struct mover *m, struct dir *d, const char *name, struct meta *meta, int fd, const struct content_request *r)
{
	bool basis = r->basis != UINT64_MAX && !(m->flags & IPC_NO_DELTA);
	/* A file with holes is sent hole by hole, however small. */
	bool sparse = meta->blocks * 512 + 4096 <= meta->size;
	bool whole = meta->size <= WIRE_SMALL_MAX && !sparse &&
		(!basis || (meta->size <= WHOLE_MAX && !m->checksum && !r->doubt));
	struct pagecache cache = {.fd = -1};

	/* Listed twice, for it was replaced meanwhile: two that write to one name do not mix. The next sync sees to it. */
	if (file_is_open(d, name)) {
		m->count.files_vanished++;
		close(fd);
		if (r->link)
			link_committed(m, r->link, false, 0, 0);
		return;
	}
	if (m->dry_run && (whole || !basis || meta->size != r->basis)) {
		foretell(m, d, name, meta, fd, r, whole);
		close(fd);
		return;
	}
	if (!whole) {
		file_new(m, d, name, meta, fd, r);
		return;
	}
	if (m->flags & IPC_LEAVE_CACHE) {
		pagecache_begin(&cache, fd, 0, meta->size);
		pagecache_look(&cache, 0, meta->size);
	}
	if (!put_entry(m, d, name, meta, fd, r->op, r->why, r->link, r->brk ? ENTRY_BREAK : 0) && r->link)
		link_committed(m, r->link, false, 0, 0);
	pagecache_end(&cache);
	close(fd);
}
