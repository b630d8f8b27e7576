/*
 * Giving metadata to an inode.
 *
 * The order (see meta.h) is one in which no step undoes an earlier one: chown clears set-id bits and file
 * capabilities, an ACL changes the group bits, i and a forbid everything. It is also one in which an inode
 * never has set-id bits under an owner they were not meant for. Flags come after attributes, for what btrfs has as an
 * attribute shows as a flag, too.
 */
#include "meta/private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SET_ID_BITS 06000

struct apply {
	struct inode_ref ref;
	const struct meta *want;
	const struct meta *have; /* never NULL: read when the caller had none */
	unsigned fields;
	bool owner_set; /* chown was called: set-id bits and security.capability may be gone */
	bool flags_written; /* of flags_replace() */
	bool remode; /* the mode may not be what have says any more */
	unsigned failed; /* META_D_* */
	int err; /* of the first failure */
};

static void fail(struct apply *a, unsigned bits)
{
	if (!a->failed)
		a->err = errno;
	a->failed |= bits;
}

static int set_owner(const struct inode_ref *i, uid_t uid, gid_t gid)
{
	return i->fd >= 0 ? fchown(i->fd, uid, gid) : fchownat(i->dirfd, i->name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

static int set_mode(const struct inode_ref *i, mode_t mode)
{
	return i->fd >= 0 ? fchmod(i->fd, mode) : chmod_named(i, mode);
}

static void apply_owner(struct apply *a)
{
	const bool uid_differs = a->want->uid != a->have->uid, gid_differs = a->want->gid != a->have->gid;
	const uid_t uid = uid_differs ? a->want->uid : (uid_t)-1;
	const gid_t gid = gid_differs ? a->want->gid : (gid_t)-1;

	if (!(a->fields & META_F_OWNER) || (!uid_differs && !gid_differs))
		return;
	a->owner_set = a->remode = true;
	/* Bits that were meant for others than the new owner's group, and go anyway, go first. */
	if (a->ref.fd >= 0 && (a->fields & META_F_MODE) && (a->have->mode & ~a->want->mode & 077))
		(void)set_mode(&a->ref, a->have->mode & (a->want->mode | ~(mode_t)077));
	if (set_owner(&a->ref, uid, gid) == 0)
		return;
	if (!uid_differs) {
		fail(a, META_D_GROUP);
		return;
	}
	fail(a, META_D_OWNER);
	/* An ordinary user may still give the file to a group of his. */
	if (gid_differs && set_owner(&a->ref, (uid_t)-1, gid) < 0)
		fail(a, META_D_GROUP);
}

/* The set-id bits that must not be set because the owner is not the one they are meant for. */
static unsigned set_id_withheld(const struct apply *a)
{
	unsigned withheld = 0;

	if (a->want->type == META_DIR)
		return 0; /* there they give nobody's rights away */
	if (!(a->fields & META_F_OWNER))
		return geteuid() == 0 ? SET_ID_BITS : 0;
	if (a->failed & META_D_OWNER)
		withheld |= S_ISUID;
	if (a->failed & META_D_GROUP)
		withheld |= S_ISGID;
	return withheld;
}

static void apply_mode(struct apply *a)
{
	unsigned withheld = set_id_withheld(a);
	const mode_t mode = a->want->mode & ~withheld;

	if (!(a->fields & META_F_MODE) || a->want->type == META_LNK)
		return;
	if (a->remode || mode != a->have->mode) {
		struct stat st;
		if (set_mode(&a->ref, mode) < 0) {
			fail(a, META_D_MODE);
			return;
		}
		/* The kernel drops the set-group-id bit without a word when the group is not the caller's. */
		if ((mode & S_ISGID) && geteuid() != 0 && inode_stat(&a->ref, &st) == 0 && !(st.st_mode & S_ISGID))
			withheld = S_ISGID;
	}
	if (withheld & a->want->mode) {
		errno = EPERM;
		fail(a, META_D_MODE);
	}
}

/* user.* xattrs need write permission, which the owner of a read-only file lacks unless privileged.
 * apply_mode() takes it away again. */
static int make_writable(struct apply *a)
{
	if (!(a->fields & META_F_MODE) || a->have->type == META_LNK || (a->have->mode & S_IWUSR) ||
		a->have->uid != geteuid())
		return -1;
	if (set_mode(&a->ref, (a->have->mode & 0777) | S_IWUSR) < 0)
		return -1;
	a->remode = true;
	return 0;
}

static unsigned xattr_bit(const char *name)
{
	return xattr_field(name) == META_F_ACL ? META_D_ACL : META_D_XATTR;
}

static void xattr_set(struct apply *a, const struct meta_xattr *x)
{
	int ret = inode_setxattr(&a->ref, x->name, x->value, x->len);

	if (ret < 0 && errno == EACCES && make_writable(a) == 0)
		ret = inode_setxattr(&a->ref, x->name, x->value, x->len);
	if (ret < 0)
		fail(a, xattr_bit(x->name));
}

static void xattr_remove(struct apply *a, const char *name)
{
	int ret = inode_removexattr(&a->ref, name);

	if (ret < 0 && errno == EACCES && make_writable(a) == 0)
		ret = inode_removexattr(&a->ref, name);
	if (ret < 0 && errno != ENODATA)
		fail(a, xattr_bit(name));
}

/* One walk over both sorted lists. An ACL changes the mode's group bits, and losing it leaves them. */
static void apply_xattrs(struct apply *a)
{
	size_t pos_w = 0, pos_h = 0;
	struct meta_xattr w, h;
	bool more_w, more_h;

	if (!(a->fields & XATTR_FIELDS))
		return;
	more_w = xattr_next_of(&a->want->xattrs, &pos_w, a->fields, &w);
	more_h = xattr_next_of(&a->have->xattrs, &pos_h, a->fields, &h);
	while (more_w || more_h) {
		const int order = !more_w ? 1 : !more_h ? -1 : strcmp(w.name, h.name);
		const char *name = order <= 0 ? w.name : h.name;
		const bool dropped = a->owner_set && str_eq(name, "security.capability");

		if (order > 0)
			xattr_remove(a, name);
		else if (order < 0 || dropped || w.len != h.len || memcmp(w.value, h.value, w.len))
			xattr_set(a, &w);
		else
			goto next;
		a->remode |= xattr_field(name) == META_F_ACL;
	next:
		if (order <= 0)
			more_w = xattr_next_of(&a->want->xattrs, &pos_w, a->fields, &w);
		if (order >= 0)
			more_h = xattr_next_of(&a->have->xattrs, &pos_h, a->fields, &h);
	}
}

static void apply_mtime(struct apply *a)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)a->want->mtime_s, .tv_nsec = (long)a->want->mtime_ns}};
	int ret;

	if (!(a->fields & META_F_MTIME))
		return;
	if (a->ref.fd >= 0)
		ret = futimens(a->ref.fd, times);
	else
		ret = utimensat(a->ref.dirfd, a->ref.name, times, AT_SYMLINK_NOFOLLOW);
	if (ret < 0)
		fail(a, META_D_MTIME);
}

