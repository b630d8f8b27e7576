/* EXTRA: what the source has not. DELETE: the names of these that the mover confirms. */
#include "receiver/answer.h"
#include "receiver/delete.h"
#include "receiver/dir.h"
#include "receiver/fail.h"
#include "receiver/handlers.h"
#include "receiver/listing.h"
#include "receiver/remove.h"
#include "receiver/scope.h"
#include "receiver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ---- EXTRA ---- */

static bool bit_set(const struct buf *bitmap, uint32_t i)
{
	return i / 8 < bitmap->len && (bitmap->data[i / 8] >> (i % 8) & 1);
}

void extra_send(struct session *s, struct dir *d)
{
	struct answer a = {.out = &s->out, .type = MSG_EXTRA, .id = d->id};
	const bool none = d->flags & DIR_NO_DELETE;

	for (size_t i = 0; i < d->list.own->n && !none; i++) {
		const struct own *o = &d->list.own->e[i];
		const char *name = own_name(d->list.own, o);
		struct buf *out;

		if ((o->flags & OWN_SEEN) || !bit_set(&d->list.bitmap, digest_bucket(o->hash, d->slice.buckets)) ||
			scope_protected(s, d->at.src, name, o->type == META_DIR) || scope_kept(s, d->at.dst, name) ||
			scope_lost_found(&d->at, name, o->type == META_DIR))
			continue;
		out = answer_record(&a);
		wr_u8(out, o->type);
		wr_str(out, name);
		answer_next(&a);
		if (!a.open)
			answer_push(s);
	}
	answer_close(&a, true);
}

#define PATH_SHOWN_MAX 65536

/* ---- what was removed ---- */

struct report {
	struct session *s;
	uint32_t id;
	struct buf records;
	uint64_t deleted;
	struct remove_sink sink;
};

static void report_send(struct report *p, bool last)
{
	struct msg_delete_done m = {
		.flags = last ? MSG_LAST : 0, .deleted = p->deleted, .budget_reached = p->sink.budget_reached};
	size_t start = frame_begin(&p->s->out, MSG_DELETE_DONE, p->id);

	msg_delete_done_head_put(&p->s->out, &m);
	buf_append(&p->s->out, p->records.data, p->records.len);
	frame_end(&p->s->out, start);
	buf_clear(&p->records);
	p->deleted = 0;
	answer_push(p->s);
}

static void report_record(struct report *p, const struct delete_record *r)
{
	msg_delete_record_put(&p->records, r);
	if (p->records.len >= WIRE_BATCH_BYTES)
		report_send(p, false);
}

/* Of a tree deeper than anything that is meant the beginning tells enough. */
static struct bytes shown(const char *path)
{
	return (struct bytes){(const uint8_t *)path, strnlen(path, PATH_SHOWN_MAX)};
}

static void report_removed(void *arg, uint8_t type, const char *path)
{
	struct report *p = arg;
	struct delete_record r = {.type = type, .path = shown(path)};

	p->deleted++;
	if (p->s->flags & HELLO_ITEMIZE)
		report_record(p, &r);
}

static void report_failed(void *arg, const char *path, struct diag *diag)
{
	struct delete_record r = {.type = META_NONE, .path = shown(path), .diag = *diag};

	report_record(arg, &r);
}

/* ---- what stands in the way ---- */

static void keep_first(void *arg, const char *path, struct diag *diag)
{
	struct diag *first = arg;

	(void)path;
	if (!diag_is_set(first))
		diag_move(first, diag);
}

static void count_nothing(void *arg, uint8_t type, const char *path)
{
	(void)arg;
	(void)type;
	(void)path;
}

/* First a look at all of it: either the whole tree goes, or nothing of it. */
static bool may_give_way(struct session *s, struct place *at, const char *name, uint64_t budget, struct diag *diag)
{
	const bool deletes = s->flags & HELLO_DELETE;
	struct remove_sink sink = {.removed = count_nothing,
		.failed = keep_first,
		.arg = diag,
		.budget = deletes ? budget : MIN(budget, 1u)};

	if (remove_entry(s, at, name, REMOVE_LIST | REMOVE_WAY, &sink))
		return true;
	if (diag_is_set(diag))
		;
	else if (sink.budget_reached && deletes)
		fail_entry(diag, DIAG_RECEIVER_WAY_BUDGET, 0, at, name, "too much would be deleted with the directory");
	else
		fail_entry(diag, DIAG_RECEIVER_OBSTRUCTED, ENOTEMPTY, at, name, "cannot replace the directory");
	return false;
}

static void clear_way(struct report *p, struct dir *d, const char *name)
{
	AUTO_DIAG diag = DIAG_INIT;
	struct stat st;

	if (fstatat(d->at.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return; /* not any more */
	if (may_give_way(p->s, &d->at, name, p->sink.budget, &diag))
		remove_entry(p->s, &d->at, name, REMOVE_WAY, &p->sink);
	else
		report_failed(p, name, &diag);
}

/* ---- DELETE ---- */

/* All of it is checked before anything goes. */
static bool names_valid(struct rd names)
{
	while (rd_left(&names)) {
		struct bytes n = rd_bytes(&names, META_NAME_MAX);

		if (!rd_ok(&names) || !path_name_valid(n.p, n.len))
			return false;
	}
	return true;
}

static void delete_one(struct report *p, struct dir *d, const char *name, bool way)
{
	AUTO_DIAG diag = DIAG_INIT;

	if (!d) {
		fail_entry(&diag, DIAG_RECEIVER_DIR, 0, NULL, name, "no directory for");
		report_failed(p, name, &diag);
	} else if (d->at.fd < 0) {
		return;
	} else if (way) {
		clear_way(p, d, name);
	} else {
		remove_entry(p->s, &d->at, name, 0, &p->sink);
	}
}

bool on_delete(struct session *s, const struct frame *f)
{
	struct report p = {.s = s, .id = f->id};
	struct rd r = rd_init(f->payload, f->len);
	struct msg_delete_head m;
	struct dir *d;

	if (!msg_delete_head_get(&r, &m) || !names_valid(r))
		return answer_malformed(s, "deletion");
	if (!(s->flags & HELLO_DELETE) && !(m.flags & DELETE_WAY))
		return answer_error(s, DIAG_RECEIVER_PROTOCOL, "deletion in a session without it");
	d = dir_find(s, m.dir);
	p.sink =
		(struct remove_sink){.removed = report_removed, .failed = report_failed, .arg = &p, .budget = m.budget};
	while (rd_left(&r) && !p.sink.budget_reached) {
		struct bytes n = rd_bytes(&r, META_NAME_MAX);
		AUTO_FREE char *name = bytes_dup(&n);

		delete_one(&p, d, name, m.flags & DELETE_WAY);
	}
	report_send(&p, true);
	buf_release(&p.records);
	return true;
}
