/*
 * The ioctls that a role may make; every other is refused with EPERM.
 *
 * Here it is a list of what is allowed: what an ioctl does its number does not tell, and each file system and driver has
 * its own. One that is declared to read shuts a file system down, and CAP_SYS_ADMIN, kept for trusted.* attributes, lets
 * it. libseccomp cannot express "none of these" of one argument, hence a program of our own.
 */
#include "confine/private.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Of our own, for older headers. */
#define GET_FLAGS _IOR('f', 1, long)
#define SET_FLAGS _IOW('f', 2, long)
#define GET_XATTR _IOR('X', 31, char[28]) /* struct fsxattr: project, extent size */
#define SET_XATTR _IOW('X', 32, char[28])
#define CLONE _IOW(0x94, 9, int)
#define CLONE_RANGE _IOW(0x94, 13, char[32])
#define SUBVOLUME_FLAGS _IOR(0x94, 25, uint64_t) /* btrfs: is it read-only */
#define SUBVOLUME_INFO _IOR(0x94, 60, char[504]) /* and a snapshot */

static const uint32_t for_reading[] = {GET_FLAGS, GET_XATTR, SUBVOLUME_FLAGS, SUBVOLUME_INFO};
static const uint32_t for_writing[] = {SET_FLAGS, SET_XATTR, CLONE, CLONE_RANGE};

#define ALLOWED_MAX (ARRAY_LEN(for_reading) + ARRAY_LEN(for_writing))

/* The half of a 64-bit argument that holds an unsigned int. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_HALF 4
#else
#define LOW_HALF 0
#endif

static size_t allow(uint32_t *list, size_t n, const uint32_t *more, size_t count)
{
	memcpy(list + n, more, count * sizeof(*more));
	return n + count;
}

bool ioctl_filter_load(unsigned sets)
{
	uint32_t allowed[ALLOWED_MAX];
	struct sock_filter code[ALLOWED_MAX + 5];
	struct sock_fprog prog = {.filter = code};
	size_t n = 0, k = 0;

	if (!(sets & FILTER_NO_OPEN))
		n = allow(allowed, n, for_reading, ARRAY_LEN(for_reading));
	if (!(sets & (FILTER_NO_OPEN | FILTER_NO_WRITE)))
		n = allow(allowed, n, for_writing, ARRAY_LEN(for_writing));
	/* Calls of another ABI, which have other numbers, are the other filter's to refuse: the stricter word counts. */
	code[k++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	code[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, (uint8_t)(n + 2));
	code[k++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + LOW_HALF);
	for (size_t i = 0; i < n; i++)
		code[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], (uint8_t)(n - i), 0);
	code[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	code[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)k;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0;
}
