/*
 * The system-call filters: lists of what is refused with EPERM, everything else as before (but of ioctls: ioctl.c).
 *
 * A list of what is refused, because libc, libssh2 and the sanitizers use what they use, and differently from
 * version to version; what must never happen is known, and it is listed whole: for every call that does it,
 * of every age.
 */
#include "confine/private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef __O_TMPFILE
#define __O_TMPFILE 020000000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/* nr: for calls that an older libseccomp does not know by name; from 424 on numbers are the same everywhere. */
struct call {
	const char *name;
	int nr;
};

/* What no role needs: mounts, namespaces, other roots, programs, other processes, sockets, the kernel itself. */
static const struct call calls_common[] = {
	{"mount"},
	{"umount"},
	{"umount2"},
	{"pivot_root"},
	{"chroot"},
	{"unshare"},
	{"setns"},
	{"open_tree", 428},
	{"move_mount", 429},
	{"fsopen", 430},
	{"fsconfig", 431},
	{"fsmount", 432},
	{"fspick", 433},
	{"mount_setattr", 442},
	{"open_tree_attr", 467},
	/* Any file of the file system by its number, with CAP_DAC_READ_SEARCH. */
	{"open_by_handle_at"},
	{"execve"},
	{"execveat"},
	{"uselib"},
	{"ptrace"},
	{"process_vm_readv"},
	{"process_vm_writev"},
	{"process_madvise", 440},
	{"kcmp"},
	{"pidfd_open", 434},
	{"pidfd_getfd", 438},
	{"pidfd_send_signal", 424},
	{"tkill"},
	{"rt_sigqueueinfo"},
	{"rt_tgsigqueueinfo"},
	{"migrate_pages"},
	{"move_pages"},
	{"socket"},
	{"socketpair"},
	{"bind"},
	{"connect"},
	{"listen"},
	{"accept"},
	{"accept4"},
	/* io_uring does what a filter cannot see. */
	{"io_uring_setup", 425},
	{"io_uring_enter", 426},
	{"io_uring_register", 427},
	{"bpf"},
	{"perf_event_open"},
	{"userfaultfd"},
	{"fanotify_init"},
	{"fanotify_mark"},
	{"init_module"},
	{"finit_module"},
	{"delete_module"},
	{"create_module"},
	{"reboot"},
	{"kexec_load"},
	{"kexec_file_load"},
	{"swapon"},
	{"swapoff"},
	{"acct"},
	{"quotactl"},
	{"quotactl_fd", 443},
	{"nfsservctl"},
	{"lookup_dcookie"},
	{"syslog"},
	{"vhangup"},
	{"iopl"},
	{"ioperm"},
	{"modify_ldt"},
	{"settimeofday"},
	{"stime"},
	{"clock_settime"},
	{"clock_settime64"},
	{"clock_adjtime"},
	{"clock_adjtime64"},
	{"adjtimex"},
	{"sethostname"},
	{"setdomainname"},
	{"add_key"},
	{"request_key"},
	{"keyctl"},
	{"shmget"},
	{"shmat"},
	{"shmctl"},
	{"semget"},
	{"semctl"},
	{"msgget"},
	{"msgctl"},
	{"mq_open"},
	{"mq_unlink"},
};

/* Every call that changes a file or a directory. */
static const struct call calls_write[] = {
	{"creat"},
	{"truncate"},
	{"truncate64"},
	{"ftruncate"},
	{"ftruncate64"},
	{"fallocate"},
	{"copy_file_range"},
	{"rename"},
	{"renameat"},
	{"renameat2"},
	{"link"},
	{"linkat"},
	{"symlink"},
	{"symlinkat"},
	{"unlink"},
	{"unlinkat"},
	{"mkdir"},
	{"mkdirat"},
	{"rmdir"},
	{"mknod"},
	{"mknodat"},
	{"chmod"},
	{"fchmod"},
	{"fchmodat"},
	{"fchmodat2", 452},
	{"chown"},
	{"chown32"},
	{"fchown"},
	{"fchown32"},
	{"lchown"},
	{"lchown32"},
	{"fchownat"},
	{"utime"},
	{"utimes"},
	{"futimesat"},
	{"utimensat"},
	{"utimensat_time64", 412},
	{"setxattr"},
	{"lsetxattr"},
	{"fsetxattr"},
	{"setxattrat", 463},
	{"removexattr"},
	{"lremovexattr"},
	{"fremovexattr"},
	{"removexattrat", 466},
	{"file_setattr", 469},
};

