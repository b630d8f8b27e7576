/* Landlock by raw system calls, with constants of our own: the headers of the build host may be older. */
#include "confine/private.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_READ (UINT64_C(3) << 2) /* read_file, read_dir */
#define FS_REFER (UINT64_C(1) << 13)
#define FS_ABI_1 ((UINT64_C(1) << 13) - 1)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_TCP (UINT64_C(3)) /* bind, connect */
#define SCOPE_ALL (UINT64_C(3)) /* abstract sockets, signals */

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

struct path_beneath_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* What this version of Landlock can deny. */
static struct ruleset_attr attr_of_abi(long abi)
{
	struct ruleset_attr attr = {.fs = FS_ABI_1};

	if (abi >= 2)
		attr.fs |= FS_REFER;
	if (abi >= 3)
		attr.fs |= FS_TRUNCATE;
	if (abi >= 4)
		attr.net = NET_TCP;
	if (abi >= 5)
		attr.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		attr.scoped = SCOPE_ALL;
	return attr;
}

static bool allow_below(int ruleset, int root_fd, uint64_t allowed)
{
	struct path_beneath_attr rule = {.allowed = allowed, .parent_fd = root_fd};

	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
}

int landlock_restrict(enum landlock_scope scope, int root_fd, struct buf *out_note)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	struct ruleset_attr attr;
	AUTO_CLOSE int ruleset = -1;

	/* The first version denies every link and rename between directories, which a receiver cannot do without. */
	if (abi < 1 || (scope == LANDLOCK_BELOW && abi < 2)) {
		buf_append_str(out_note, "no Landlock; ");
		return 0;
	}
	attr = attr_of_abi(abi);
	if (scope == LANDLOCK_NO_WRITE)
		attr.fs &= ~FS_READ;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return -1;
	if (scope == LANDLOCK_BELOW && !allow_below(ruleset, root_fd, attr.fs & ~(FS_EXECUTE | FS_IOCTL_DEV)))
		return -1;
	if (scope == LANDLOCK_READ_BELOW && !allow_below(ruleset, root_fd, FS_READ))
		return -1;
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 1 : -1;
}
