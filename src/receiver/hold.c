#include "receiver/hold.h"
#include "receiver/answer.h"
#include "receiver/state.h"
#include "receiver/tmp.h"

#include <errno.h>
#include <sys/statfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LABEL "security.selinux"

/* NULL: it cannot be told. */
static struct hold_fs *fs_of(struct session *s, const struct place *at)
{
	struct holds *h = &s->holds;
	struct hold_fs *fs;
	struct statfs st;

	for (size_t i = 0; i < MIN(h->n, ARRAY_LEN(h->fs)); i++)
		if (h->fs[i].dev == at->dev)
			return &h->fs[i];
	if (at->fd < 0 || fstatfs(at->fd, &st) < 0)
		return NULL;
	fs = &h->fs[h->n++ % ARRAY_LEN(h->fs)];
	*fs = (struct hold_fs){
		.dev = at->dev, .type = (uint32_t)st.f_type, .times = lost_times_of(at->fd, (uint32_t)st.f_type)};
	return fs;
}

/* ---- times ---- */

/* What a new file of it makes of times. */
static void ask(struct session *s, struct place *at, struct hold_fs *fs)
{
	struct tmpname t;
	int fd;

	fs->asked = true;
	if (at->beside || at->dev != s->root.dev)
		place_modify(s, at);
	fd = tmp_create(s, at, &t);
	if (fd < 0)
		return;
	lost_times_ask(fd, &fs->grain);
	tmp_discard(&t);
	close(fd);
}

static bool time_held(
	struct session *s, struct place *at, struct hold_fs *fs, const struct meta *want, const struct meta *have)
{
	const enum lost_times known = fs ? fs->times : LOST_TIMES_UNSURE;

	if (have->mtime_s == want->mtime_s && have->mtime_ns == want->mtime_ns)
		return false;
	if (!lost_time_held(want->mtime_s, want->mtime_ns, have->mtime_s, have->mtime_ns, have->ctime_ns, known))
		return false;
	if (s->dry || known == LOST_TIMES_SECONDS || known == LOST_TIMES_LONG)
		return true;
	if (fs && !fs->asked)
		ask(s, at, fs);
	return fs && lost_time_given(&fs->grain, want->mtime_s, want->mtime_ns, have->mtime_s, have->mtime_ns);
}

/* ---- attributes ---- */

static bool is_property(const struct meta_xattr *x)
{
	return strncmp(x->name, "btrfs.", 6) == 0;
}

static bool find_xattr(const struct buf *xattrs, const char *name, struct meta_xattr *out)
{
	size_t pos = 0;

	while (meta_xattr_next(xattrs, &pos, out))
		if (str_eq(out->name, name))
			return true;
	return false;
}

/* Whether the property lets btrfs show the flag c. */
static bool compresses(const struct meta *m)
{
	struct meta_xattr x;

	return find_xattr(&m->xattrs, "btrfs.compression", &x) && x.len &&
		!(x.len == 2 && memcmp(x.value, "no", 2) == 0) && !(x.len == 4 && memcmp(x.value, "none", 4) == 0);
}

static void drop_properties(struct meta *want, struct held *out)
{
	AUTO_BUF kept = BUF_INIT;
	size_t pos = 0, from = 0;
	struct meta_xattr x;

	while (meta_xattr_next(&want->xattrs, &pos, &x)) {
		if (is_property(&x))
			out->property = true;
		else
			buf_append(&kept, want->xattrs.data + from, pos - from);
		from = pos;
	}
	if (!out->property)
		return;
	buf_clear(&want->xattrs);
	buf_append(&want->xattrs, kept.data, kept.len);
}