/* Sets what differs one flag at a time, so that only those the file system does not know are lost. */
static void flags_set_each(int fd, uint32_t now, uint32_t want, uint32_t mask)
{
	for (uint32_t bit = 1; bit; bit <<= 1) {
		if (((now ^ want) & mask & bit) && flags_set(fd, now ^ bit) == 0)
			now ^= bit;
	}
}

/*
 * Replaces the flags within mask and keeps the others (extents and the like, which are the file system's
 * own). A file system refuses the whole set for one flag it does not know, and some ignore silently what they
 * cannot do (btrfs: C on a file that is not empty): so the outcome is read back.
 */
static void flags_set_all(struct apply *a, uint32_t mask, uint32_t want)
{
	uint32_t now;
	int why = EOPNOTSUPP;

	want &= mask;
	if (flags_get(a->ref.fd, &now) < 0) {
		if (errno == ENOTTY && !want)
			return;
		errno = errno == ENOTTY ? EOPNOTSUPP : errno;
		fail(a, META_D_FLAGS);
		return;
	}
	if ((now & mask) == want)
		return;
	a->flags_written = true;
	if (flags_set(a->ref.fd, (now & ~mask) | want) < 0) {
		why = errno;
		flags_set_each(a->ref.fd, now, want, mask);
	}
	if (flags_get(a->ref.fd, &now) < 0 || (now & mask) != want) {
		errno = why;
		fail(a, META_D_FLAGS);
	}
}

/* btrfs takes the flag c among those that are written for a wish to compress as the file system does by itself. */
static void flags_replace(struct apply *a, uint32_t mask, uint32_t want)
{
	struct meta_xattr x;
	size_t pos = 0;

	a->flags_written = false;
	flags_set_all(a, mask, want);
	while (a->flags_written && xattr_next_of(&a->want->xattrs, &pos, a->fields & META_F_XATTR_BTRFS, &x))
		xattr_set(a, &x);
}

