/*
 * Reading and applying metadata on real file systems: tmpfs, and ext4, xfs and btrfs on loop devices, mounted
 * in a mount namespace of this process, so that nothing stays. Needs root; what an ordinary user can do runs
 * for him too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "meta/meta.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NOBODY 65534

struct place {
	char *base; /* temporary directory */
	char *dir; /* where the file system is mounted, and the current directory */
	const char *fs; /* "tmpfs", "ext4", "xfs", "btrfs"; "" the directory itself */
};

/* ---- file systems ---- */

static int run(const char *cmd)
{
	int status = system(cmd);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool loop_mount(const char *image, const char *dir, const char *fs)
{
	AUTO_CLOSE int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	AUTO_CLOSE int file = open(image, O_RDWR | O_CLOEXEC);
	AUTO_CLOSE int loop = -1;
	struct loop_info64 info = {.lo_flags = LO_FLAGS_AUTOCLEAR};

	for (int tries = 0; tries < 20; tries++) {
		AUTO_FREE char *name = xasprintf("/dev/loop%d", ioctl(ctl, LOOP_CTL_GET_FREE));
		loop = open(name, O_RDWR | O_CLOEXEC);
		if (loop < 0)
			return false;
		if (ioctl(loop, LOOP_SET_FD, file) == 0) {
			ioctl(loop, LOOP_SET_STATUS64, &info);
			return mount(name, dir, fs, 0, NULL) == 0;
		}
		close(loop); /* somebody else was faster */
		loop = -1;
	}
	return false;
}

static struct place place_make(const char *fs)
{
	struct place p = {.base = xstrdup("/tmp/test-meta-XXXXXX"), .fs = fs};

	assert_non_null(mkdtemp(p.base));
	assert_int_equal(chmod(p.base, 0755), 0);
	p.dir = xasprintf("%s/d", p.base);
	assert_int_equal(mkdir(p.dir, 0755), 0);
	if (str_eq(fs, "tmpfs")) {
		assert_int_equal(mount("t", p.dir, fs, 0, "mode=0755"), 0);
	} else if (*fs) {
		AUTO_FREE char *make = xasprintf(
			"truncate -s 320M %s/image && mkfs.%s -q %s/image >%s/log 2>&1", p.base, fs, p.base, p.base);
		AUTO_FREE char *image = xasprintf("%s/image", p.base);
		assert_int_equal(run(make), 0);
		assert_true(loop_mount(image, p.dir, fs));
	}
	assert_int_equal(chdir(p.dir), 0);
	return p;
}

static void place_remove(struct place *p)
{
	AUTO_FREE char *rm = xasprintf("rm -rf --one-file-system %s", p->base);

	assert_int_equal(chdir("/"), 0);
	if (*p->fs)
		assert_int_equal(umount(p->dir), 0);
	assert_int_equal(run(rm), 0);
	free(p->base);
	free(p->dir);
}

static bool usable(const char *fs)
{
	AUTO_FREE char *which = xasprintf("command -v mkfs.%s >/dev/null", fs);

	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		return false;
	}
	if (!str_eq(fs, "tmpfs") && run(which) != 0) {
		print_message("skipped: no mkfs.%s\n", fs);
		return false;
	}
	return true;
}

/* ---- inodes ---- */

/* ACLs as the kernel takes them: rwx for the owner, a named user, a group r-x, the mask, others nothing. */
static const uint8_t acl_raw[] = {2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 2, 0, 6, 0, 0xe8, 3, 0, 0, 4, 0, 5, 0,
	255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255};

