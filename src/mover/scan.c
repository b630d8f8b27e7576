#include "mover/scan.h"
#include "base/clock.h"
#include "base/fscrypt.h"
#include "base/text.h"
#include "mover/dir.h"
#include "mover/measure.h"
#include "mover/omit.h"
#include "mover/send.h"
#include "mover/state.h"
#include "mover/stream.h"
#include "mover/tell.h"
#include "wire/msg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTING_BYTES_MAX (12u << 20)
#define SCAN_STEP 512u
#define SPLIT_ABOVE (WIRE_SLICE_ENTRIES + WIRE_SLICE_ENTRIES / 4)
#define SPLIT_ABOVE_BYTES (8u << 20) /* fewer entries, with long ACLs and extended attributes */
#define SLICE_BYTES (6u << 20)

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

/* Without the key the names are codes: they say nothing of what the target has. True: it is left as it is. */
static bool is_locked(struct mover *m, struct dir *d)
{
	AUTO_FREE char *shown = text_escaped(*d->src ? d->src : ".");
	AUTO_DIAG diag = DIAG_INIT;

	if (!fscrypt_is_locked(d->fd))
		return false;
	d->unit_flags |= UNIT_BARE;
	d->no_delete = true;
	if (!(d->unit_flags & UNIT_REVISIT)) {
		diag_set(&diag, DIAG_MOVER_LOCKED, ENOKEY, d->src, "cannot read the encrypted directory '%s'", shown);
		tell_failed(m, &diag);
	}
	return true;
}

