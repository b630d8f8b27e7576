/*
 * Confinement: each role in a child of its own, which then tries what it must not and what it must be able to
 * do. As root and, in the same run, as an ordinary user, who owns the files: what stops him is the filter
 * alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "confine/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NOBODY 65534

struct place {
	char *base;
	char *empty; /* made by confine_reader() */
	int dirfd;
};

#define CHECK(cond)                                                                                      \
	do {                                                                                             \
		errno = 0;                                                                               \
		if (!(cond)) {                                                                           \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #cond, strerror(errno)); \
			_exit(1);                                                                        \
		}                                                                                        \
	} while (0)

/* Refused, and by the filter. */
#define DENIED(call) CHECK((call) < 0 && errno == EPERM)
#define DENIED_AS(call, err) CHECK((call) < 0 && errno == (err))

static struct place place_make(void)
{
	struct place p = {.base = xstrdup("/tmp/test-confine-XXXXXX")};
	int fd;

	assert_non_null(mkdtemp(p.base));
	assert_int_equal(chmod(p.base, 0755), 0);
	p.empty = xasprintf("%s/run/empty", p.base);
	p.dirfd = open(p.base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p.dirfd >= 0);
	assert_int_equal(mkdirat(p.dirfd, "sub", 0755), 0);
	fd = openat(p.dirfd, "secret", O_RDWR | O_CREAT, 0600);
	assert_int_equal(fd_write_full(fd, "content", 7), 0);
	assert_int_equal(fsetxattr(fd, "user.u", "1", 1, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(fsetxattr(fd, "trusted.t", "2", 1, 0), 0);
		assert_int_equal(fchmod(fd, 0), 0);
	}
	close(fd);
	return p;
}

static void place_remove(struct place *p)
{
	AUTO_FREE char *rm = xasprintf("rm -rf %s", p->base);

	close(p->dirfd);
	assert_int_equal(system(rm), 0);
	free(p->base);
	free(p->empty);
}

static void give_to_nobody(struct place *p)
{
	if (geteuid() != 0)
		return;
	assert_int_equal(fchown(p->dirfd, NOBODY, NOBODY), 0);
	assert_int_equal(fchownat(p->dirfd, "sub", NOBODY, NOBODY, 0), 0);
	assert_int_equal(fchownat(p->dirfd, "secret", NOBODY, NOBODY, 0), 0);
	assert_int_equal(fchmodat(p->dirfd, "secret", 0600, 0), 0);
}

static void become_nobody(void)
{
	if (geteuid() == 0)
		CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

/* The child ends with exit(), not _exit(): the sanitizers' own end must work in a confined process too. */
static int in_child(void (*fn)(const struct place *), const struct place *p)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* cmocka's handler would go on with the next test */
		fn(p);
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void must_be_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("skipped: needs root\n");
	skip();
}

static void confined(bool ok, struct diag *d, struct buf *note)
{
	AUTO_BUF text = BUF_INIT;

	if (!ok) {
		diag_format(&text, d);
		fprintf(stderr, "%s\n", buf_cstr(&text));
		_exit(1);
	}
	diag_release(d);
	buf_release(note);
}

static bool has_cap(cap_value_t cap)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	cap_get_flag(caps, cap, CAP_PERMITTED, &value);
	cap_free(caps);
	return value == CAP_SET;
}

/* ---- what every role is denied ---- */

/* Whatever they say of themselves: most are declared to read, or as nothing. */
static void ioctls_denied(void)
{
	static const unsigned long denied[] = {
		_IOR('X', 125, unsigned), /* FS_IOC_SHUTDOWN */
		_IOWR('X', 121, char[24]), /* FITRIM */
		_IOWR('X', 119, int), /* FIFREEZE */
		_IOR('X', 100, char[112]), /* XFS_IOC_FSGEOMETRY_V1 */
		_IOWR('f', 19, char[16]), /* FS_IOC_SET_ENCRYPTION_POLICY and its like */
		_IOW('f', 16, uint64_t), /* EXT4_IOC_RESIZE_FS */
		_IO('f', 9), /* EXT4_IOC_MIGRATE */
		_IOWR('f', 11, char[32]), /* FS_IOC_FIEMAP */
		_IOW(0x94, 26, uint64_t), /* BTRFS_IOC_SUBVOL_SETFLAGS */
		_IO(0x94, 8), /* BTRFS_IOC_SYNC */
		_IOWR(0x94, 17, char[4096]), /* BTRFS_IOC_TREE_SEARCH */
		_IO(0x12, 95), /* BLKRRPART */
		_IO(0x12, 119), /* BLKDISCARD */
		TIOCSTI,
		0x541c, /* TIOCLINUX */
		FIBMAP,
		0xffffffff,
	};

	for (size_t i = 0; i < ARRAY_LEN(denied); i++)
		DENIED(ioctl(0, denied[i], NULL));
}

