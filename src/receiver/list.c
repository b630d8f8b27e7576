/* LIST: every entry the mover lists against our own, and what it has not listed. */
#include "receiver/answer.h"
#include "receiver/delete.h"
#include "receiver/dir.h"
#include "receiver/fail.h"
#include "receiver/handlers.h"
#include "receiver/listing.h"
#include "receiver/need.h"
#include "receiver/scope.h"
#include "receiver/state.h"

#define NEEDS_HELD (4u << 20)

/* ---- one entry ---- */

/* Equal without another look: our encoding is the mover's, and no link is to be broken. */
static bool same(const struct session *s, const struct listing *l, const struct own *o, const struct entry *e,
	const struct meta *want)
{
	if (e->flags & (ENTRY_LINKED | ENTRY_DOUBT))
		return false;
	if (want->type == META_DIR)
		return o->type == META_DIR;
	if ((o->flags & (OWN_LINKED | OWN_UNSURE)) || !o->meta_len)
		return false;
	if ((s->flags & HELLO_CHECKSUM) && want->type == META_REG)
		return false;
	return o->meta_len == e->meta.len && memcmp(l->arena.data + o->meta, e->meta.p, e->meta.len) == 0;
}

/* False: malformed. */
static bool unpack_entry(struct session *s, const struct entry *e, struct meta *out)
{
	if (e->meta.len == 1 && e->meta.p[0] == META_DIR) {
		meta_clear(out);
		out->type = META_DIR;
		return true;
	}
	return meta_unpack(e->meta.p, e->meta.len, s->fields, out) == e->meta.len && out->type != META_DIR;
}

/* False: malformed. */
static bool list_entry(
	struct session *s, struct dir *d, const struct entry *e, struct meta *want, struct meta *have, struct answer *a)
{
	char name[META_NAME_MAX + 1];
	struct need n = {.index = d->list.index};
	struct pair p = {.s = s, .at = &d->at, .name = name, .want = want, .flags = e->flags, .have = have, .fd = -1};
	uint64_t hash = digest_name(&s->digest, e->name.p, e->name.len);
	struct own *o;

	if (d->list.index++ == UINT32_MAX)
		return false;
	memcpy(name, e->name.p, e->name.len);
	name[e->name.len] = '\0';
	o = listing_find(d->list.own, hash, name);
	if (o && (o->flags & OWN_SEEN)) {
		fail_entry(&n.diag, DIAG_RECEIVER_TWICE, 0, &d->at, name, "named twice:");
		n.op = NEED_FAILED;
		need_put(a, &n);
		return true;
	}
	if (o)
		o->flags |= OWN_SEEN;
	if (!unpack_entry(s, e, want)) {
		fail_entry(&n.diag, DIAG_RECEIVER_ENTRY, 0, &d->at, name, "no metadata for");
		n.op = NEED_FAILED;
	} else if (scope_reserved(&d->at, name) || scope_hidden(s, d->at.dst, name)) {
		fail_entry(&n.diag, DIAG_RECEIVER_RESERVED, 0, &d->at, name, "cannot use the name");
		n.op = NEED_FAILED;
	} else if (d->list.unreadable) {
		fail_entry(&n.diag, DIAG_RECEIVER_LIST, 0, &d->at, name, "no listing to compare");
		n.op = NEED_FAILED;
	} else if (!o || !same(s, d->list.own, o, e, want)) {
		need_find(&p, &n, o || s->scope.has_rules);
	}
	if (n.op)
		need_put(a, &n);
	return true;
}

/* ---- LIST ---- */

/* Our listing, when it was not kept: the names alone, the entries are read one by one. */
static void list_begin(struct session *s, struct dir *d, const struct bytes *bitmap)
{
	uint32_t slices;

	if (d->list.begun)
		return;
	d->list.begun = true;
	buf_append(&d->list.bitmap, bitmap->p, bitmap->len);
	if (!d->list.own && d->at.fd >= 0 && !d->at.made)
		d->list.unreadable = listing_names(s, &d->at, &d->slice, &d->list.own, &slices) != LISTING_OK;
	if (!d->list.own)
		d->list.own = xcalloc(1, sizeof(*d->list.own));
	listing_index(d->list.own);
}

static void send_needs(struct session *s, struct dir *d)
{
	buf_append(&s->out, d->list.needs.data, d->list.needs.len);
	buf_clear(&d->list.needs);
	answer_push(s);
}

static void list_end(struct session *s, struct dir *d)
{
	if (s->flags & HELLO_DELETE)
		extra_send(s, d);
	dir_drop_listing(s, d);
	buf_release(&d->list.bitmap);
	buf_release(&d->list.needs);
	d->list.begun = d->list.unreadable = false;
	d->list.index = 0;
}

bool on_list(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct meta want = META_INIT, have = META_INIT;
	struct dir *d = dir_find(s, f->id);
	struct answer a = {.out = d ? &d->list.needs : NULL, .type = MSG_NEED, .id = f->id};
	struct bytes bitmap;
	struct entry e;
	bool last, ok = true;

	if (!msg_list_head_get(&r, &last, &bitmap))
		return answer_malformed(s, "listing");
	if (!d)
		return true; /* it failed, and was closed by saying so */
	if (d->flags & DIR_NEW)
		return answer_error(s, DIAG_RECEIVER_PROTOCOL, "a listing of a new directory");
	list_begin(s, d, &bitmap);
	while (ok && msg_entry_get(&r, false, &e))
		ok = list_entry(s, d, &e, &want, &have, &a);
	meta_release(&want);
	meta_release(&have);
	if (!ok || !rd_done(&r))
		return answer_malformed(s, "listing");
	answer_close(&a, last);
	if (last || d->list.needs.len > NEEDS_HELD)
		send_needs(s, d);
	if (last)
		list_end(s, d);
	return true;
}
