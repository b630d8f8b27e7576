#include "mover/put.h"
#include "mover/batch.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/give.h"
#include "mover/leave.h"
#include "mover/names.h"
#include "mover/send.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <errno.h>

#define BATCH_ENTRIES 1024

/* The packed metadata states the size, and the size is known for certain only when the content has been read: it is
 * read behind the entry, and the entry is written again in the rare case that the file has changed its size. False: errno
 * says why, 0: it does so for ever. */
static bool put_content(struct mover *m, int dirfd, struct buf *p, size_t start, uint8_t flags, const char *name,
	struct meta *meta, int fd)
{
	struct entry e = {.flags = flags, .name = {(const uint8_t *)name, strlen(name)}};
	uint64_t want = meta->size;
	ssize_t got;

	for (int tries = 0;; tries++) {
		AUTO_BUF packed = BUF_INIT;
		meta_pack(&packed, meta, m->fields);
		e.meta = (struct bytes){packed.data, packed.len};
		p->len = start;
		msg_entry_put(p, &e, false);
		wr_varint(p, want);
		got = mover_pread(m, fd, buf_reserve(p, want), want, 0);
		if (got < 0 && errno == ESTALE && !tries && names_reopen(dirfd, name, meta->ino, fd))
			continue;
		if (got < 0)
			return false;
		p->len += (size_t)got;
		if ((uint64_t)got == want)
			return true;
		want = meta->size = (uint64_t)got; /* it shrank: its time has changed too, the next sync looks again */
		if (tries > 3) {
			errno = 0;
			return false;
		}
	}
}

bool put_entry(struct mover *m, struct dir *d, const char *name, struct meta *meta, int content_fd, uint8_t op,
	uint32_t why, struct link_wait *link, uint8_t flags)
{
	struct batch *b = batch_open(m, d);
	struct batch_rec *r;
	size_t start = b->payload.len;

	if (link)
		flags |= ENTRY_WANT_INO;
	if (content_fd >= 0) {
		if (!put_content(m, d->fd, &b->payload, start, flags, name, meta, content_fd)) {
			b->payload.len = start;
			if (errno)
				tell_source_error(m, d->src, name, errno, "read");
			else
				tell_changed(m, d->src, name);
			return false;
		}
	} else {
		struct entry e = {.flags = flags, .name = {(const uint8_t *)name, strlen(name)}};
		AUTO_BUF packed = BUF_INIT;
		if (meta->type == META_DIR)
			buf_append_u8(&packed, META_DIR);
		else
			meta_pack(&packed, meta, m->fields);
		e.meta = (struct bytes){packed.data, packed.len};
		msg_entry_put(&b->payload, &e, true);
	}
	r = batch_add(b, name);
	r->type = meta->type;
	b->has_dir = b->has_dir || meta->type == META_DIR;
	r->op = op;
	r->why = why;
	r->size = meta->type == META_REG ? meta->size : 0;
	r->link = link;
	m->unacked++;
	if (b->payload.len >= WIRE_BATCH_BYTES || b->len >= BATCH_ENTRIES)
		batch_flush(m);
	return true;
}

static void rec_done(struct mover *m, struct batch *b, struct batch_rec *r, const struct put_done *p)
{
	const char *name = (const char *)b->names.data + r->name;
	bool failed = p && p->failed;

	if (p && diag_is_set(&p->diag))
		tell_failed(m, &p->diag);
	if (!failed) {
		if (r->type == META_REG) {
			m->count.files_transferred++;
			m->count.bytes_literal += r->size;
		}
		if (r->type == META_DIR && p && p->made)
			m->count.dirs_created++;
		if (r->type != META_DIR || (p && p->made))
			tell_item(m, r->op, b->dir->src, name, r->type, r->why, r->size, NULL);
	}
	m->count.bytes_done += r->size;
	if (r->type == META_DIR && !failed)
		dir_give(m, b->dir, name, dir_mount_at(m, b->dir, name), p && p->made);
	if (r->link)
		link_committed(m, r->link, !failed && p, p ? p->dev : 0, p ? p->ino : 0);
}

void on_put_done(struct mover *m, struct batch *b, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct put_done p = {};
	uint32_t next = 0;

	if (b == m->batch)
		mover_protocol_error(m, "an answer to entries that were not sent");
	while (msg_put_done_get(&r, &p)) {
		if (p.index < next || p.index >= b->len)
			mover_protocol_error(m, "an answer to an entry that was not sent");
		for (; next < p.index; next++)
			rec_done(m, b, &b->recs[next], NULL);
		rec_done(m, b, &b->recs[next++], &p);
		diag_release(&p.diag);
	}
	if (!rd_done(&r))
		mover_protocol_error(m, "a malformed answer to PUT");
	for (; next < b->len; next++)
		rec_done(m, b, &b->recs[next], NULL);
	m->unacked -= b->len;
	batch_free(m, b);
}