/* What the source could not read may be what is there. Both lists are sorted. */
static void keep_unread(struct meta *want, const struct meta *have)
{
	size_t pos_w = 0, pos_h = 0, from_w = 0, from_h = 0;
	AUTO_BUF all = BUF_INIT;
	struct meta_xattr w, h;
	bool more_w = meta_xattr_next(&want->xattrs, &pos_w, &w), more_h = meta_xattr_next(&have->xattrs, &pos_h, &h);

	while (more_w || more_h) {
		const int order = !more_w ? 1 : !more_h ? -1 : strcmp(w.name, h.name);

		if (order <= 0)
			buf_append(&all, want->xattrs.data + from_w, pos_w - from_w);
		else
			buf_append(&all, have->xattrs.data + from_h, pos_h - from_h);
		from_w = order <= 0 ? pos_w : from_w;
		from_h = order >= 0 ? pos_h : from_h;
		if (order <= 0)
			more_w = meta_xattr_next(&want->xattrs, &pos_w, &w);
		if (order >= 0)
			more_h = meta_xattr_next(&have->xattrs, &pos_h, &h);
	}
	buf_clear(&want->xattrs);
	buf_append(&want->xattrs, all.data, all.len);
}

/* ---- before ---- */

static void fit_flags(struct session *s, uint64_t type, struct meta *want, const struct meta *have, struct held *out)
{
	uint32_t lost = 0;

	if (want->type != META_REG && want->type != META_DIR)
		return;
	/* There c is the property's shadow, and one without the other would become a property of its own. */
	if (type == LOST_BTRFS_MAGIC) {
		lost = want->flags & META_FLAG_COMPR & (compresses(want) ? 0 : META_FLAG_COMPR);
		want->flags |= compresses(want) ? META_FLAG_COMPR & (s->fields & META_F_FLAGS ? UINT32_MAX : 0) : 0;
	}
	/* C stays for ever on what has contents; a mount with nodatacow gives it to all files. */
	if (type == LOST_BTRFS_MAGIC && have && want->type == META_REG && have->size &&
		(have->flags & ~want->flags & META_FLAG_NOCOW)) {
		want->flags |= META_FLAG_NOCOW;
		out->nocow = true;
	}
	if (s->dry) /* else it is tried */
		lost |= want->flags & lost_flags_of(type) & ~(have ? have->flags : 0);
	want->flags &= ~lost;
	out->flags = lost;
	if (want->projid || (want->flags & META_FLAG_PROJINHERIT) || !have)
		return;
	want->projid = have->projid;
	want->flags |= have->flags & META_FLAG_PROJINHERIT;
}

void hold_fit(struct session *s, struct place *at, struct meta *want, const struct meta *have, struct held *out)
{
	struct hold_fs *fs = fs_of(s, at);
	const uint64_t type = fs ? fs->type : 0;

	*out = (struct held){};
	if (type && type != LOST_BTRFS_MAGIC && want->xattrs.len)
		drop_properties(want, out);
	if (want->partial && have)
		keep_unread(want, have);
	fit_flags(s, type, want, have, out);
	if (have && (s->fields & META_F_MTIME) && time_held(s, at, fs, want, have)) {
		want->mtime_s = have->mtime_s;
		want->mtime_ns = have->mtime_ns;
		out->time = true;
	}
}

/* ---- after ---- */

static bool unsupported(int err)
{
	return err == EOPNOTSUPP || err == ENOTTY || err == EINVAL;
}

/* C cannot be set on what has contents: that is not the file system's inability. */
static bool excuse_flags(struct session *s, int fd, const struct meta *m, struct held *h)
{
	const unsigned fields = s->fields & (META_F_FLAGS | META_F_FLAGS_PRIV);
	struct meta now = META_INIT;
	uint32_t missing, extra;
	bool ok;

	if (meta_apply_fd(fd, m, NULL, fields) && !unsupported(errno))
		return false;
	ok = meta_read_fd(fd, fields, &now) == 0;
	missing = m->flags & ~now.flags & ~META_FLAG_PROJINHERIT;
	extra = now.flags & ~m->flags;
	meta_release(&now);
	if (!ok || (missing & META_FLAG_NOCOW) || extra)
		return false;
	h->flags |= missing;
	h->tried_flags = true;
	return true;
}

