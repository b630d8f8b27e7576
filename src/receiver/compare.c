/* LIST: every entry the mover lists against our own; what needs no content is done at once. */
#include "receiver/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* An answer under way, of a type whose payload begins with a flags byte. */
struct answer {
	struct buf *out;
	uint8_t type;
	uint32_t id;
	size_t start;
	bool open;
};

static struct buf *answer_record(struct answer *a)
{
	if (!a->open) {
		a->start = frame_begin(a->out, a->type, a->id);
		wr_u8(a->out, 0);
		a->open = true;
	}
	return a->out;
}

static void answer_close(struct answer *a, bool last)
{
	if (last)
		answer_record(a)->data[a->start + FRAME_HEADER] = MSG_LAST;
	if (!a->open)
		return;
	frame_end(a->out, a->start);
	a->open = false;
}

static void answer_next(struct answer *a)
{
	if (a->out->len - a->start >= WIRE_BATCH_BYTES)
		answer_close(a, false);
}

static void need_put(struct answer *a, struct need *n)
{
	msg_need_put(answer_record(a), n);
	answer_next(a);
	diag_release(&n->diag);
}

/* ---- one entry ---- */

struct pair { /* what is compared */
	struct session *s;
	struct tdir *d;
	const char *name;
	const struct meta *want;
	uint8_t flags; /* ENTRY_* */
	struct meta *have;
	int fd;
	unsigned diff;
};

static void made(struct need *n, uint8_t op, unsigned why, int ret)
{
	n->op = ret < 0 || diag_is_set(&n->diag) ? NEED_FAILED : op;
	n->why = why;
}

static void create_missing(struct pair *p, struct need *n)
{
	struct stat st;
	bool is_new;
	int ret = 0;

	if (p->want->type == META_REG) {
		n->op = NEED_NEW;
		return;
	}
	if (p->s->dry)
		;
	else if (p->want->type == META_DIR)
		ret = entry_mkdir(p->s, p->d, p->name, 0700, &is_new, &n->diag);
	else
		ret = entry_make_special(p->s, p->d, p->name, p->want, true, &n->diag, &st);
	made(n, NEED_CREATED, 0, ret);
}

/* Something of another type is there. */
static void replace_type(struct pair *p, struct need *n)
{
	struct stat st;
	bool is_new;
	int ret = 0;

	if (!entry_may_become(p->s, p->d, p->name, p->want->type, &n->diag)) {
		n->op = NEED_FAILED;
		return;
	}
	if (p->want->type == META_REG) {
		n->op = NEED_NEW; /* what is in the way goes when the content comes */
		n->why = META_D_TYPE;
		return;
	}
	if (p->s->dry)
		;
	else if (p->want->type == META_DIR)
		ret = entry_mkdir(p->s, p->d, p->name, 0700, &is_new, &n->diag);
	else
		ret = entry_make_special(p->s, p->d, p->name, p->want, false, &n->diag, &st);
	made(n, NEED_UPDATED, META_D_TYPE, ret);
}

static void metadata_only(struct pair *p, struct need *n, bool own_inode)
{
	int ret = 0;

	if (p->s->dry)
		;
	else if (own_inode)
		ret = entry_break(p->s, p->d, p->name, p->want, &n->diag);
	else
		ret = entry_apply(p->s, p->d, p->name, p->fd, p->want, p->have, &n->diag);
	made(n, NEED_METADATA, p->diff | (own_inode ? META_D_HARDLINK : 0), ret);
}

static void compare_regular(struct pair *p, struct need *n)
{
	const bool shared = p->have->nlink > 1;
	const bool look = (p->s->flags & HELLO_CHECKSUM) || session_suspects(p->s, p->have);

	if ((p->diff & (META_D_SIZE | META_D_MTIME)) || look) {
		n->op = NEED_UPDATE;
		n->basis = p->have->size;
		n->why = p->diff | (shared ? META_D_HARDLINK : 0);
	} else if (p->diff || shared) {
		metadata_only(p, n, shared);
	}
}

static void compare_special(struct pair *p, struct need *n)
{
	const bool shared = p->have->nlink > 1;
	struct stat st;
	int ret = 0;

	if (p->diff & (META_D_LINK | META_D_RDEV)) {
		if (!p->s->dry)
			ret = entry_make_special(p->s, p->d, p->name, p->want, false, &n->diag, &st);
		made(n, NEED_UPDATED, p->diff, ret);
	} else if (p->diff || shared) {
		metadata_only(p, n, shared);
	}
}

static void link_state(struct pair *p, struct need *n, bool there)
{
	n->op = NEED_LINK_STATE;
	n->exists = there && p->have->type == p->want->type;
	if (there && p->have->type == META_REG)
		n->basis = p->have->size;
	n->why = n->exists ? p->diff : 0;
	if (n->exists) {
		n->dev = p->have->dev;
		n->ino = p->have->ino;
		n->nlink = p->have->nlink;
		n->doubt = session_suspects(p->s, p->have);
	}
}

/* Reads what is there now: 1; 0: nothing; -1: n says why it cannot be read. */
static int read_have(struct pair *p, struct need *n, bool want_fd)
{
	const unsigned char dtype = p->want->type == META_REG ? DT_REG : DT_UNKNOWN;
	const bool open_it = want_fd && p->want->type == META_REG && !p->s->dry;

	if (p->d->fd < 0)
		return 0;
	if (dir_enter(p->s, p->d->fd) == 0 &&
		meta_read(p->d->fd, p->name, dtype, p->s->fields, p->have, open_it ? &p->fd : NULL) == 0) {
		p->diff = meta_diff(p->have, p->want, p->s->fields);
		return 1;
	}
	if (errno == ENOENT)
		return 0;
	target_fail(&n->diag, DIAG_RECEIVER_LIST, errno, p->d, p->name, "cannot read the metadata of");
	n->op = NEED_FAILED;
	return -1;
}