/* The filter lets the kernel answer. */
static void ioctl_allowed(int fd, unsigned long request, void *arg)
{
	const int ret = ioctl(fd, request, arg);
	const int err = errno;

	CHECK(ret == 0 || err != EPERM);
}

static void common_denied(void)
{
	static const char *const argv[] = {"/bin/true", NULL};
	char args[128] = {0};
	int pair[2], status;
	pid_t pid;

	DENIED(mount("t", "/", "tmpfs", 0, NULL));
	DENIED(umount2("/", MNT_DETACH));
	DENIED(unshare(CLONE_NEWUSER));
	DENIED(unshare(CLONE_NEWNS));
	DENIED(setns(0, 0));
	DENIED(chroot("/"));
	DENIED(syscall(SYS_pivot_root, ".", "."));
	DENIED(execve(argv[0], (char **)argv, NULL));
	DENIED(syscall(SYS_execveat, 0, "", argv, NULL, AT_EMPTY_PATH));
	DENIED(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	DENIED(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0));
	DENIED(socket(AF_INET, SOCK_STREAM, 0));
	DENIED(socket(AF_UNIX, SOCK_STREAM, 0));
	DENIED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	DENIED(syscall(SYS_bpf, 0, args, sizeof(args)));
	DENIED(syscall(SYS_perf_event_open, args, 0, 0, -1, 0));
	DENIED(syscall(SYS_init_module, args, 0, ""));
	DENIED(syscall(SYS_reboot, 0, 0, 0, 0));
	DENIED(syscall(SYS_kexec_load, 0, 0, NULL, 0));
	DENIED(open_by_handle_at(AT_FDCWD, (struct file_handle *)args, O_RDONLY));
	DENIED(syscall(425, 1, args)); /* io_uring_setup */
	DENIED(syscall(428, AT_FDCWD, ".", 1)); /* open_tree */
	DENIED(syscall(429, 0, "", 0, "", 0)); /* move_mount */
	DENIED(syscall(430, "tmpfs", 0)); /* fsopen */
	DENIED(syscall(442, 0, "", 0, args, 32)); /* mount_setattr */
	DENIED(syscall(434, getppid(), 0)); /* pidfd_open */
	DENIED(kill(getppid(), 0));
	DENIED(syscall(SYS_tgkill, getppid(), getppid(), 0));
	DENIED(kill(-1, 0));
	DENIED(syscall(SYS_prlimit64, getppid(), 0, NULL, args));
	ioctls_denied();
	DENIED(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
	DENIED(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL));
	DENIED_AS(syscall(435, args, 64), ENOSYS); /* clone3 */
	CHECK(kill(getpid(), 0) == 0);
	CHECK(syscall(SYS_prlimit64, 0, 0, NULL, args) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	CHECK(!has_cap(CAP_SETUID) && !has_cap(CAP_SYS_PTRACE) && !has_cap(CAP_NET_ADMIN) && !has_cap(CAP_KILL));
	pid = fork();
	if (pid == 0)
		_exit(7);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
}

static void writing_denied(int dirfd, int fd)
{
	struct open_how {
		uint64_t flags, mode, resolve;
	} how = {};
	int flags = 0;

	DENIED(openat(dirfd, "secret", O_WRONLY));
	DENIED(openat(dirfd, "secret", O_RDWR));
	DENIED(openat(dirfd, "secret", O_RDONLY | O_TRUNC));
	DENIED(openat(dirfd, "new", O_RDONLY | O_CREAT, 0600));
	DENIED(openat(dirfd, ".", O_TMPFILE | O_RDWR, 0600));
#ifdef SYS_open
	DENIED(syscall(SYS_open, "secret", O_RDWR));
	DENIED(syscall(SYS_creat, "new", 0600));
	DENIED(syscall(SYS_chmod, "secret", 0));
	DENIED(syscall(SYS_rename, "secret", "b"));
	DENIED(syscall(SYS_unlink, "secret"));
	DENIED(syscall(SYS_mkdir, "d", 0700));
#endif
	DENIED_AS(syscall(437, dirfd, "secret", &how, sizeof(how)), ENOSYS);
	DENIED(mkdirat(dirfd, "d", 0700));
	DENIED(mknodat(dirfd, "fifo", S_IFIFO | 0600, 0));
	DENIED(unlinkat(dirfd, "secret", 0));
	DENIED(unlinkat(dirfd, "sub", AT_REMOVEDIR));
	DENIED(renameat(dirfd, "secret", dirfd, "b"));
	DENIED(syscall(SYS_renameat2, dirfd, "secret", dirfd, "b", 1));
	DENIED(linkat(dirfd, "secret", dirfd, "b", 0));
	DENIED(symlinkat("a", dirfd, "b"));
	DENIED(fchmod(fd, 0600));
	DENIED(fchmodat(dirfd, "secret", 0600, 0));
	DENIED(syscall(452, dirfd, "secret", 0600, AT_SYMLINK_NOFOLLOW));
	DENIED(fchown(fd, (uid_t)-1, (gid_t)-1));
	DENIED(fchownat(dirfd, "secret", (uid_t)-1, (gid_t)-1, 0));
	DENIED(futimens(fd, NULL));
	DENIED(utimensat(dirfd, "secret", NULL, 0));
	DENIED(fsetxattr(fd, "user.n", "1", 1, 0));
	DENIED(lsetxattr("secret", "user.n", "1", 1, 0));
	DENIED(fremovexattr(fd, "user.u"));
	DENIED(syscall(463, dirfd, "secret", 0, "user.n", NULL, 0)); /* setxattrat */
	DENIED(ftruncate(fd, 0));
	DENIED(truncate("secret", 0));
	DENIED(fallocate(fd, 0, 0, 1));
	DENIED(syscall(SYS_copy_file_range, fd, NULL, fd, NULL, 1, 0));
	DENIED(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	DENIED(ioctl(fd, FICLONE, fd));
	DENIED(ioctl(fd, FIDEDUPERANGE, NULL));
	DENIED(ioctl(fd, FS_IOC_FSSETXATTR, NULL));
	DENIED(ioctl(fd, FIFREEZE, 0));
}

static void reading_works(int dirfd, const int *pipe_fds)
{
	char text[8] = {0}, xattr[4];
	struct fsxattr room;
	int flags = 0, count = 0;
	struct pollfd pfd = {.fd = pipe_fds[0], .events = POLLIN};
	struct stat st;
	void *map;
	DIR *dir;
	int fd = openat(dirfd, "secret", O_RDONLY | O_NOFOLLOW);

	CHECK(fd >= 0);
	CHECK(read(fd, text, 7) == 7 && str_eq(text, "content"));
	CHECK(lseek(fd, 0, SEEK_HOLE) == 7);
	CHECK(fstat(fd, &st) == 0 && fstatat(dirfd, "secret", &st, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(fgetxattr(fd, "user.u", xattr, sizeof(xattr)) == 1);
	CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0);
	ioctl_allowed(fd, FS_IOC_FSGETXATTR, &room);
	CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	map = mmap(NULL, 7, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED && memcmp(map, "content", 7) == 0);
	CHECK(munmap(map, 7) == 0);
	CHECK(fchdir(dirfd) == 0);
	CHECK(lgetxattr("secret", "user.u", xattr, sizeof(xattr)) == 1);
	CHECK((dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY))));
	while (readdir(dir))
		count++;
	CHECK(count >= 4);
	closedir(dir);
	CHECK(write(pipe_fds[1], "x", 1) == 1);
	CHECK(poll(&pfd, 1, 1000) == 1 && read(pipe_fds[0], text, 1) == 1);
	close(fd);
}

/* ---- reader ---- */

static void reader_as(const struct place *p, bool root, bool keep_trusted)
{
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	int pipe_fds[2], fd;
	int leash = 0;
	char value[4];

	CHECK(pipe(pipe_fds) == 0);
	CHECK(prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0);
	confined(confine_reader(p->empty, keep_trusted, &note, &d), &d, &note);
	CHECK(prctl(PR_GET_PDEATHSIG, &leash, 0, 0, 0) == 0 && leash == SIGTERM);
	CHECK(getuid() != 0 && getegid() != 0);
	CHECK(setresuid(0, 0, 0) < 0);
	if (root) {
		CHECK(getuid() == NOBODY && getgid() == NOBODY);
		CHECK(has_cap(CAP_DAC_READ_SEARCH) && has_cap(CAP_FOWNER) && has_cap(CAP_SYS_ADMIN) == keep_trusted);
		CHECK(open("/etc/passwd", O_RDONLY) < 0 && errno == ENOENT);
		CHECK(open("../../../../etc/passwd", O_RDONLY) < 0 && errno == ENOENT);
	}
	reading_works(p->dirfd, pipe_fds);
	fd = openat(p->dirfd, "secret", O_RDONLY);
	CHECK(fd >= 0);
	if (root && keep_trusted)
		CHECK(fgetxattr(fd, "trusted.t", value, sizeof(value)) == 1);
	else
		CHECK(fgetxattr(fd, "trusted.t", value, sizeof(value)) < 0 && errno == ENODATA);
	writing_denied(p->dirfd, fd);
	common_denied();
}

static void reader_root_trusted(const struct place *p)
{
	reader_as(p, true, true);
}

static void reader_root_plain(const struct place *p)
{
	reader_as(p, true, false);
}

static void reader_user(const struct place *p)
{
	become_nobody();
	reader_as(p, false, true);
}

static void reader_of_root(void **state)
{
	struct place p;

	must_be_root();
	p = place_make();
	assert_int_equal(in_child(reader_root_trusted, &p), 0);
	assert_int_equal(in_child(reader_root_plain, &p), 0);
	place_remove(&p);
}

static void reader_of_an_ordinary_user(void **state)
{
	struct place p = place_make();

	give_to_nobody(&p);
	assert_int_equal(in_child(reader_user, &p), 0);
	place_remove(&p);
}

static void not_empty_child(const struct place *p)
{
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;

	CHECK(!confine_reader(p->base, false, &note, &d));
	CHECK(d.code == DIAG_CONFINE_ROOT);
	diag_release(&d);
	buf_release(&note);
}

static void a_directory_that_is_not_empty(void **state)
{
	struct place p;

	must_be_root();
	p = place_make();
	assert_int_equal(in_child(not_empty_child, &p), 0);
	place_remove(&p);
}

/* ---- receiver ---- */

static void receiver_writes(int dirfd)
{
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};
	struct open_how {
		uint64_t flags, mode, resolve;
	} how = {.flags = O_RDONLY, .resolve = 8}; /* RESOLVE_BENEATH */
	int fd = openat(dirfd, "f", O_RDWR | O_CREAT | O_EXCL, 0600), other, ret;

	CHECK(fd >= 0 && write(fd, "abc", 3) == 3);
	CHECK(fallocate(fd, 0, 0, 8192) == 0 && ftruncate(fd, 3) == 0);
	CHECK(fchmod(fd, 04711) == 0 && futimens(fd, times) == 0);
	CHECK(fsetxattr(fd, "user.x", "1", 1, 0) == 0 && fremovexattr(fd, "user.x") == 0);
	CHECK(fsync(fd) == 0 && syncfs(fd) == 0);
	CHECK((other = openat(dirfd, "g", O_RDWR | O_CREAT, 0600)) >= 0);
	CHECK(syscall(SYS_copy_file_range, fd, &(off_t){0}, other, NULL, 3, 0) == 3);
	ioctl_allowed(other, FICLONE, (void *)(intptr_t)fd);
	CHECK(mkdirat(dirfd, "d", 0700) == 0);
	CHECK(linkat(dirfd, "f", dirfd, "sub/link", 0) == 0);
	CHECK(renameat(dirfd, "g", dirfd, "d/g") == 0);
	CHECK(symlinkat("x", dirfd, "s") == 0);
	CHECK(utimensat(dirfd, "s", times, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(fchownat(dirfd, "s", getuid(), getgid(), AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(mknodat(dirfd, "fifo", S_IFIFO | 0600, 0) == 0);
	CHECK((ret = (int)syscall(437, dirfd, "f", &how, sizeof(how))) >= 0 || errno == ENOSYS);
	CHECK(unlinkat(dirfd, "d/g", 0) == 0 && unlinkat(dirfd, "d", AT_REMOVEDIR) == 0);
	close(other);
	close(fd);
}

static void receiver_root_child(const struct place *p)
{
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct stat st;
	int fd, flags, kept;

	confined(confine_receiver(p->dirfd, false, &note, &d), &d, &note);
	CHECK(getuid() == 0);
	CHECK(open("/etc/passwd", O_RDONLY) < 0 && errno == ENOENT);
	CHECK(open("/../../etc/passwd", O_RDONLY) < 0 && errno == ENOENT);
	CHECK(stat("/secret", &st) == 0);
	receiver_writes(p->dirfd);
	fd = openat(p->dirfd, "f", O_RDWR);
	CHECK(fd >= 0 && fchown(fd, 1234, 4321) == 0 && fchmod(fd, 06755) == 0);
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 06755 && st.st_uid == 1234);
	CHECK(fsetxattr(fd, "trusted.x", "1", 1, 0) == 0);
	CHECK(fsetxattr(fd, "security.capability", "\0\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0) == 0);
	CHECK(ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0);
	kept = flags | FS_IMMUTABLE_FL;
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &kept) == 0);
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	CHECK(mknodat(p->dirfd, "null", S_IFCHR | 0600, makedev(1, 3)) == 0);
	common_denied();
}

static void receiver_read_only_child(const struct place *p)
{
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	int pipe_fds[2], fd;

	CHECK(pipe(pipe_fds) == 0);
	confined(confine_receiver(p->dirfd, true, &note, &d), &d, &note);
	reading_works(p->dirfd, pipe_fds);
	fd = openat(p->dirfd, "secret", O_RDONLY);
	writing_denied(p->dirfd, fd);
	common_denied();
}

static void receiver_user_child(const struct place *p)
{
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	bool landlock;

	become_nobody();
	CHECK(confine_receiver(p->dirfd, false, &note, &d));
	landlock = !strstr(buf_cstr(&note), "Landlock");
	confined(true, &d, &note);
	receiver_writes(p->dirfd);
	if (landlock) {
		CHECK(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
		CHECK(open("/tmp", O_TMPFILE | O_RDWR, 0600) < 0 && errno == EACCES);
		CHECK(openat(p->dirfd, "../x", O_RDWR | O_CREAT, 0600) < 0 && errno == EACCES);
	}
	common_denied();
}

static void receiver_user_read_only_child(const struct place *p)
{
	become_nobody();
	receiver_read_only_child(p);
}

static void receiver_of_root(void **state)
{
	struct place p;

	must_be_root();
	p = place_make();
	assert_int_equal(in_child(receiver_read_only_child, &p), 0);
	assert_int_equal(in_child(receiver_root_child, &p), 0);
	place_remove(&p);
}

static void receiver_of_an_ordinary_user(void **state)
{
	struct place p = place_make();

	give_to_nobody(&p);
	assert_int_equal(in_child(receiver_user_read_only_child, &p), 0);
	assert_int_equal(in_child(receiver_user_child, &p), 0);
	place_remove(&p);
}

/* ---- link ---- */

static void link_with(const struct place *p, const int *pair)
{
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct pollfd pfd;
	char c, *big;

	confined(confine_link(&note, &d), &d, &note);
	CHECK(send(pair[0], "x", 1, MSG_NOSIGNAL) == 1 && recv(pair[1], &c, 1, 0) == 1);
	pfd = (struct pollfd){.fd = pair[0], .events = POLLOUT};
	CHECK(poll(&pfd, 1, 1000) == 1);
	CHECK(getrandom(&c, 1, 0) == 1);
	CHECK((big = malloc(8 << 20)));
	memset(big, 1, 8 << 20);
	free(big);
	CHECK(getuid() != 0 && !has_cap(CAP_DAC_READ_SEARCH) && !has_cap(CAP_FOWNER) && !has_cap(CAP_SYS_ADMIN));
	DENIED(open("/etc/passwd", O_RDONLY));
	DENIED(openat(p->dirfd, "sub", O_RDONLY | O_DIRECTORY));
	DENIED(openat(p->dirfd, "new", O_RDWR | O_CREAT, 0600));
	DENIED(ioctl(p->dirfd, FS_IOC_GETFLAGS, &pfd));
	common_denied();
}

static void link_child(const struct place *p)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	link_with(p, pair);
}

/* Before the server's first byte: no right is left, and files are only to be read that everybody may. The rest goes when
 * it has let us in. */
static void handshake_child(const struct place *p)
{
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	int pair[2], fd;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && fchdir(p->dirfd) == 0);
	confined(confine_handshake(&note, &d), &d, &note);
	CHECK(getuid() != 0 && getegid() != 0 && setresuid(0, 0, 0) < 0);
	CHECK(!has_cap(CAP_DAC_READ_SEARCH) && !has_cap(CAP_FOWNER) && !has_cap(CAP_SYS_ADMIN));
	fd = open("/etc/passwd", O_RDONLY);
	CHECK(fd >= 0);
	writing_denied(p->dirfd, fd);
	common_denied();
	link_with(p, pair);
}

static void handshake_root_child(const struct place *p)
{
	CHECK(openat(p->dirfd, "secret", O_RDONLY) >= 0);
	handshake_child(p);
}

static void handshake_user_child(const struct place *p)
{
	become_nobody();
	handshake_child(p);
}

static void link_user_child(const struct place *p)
{
	become_nobody();
	link_child(p);
}

static void the_link(void **state)
{
	struct place p = place_make();

	assert_int_equal(in_child(link_user_child, &p), 0);
	assert_int_equal(in_child(handshake_user_child, &p), 0);
	if (geteuid() == 0) {
		assert_int_equal(in_child(link_child, &p), 0);
		assert_int_equal(in_child(handshake_root_child, &p), 0);
	}
	place_remove(&p);
}

/* ---- corners ---- */

#ifdef __x86_64__
static void other_abi_child(const struct place *p)
{
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	long ret = 20; /* getpid of i386 */

	become_nobody();
	confined(confine_link(&note, &d), &d, &note);
	__asm__ volatile("int $0x80" : "+a"(ret) : : "memory");
}

/* A kernel without 32-bit emulation answers with SIGSEGV. */
static void the_other_abi_is_deadly(void **state)
{
	struct place p = place_make();
	int status = in_child(other_abi_child, &p);

	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
	place_remove(&p);
}
#endif

/* Capabilities that the process has not are not asked for: this is root of some container. */
static void fewer_caps_child(const struct place *p)
{
	static const cap_value_t gone[] = {CAP_LINUX_IMMUTABLE, CAP_MKNOD, CAP_MAC_ADMIN, CAP_SYS_ADMIN, CAP_SETPCAP};
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	cap_t caps = cap_get_proc();

	for (size_t k = 0; k < ARRAY_LEN(gone); k++) {
		cap_set_flag(caps, CAP_EFFECTIVE, 1, &gone[k], CAP_CLEAR);
		cap_set_flag(caps, CAP_PERMITTED, 1, &gone[k], CAP_CLEAR);
	}
	CHECK(cap_set_proc(caps) == 0);
	cap_free(caps);
	confined(confine_receiver(p->dirfd, false, &note, &d), &d, &note);
	CHECK(has_cap(CAP_CHOWN) && has_cap(CAP_DAC_OVERRIDE) && !has_cap(CAP_MKNOD) && !has_cap(CAP_SYS_ADMIN));
	CHECK(mknodat(p->dirfd, "null", S_IFCHR | 0600, makedev(1, 3)) < 0);
	common_denied();
}

/* Without CAP_SYS_CHROOT root cannot be confined: that is said, not passed over. */
static void no_chroot_child(const struct place *p)
{
	const cap_value_t gone = CAP_SYS_CHROOT;
	struct buf note = BUF_INIT;
	struct diag d = DIAG_INIT;
	cap_t caps = cap_get_proc();

	cap_set_flag(caps, CAP_EFFECTIVE, 1, &gone, CAP_CLEAR);
	cap_set_flag(caps, CAP_PERMITTED, 1, &gone, CAP_CLEAR);
	CHECK(cap_set_proc(caps) == 0);
	cap_free(caps);
	CHECK(!confine_receiver(p->dirfd, false, &note, &d));
	CHECK(d.code == DIAG_CONFINE_ROOT && d.err == EPERM);
	diag_release(&d);
	buf_release(&note);
}

static void missing_capabilities(void **state)
{
	struct place p;

	must_be_root();
	p = place_make();
	assert_int_equal(in_child(fewer_caps_child, &p), 0);
	assert_int_equal(in_child(no_chroot_child, &p), 0);
	place_remove(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_of_root),
		cmocka_unit_test(reader_of_an_ordinary_user),
		cmocka_unit_test(a_directory_that_is_not_empty),
		cmocka_unit_test(receiver_of_root),
		cmocka_unit_test(receiver_of_an_ordinary_user),
		cmocka_unit_test(the_link),
#ifdef __x86_64__
		cmocka_unit_test(the_other_abi_is_deadly),
#endif
		cmocka_unit_test(missing_capabilities),
	};

	return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