/* Who has a policy of labels lets nobody take a label away, and may have one for all files of a mount. */
static bool excuse_label(struct session *s, int fd, const struct meta *m, struct held *h)
{
	struct meta now = META_INIT, want = META_INIT;
	struct meta_xattr x;
	bool only;

	if (meta_read_fd(fd, s->fields, &now) < 0 || !find_xattr(&now.xattrs, LABEL, &x)) {
		meta_release(&now);
		return false;
	}
	/* Is it all that differs, the one that is there aside? */
	want.type = m->type;
	buf_append(&want.xattrs, m->xattrs.data, m->xattrs.len);
	only = (meta_diff(&now, &want, META_F_XATTR_SECURITY) & META_D_XATTR) &&
		!(meta_diff(&now, &want, s->fields & (META_F_XATTR_USER | META_F_XATTR_TRUSTED | META_F_XATTR_BTRFS)));
	if (only) {
		keep_unread(&want, &now); /* what m has not */
		if (find_xattr(&m->xattrs, LABEL, &x)) {
			const unsigned failed = meta_apply_fd(fd, m, &now, META_F_XATTR_SECURITY);
			only = failed && unsupported(errno);
		} else {
			only = !(meta_diff(&now, &want, META_F_XATTR_SECURITY) & META_D_XATTR);
		}
	}
	meta_release(&now);
	meta_release(&want);
	h->label = only;
	return only;
}

unsigned hold_apply(struct session *s, int fd, const struct meta *m, const struct meta *have, struct held *h)
{
	unsigned failed = meta_apply_fd(fd, m, have, s->fields);
	int err = errno;

	if ((failed & META_D_FLAGS) && excuse_flags(s, fd, m, h))
		failed &= ~META_D_FLAGS;
	if (failed & META_D_PROJECT) { /* of whatever reason: files must not fail for it */
		failed &= ~META_D_PROJECT;
		h->project = true;
	}
	if ((failed & META_D_XATTR) && excuse_label(s, fd, m, h))
		failed &= ~META_D_XATTR;
	errno = err;
	return failed;
}

unsigned hold_beyond(const struct held *h)
{
	return (h->tried_flags ? META_D_FLAGS : 0) | (h->project ? META_D_PROJECT : 0) | (h->label ? META_D_XATTR : 0);
}

void hold_look(struct session *s, const struct place *at, struct held *h, const struct meta *want, uint32_t ctime_ns)
{
	const struct hold_fs *fs = fs_of(s, at);

	if (!fs || fs->times == LOST_TIMES_SECONDS || fs->times == LOST_TIMES_UNSURE)
		h->time = h->time || (ctime_ns == 0 && want->mtime_ns);
}

void hold_say(struct session *s, const struct place *at, const char *name, const struct held *h)
{
	const struct {
		bool is;
		const char *what;
	} kinds[] = {{h->time, LOST_TIME}, {h->project, LOST_PROJECT}, {h->property, LOST_COMPRESSION},
		{h->label, LOST_LABEL}, {h->nocow, LOST_NOCOW_ADDED}};
	struct lost *l = &s->holds.lost;

	lost_add_flags(l, LOST_TARGET, h->flags, at->src, name ? name : "");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].is)
			lost_add(l, LOST_TARGET, kinds[i].what, 1, at->src, name ? name : "");
}

void hold_tell(struct session *s)
{
	struct lost *l = &s->holds.lost;
	AUTO_BUF out = BUF_INIT;
	size_t start;

	if (!l->n)
		return;
	start = frame_begin(&out, MSG_LOST, 0);
	for (size_t i = 0; i < l->n; i++)
		msg_lost_put(&out,
			&(struct msg_lost){.what = {(const uint8_t *)l->all[i].what, strlen(l->all[i].what)},
				.files = l->all[i].files,
				.path = {(const uint8_t *)l->all[i].first, strlen(l->all[i].first)}});
	frame_end(&out, start);
	lost_clear(l);
	/* s->out holds whole frames. */
	buf_append(&out, s->out.data, s->out.len);
	buf_clear(&s->out);
	buf_append(&s->out, out.data, out.len);
}
