/*
 * Metadata: reading all of one inode's, one canonical encoding of it, and giving it to another inode.
 *
 * The encoding is what travels, what directory digests are made of, and what both ends compare: two inodes are equal
 * when their encodings under the same profile are. Whatever a profile leaves out is neither sent nor compared.
 *
 * All calls work on an open directory descriptor plus one bare name, or on an open descriptor; never on a
 * longer path, never through a symbolic link, never through /proc (a chroot has none). The l-xattr calls need
 * a bare name in the current directory: meta_read() and meta_apply_name() expect the caller to have
 * fchdir()ed to dirfd.
 *
 * Ownership: a struct meta owns link and xattrs; META_INIT, meta_release(). meta_read() reuses the buffers.
 * Errors: -1 with errno; the caller makes the diagnostic.
 */
#pragma once

#include "base/buf.h"

enum meta_type { META_NONE, META_REG, META_DIR, META_LNK, META_CHR, META_BLK, META_FIFO, META_SOCK, META_TYPE_END };

/* What is kept. Agreed once per session (what both ends can read, and the target can write). */
enum meta_field {
	META_F_MODE = 1 << 0,
	META_F_OWNER = 1 << 1, /* uid and gid */
	META_F_MTIME = 1 << 2,
	META_F_FLAGS = 1 << 3,
	META_F_FLAGS_PRIV = 1 << 4, /* the flags i and a, which need CAP_LINUX_IMMUTABLE */
	META_F_XATTR_USER = 1 << 5,
	META_F_ACL = 1 << 6, /* system.posix_acl_access and _default */
	META_F_XATTR_TRUSTED = 1 << 7,
	META_F_XATTR_SECURITY = 1 << 8, /* security.*: SELinux labels, file capabilities */
	META_F_XATTR_BTRFS = 1 << 9, /* btrfs.*: properties, such as the compression of a file */
	META_F_PROJECT = 1 << 10, /* project id, and the flag P: files of a directory inherit it */
	META_F_ALL = (1 << 11) - 1,
};

/* Inode flags that are kept: s u c S i a d A j t D T C x P. FS_*_FL values. */
#define META_FLAGS_KEPT 0x2283c0ffu
#define META_FLAGS_PRIV 0x30u /* immutable, append only */
#define META_FLAG_COMPR 0x4u /* c; btrfs has it where the property btrfs.compression says so */
#define META_FLAG_NOCOW 0x00800000u /* C: only works on an empty file */
#define META_FLAG_PROJINHERIT 0x20000000u /* P, of META_F_PROJECT */
/* Flags that somebody has set and that no copy can have: m V E F. The others are the file system's own. */
#define META_FLAGS_LOST 0x40100c00u

#define META_NAME_MAX 255
#define META_LINK_MAX 65536 /* bytes of a symbolic link's target we accept */
#define META_XATTRS_MAX (2u << 20) /* packed bytes of all xattrs of one inode */

struct meta {
	uint8_t type;
	uint16_t mode; /* 07777 */
	uint32_t uid, gid;
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint64_t size; /* of regular files; 0 else */
	uint32_t rdev_major, rdev_minor; /* of devices; 0 else */
	uint32_t flags; /* FS_*_FL within META_FLAGS_KEPT */
	uint32_t projid; /* of files and directories; 0: of no project */
	bool partial; /* some of xattrs could not be read: what the other side has beyond them says nothing */
	struct buf link; /* target of a symbolic link */
	struct buf xattrs; /* packed, sorted by name; see meta_xattr_next() */
	/* Local facts: not encoded. */
	uint64_t dev, ino, nlink, blocks; /* blocks of 512 bytes */
	int64_t ctime_s;
	uint32_t ctime_ns;
	uint32_t flags_lost; /* within META_FLAGS_LOST */
	int xattrs_err; /* partial: errno of the first */
	bool odd_time; /* the inode's nanoseconds are none: mtime_ns is 999999999 instead */
};

#define META_INIT \
	{         \
	}

/*
 * Reads everything about NAME in dirfd, which must be the current directory. Regular files and directories
 * are opened (O_RDONLY|O_NOFOLLOW|O_NONBLOCK, O_NOATIME where permitted) for their flags, or for out_fd; when
 * neither is wanted, or the device is known to have no flags, they are not. out_fd, when not NULL, receives
 * that descriptor, the caller's to close; else it is closed. Where the inode cannot be opened but is there
 * (no permission, an encrypted name without its key, a swap file), its metadata are read by name, without
 * flags: 0, *out_fd is -1 and errno says why; reading the content is what fails later, and as that file's
 * failure. Types without a descriptor give -1 and errno 0. dtype is the d_type of the listing or DT_UNKNOWN:
 * what it says is no file and no directory is not opened, nor is what stat says so of. By name, stat, link
 * and xattrs are separate looks: an inode replaced between them mixes two. Its ctime is new then.
 * Attributes that cannot be read cost no more than themselves: 0, and m->partial. ESTALE is tried twice.
 */
int meta_read(int dirfd, const char *name, unsigned char dtype, unsigned fields, struct meta *m, int *out_fd);
/* The same of an open descriptor (regular file or directory). */
int meta_read_fd(int fd, unsigned fields, struct meta *m);
/* Only the stat part (no xattrs, flags, link target). */
int meta_stat(int dirfd, const char *name, struct meta *m);
void meta_release(struct meta *m);
void meta_clear(struct meta *m); /* empty, buffers kept */

