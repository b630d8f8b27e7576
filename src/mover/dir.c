#include "mover/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCAN_STEP 512u
#define SPLIT_ABOVE (WIRE_SLICE_ENTRIES + WIRE_SLICE_ENTRIES / 4)
#define SPLIT_ABOVE_BYTES (8u << 20) /* fewer entries, with long ACLs and extended attributes */
#define SLICE_BYTES (6u << 20)

static char *copy_path(const struct bytes *b)
{
	return xmemdup(b->p, b->len);
}

void dir_new(struct mover *m, const struct ipc_unit *u)
{
	struct dir *d = xcalloc(1, sizeof(*d));

	d->task.kind = TASK_DIR;
	d->unit = u->id;
	d->unit_flags = u->flags;
	d->mount = u->mount;
	d->src = copy_path(&u->src);
	d->dst = copy_path(&u->dst);
	d->fd = -1;
	d->slices = 1;
	d->is_new = u->flags & UNIT_NEW;
	d->counted = u->flags & UNIT_REVISIT;
	d->id = slots_add(&m->slots, SLOT_DIR, d);
	m->dirs++;
	mover_queue(m, &d->task);
}

static void slice_release(struct mover *m, struct dir *d)
{
	listing_release(m, &d->scan.listing);
	names_release(&d->names);
	free(d->scan.bucket_sums);
	free(d->compare.bitmap);
	free(d->compare.listed_index);
	free(d->compare.needs);
	d->scan.bucket_sums = NULL;
	d->compare.bitmap = NULL;
	d->compare.listed_index = NULL;
	d->compare.needs = NULL;
	d->compare.listed_len = d->compare.list_next = d->compare.work_next = 0;
	d->compare.list_begun = d->compare.need_done = d->delete.extra_done = d->delete.deleting = false;
	buf_clear(&d->delete.extra);
}

void dir_finish(struct mover *m, struct dir *d, bool ok)
{
	if (d->batches) { /* their answers name it, and may hand on directories */
		d->state = DIR_STATE_ENDED;
		d->ended_ok = ok;
		return;
	}
	buf_clear(&m->msg);
	wr_u32(&m->msg, d->unit);
	wr_u8(&m->msg, ok);
	wr_u64(&m->msg, d->unit_flags & UNIT_REVISIT ? 0 : d->files);
	wr_u64(&m->msg, d->unit_flags & UNIT_REVISIT ? 0 : d->bytes);
	chan_send_buf(&m->ipc, IPC_UNIT_DONE, 0, &m->msg);
	slice_release(m, d);
	slots_remove(&m->slots, d->id);
	if (d->fd >= 0) {
		mover_forget_cwd(m, d->fd);
		close(d->fd);
	}
	buf_release(&d->packed);
	buf_release(&d->delete.extra);
	meta_release(&d->meta);
	free(d->src);
	free(d->dst);
	free(d);
	m->dirs--;
}

/* ---- opening ---- */

static bool is_passage(struct mover *m, const struct dir *d)
{
	const char *slash = strrchr(d->src, '/');
	struct rules_verdict v;

	if (rules_empty(m->rules))
		return false;
	if (!*d->src) {
		rules_match_path(m->rules, "", true, &v);
	} else if (slash) {
		AUTO_FREE char *dir = xmemdup(d->src, (size_t)(slash - d->src));
		rules_match(m->rules, dir, slash + 1, true, &v);
	} else {
		rules_match(m->rules, "", d->src, true, &v);
	}
	return v.passage;
}

/* The path below the mount's own root: d->src without the mount's rel. */
static const char *below_mount(const struct mover *m, const struct dir *d)
{
	size_t n = strlen(m->mounts[d->mount].rel);

	if (strlen(d->src) <= n)
		return "";
	return d->src + n + (n > 0);
}