static int touch(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void make(const char *name, enum meta_type type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	switch (type) {
	case META_REG:
		fd = touch(name);
		assert_int_equal(fd_write_full(fd, "content", 7), 0);
		close(fd);
		break;
	case META_DIR:
		assert_int_equal(mkdir(name, 0700), 0);
		break;
	case META_LNK:
		assert_int_equal(symlink("no/where", name), 0);
		break;
	case META_FIFO:
	case META_CHR:
	case META_BLK:
		assert_int_equal(mknod(name, meta_type_mode(type) | 0600, makedev(1, 3)), 0);
		break;
	case META_SOCK:
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		strcpy(un.sun_path, name);
		assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
		close(fd);
		break;
	default:
		fail();
	}
}

static unsigned apply(const char *name, const struct meta *m, const struct meta *have, unsigned fields)
{
	int fd = -1;
	unsigned failed;

	if (m->type != META_REG && m->type != META_DIR)
		return meta_apply_name(AT_FDCWD, name, m, have, fields);
	fd = open(name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	assert_true(fd >= 0);
	failed = meta_apply_fd(fd, m, have, fields);
	fd = (close(fd), errno);
	errno = fd;
	return failed;
}

static void read_it(const char *name, unsigned fields, struct meta *m)
{
	assert_int_equal(meta_read(AT_FDCWD, name, DT_UNKNOWN, fields, m, NULL), 0);
}

static void flags_of(const char *name, uint32_t clear, uint32_t set)
{
	int flags, fd = open(name, O_RDONLY | O_CLOEXEC);

	assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
	flags = (int)(((uint32_t)flags & ~clear) | set);
	assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
	close(fd);
}

/* Everything an inode of the type can have here. */
static void adorn(const char *name, enum meta_type type, const char *fs)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = 1234567890, .tv_nsec = 987654321}};
	static const uint8_t caps[20] = {0, 0, 0, 2, 0, 4};
	char big[500];

	memset(big, 'b', sizeof(big));
	assert_int_equal(lchown(name, 1001, 1002), 0);
	assert_int_equal(lsetxattr(name, "trusted.rehost", "t\0t", 3, 0), 0);
	if (type == META_REG || type == META_DIR) {
		assert_int_equal(lsetxattr(name, "user.zz", "last", 4, 0), 0);
		assert_int_equal(lsetxattr(name, "user.empty", "", 0, 0), 0);
		assert_int_equal(lsetxattr(name, "user.big", big, sizeof(big), 0), 0);
	}
	if (type == META_DIR)
		assert_int_equal(lsetxattr(name, "system.posix_acl_default", acl_raw, sizeof(acl_raw), 0), 0);
	if (type != META_LNK)
		assert_int_equal(lsetxattr(name, "system.posix_acl_access", acl_raw, sizeof(acl_raw), 0), 0);
	if (type != META_LNK)
		assert_int_equal(chmod(name, type == META_REG ? 06750 : 03751), 0);
	if (type == META_REG)
		assert_int_equal(lsetxattr(name, "security.capability", caps, sizeof(caps), 0), 0);
	if ((type == META_REG || type == META_DIR))
		flags_of(name, 0, FS_NODUMP_FL | (str_eq(fs, "tmpfs") ? 0 : FS_SYNC_FL));
	assert_int_equal(utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW), 0);
	if (type == META_REG)
		flags_of(name, 0, FS_IMMUTABLE_FL);
	if (type == META_DIR)
		flags_of(name, 0, FS_APPEND_FL);
}

static void strip(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		flags_of(name, FS_IMMUTABLE_FL | FS_APPEND_FL, 0);
}

static void remove_both(const char *a, const char *b)
{
	strip(a);
	strip(b);
	assert_int_equal(remove(a), 0);
	assert_int_equal(remove(b), 0);
}

/* ---- on each file system ---- */

