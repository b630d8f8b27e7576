/* Read-only clones of mounts, in which no device can be opened: detached ones where the kernel has them, else in a
 * namespace that is gone at once. */
#include "mounts/private.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of our own: the build host's headers may be older than the kernel that runs us. */
#ifndef SYS_open_tree
#ifdef __alpha__
#define SYS_open_tree 538
#else
#define SYS_open_tree 428
#endif
#endif
#ifndef SYS_mount_setattr
#ifdef __alpha__
#define SYS_mount_setattr 552
#else
#define SYS_mount_setattr 442
#endif
#endif
#define TREE_CLONE 1u
#define TREE_CLOEXEC O_CLOEXEC
#define ATTR_RDONLY 0x01
#define ATTR_NOSUID 0x02
#define ATTR_NODEV 0x04
#define ATTR_NOEXEC 0x08
#define ATTR_NOATIME 0x10
#define ATTR_ATIME_MASK 0x70

struct mount_attributes {
	uint64_t set, clear, propagation, userns_fd;
};

#define OPEN_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

int clone_detached(const char *path)
{
	const struct mount_attributes attr = {
		.set = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC | ATTR_NOATIME, .clear = ATTR_ATIME_MASK};
	AUTO_CLOSE int tree = (int)syscall(
		SYS_open_tree, AT_FDCWD, path, TREE_CLONE | TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);

	if (tree < 0)
		return -1;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return -1;
	/* The tree is a path only; the directory itself can be listed, and keeps the clone alive. */
	return openat(tree, ".", OPEN_FLAGS);
}

/* ---- older kernels ---- */

/* Somewhere to hang the clones: a tmpfs over a directory that every host has, seen by the child alone. */
static const char *mount_stage(void)
{
	static const char *const places[] = {"/run", "/tmp", "/var/tmp", "/mnt", "/proc"};

	for (size_t k = 0; k < ARRAY_LEN(places); k++) {
		if (mount("rehost", places[k], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,size=1m") == 0)
			return places[k];
	}
	return NULL;
}

/* The directory was opened before the stage hid anything: it is mounted by ".". */
static int clone_to_stage(int dir, const char *stage, size_t number)
{
	const unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOATIME | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	AUTO_FREE char *at = xasprintf("%s/%zu", stage, number);

	if (dir < 0 || fchdir(dir) < 0 || mkdir(at, 0700) < 0 || mount(".", at, NULL, MS_BIND, NULL) < 0)
		return -1;
	if (mount(NULL, at, NULL, flags, NULL) < 0)
		return -1;
	return open(at, OPEN_FLAGS);
}

/* For each mount without a descriptor: the descriptor, or a byte and the errno. */
static int child_serve(const struct mount_plan *p, int sock)
{
	AUTO_FREE int *dirs = xcalloc(p->chosen_count, sizeof(*dirs));
	const char *stage;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return errno;
	/* In the new namespace, for only its own mounts can be bound there; and before the stage hides any. */
	for (size_t k = 0; k < p->chosen_count; k++)
		dirs[k] = open(p->chosen[k].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	stage = mount_stage();
	if (!stage)
		return errno;
	for (size_t k = 0; k < p->chosen_count; k++) {
		int fd, err;
		if (p->chosen[k].fd >= 0)
			continue;
		fd = clone_to_stage(dirs[k], stage, k);
		err = errno;
		if (fd >= 0 ? fd_send_fds(sock, &fd, 1) < 0
			    : fd_write_full(sock, "E", 1) < 0 || fd_write_full(sock, &err, sizeof(err)) < 0)
			return errno;
		cleanup_close(&fd);
	}
	return 0;
}

static void receive(struct mount_plan *p, int sock, int *errs)
{
	for (size_t k = 0; k < p->chosen_count; k++) {
		int err;
		if (p->chosen[k].fd >= 0)
			continue;
		if (fd_recv_fds(sock, &p->chosen[k].fd, 1) == 0)
			continue;
		p->chosen[k].fd = -1;
		/* No descriptor with the byte: then the errno follows; or there was no byte, and the child has
		 * ended. */
		if (fd_read_full(sock, &err, sizeof(err)) != sizeof(err))
			return;
		errs[k] = err;
	}
}

/* The parent's wait status, as one errno for every mount that was not served. */
static int child_errno(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return errno;
	}
	if (!WIFEXITED(status))
		return EIO;
	return WEXITSTATUS(status);
}

void clone_in_namespace(struct mount_plan *p, int *errs)
{
	int pair[2], err;
	pid_t pid;

	for (size_t k = 0; k < p->chosen_count; k++)
		errs[k] = 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		err = errno;
		goto out;
	}
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(child_serve(p, pair[1]));
	}
	err = errno;
	close(pair[1]);
	if (pid > 0) {
		receive(p, pair[0], errs);
		close(pair[0]); /* a child that still writes ends by that */
		err = child_errno(pid);
	} else {
		close(pair[0]);
	}
out:
	for (size_t k = 0; k < p->chosen_count; k++) {
		if (p->chosen[k].fd < 0 && !errs[k])
			errs[k] = err ? err : EIO;
	}
}