enum meta_type meta_type_of(mode_t mode); /* of st_mode; META_NONE when it is none we know */
mode_t meta_type_mode(enum meta_type type); /* S_IFREG and so on */

/* The META_F_* this process can read, or (writing) set on any inode, by its capabilities and uid: what it can
 * offer for the session's profile. */
unsigned meta_fields_possible(bool writing);

/* Appends the canonical encoding under the profile. A directory's size and a symbolic link's mode are never in it. */
void meta_pack(struct buf *out, const struct meta *m, unsigned fields);
/*
 * Whether what was read of an inode can be said in the encoding: a known type, ids that are ids, a size and a link that can
 * be. What a damaged or invented (FUSE) inode shows beyond that, the reading calls refuse with EUCLEAN: whatever they
 * give, meta_unpack() takes.
 */
bool meta_valid(const struct meta *m);
/*
 * Reads one encoding from p..p+n; returns the bytes used, or 0 when it is not valid (m is empty then).
 * Everything is bounded, and only the one canonical form is valid: packing m again gives the bytes that were
 * used. What m holds is then within the profile: xattrs of its namespaces only, sorted, none twice; ids that
 * chown takes for ids; a link without NUL. It may still be nonsense to the kernel (an ACL on a device), which
 * refuses it in meta_apply_*().
 */
size_t meta_unpack(const void *p, size_t n, unsigned fields, struct meta *m);

/* Iterates packed xattrs: *pos from 0; false at the end (or, for unchecked bytes, where they are malformed). */
struct meta_xattr {
	const char *name; /* NUL-terminated, points into the buffer */
	const uint8_t *value;
	uint32_t len;
};
bool meta_xattr_next(const struct buf *xattrs, size_t *pos, struct meta_xattr *out);

/* Which fields differ: a mask of META_D_*. 0 exactly when the encodings are equal. */
enum meta_diff {
	META_D_TYPE = 1 << 0,
	META_D_SIZE = 1 << 1,
	META_D_MTIME = 1 << 2,
	META_D_MODE = 1 << 3,
	META_D_OWNER = 1 << 4,
	META_D_GROUP = 1 << 5,
	META_D_ACL = 1 << 6,
	META_D_XATTR = 1 << 7,
	META_D_FLAGS = 1 << 8,
	META_D_LINK = 1 << 9, /* symlink target */
	META_D_RDEV = 1 << 10,
	META_D_CONTENT = 1 << 11, /* set by callers: contents compared and unequal */
	META_D_HARDLINK = 1 << 12, /* set by callers: link group differs */
	META_D_PROJECT = 1 << 13,
	META_D_END = 1 << 14,
};
unsigned meta_diff(const struct meta *a, const struct meta *b, unsigned fields);
/* "size,mtime": the names of the bits, comma separated. */
void meta_diff_names(struct buf *out, unsigned diff);

/*
 * Gives m to an inode that exists, in the order that loses nothing: (clear i and a), owner, xattrs and ACLs
 * (those the target has beyond m, within the profile's namespaces, are removed), mode, flags, mtime, then i
 * and a. Content must be written before.
 *
 * `have` is what the inode has now, read under the same fields after the last write to it (writing drops
 * set-id bits and file capabilities), or NULL when that is not known, as for a new inode: then it is read
 * here, for even that has what it inherited from its directory. Only what differs is set, but for mtime,
 * which always is.
 *
 * Each step that fails is remembered and the rest goes on: returns 0, or a mask of META_D_* bits that could
 * not be set, with errno of the first (EOPNOTSUPP: not on this file system). META_D_TYPE, and nothing done,
 * when the inode is of another type than m. Set-id bits are withheld, and META_D_MODE reported, when the
 * owner or group they are meant for could not be set (or, as root, when the profile has no owners).
 */
unsigned meta_apply_fd(int fd, const struct meta *m, const struct meta *have, unsigned fields);
/* For what has no descriptor (symlinks, devices, fifos, sockets), by bare name in dirfd, which must be the
 * current directory. Symbolic links are never followed: where this kernel has no call that sets the mode so,
 * META_D_MODE fails with EOPNOTSUPP. */
unsigned meta_apply_name(int dirfd, const char *name, const struct meta *m, const struct meta *have, unsigned fields);
/*
 * Before an inode that exists, and has `have`, gets new contents or entries: takes from it what it shall not have in the
 * end: permissions that m does not give, set-id bits that are not m's, an owner it shall not keep (by root, who has it
 * meanwhile). 1: that was something, and meta_apply_fd() gives what m has; 0: nothing; -1 with errno.
 */
int meta_tighten_fd(int fd, const struct meta *m, const struct meta *have, unsigned fields);
/*
 * chmod by bare name, never of what a symbolic link leads to: by fchmodat2 (Linux 6.6); without it by the kernel's own
 * /proc, where that is to be seen, or where dirfd is our own and nobody else may write to it. Else -1 with EOPNOTSUPP.
 */
int meta_chmod(int dirfd, const char *name, mode_t mode);
/* Clears i and a so that the inode can be changed, renamed over or unlinked; by descriptor. 0 or -1. */
int meta_unlock_fd(int fd);
/* Sets or clears the flag that only works on an empty file (C), just after creation. Best effort: what fails
 * is reported by meta_apply_fd(). */
void meta_apply_creation_flags(int fd, const struct meta *m, unsigned fields);