static void copied_exactly(const struct place *p, enum meta_type type)
{
	struct meta want = META_INIT, plain = META_INIT, got = META_INIT;

	make("a", type);
	make("b", type);
	read_it("b", META_F_ALL, &plain);
	adorn("a", type, p->fs);
	read_it("a", META_F_ALL, &want);
	assert_int_equal(want.type, type);
	assert_int_equal(want.mtime_ns, 987654321);
	assert_true(want.xattrs.len > 10);
	assert_true(type == META_LNK ? want.link.len == 8 : want.link.len == 0);

	/* Onto an inode of which nothing is known, */
	assert_int_equal(apply("b", &want, NULL, META_F_ALL), 0);
	read_it("b", META_F_ALL, &got);
	assert_int_equal(meta_diff(&want, &got, META_F_ALL), 0);
	/* back to what it was, knowing what it has, though it is immutable, */
	assert_int_equal(apply("b", &plain, &got, META_F_ALL), 0);
	read_it("b", META_F_ALL, &got);
	assert_int_equal(meta_diff(&plain, &got, META_F_ALL), 0);
	/* and forth again from there. Twice: nothing differs then, and nothing is lost. */
	for (int k = 0; k < 2; k++) {
		assert_int_equal(apply("b", &want, &got, META_F_ALL), 0);
		read_it("b", META_F_ALL, &got);
		assert_int_equal(meta_diff(&want, &got, META_F_ALL), 0);
	}
	remove_both("a", "b");
	meta_release(&want);
	meta_release(&plain);
	meta_release(&got);
}

/* A default ACL, a group and a flag that a new inode inherits must go when the source has none. */
static void inherited_goes(const struct place *p)
{
	struct meta want = META_INIT, got = META_INIT;

	assert_int_equal(mkdir("parent", 0755), 0);
	make("plain", META_REG);
	make("plaindir", META_DIR);
	assert_int_equal(setxattr("parent", "system.posix_acl_default", acl_raw, sizeof(acl_raw), 0), 0);
	assert_int_equal(chown("parent", 0, 777), 0);
	assert_int_equal(chmod("parent", 02755), 0);
	if (!str_eq(p->fs, "xfs"))
		flags_of("parent", 0, FS_NODUMP_FL);
	make("parent/f", META_REG);
	make("parent/d", META_DIR);

	read_it("parent/f", META_F_ALL, &got);
	assert_true(got.xattrs.len > 0);
	assert_int_equal(got.gid, 777);
	read_it("plain", META_F_ALL, &want);
	assert_int_equal(apply("parent/f", &want, NULL, META_F_ALL), 0);
	read_it("parent/f", META_F_ALL, &got);
	assert_int_equal(meta_diff(&want, &got, META_F_ALL), 0);

	read_it("plaindir", META_F_ALL, &want);
	assert_int_equal(apply("parent/d", &want, NULL, META_F_ALL), 0);
	read_it("parent/d", META_F_ALL, &got);
	assert_int_equal(meta_diff(&want, &got, META_F_ALL), 0);

	assert_int_equal(run("rm -r parent plain plaindir"), 0);
	meta_release(&want);
	meta_release(&got);
}

/* chown clears set-id bits and capabilities: they must come back, and an ACL must not change the mode. */
static void only_the_owner_differs(const struct place *p)
{
	struct meta want = META_INIT, have = META_INIT, got = META_INIT;

	make("a", META_REG);
	adorn("a", META_REG, p->fs);
	read_it("a", META_F_ALL, &have);
	read_it("a", META_F_ALL, &want);
	want.uid = 5;
	want.gid = 6;
	assert_int_equal(apply("a", &want, &have, META_F_ALL), 0);
	read_it("a", META_F_ALL, &got);
	assert_int_equal(meta_diff(&want, &got, META_F_ALL), 0);
	strip("a");
	assert_int_equal(unlink("a"), 0);
	meta_release(&want);
	meta_release(&have);
	meta_release(&got);
}