static bool open_dir(struct mover *m, struct dir *d)
{
	struct stat root;

	d->fd = names_open_path(&m->way, m->mounts[d->mount].fd, dir_below_mount(m, d));
	if (d->fd < 0 || meta_read_fd(d->fd, m->fields, &d->meta) < 0) {
		int err = errno == ENOTDIR || errno == ELOOP ? ENOENT
							     : errno; /* replaced meanwhile: the next run sees it */
		tell_source_error(m, d->src, "", err, "open directory");
		dir_finish(m, d, err == ENOENT);
		return false;
	}
	if (d->slice == 0)
		tell_unkept(m, d, "", &d->meta);
	meta_pack(&d->packed, &d->meta, m->fields);
	d->dev = d->meta.dev;
	d->passage = is_passage(m, d);
	/* Mount points are copied, what is in them or hidden beneath is not; without clones the walk can meet new ones. */
	if (path_set_has(&m->fenced, "", d->src) ||
		(!(m->flags & IPC_CLONES) && fstat(m->mounts[d->mount].fd, &root) == 0 && root.st_dev != d->dev)) {
		d->unit_flags |= UNIT_BARE;
		d->no_delete = true;
	} else if (!is_locked(m, d) && path_set_covers(&m->opened, d->src, strlen(m->mounts[d->mount].rel))) {
		d->no_delete = true; /* what the target has there may be of the file system that hides this */
	}
	if (d->slice == 0)
		dir_space_begin(d);
	if (!d->counted && !*d->src) { /* the root itself: every other directory is counted in its parent's listing */
		d->files++;
		m->count.files_examined++;
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

/* How fresh a time was when the last run has read its file: engine/doubt.h. */
enum freshness { STALE, NOT_WRITTEN_BACK, FRESH };

static enum freshness freshness(const struct mover *m, int64_t s, uint32_t ns)
{
	const int64_t step = ns % NS_PER_MS == 0 ? 2 * NS_PER_S : 0; /* of a file system with no better times */
	int64_t t;

	if (s < 0 || s >= WIRE_TIME_MAX / NS_PER_S)
		return STALE;
	t = s * NS_PER_S + ns;
	if (t < m->doubt.from || t > m->doubt.to)
		return STALE;
	return t >= m->doubt.exact - step ? FRESH : NOT_WRITTEN_BACK;
}

/* Whether it may have been changed after that without its times telling. */
static bool is_doubtful(struct mover *m, const struct meta *meta)
{
	enum freshness how;

	if (!m->doubt.to || meta->type != META_REG || !meta->size)
		return false;
	how = MAX(freshness(m, meta->mtime_s, meta->mtime_ns), freshness(m, meta->ctime_s, meta->ctime_ns));
	if (how != NOT_WRITTEN_BACK)
		return how == FRESH;
	if (!m->doubt.files || meta->size > m->doubt.bytes)
		return false;
	m->doubt.bytes -= meta->size;
	m->doubt.files--;
	return true;
}

static void scan_entry(struct mover *m, struct dir *d, const struct name *n)
{
	const char *name = (const char *)d->names.arena.data + n->off;
	size_t len = strlen(name);
	uint64_t hash = digest_name(&m->digest_key, name, len);
	unsigned char dtype;
	struct listed *e;

	if (d->slices > 1 && digest_slice(hash, d->slices) != d->slice)
		return;
	if (listing_has(&d->scan.listing, hash, name, len) || dir_refuses(m, d, name, len))
		return;
	dtype = real_dtype(d, name, n->dtype);
	if (dir_omits(m, d, name, dtype == DT_DIR, n->ino))
		return;
	meta_clear(&m->scratch);
	if (dtype == DT_DIR) {
		m->scratch.type = META_DIR;
	} else if (meta_read(d->fd, name, dtype, m->fields, &m->scratch, NULL) < 0) {
		if (errno == ENOENT) {
			m->count.files_vanished++;
			return;
		}
		if (errno == EAGAIN) {
			d->no_delete = !lease_keep(m, d, n) || d->no_delete;
			return;
		}
		d->no_delete = true;
		tell_source_error(m, d->src, name, errno, "read metadata of");
		return;
	}
	tell_unkept(m, d, name, &m->scratch);
	if (m->scratch.odd_time)
		tell_odd_time(m, d->src, name);
	e = listing_add(m, &d->scan.listing, hash, name, len, &m->scratch);
	e->doubt = is_doubtful(m, &m->scratch) || (e->type == META_REG && nameset_has(&d->doubts, name));
	dir_count(m, d, &m->scratch);
}

static void add_up(struct mover *m, struct dir *d)
{
	free(d->scan.bucket_sums);
	d->scan.buckets = MAX(1u, MIN(d->scan.listing.len / 16, 4096u));
	d->scan.bucket_sums = xcalloc(d->scan.buckets, sizeof(*d->scan.bucket_sums));
	d->scan.digest = (struct digest){};
	for (uint32_t i = 0; i < d->scan.listing.len; i++) {
		struct listed *e = &d->scan.listing.entries[i];
		const char *name = listed_name(&d->scan.listing, e);
		enum digest_kind kind = e->type == META_DIR ? DIGEST_DIR : e->linked ? DIGEST_LINKED : DIGEST_PLAIN;
		struct digest h = digest_entry(
			&m->digest_key, kind, name, e->name_len, d->scan.listing.arena.data + e->meta, e->meta_len);
		e->bucket = digest_bucket(e->hash, d->scan.buckets);
		d->scan.bucket_sums[e->bucket] += h.lo;
		digest_add(&d->scan.digest, &h);
	}
}

static void send_dir(struct mover *m, struct dir *d)
{
	struct msg_dir msg = {
		.slice = d->slice, .slices = d->slices, .buckets = d->scan.buckets, .digest = d->scan.digest};
	bool linked = false;

	for (uint32_t i = 0; i < d->scan.listing.len && !linked; i++)
		linked = d->scan.listing.entries[i].linked || d->scan.listing.entries[i].doubt;
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
	m->count.files_examined -= d->counted ? 0 : d->scan.listing.len; /* they are scanned again */
	for (uint32_t i = 0; i < d->scan.listing.len && !d->counted; i++)
		m->count.bytes_total -= d->scan.listing.entries[i].size;
	d->files -= d->counted ? 0 : d->scan.listing.len;
	for (uint32_t i = 0; i < d->scan.listing.len && !d->counted; i++)
		d->bytes -= d->scan.listing.entries[i].size;
	dir_space_begin(d);
	dir_slice_release(m, d);
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

enum step dir_scan_step(struct mover *m, struct dir *d)
{
	enum step late;

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
	if ((late = lease_step(d)) != STEP_WAIT)
		return late;
	if (d->names.error) {
		d->no_delete = true;
		tell_source_error(m, d->src, "", d->names.error, "read directory");
	}
	names_release(&d->names);
	if (!(d->unit_flags & UNIT_BARE) && is_locked(m, d)) /* while it was read */
		listing_release(m, &d->scan.listing);
	add_up(m, d);
	send_dir(m, d);
	d->state = DIR_STATE_DIGEST;
	return STEP_WAIT;
}

enum step dir_open_step(struct mover *m, struct dir *d)
{
	if (!may_begin(m))
		return STEP_BLOCKED;
	if (d->unit_flags & UNIT_MEASURE)
		return dir_measure_open(m, d);
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
