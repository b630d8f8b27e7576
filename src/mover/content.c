#include "mover/content.h"
#include "mover/claim.h"
#include "mover/put.h"
#include "mover/state.h"
#include "wire/msg.h"

#include <unistd.h>

/* Below this an update is sent whole: hashes and a round trip would cost as much. */
#define WHOLE_MAX 8192

void content_send(
	struct mover *m, struct dir *d, const char *name, struct meta *meta, int fd, const struct content_request *r)
{
	/* A dry run never sends contents: it compares what is there. */
	bool basis = r->basis != UINT64_MAX && (m->dry_run || !(m->flags & IPC_NO_DELTA));
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