static bool open_dir(struct mover *m, struct dir *d)
{
	struct stat root;

	d->fd = listing_open_path(m->mounts[d->mount].fd, below_mount(m, d));
	if (d->fd < 0 || meta_read_fd(d->fd, m->fields, &d->meta) < 0) {
		int err = errno == ENOTDIR || errno == ELOOP ? ENOENT
							     : errno; /* replaced meanwhile: the next run sees it */
		tell_source_error(m, d->src, "", err, "open directory");
		dir_finish(m, d, err == ENOENT);
		return false;
	}
	meta_pack(&d->packed, &d->meta, m->fields);
	d->dev = d->meta.dev;
	d->passage = is_passage(m, d);
	/* Without clones the walk meets other mounts: their mount points are copied, what is in them is not. */
	if (!(m->flags & IPC_CLONES) && fstat(m->mounts[d->mount].fd, &root) == 0 && root.st_dev != d->dev) {
		d->unit_flags |= UNIT_BARE;
		d->no_delete = true;
	}
	if (!d->counted && !*d->src) { /* the root itself: every other directory is counted in its parent's listing */
		d->files++;
		m->count.examined++;
	}
	return true;
}

/* ---- scanning ---- */

static unsigned char real_dtype(const struct dir *d, const char *name, unsigned char dtype)
{
	struct stat st;

	if (dtype != DT_UNKNOWN || fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return dtype;
	return IFTODT(st.st_mode);
}

static void scan_entry(struct mover *m, struct dir *d, const struct name *n)
{
	const char *name = (const char *)d->names.arena.data + n->off;
	unsigned char dtype = real_dtype(d, name, n->dtype);
	struct listed *e;

	if (d->slices > 1 && digest_slice(digest_name(&m->digest_key, name, strlen(name)), d->slices) != d->slice)
		return;
	if (listing_left_out(m, d, name, dtype == DT_DIR, n->ino))
		return;
	meta_clear(&m->scratch);
	if (dtype == DT_DIR) {
		m->scratch.type = META_DIR;
	} else if (meta_read(d->fd, name, dtype, m->fields, &m->scratch, NULL) < 0) {
		if (errno == ENOENT) {
			m->count.vanished++;
			return;
		}
		d->no_delete = true;
		tell_source_error(m, d->src, name, errno, "read metadata of");
		return;
	}
	e = listing_add(m, &d->scan.listing, name, strlen(name), &m->scratch);
	listing_count(m, d, e->size);
}

static void send_dir(struct mover *m, struct dir *d)
{
	struct msg_dir msg = {
		.slice = d->slice, .slices = d->slices, .buckets = d->scan.buckets, .digest = d->scan.digest};
	bool linked = false;

	for (uint32_t i = 0; i < d->scan.listing.len && !linked; i++)
		linked = d->scan.listing.entries[i].linked;
	d->scan.more = linked || d->slices > 1;
	msg.flags = (d->is_new ? DIR_NEW : 0) | (d->unit_flags & UNIT_PARENTS ? DIR_PARENTS : 0) |
		(d->passage ? DIR_PASSAGE : 0) | (d->scan.more ? DIR_MORE : 0) |
		(d->no_delete || (d->unit_flags & UNIT_BARE) ? DIR_NO_DELETE : 0);
	msg.src = (struct bytes){(uint8_t *)d->src, strlen(d->src)};
	msg.dst = (struct bytes){(uint8_t *)d->dst, strlen(d->dst)};
	msg.meta = (struct bytes){d->packed.data, d->packed.len};
	buf_clear(&m->msg);
	msg_dir_put(&m->msg, &msg);
	chan_send_buf(&m->wire, MSG_DIR, d->id, &m->msg);
	d->sent = true;
}

/* Too long to hold: count it, then compare it a slice at a time. */
static void split_scan(struct mover *m, struct dir *d)
{
	uint64_t count = d->scan.listing.len + d->names.len,
		 each = d->scan.listing.charged / MAX(d->scan.listing.len, 1u);

	while (!d->names.eof) {
		names_read(&d->names, d->fd, 4096);
		count += d->names.len;
	}
	m->count.examined -= d->counted ? 0 : d->scan.listing.len; /* they are scanned again */
	for (uint32_t i = 0; i < d->scan.listing.len && !d->counted; i++)
		m->count.examined_bytes -= d->scan.listing.entries[i].size;
	d->files -= d->counted ? 0 : d->scan.listing.len;
	for (uint32_t i = 0; i < d->scan.listing.len && !d->counted; i++)
		d->bytes -= d->scan.listing.entries[i].size;
	slice_release(m, d);
	count = MAX(count / WIRE_SLICE_ENTRIES, count * each / SLICE_BYTES);
	d->slices = (uint32_t)MIN(count + 1, UINT64_C(1) << 20);
	d->slice = 0;
	lseek(d->fd, 0, SEEK_SET);
}

static bool may_begin(const struct mover *m)
{
	return m->listing_bytes <= LISTING_BYTES_MAX && throttle_begins(m->throttle);
}

/* Each slice of a long directory is charged anew, and waits its turn as a directory that is opened does. */
static bool slice_begins(const struct dir *d)
{
	return d->slices > 1 && d->scan.listing.len == 0 && d->names.len == 0 && !d->names.eof;
}

static enum step scan_step(struct mover *m, struct dir *d)
{
	if (slice_begins(d) && !may_begin(m))
		return STEP_BLOCKED;
	mover_chdir(m, d->fd);
	for (uint32_t i = 0; i < SCAN_STEP; i++) {
		if (d->names.next == d->names.len) {
			if (d->names.eof)
				break;
			names_read(&d->names, d->fd, 4096);
			continue;
		}
		scan_entry(m, d, &d->names.names[d->names.next++]);
	}
	if (d->slices == 1 && (d->scan.listing.len > SPLIT_ABOVE || d->scan.listing.charged > SPLIT_ABOVE_BYTES))
		split_scan(m, d);
	if (!d->names.eof || d->names.next < d->names.len)
		return STEP_MORE;
	if (d->names.error) {
		d->no_delete = true;
		tell_source_error(m, d->src, "", d->names.error, "read directory");
	}
	names_release(&d->names);
	listing_add_up(m, d);
	send_dir(m, d);
	d->state = DIR_STATE_DIGEST;
	return STEP_WAIT;
}

static enum step open_step(struct mover *m, struct dir *d)
{
	if (!may_begin(m))
		return STEP_BLOCKED;
	if (!open_dir(m, d))
		return STEP_WAIT;
	if (d->is_new) {
		if (!m->dry_run)
			send_dir(m, d);
		dir_start_stream(m, d);
		return STEP_MORE;
	}
	if (d->unit_flags & UNIT_BARE)
		d->names.eof = true;
	d->state = DIR_STATE_SCAN;
	return STEP_MORE;
}

/* ---- answers ---- */

static void add_done_bytes(struct mover *m, struct dir *d)
{
	for (uint32_t i = 0; i < d->scan.listing.len; i++)
		if (!d->scan.listing.entries[i].linked)
			m->count.done_bytes += d->scan.listing.entries[i].size;
}

void on_dir_equal(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint32_t set = rd_u32(&r);

	if (!rd_done(&r) || d->state != DIR_STATE_DIGEST)
		mover_protocol_error(m, "an unexpected DIR_EQUAL");
	add_done_bytes(m, d);
	if (d->scan.more) {
		dir_start_list(m, d);
		return;
	}
	if (set && !d->passage) {
		m->count.metadata++;
		tell_item(m, OP_METADATA, d->src, "", META_DIR, set, 0, NULL);
	}
	dir_give_listed(m, d);
	dir_finish(m, d, true);
}

void on_dir_diff(struct mover *m, struct dir *d, const struct frame *f)
{
	struct msg_dir_diff diff;

	if (!msg_dir_diff_get(f, &diff) || d->state != DIR_STATE_DIGEST ||
		(!diff.empty && diff.buckets.len != (size_t)d->scan.buckets * 8))
		mover_protocol_error(m, "an unexpected DIR_DIFF");
	if (diff.empty && !(d->unit_flags & UNIT_BARE) && !m->checksum) {
		d->is_new = true;
		d->counted = d->counted || d->slices == 1;
		d->slice = 0;
		d->slices = 1;
		slice_release(m, d);
		lseek(d->fd, 0, SEEK_SET);
		dir_start_stream(m, d);
		mover_queue(m, &d->task);
		return;
	}
	d->compare.bitmap = xcalloc(d->scan.buckets / 8 + 1, 1);
	for (uint32_t i = 0; i < d->scan.buckets; i++) {
		struct rd r = rd_init(diff.empty ? NULL : diff.buckets.p + (size_t)i * 8, diff.empty ? 0 : 8);
		if (m->checksum || diff.empty || rd_u64(&r) != d->scan.bucket_sums[i])
			d->compare.bitmap[i / 8] |= (uint8_t)(1u << (i % 8));
	}
	for (uint32_t i = 0; i < d->scan.listing.len; i++) {
		const struct listed *e = &d->scan.listing.entries[i];
		if (!e->linked && !(d->compare.bitmap[e->bucket / 8] & (1u << (e->bucket % 8))))
			m->count.done_bytes += e->size;
	}
	dir_start_list(m, d);
}

void on_dir_split(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	uint32_t slices = rd_u32(&r);

	if (!rd_done(&r) || d->state != DIR_STATE_DIGEST || slices <= d->slices || slices > (1u << 20) || d->slice != 0)
		mover_protocol_error(m, "an unexpected DIR_SPLIT");
	/* What this slice has counted is counted again by the smaller ones. */
	if (!d->counted) {
		for (uint32_t i = 0; i < d->scan.listing.len; i++) {
			m->count.examined_bytes -= d->scan.listing.entries[i].size;
			d->bytes -= d->scan.listing.entries[i].size;
		}
		m->count.examined -= d->scan.listing.len;
		d->files -= d->scan.listing.len;
	}
	slice_release(m, d);
	d->slices = slices;
	lseek(d->fd, 0, SEEK_SET);
	d->state = DIR_STATE_SCAN;
	mover_queue(m, &d->task);
}

void on_dir_fail(struct mover *m, struct dir *d, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	AUTO_DIAG diag = DIAG_INIT;

	bool asked = d->state == DIR_STATE_DIGEST ||
		(d->is_new && d->sent &&
			(d->state == DIR_STATE_STREAM || d->state == DIR_STATE_DRAIN || d->state == DIR_STATE_DONE));

	if (!rd_diag(&r, &diag) || !rd_done(&r) || !asked || d->dead)
		mover_protocol_error(m, "an unexpected DIR_FAIL");
	tell_failed(m, &diag);
	d->dead = true;
	if (d->state == DIR_STATE_DIGEST || d->state == DIR_STATE_DONE)
		dir_finish(m, d, false);
	/* Otherwise a new directory is being streamed: it ends when its own steps have noticed. */
}

/* ---- the end of a slice ---- */

static void tell_listed(struct mover *m, const struct dir *d)
{
	buf_clear(&m->msg);
	wr_u32(&m->msg, d->unit);
	chan_send_buf(&m->ipc, IPC_LISTED, 0, &m->msg);
}

void dir_drain(struct mover *m, struct dir *d)
{
	if (d->state != DIR_STATE_DRAIN && d->slice + 1 >= d->slices)
		tell_listed(m, d);
	d->state = DIR_STATE_DRAIN;
	if (m->batch && m->batch->dir == d)
		put_flush(m);
	if (d->pending)
		return;
	if (d->dead || !d->sent) { /* dry run: of what would be new the receiver knows nothing */
		dir_finish(m, d, !d->dead);
		return;
	}
	buf_clear(&m->msg);
	wr_u8(&m->msg, d->slice + 1 < d->slices || d->passage ? DIR_END_NO_META : 0);
	chan_send_buf(&m->wire, MSG_DIR_END, d->id, &m->msg);
	d->state = DIR_STATE_DONE;
}

void dir_pending_done(struct mover *m, struct dir *d)
{
	d->pending--;
	if (d->state == DIR_STATE_DRAIN)
		dir_drain(m, d);
}

void on_dir_done(struct mover *m, struct dir *d, const struct frame *f)
{
	struct msg_dir_done done;

	if (!msg_dir_done_get(f, &done) || d->state != DIR_STATE_DONE || d->batches)
		mover_protocol_error(m, "an unexpected DIR_DONE");
	if (diag_is_set(&done.diag))
		tell_failed(m, &done.diag);
	diag_release(&done.diag);
	if (++d->slice < d->slices) {
		slice_release(m, d);
		lseek(d->fd, 0, SEEK_SET);
		d->state = DIR_STATE_SCAN;
		mover_queue(m, &d->task);
		return;
	}
	if (done.set && !d->is_new && !d->passage) {
		m->count.metadata++;
		tell_item(m, OP_METADATA, d->src, "", META_DIR, done.set, 0, NULL);
	}
	dir_finish(m, d, true);
}

enum step dir_step(struct mover *m, struct dir *d)
{
	switch (d->state) {
	case DIR_STATE_OPEN:
		return open_step(m, d);
	case DIR_STATE_SCAN:
		return scan_step(m, d);
	case DIR_STATE_LIST:
		return dir_list_step(m, d);
	case DIR_STATE_WORK:
		return dir_work_step(m, d);
	case DIR_STATE_STREAM:
		return dir_stream_step(m, d);
	default:
		return STEP_WAIT;
	}
}

/* ---- handing on ---- */

void dir_give(struct mover *m, struct dir *d, const char *name, int32_t mount, bool is_new)
{
	struct ipc_given g = {.flags = is_new ? UNIT_NEW : 0};
	struct ipc_given bare;

	if (d->unit_flags & UNIT_REVISIT)
		return;
	g.name = (struct bytes){(const uint8_t *)name, strlen(name)};
	bare = g;
	if (mount >= 0 && (m->flags & IPC_CLONES) && listing_hides(d, name))
		tell_note(m, "left out: what lies hidden beneath the mount point '%s/%s'", d->src, name);
	buf_clear(&m->msg);
	wr_u32(&m->msg, d->unit);
	if (mount >= 0) {
		const char *to = m->mounts[mount].target_rel;
		AUTO_FREE char *here = mover_path(d->dst, name);
		g.other_mount = 1;
		g.mount = (uint32_t)mount;
		g.dst = (struct bytes){(const uint8_t *)to, strlen(to)};
		if (!str_eq(here, to)) { /* mapped elsewhere: here only the mount point */
			g.flags = UNIT_PARENTS;
			bare.flags |= UNIT_BARE;
			bare.other_mount = 1;
			bare.mount = (uint32_t)mount;
			bare.dst = (struct bytes){(const uint8_t *)here, strlen(here)};
			bare.flags &= (uint8_t)~UNIT_NEW; /* it is not streamed: its digest is that of nothing */
			ipc_given_put(&m->msg, &bare);
		}
		ipc_given_put(&m->msg, &g);
	} else {
		if (listing_walked_elsewhere(m, d, name)) {
			g.flags = UNIT_BARE;
			tell_note(m, "left out here: '%s/%s' is mounted elsewhere too and copied there", d->src, name);
		}
		ipc_given_put(&m->msg, &g);
	}
	chan_send_buf(&m->ipc, IPC_GIVE, 0, &m->msg);
}
