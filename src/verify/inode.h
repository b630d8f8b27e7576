/*
 * Everything there is to know about one inode, read once, and how it looks on the wire.
 *
 * Used by both ends. Values of extended attributes up to VERIFY_VALUE_RAW bytes are kept as they are, longer
 * ones as length and CRC-64: enough to compare, and to say what differs.
 */
#pragma once

#include "verify/crc.h"
#include "base/pack.h"

#include <sys/stat.h>

enum verify_type {
	VERIFY_T_NONE,
	VERIFY_T_REG,
	VERIFY_T_DIR,
	VERIFY_T_LNK,
	VERIFY_T_CHR,
	VERIFY_T_BLK,
	VERIFY_T_FIFO,
	VERIFY_T_SOCK,
	VERIFY_T_END
};

#define VERIFY_VALUE_RAW 64
#define VERIFY_VALUE_MAX 65536
#define VERIFY_XATTRS_MAX (900u << 10) /* packed bytes of all of one inode */
#define VERIFY_LINK_MAX 65536
#define VERIFY_FLAGS_KEPT 0x2283c0ffu /* FS_*_FL: s u c S i a d A j t D T C x P */
#define VERIFY_FLAGS_PRIV 0x30u /* i a */
#define VERIFY_FLAG_COMPR 0x4u
#define VERIFY_FLAG_NOCOW 0x00800000u
#define VERIFY_FLAG_PROJINHERIT 0x20000000u /* P, of VERIFY_F_PROJECT */
#define VERIFY_FLAGS_LOST 0x40100c00u /* of the others, those that somebody has set: m V E F */
#define VERIFY_NANOS 1000000000u

struct verify_node {
	uint8_t type; /* VERIFY_T_*; NONE: not even stat worked (err) */
	uint32_t err; /* errno of what could not be read beyond stat; 0: complete */
	uint32_t mode; /* 07777 */
	uint32_t uid, gid;
	uint64_t size; /* of regular files, else 0 */
	int64_t mtime_s;
	uint32_t mtime_ns;
	uint32_t major, minor; /* of devices */
	uint64_t dev, ino, nlink;
	bool flags_known, flags_none; /* none: the file system knows none */
	uint32_t flags;
	uint32_t projid;
	uint64_t fs_type; /* f_type of statfs; 0: not known */
	uint32_t ctime_frac; /* nanoseconds of ctime beyond the second */
	uint8_t times; /* enum lost_times */
	struct bytes link; /* target of a symbolic link */
	struct bytes xattrs; /* packed, sorted by name: see verify_xattr_next() */
	/* not on the wire */
	int64_t ctime_ns, mtime_full_ns;
	uint32_t flags_lost;
};

struct verify_xattr {
	struct bytes name;
	uint64_t len; /* of the value */
	struct bytes value; /* len <= VERIFY_VALUE_RAW */
	uint64_t crc; /* else */
};
/* A reader of what may be nothing. */
static inline struct rd verify_rd(struct bytes b)
{
	return rd_init(b.p ? b.p : (const uint8_t *)"", b.len);
}
/* The next of a packed list; false at the end or (check rd_done) where it is malformed. */
bool verify_xattr_next(struct rd *r, struct verify_xattr *out);
/* Sorted, names unique and not empty, everything within bounds. */
bool verify_xattrs_valid(struct bytes packed);

void verify_node_put(struct buf *out, const struct verify_node *node);
bool verify_node_get(struct rd *r, struct verify_node *out);

/* What a reader keeps between inodes. */
struct verify_reader {
	uint32_t fields; /* VERIFY_F_* */
	bool noatime;
	verify_crc_fn crc;
	uint64_t fs_dev, fs_type; /* the last one asked of; type 0: none */
	uint8_t fs_times; /* enum lost_times */
	struct buf link, xattrs, list, value;
	struct buf names; /* pointers into list */
};
void verify_reader_release(struct verify_reader *r);

uint8_t verify_type_of(mode_t mode);
void verify_node_stat(const struct stat *st, struct verify_node *out);
/*
 * All of NAME in dirfd, of which st is the stat: for regular files and directories through a descriptor, for
 * others (and what cannot be opened) by bare name in dirfd, which becomes the working directory. 0, or -1
 * with errno ENOENT (gone, or another inode by now); anything else is in out->err. link and xattrs of
 * out point into r.
 */
int verify_node_read(
	struct verify_reader *r, int dirfd, const char *name, const struct stat *st, struct verify_node *out);
/* The same of an open descriptor. */
void verify_node_read_fd(struct verify_reader *r, int fd, const struct stat *st, struct verify_node *out);
/* O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, with O_NOATIME where wanted and allowed. */
int verify_open(int dirfd, const char *name, int flags, bool noatime);