/* A flag this file system has not: reported as such, and the others are set all the same. */
static void unknown_flag(const struct place *p)
{
	const uint32_t alien = str_eq(p->fs, "btrfs") ? FS_SECRM_FL : FS_NOCOW_FL;
	struct meta want = META_INIT, got = META_INIT;

	make("a", META_REG);
	read_it("a", META_F_ALL, &want);
	want.flags |= alien | FS_NODUMP_FL | FS_IMMUTABLE_FL;
	assert_int_equal(apply("a", &want, NULL, META_F_ALL), META_D_FLAGS);
	assert_int_equal(errno, EOPNOTSUPP);
	read_it("a", META_F_ALL, &got);
	assert_int_equal(got.flags, want.flags & ~alien);
	/* META_F_FLAGS alone has nothing to do with i. */
	read_it("a", META_F_FLAGS, &got);
	assert_int_equal(got.flags, FS_NODUMP_FL);
	strip("a");
	assert_int_equal(unlink("a"), 0);
	meta_release(&want);
	meta_release(&got);
}

/* The profile says what is read, what is set, and what is left alone. */
static void profile_is_kept(const struct place *p)
{
	const unsigned fields = META_F_MTIME | META_F_XATTR_USER;
	struct meta want = META_INIT, got = META_INIT, full = META_INIT;
	struct meta_xattr x;
	size_t pos = 0;

	make("a", META_REG);
	make("b", META_REG);
	adorn("a", META_REG, p->fs);
	assert_int_equal(setxattr("b", "trusted.mine", "1", 1, 0), 0);
	assert_int_equal(setxattr("b", "user.surplus", "1", 1, 0), 0);
	read_it("a", fields, &want);
	assert_int_equal(want.flags, 0);
	assert_true(meta_xattr_next(&want.xattrs, &pos, &x));
	assert_string_equal(x.name, "user.big");
	assert_int_equal(x.len, 500);
	assert_true(meta_xattr_next(&want.xattrs, &pos, &x));
	assert_string_equal(x.name, "user.empty");
	assert_true(meta_xattr_next(&want.xattrs, &pos, &x));
	assert_string_equal(x.name, "user.zz");
	assert_false(meta_xattr_next(&want.xattrs, &pos, &x));
	assert_int_equal(apply("b", &want, NULL, fields), 0);
	read_it("b", fields, &got);
	assert_int_equal(meta_diff(&want, &got, fields), 0);
	read_it("b", META_F_ALL, &full);
	assert_int_equal(full.mode, 0600);
	assert_int_equal(full.uid, 0);
	pos = 0;
	assert_true(meta_xattr_next(&full.xattrs, &pos, &x));
	assert_string_equal(x.name, "trusted.mine");
	remove_both("a", "b");
	meta_release(&want);
	meta_release(&got);
	meta_release(&full);
}

static void unlocking(const struct place *p)
{
	int fd = touch("a");

	flags_of("a", 0, FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL);
	assert_int_equal(unlink("a"), -1);
	assert_int_equal(meta_unlock_fd(fd), 0);
	assert_int_equal(meta_unlock_fd(fd), 0);
	assert_int_equal(unlink("a"), 0);
	close(fd);
}

/* Reading changes no atime, by whichever way the inode is read. */
static void atime_stays(const struct place *p)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	struct meta m = META_INIT;
	struct stat st;
	char c;
	int fd;

	make("a", META_REG);
	assert_int_equal(utimensat(AT_FDCWD, "a", old, 0), 0);
	assert_int_equal(meta_read(AT_FDCWD, "a", DT_REG, META_F_ALL, &m, &fd), 0);
	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_atime, 1000);
	assert_int_equal(unlink("a"), 0);
	meta_release(&m);
}

static void on_file_system(const char *fs)
{
	struct place p;

	if (!usable(fs))
		skip();
	p = place_make(fs);
	for (unsigned type = META_REG; type < META_TYPE_END; type++)
		copied_exactly(&p, type);
	inherited_goes(&p);
	only_the_owner_differs(&p);
	unknown_flag(&p);
	profile_is_kept(&p);
	unlocking(&p);
	atime_stays(&p);
	place_remove(&p);
}

static void on_tmpfs(void **state)
{
	on_file_system("tmpfs");
}