static const struct call calls_open[] = {
	{"open"},
	{"openat"},
	{"creat"},
	{"openat2", 437},
	{"name_to_handle_at"},
	{"memfd_create"},
};

struct filter {
	scmp_filter_ctx ctx;
	int err;
};

/* arity 0 or 1 comparisons. -EDOM: this architecture has no such call. */
static void deny(struct filter *f, const struct call *call, int errnum, unsigned arity, struct scmp_arg_cmp cmp)
{
	int nr = seccomp_syscall_resolve_name(call->name), ret;

	if (nr == __NR_SCMP_ERROR)
		nr = call->nr;
	if (nr == 0) /* unknown here and there; 0 is read or the like, and in no list */
		return;
	ret = seccomp_rule_add_array(f->ctx, SCMP_ACT_ERRNO((uint32_t)errnum), nr, arity, arity ? &cmp : NULL);
	if (ret < 0 && ret != -EDOM && !f->err)
		f->err = -ret;
}

static void deny_always(struct filter *f, const char *name, int nr, int errnum)
{
	deny(f, &(struct call){name, nr}, errnum, 0, (struct scmp_arg_cmp){});
}

/* Denies the call when all bits of mask are set in the argument. */
static void deny_bits(struct filter *f, const char *name, unsigned arg, uint64_t mask)
{
	deny(f, &(struct call){name}, EPERM, 1, SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, mask));
}

static void deny_all(struct filter *f, const struct call *calls, size_t n)
{
	for (size_t k = 0; k < n; k++)
		deny(f, &calls[k], EPERM, 0, (struct scmp_arg_cmp){});
}

static void add_common(struct filter *f)
{
	static const uint64_t namespaces[] = {
		CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET};
	const uint64_t self = (uint64_t)getpid();

	deny_all(f, calls_common, ARRAY_LEN(calls_common));
#ifdef __s390__
	const unsigned clone_flags = 1;
#else
	const unsigned clone_flags = 0;
#endif
	for (size_t k = 0; k < ARRAY_LEN(namespaces); k++)
		deny_bits(f, "clone", clone_flags, namespaces[k]);
	/* Its flags are in memory, where no filter looks. libc falls back to clone. */
	deny_always(f, "clone3", 435, ENOSYS);
	/* Signals to itself (abort, raise) and limits of its own only. */
	deny(f, &(struct call){"kill"}, EPERM, 1, SCMP_CMP64(0, SCMP_CMP_NE, self));
	deny(f, &(struct call){"tgkill"}, EPERM, 1, SCMP_CMP64(0, SCMP_CMP_NE, self));
	deny(f, &(struct call){"prlimit64"}, EPERM, 1, SCMP_CMP64(0, SCMP_CMP_NE, 0));
}

static void add_no_write(struct filter *f)
{
	static const uint64_t flags[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, __O_TMPFILE};

	deny_all(f, calls_write, ARRAY_LEN(calls_write));
	for (size_t k = 0; k < ARRAY_LEN(flags); k++) {
		deny_bits(f, "open", 1, flags[k]);
		deny_bits(f, "openat", 2, flags[k]);
	}
	/* Its flags are in memory too. Callers fall back to openat with O_NOFOLLOW. */
	deny_always(f, "openat2", 437, ENOSYS);
}

/* Whether this kernel takes filters: with one it complains of the missing program, without of the mode. */
static bool kernel_has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) < 0 && errno == EFAULT;
}

/* System calls of another ABI (32 bits, x32) have other numbers: whoever makes them means harm. */
static int bad_arch(scmp_filter_ctx ctx)
{
	if (seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0)
		return 0;
	return -seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
}

bool filter_load(unsigned sets, struct buf *out_note)
{
	struct filter f = {};

	if (!kernel_has_filters()) {
		buf_append_str(out_note, "no system-call filter; ");
		return true;
	}
	f.ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!f.ctx) {
		errno = ENOMEM;
		return false;
	}
	f.err = bad_arch(f.ctx);
#ifdef SCMP_FLTATR_CTL_OPTIMIZE
	(void)seccomp_attr_set(f.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree instead of a list: only faster */
#endif
	if (sets & FILTER_COMMON)
		add_common(&f);
	if (sets & FILTER_NO_OPEN)
		deny_all(&f, calls_open, ARRAY_LEN(calls_open));
	if (sets & FILTER_NO_WRITE)
		add_no_write(&f);
	if (!f.err && !ioctl_filter_load(sets))
		f.err = errno;
	if (!f.err)
		f.err = -seccomp_load(f.ctx);
	seccomp_release(f.ctx);
	errno = f.err;
	return f.err == 0;
}