static void apply_project(struct apply *a)
{
	const uint32_t want = a->want->flags & META_FLAG_PROJINHERIT;

	if (!(a->fields & META_F_PROJECT) ||
		(!a->want->projid && !want) || /* of none: what it is at the target stays */
		(a->want->projid == a->have->projid && want == (a->have->flags & META_FLAG_PROJINHERIT)))
		return;
	if (project_set(a->ref.fd, a->want->projid, want) < 0)
		fail(a, META_D_PROJECT);
}

static bool has_flags(const struct apply *a)
{
	return a->ref.fd >= 0 && (a->want->type == META_REG || a->want->type == META_DIR);
}

static unsigned apply_run(struct apply *a)
{
	const uint32_t mask = has_flags(a) ? flags_mask(a->fields) & ~META_FLAG_PROJINHERIT : 0;
	/* i and a went or go: the others are written in two steps then. */
	const bool locked = (a->have->flags | a->want->flags) & mask & META_FLAGS_PRIV;
	const bool differ = (a->have->flags ^ a->want->flags) & mask;

	if (a->have->flags & mask & META_FLAGS_PRIV)
		(void)meta_unlock_fd(a->ref.fd); /* if this fails the steps below say so */
	apply_owner(a);
	apply_xattrs(a);
	apply_mode(a);
	if (has_flags(a))
		apply_project(a);
	if (differ || locked)
		flags_replace(a, mask & ~META_FLAGS_PRIV, a->want->flags);
	apply_mtime(a);
	if (locked)
		flags_replace(a, mask & META_FLAGS_PRIV, a->want->flags);
	if (a->failed)
		errno = a->err;
	return a->failed;
}

/* What a new inode has: more than nothing, for it inherits ACLs, flags, a group and labels from its directory. */
static int read_have(const struct inode_ref *ref, unsigned fields, struct meta *out)
{
	struct stat st;

	if (ref->fd >= 0)
		return meta_read_fd(ref->fd, fields, out);
	if (inode_stat(ref, &st) < 0)
		return -1;
	meta_from_stat(out, &st);
	(void)xattr_read(ref, fields, &out->xattrs); /* those that cannot be read are set all the same */
	return 0;
}

static unsigned apply_ref(const struct inode_ref *ref, const struct meta *m, const struct meta *have, unsigned fields)
{
	struct meta now = META_INIT;
	struct apply a = {.ref = *ref, .want = m, .have = have ? have : &now, .fields = fields};
	unsigned failed;
	int keep;

	if (!have && read_have(ref, fields, &now) < 0) {
		failed = META_D_MTIME | META_D_MODE | META_D_OWNER | META_D_GROUP;
	} else if (a.have->type != m->type) {
		errno = EINVAL; /* it is not the inode the caller meant */
		failed = META_D_TYPE;
	} else {
		failed = apply_run(&a);
	}
	keep = errno;
	meta_release(&now);
	errno = keep;
	return failed;
}

unsigned meta_apply_fd(int fd, const struct meta *m, const struct meta *have, unsigned fields)
{
	return apply_ref(&(struct inode_ref){.fd = fd, .dirfd = -1}, m, have, fields);
}

unsigned meta_apply_name(int dirfd, const char *name, const struct meta *m, const struct meta *have, unsigned fields)
{
	return apply_ref(&(struct inode_ref){.fd = -1, .dirfd = dirfd, .name = name}, m, have, fields);
}

int meta_unlock_fd(int fd)
{
	uint32_t flags;

	if (flags_get(fd, &flags) < 0)
		return errno == ENOTTY ? 0 : -1;
	if (!(flags & META_FLAGS_PRIV))
		return 0;
	return flags_set(fd, flags & ~META_FLAGS_PRIV);
}

void meta_apply_creation_flags(int fd, const struct meta *m, unsigned fields)
{
	const uint32_t nocow = META_FLAG_NOCOW & flags_mask(fields);
	uint32_t flags;

	/* Both ways: a file inherits C from its directory. What is refused here, meta_apply_fd() reports. */
	if (!nocow || flags_get(fd, &flags) < 0 || !((flags ^ m->flags) & nocow))
		return;
	(void)flags_set(fd, flags ^ nocow);
}