static void on_ext4(void **state)
{
	on_file_system("ext4");
}

static void on_xfs(void **state)
{
	on_file_system("xfs");
}

static void on_btrfs(void **state)
{
	on_file_system("btrfs");
}

/* C only works on an empty file; set late it must be reported, not lost. Inherited, it must go. */
static void nocow_on_btrfs(void **state)
{
	struct meta m = META_INIT, got = META_INIT;
	struct place p;
	int fd;

	if (!usable("btrfs"))
		skip();
	p = place_make("btrfs");
	fd = touch("early");
	read_it("early", META_F_ALL, &m);
	m.flags = FS_NOCOW_FL;
	meta_apply_creation_flags(fd, &m, META_F_ALL);
	assert_int_equal(fd_write_full(fd, "x", 1), 0);
	assert_int_equal(meta_apply_fd(fd, &m, NULL, META_F_ALL), 0);
	read_it("early", META_F_ALL, &got);
	assert_int_equal(got.flags, FS_NOCOW_FL);
	close(fd);
	fd = touch("late");
	assert_int_equal(fd_write_full(fd, "x", 1), 0);
	assert_int_equal(meta_apply_fd(fd, &m, NULL, META_F_ALL), META_D_FLAGS);
	close(fd);
	make("parent", META_DIR);
	flags_of("parent", 0, FS_NOCOW_FL);
	fd = touch("parent/f");
	m.flags = 0;
	meta_apply_creation_flags(fd, &m, META_F_ALL);
	read_it("parent/f", META_F_ALL, &got);
	assert_int_equal(got.flags, 0);
	close(fd);
	meta_release(&m);
	meta_release(&got);
	place_remove(&p);
}

/* XFS shows an ACL under trusted.* as well: that twin is not metadata. */
static void xfs_acl_twin(void **state)
{
	struct meta m = META_INIT;
	struct meta_xattr x;
	struct place p;
	size_t pos = 0;

	if (!usable("xfs"))
		skip();
	p = place_make("xfs");
	make("a", META_REG);
	assert_int_equal(setxattr("a", "system.posix_acl_access", acl_raw, sizeof(acl_raw), 0), 0);
	read_it("a", META_F_ALL, &m);
	assert_true(meta_xattr_next(&m.xattrs, &pos, &x));
	assert_string_equal(x.name, "system.posix_acl_access");
	assert_memory_equal(x.value, acl_raw, x.len);
	assert_false(meta_xattr_next(&m.xattrs, &pos, &x));
	meta_release(&m);
	place_remove(&p);
}

/* ---- without privilege ---- */

