/*
 * chmod by name on kernels without fchmodat2: a filter refuses it, as they would or as a container does. Each way in a
 * child of its own: with the kernel's /proc, and in roots that have none, or one that somebody else has made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "meta/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FCHMODAT2 452
#define OTHER 54321

#define CHECK(cond)                                                                                      \
	do {                                                                                             \
		errno = 0;                                                                               \
		if (!(cond)) {                                                                           \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #cond, strerror(errno)); \
			_exit(1);                                                                        \
		}                                                                                        \
	} while (0)

/* From here on the call fails with this errno; 0: as the kernel has it. */
static void refuse_fchmodat2(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FCHMODAT2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {ARRAY_LEN(code), code};

	if (err)
		CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
			prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	CHECK(lstat(name, &st) == 0);
	return st.st_mode & 07777;
}

/* A root of our own, without /proc: a tmpfs, with a directory "open" of another user's, who may swap names there, and
 * "ours". In each a fifo, and a link to a file that must stay as it is. */
static void enter_root(void)
{
	CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mount("t", "/mnt", "tmpfs", 0, "mode=0755") == 0);
	CHECK(chdir("/mnt") == 0 && chroot(".") == 0);
	umask(0);
	CHECK(mkdir("open", 0755) == 0 && chown("open", OTHER, OTHER) == 0 && mkdir("ours", 0755) == 0);
	CHECK(close(creat("secret", 0600)) == 0);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(chdir(i ? "/open" : "/ours") == 0);
		CHECK(mkfifo("fifo", 0600) == 0 && symlink("/secret", "link") == 0);
	}
}

static int here(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

/* What the receiver does with a fifo: by name, in the current directory. */
static unsigned apply_mode_of(const char *name, enum meta_type type, mode_t mode)
{
	struct meta m = META_INIT;
	AUTO_CLOSE int dir = here();

	m.type = (uint8_t)type;
	m.mode = (uint16_t)mode;
	return meta_apply_name(dir, name, &m, NULL, META_F_MODE);
}

static void link_is_left_alone(int dir)
{
	CHECK(meta_chmod(dir, "link", 0666) < 0);
	CHECK(mode_of("/secret") == 0600);
}

static void where_nobody_else_writes(void)
{
	AUTO_CLOSE int dir = -1;

	CHECK(chdir("/ours") == 0);
	dir = here();
	CHECK(meta_chmod(dir, "fifo", 06644) == 0 && mode_of("fifo") == 06644);
	link_is_left_alone(dir);
}

static void where_somebody_else_writes(void)
{
	AUTO_CLOSE int dir = -1;

	CHECK(chdir("/open") == 0);
	dir = here();
	CHECK(meta_chmod(dir, "fifo", 0644) < 0 && errno == EOPNOTSUPP);
	link_is_left_alone(dir);
	/* By name and ACL, which takes the permission bits only. */
	CHECK(apply_mode_of("fifo", META_FIFO, 0642) == 0 && mode_of("fifo") == 0642);
	CHECK(apply_mode_of("fifo", META_FIFO, 0600) == 0 && mode_of("fifo") == 0600);
	CHECK(apply_mode_of("fifo", META_FIFO, 04600) == META_D_MODE && mode_of("fifo") == 0600);
	/* What has become a link between the look and the call: the type that was seen is given. */
	CHECK(unlink("fifo") == 0 && rename("link", "fifo") == 0);
	CHECK(meta_apply_name(dir, "fifo", &(struct meta){.type = META_FIFO, .mode = 0666},
		      &(struct meta){.type = META_FIFO, .mode = 0600}, META_F_MODE) == META_D_MODE);
	CHECK(mode_of("/secret") == 0600);
}

static void without_proc(int err)
{
	enter_root();
	refuse_fchmodat2(err);
	where_nobody_else_writes();
	where_somebody_else_writes();
}

/* A /proc that a user has made leads nowhere. */
static void with_false_proc(int err)
{
	enter_root();
	CHECK(mkdir("/proc", 0755) == 0 && mkdir("/proc/self", 0755) == 0 && mkdir("/proc/self/fd", 0755) == 0);
	for (unsigned i = 0; i < 64; i++) {
		AUTO_FREE char *trap = xasprintf("/proc/self/fd/%u", i);

		CHECK(symlink("/secret", trap) == 0);
	}
	refuse_fchmodat2(err);
	where_somebody_else_writes();
}

static void with_proc(int err)
{
	AUTO_CLOSE int dir = -1;

	enter_root();
	CHECK(mkdir("/proc", 0755) == 0 && mount("p", "/proc", "proc", 0, NULL) == 0);
	refuse_fchmodat2(err);
	CHECK(chdir("/open") == 0);
	dir = here();
	CHECK(meta_chmod(dir, "fifo", 06644) == 0 && mode_of("fifo") == 06644);
	link_is_left_alone(dir);
}

/* That we may not is the kernel's word, and no reason to try something else. */
static void not_ours(int err)
{
	AUTO_CLOSE int dir = -1;

	enter_root();
	refuse_fchmodat2(err);
	CHECK(chdir("/ours") == 0 && chmod(".", 0777) == 0);
	dir = here();
	CHECK(setresuid(OTHER, OTHER, OTHER) == 0);
	CHECK(meta_chmod(dir, "fifo", 0666) < 0 && errno == (err ? EOPNOTSUPP : EPERM));
	CHECK(apply_mode_of("fifo", META_FIFO, 0666) == META_D_MODE && mode_of("fifo") == 0600);
}

static void in_child(void (*fn)(int), int err)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn(err);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void on_old_kernels(void **state)
{
	static void (*const cases[])(int) = {without_proc, with_false_proc, with_proc, not_ours};

	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		in_child(cases[i], ENOSYS);
		in_child(cases[i], EPERM);
	}
	in_child(not_ours, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(on_old_kernels)};

	return cmocka_run_group_tests_name("meta_chmod", tests, NULL, NULL);
}
