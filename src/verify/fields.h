/* What of an inode's metadata is compared. */
#pragma once

enum verify_field {
	VERIFY_F_MODE = 1 << 0,
	VERIFY_F_OWNER = 1 << 1, /* uid and gid */
	VERIFY_F_MTIME = 1 << 2,
	VERIFY_F_FLAGS = 1 << 3,
	VERIFY_F_FLAGS_PRIV = 1 << 4, /* the flags i and a */
	VERIFY_F_XATTR_USER = 1 << 5,
	VERIFY_F_ACL = 1 << 6,
	VERIFY_F_XATTR_TRUSTED = 1 << 7,
	VERIFY_F_XATTR_SECURITY = 1 << 8,
	VERIFY_F_XATTR_BTRFS = 1 << 9,
	VERIFY_F_PROJECT = 1 << 10, /* project id, and the flag P */
	VERIFY_F_ALL = (1 << 11) - 1,
	VERIFY_F_XATTRS = VERIFY_F_XATTR_USER | VERIFY_F_ACL | VERIFY_F_XATTR_TRUSTED | VERIFY_F_XATTR_SECURITY |
		VERIFY_F_XATTR_BTRFS,
	/* What a process without root's rights can read of a source ... */
	VERIFY_F_USER = VERIFY_F_ALL & ~VERIFY_F_XATTR_TRUSTED,
	/* ... and what it can have given to a target. */
	VERIFY_F_USER_TARGET = VERIFY_F_USER & ~(VERIFY_F_OWNER | VERIFY_F_FLAGS_PRIV | VERIFY_F_XATTR_SECURITY),
};