/* n->op stays 0 when there is nothing to say. */
static void compare(struct pair *p, struct need *n, bool there)
{
	const bool linked = p->flags & ENTRY_LINKED;
	int found = there ? read_have(p, n, !linked) : 0;

	if (found < 0)
		return;
	if (linked)
		link_state(p, n, found);
	else if (!found)
		create_missing(p, n);
	else if (p->have->type != p->want->type)
		replace_type(p, n);
	else if (p->want->type == META_REG)
		compare_regular(p, n);
	else if (p->want->type != META_DIR)
		compare_special(p, n);
	if (p->fd >= 0)
		close(p->fd);
}

/* Equal without another look: our encoding is the mover's, and no link is to be broken. */
static bool same(const struct session *s, const struct listing *l, const struct own *o, const struct entry *e,
	const struct meta *want)
{
	if (e->flags & ENTRY_LINKED)
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
static bool list_entry(struct session *s, struct tdir *d, const struct entry *e, struct meta *want, struct meta *have,
	struct answer *a)
{
	char name[META_NAME_MAX + 1];
	struct need n = {.index = d->index};
	struct pair p = {.s = s, .d = d, .name = name, .want = want, .flags = e->flags, .have = have, .fd = -1};
	uint64_t hash = digest_name(&s->digest, e->name.p, e->name.len);
	struct own *o;

	if (d->index++ == UINT32_MAX || !unpack_entry(s, e, want))
		return false;
	memcpy(name, e->name.p, e->name.len);
	name[e->name.len] = '\0';
	o = listing_find(d->own, hash, name);
	if (o && (o->flags & OWN_SEEN))
		return false; /* a name twice */
	if (o)
		o->flags |= OWN_SEEN;
	if (entry_reserved(d, name) || entry_hidden(s, d->dst, name)) {
		target_fail(&n.diag, DIAG_RECEIVER_RESERVED, 0, d, name, "cannot use the name");
		n.op = NEED_FAILED;
	} else if (d->unreadable) {
		target_fail(&n.diag, DIAG_RECEIVER_LIST, 0, d, name, "no listing to compare");
		n.op = NEED_FAILED;
	} else if (!o || !same(s, d->own, o, e, want)) {
		compare(&p, &n, o != NULL);
	}
	if (n.op)
		need_put(a, &n);
	return true;
}

/* ---- what the source has not ---- */

static bool bit_set(const struct buf *bitmap, uint32_t i)
{
	return i / 8 < bitmap->len && (bitmap->data[i / 8] >> (i % 8) & 1);
}

static void send_extra(struct session *s, struct tdir *d)
{
	struct answer a = {.out = &s->out, .type = MSG_EXTRA, .id = d->id};
	const bool none = d->flags & DIR_NO_DELETE;

	for (size_t i = 0; i < d->own->n && !none; i++) {
		const struct own *o = &d->own->e[i];
		const char *name = own_name(d->own, o);
		struct buf *out;

		if ((o->flags & OWN_SEEN) || !bit_set(&d->bitmap, digest_bucket(o->hash, d->buckets)) ||
			entry_protected(s, d->src, name, o->type == META_DIR))
			continue;
		out = answer_record(&a);
		wr_u8(out, o->type);
		wr_str(out, name);
		answer_next(&a);
		if (!a.open)
			session_push(s);
	}
	answer_close(&a, true);
}

/* ---- LIST ---- */

/* Our listing, when it was not kept: the names alone, the entries are read one by one. */
static void list_begin(struct session *s, struct tdir *d, const struct bytes *bitmap)
{
	uint32_t slices;

	if (d->listing)
		return;
	d->listing = true;
	buf_append(&d->bitmap, bitmap->p, bitmap->len);
	if (!d->own && d->fd >= 0 && !d->made)
		d->unreadable = listing_names(s, d, &d->own, &slices) != LISTING_OK;
	if (!d->own)
		d->own = xcalloc(1, sizeof(*d->own));
	listing_index(d->own);
}

#define NEEDS_HELD (4u << 20)

static void send_needs(struct session *s, struct tdir *d)
{
	buf_append(&s->out, d->needs.data, d->needs.len);
	buf_clear(&d->needs);
	session_push(s);
}

static void list_end(struct session *s, struct tdir *d)
{
	if (s->flags & HELLO_DELETE)
		send_extra(s, d);
	dir_drop_listing(s, d);
	buf_release(&d->bitmap);
	buf_release(&d->needs);
	d->listing = d->unreadable = false;
	d->index = 0;
}

bool list_handle(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct meta want = META_INIT, have = META_INIT;
	struct tdir *d = dir_find(s, f->id);
	struct answer a = {.out = d ? &d->needs : NULL, .type = MSG_NEED, .id = f->id};
	struct bytes bitmap;
	struct entry e;
	bool last, ok = true;

	if (!msg_list_head_get(&r, &last, &bitmap))
		return session_malformed(s, "listing");
	if (!d)
		return true; /* it failed, and was closed by saying so */
	if (d->flags & DIR_NEW)
		return session_error(s, DIAG_RECEIVER_PROTOCOL, "a listing of a new directory");
	list_begin(s, d, &bitmap);
	while (ok && msg_entry_get(&r, false, &e))
		ok = list_entry(s, d, &e, &want, &have, &a);
	meta_release(&want);
	meta_release(&have);
	if (!ok || !rd_done(&r))
		return session_malformed(s, "listing");
	answer_close(&a, last);
	if (last || d->needs.len > NEEDS_HELD)
		send_needs(s, d);
	if (last)
		list_end(s, d);
	return true;
}