/* Runs fn as an ordinary user in a child; its assertions are its exit code. */
static void as_nobody(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
			_exit(99);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define CHECK(cond)                                                                                  \
	do {                                                                                         \
		if (!(cond)) {                                                                       \
			fprintf(stderr, "%s:%d: %s (errno %d)\n", __FILE__, __LINE__, #cond, errno); \
			_exit(1);                                                                    \
		}                                                                                    \
	} while (0)

static void unreadable_child(void)
{
	struct meta m = META_INIT;
	int fd;

	CHECK(meta_read(AT_FDCWD, "secret", DT_REG, META_F_ALL, &m, &fd) == 0);
	CHECK(fd == -1 && errno == EACCES && m.type == META_REG && m.size == 7 && m.mode == 0 && m.uid == 0);
	CHECK(meta_read(AT_FDCWD, "secretdir", DT_DIR, META_F_ALL, &m, &fd) == 0);
	CHECK(fd == -1 && errno == EACCES && m.type == META_DIR);
	CHECK(meta_read(AT_FDCWD, "open", DT_REG, META_F_ALL, &m, &fd) == 0);
	CHECK(fd >= 0 && m.type == META_REG);
	CHECK(meta_read(AT_FDCWD, "gone", DT_REG, META_F_ALL, &m, &fd) == -1 && errno == ENOENT && fd == -1);
	meta_release(&m);
}

static void unreadable_is_read_by_name(void **state)
{
	struct place p;

	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
	p = place_make("");
	make("secret", META_REG);
	make("open", META_REG);
	make("secretdir", META_DIR);
	assert_int_equal(chmod("secret", 0), 0);
	assert_int_equal(chmod("open", 0644), 0);
	as_nobody(unreadable_child);
	place_remove(&p);
}

static void set_id_child(void)
{
	struct meta m = {.type = META_REG, .mode = 06755, .uid = 0, .gid = 0, .mtime_s = 5};
	int fd = open("mine", O_RDWR);
	struct stat st;

	CHECK(fd >= 0);
	CHECK(meta_apply_fd(fd, &m, NULL, META_F_MODE | META_F_OWNER | META_F_MTIME) ==
		(META_D_OWNER | META_D_GROUP | META_D_MODE));
	CHECK(errno == EPERM);
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0755 && st.st_mtime == 5);
	/* His own set-id bits are his. */
	m.uid = m.gid = NOBODY;
	CHECK(meta_apply_fd(fd, &m, NULL, META_F_MODE | META_F_OWNER) == 0);
	CHECK(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 06755);
}

static void set_id_is_withheld(void **state)
{
	struct meta m = {.type = META_REG, .mode = 04755};
	struct place p;
	struct stat st;
	int fd;

	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
	p = place_make("");
	make("mine", META_REG);
	assert_int_equal(chown("mine", NOBODY, NOBODY), 0);
	as_nobody(set_id_child);
	/* As root without owners in the profile, the file would be set-id root. */
	fd = touch("roots");
	assert_int_equal(meta_apply_fd(fd, &m, NULL, META_F_MODE), META_D_MODE);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	close(fd);
	place_remove(&p);
}

static void read_only_child(void)
{
	struct meta want = META_INIT, got = META_INIT;
	unsigned fields = META_F_MODE | META_F_XATTR_USER;
	int a = touch("a"), b = touch("b");

	CHECK(fsetxattr(a, "user.new", "1", 1, 0) == 0 && fchmod(a, 0400) == 0);
	CHECK(fsetxattr(b, "user.old", "1", 1, 0) == 0 && fchmod(b, 0400) == 0);
	CHECK(meta_read_fd(a, fields, &want) == 0);
	CHECK(meta_apply_fd(b, &want, NULL, fields) == 0);
	CHECK(meta_read_fd(b, fields, &got) == 0 && meta_diff(&want, &got, fields) == 0);
	meta_release(&want);
	meta_release(&got);
}

static void xattrs_of_ones_own_read_only_file(void **state)
{
	struct place p = place_make("");

	assert_int_equal(chmod(p.dir, 0777), 0);
	as_nobody(read_only_child);
	place_remove(&p);
}

static void fields_child(void)
{
	CHECK(meta_fields_possible(false) == (META_F_ALL & ~META_F_XATTR_TRUSTED));
	CHECK(meta_fields_possible(true) ==
		(META_F_ALL & ~META_F_XATTR_TRUSTED & ~META_F_XATTR_SECURITY & ~META_F_FLAGS_PRIV & ~META_F_OWNER));
}

static void fields_by_privilege(void **state)
{
	if (geteuid() == 0)
		assert_int_equal(meta_fields_possible(true), META_F_ALL);
	as_nobody(fields_child);
}

/* ---- what is opened, and what is not ---- */

static void types_without_a_descriptor(void **state)
{
	struct place p = place_make("");
	struct meta m = META_INIT;
	struct stat st;
	int fd;

	make("lnk", META_LNK);
	make("fifo", META_FIFO);
	make("file", META_REG);
	assert_int_equal(meta_read(AT_FDCWD, "lnk", DT_LNK, META_F_ALL, &m, &fd), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, 0);
	assert_int_equal(m.type, META_LNK);
	assert_memory_equal(m.link.data, "no/where", 8);
	/* The listing said directory, meanwhile it is a fifo; or a link: neither opened nor followed. */
	assert_int_equal(meta_read(AT_FDCWD, "fifo", DT_DIR, META_F_ALL, &m, &fd), 0);
	assert_int_equal(m.type, META_FIFO);
	assert_int_equal(fd, -1);
	assert_int_equal(meta_read(AT_FDCWD, "fifo", DT_REG, META_F_ALL, &m, &fd), 0);
	assert_int_equal(m.type, META_FIFO);
	assert_int_equal(fd, -1);
	assert_int_equal(meta_read(AT_FDCWD, "lnk", DT_REG, META_F_ALL, &m, &fd), 0);
	assert_int_equal(m.type, META_LNK);
	assert_int_equal(m.link.len, 8);
	/* Or the other way round. */
	assert_int_equal(meta_read(AT_FDCWD, "file", DT_LNK, META_F_ALL, &m, &fd), 0);
	assert_int_equal(m.type, META_REG);
	assert_true(fd >= 0);
	assert_int_equal(m.link.len, 0);
	close(fd);
	assert_int_equal(meta_stat(AT_FDCWD, "lnk", &m), 0);
	assert_int_equal(m.type, META_LNK);
	assert_int_equal(lstat("lnk", &st), 0);
	assert_int_equal(m.ino, st.st_ino);
	assert_int_equal(m.dev, st.st_dev);
	assert_int_equal(meta_stat(AT_FDCWD, "gone", &m), -1);
	meta_release(&m);
	place_remove(&p);
}

/* Another type than meant: nothing is done. A link in place of a fifo is not followed. */
static void another_type_is_left_alone(void **state)
{
	struct place p = place_make("");
	struct meta m = {.type = META_FIFO, .mode = 0777, .uid = getuid(), .gid = getgid()};
	struct meta have = m;
	struct stat st;

	make("file", META_REG);
	assert_int_equal(symlink("file", "lnk"), 0);
	assert_int_equal(meta_apply_name(AT_FDCWD, "lnk", &m, NULL, META_F_MODE), META_D_TYPE);
	have.mode = 0600;
	assert_int_equal(meta_apply_name(AT_FDCWD, "lnk", &m, &have, META_F_MODE), META_D_MODE);
	assert_int_equal(stat("file", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	place_remove(&p);
}

static void long_links(void **state)
{
	struct place p = place_make("");
	struct meta m = META_INIT;
	char target[4096];

	memset(target, 't', sizeof(target));
	for (size_t n = 4000; n < sizeof(target); n += 5) {
		target[n] = '\0';
		assert_int_equal(symlink(target, "l"), 0);
		read_it("l", META_F_ALL, &m);
		assert_int_equal(m.link.len, n);
		assert_memory_equal(m.link.data, target, n);
		assert_int_equal(unlink("l"), 0);
		target[n] = 't';
	}
	meta_release(&m);
	place_remove(&p);
}

static int own_namespace(void **state)
{
	if (geteuid() == 0 && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		return -1;
	umask(022);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_tmpfs),
		cmocka_unit_test(on_ext4),
		cmocka_unit_test(on_xfs),
		cmocka_unit_test(on_btrfs),
		cmocka_unit_test(nocow_on_btrfs),
		cmocka_unit_test(xfs_acl_twin),
		cmocka_unit_test(unreadable_is_read_by_name),
		cmocka_unit_test(set_id_is_withheld),
		cmocka_unit_test(xattrs_of_ones_own_read_only_file),
		cmocka_unit_test(fields_by_privilege),
		cmocka_unit_test(types_without_a_descriptor),
		cmocka_unit_test(another_type_is_left_alone),
		cmocka_unit_test(long_links),
	};

	return cmocka_run_group_tests_name("meta", tests, own_namespace, NULL);
}
