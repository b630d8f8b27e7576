/* What verify calls different, and how. */
#include "verify_fixture.h"
#include "verify/hash.h"

#include <sys/inotify.h>
#include <sys/sysmacros.h>

static void test_crc(void **state)
{
	verify_crc_fn best = verify_crc_best();
	uint8_t *b = xmalloc(100000);
	uint64_t zeros;

	assert_true(verify_crc_lzma(0, "123456789", 9) == UINT64_C(0x995dc9bbdf1939fa));
	assert_true(best(0, "123456789", 9) == UINT64_C(0x995dc9bbdf1939fa));
	assert_true(best(best(0, "12345", 5), "6789", 4) == UINT64_C(0x995dc9bbdf1939fa));
	for (size_t i = 0; i < 100000; i++)
		b[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t n = 0; n < 100000; n += 997)
		assert_true(best(7, b, n) == verify_crc_lzma(7, b, n));
	memset(b, 0, 100000);
	for (size_t n = 0; n < 100000; n += 4999) {
		zeros = verify_crc_lzma(verify_crc_lzma(0, "abc", 3), b, n);
		assert_true(verify_crc_zeros(verify_crc_lzma(0, "abc", 3), n) == zeros);
	}
	free(b);
}

static void test_equal(void **state)
{
	struct fixture *f = *state;

	make_dir(f, 'b', "d");
	make_dir(f, 'b', "d/e");
	put(f, 'b', "d/f", "hello");
	put(f, 'b', "empty", "");
	sym(f, 'b', "l", "d/f");
	hard(f, 'b', "d/g", "d/f");
	run(f, "");
	assert_int_equal(f->counts.files_examined, 7);
	assert_int_equal(f->counts.bytes_total, 10);
	assert_int_equal(f->counts.bytes_hashed, 10);
	assert_int_equal(f->units_done, 3);
	f->o.mode = VERIFY_QUICK;
	run(f, "");
	assert_int_equal(f->counts.bytes_hashed, 0);
}

static void test_content(void **state)
{
	struct fixture *f = *state;

	put(f, 's', "a", "hello");
	put(f, 't', "a", "hellO");
	put(f, 's', "b", "short");
	put(f, 't', "b", "longer");
	run(f, "content a content\ncontent b size\n");
	said_text(f, "size 5 | size 6");
	said_text(f, "content crc64 ");
	/* Equal times and sizes are all that quick looks at. */
	f->o.mode = VERIFY_QUICK;
	run(f, "content b size\n");
}

static void test_existence_and_types(void **state)
{
	struct fixture *f = *state;

	put(f, 's', "gone", "12");
	make_dir(f, 's', "gone-dir");
	put(f, 's', "gone-dir/x", "1");
	put(f, 't', "more", "");
	make_dir(f, 't', "more-dir");
	put(f, 't', "more-dir/x", "1");
	make_dir(f, 's', "was-dir");
	put(f, 't', "was-dir", "");
	put(f, 's', "was-file", "");
	make_dir(f, 't', "was-file");
	sym(f, 's', "was-link", "x");
	put(f, 't', "was-link", "x");
	run(f,
		"extra more\nextra more-dir\nmissing gone\nmissing gone-dir\n"
		"type was-dir type\ntype was-file type\ntype was-link type\n");
	said_text(f, "regular file of 2 bytes | -");
	said_text(f, "- | directory");
	said_text(f, "symbolic link | regular file");
}

static void test_metadata(void **state)
{
	struct fixture *f = *state;
	static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 7, 0, 42, 0, 0, 0, 4, 0, 4, 0,
		255, 255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255};
	char p[PATH_MAX];
	char *large = xmalloc(3000);
	bool root = geteuid() == 0;

	put(f, 'b', "mode", "x");
	path_of(f, 't', "mode", p);
	assert_int_equal(chmod(p, 0600), 0);
	put(f, 'b', "xattr", "x");
	path_of(f, 's', "xattr", p);
	assert_int_equal(setxattr(p, "user.one", "value", 5, 0), 0);
	memset(large, 'x', 3000);
	assert_int_equal(setxattr(p, "user.three", large, 3000, 0), 0);
	path_of(f, 't', "xattr", p);
	assert_int_equal(setxattr(p, "user.two", "\x00\x01", 2, 0), 0);
	large[2999] = 'y';
	assert_int_equal(setxattr(p, "user.three", large, 3000, 0), 0);
	free(large);
	put(f, 'b', "acl", "x");
	path_of(f, 's', "acl", p);
	assert_int_equal(setxattr(p, "system.posix_acl_access", acl, sizeof(acl), 0), 0);
	path_of(f, 't', "acl", p);
	assert_int_equal(chmod(p, 0674), 0);
	sym(f, 's', "link", "here");
	sym(f, 't', "link", "there");
	make_dir(f, 'b', "dir");
	path_of(f, 't', "dir", p);
	assert_int_equal(chmod(p, 01777), 0);
	if (root) {
		put(f, 'b', "owner", "x");
		path_of(f, 't', "owner", p);
		assert_int_equal(chown(p, 12, 34), 0);
		assert_int_equal(setxattr(p, "trusted.t", "v", 1, 0), 0);
	}
	run(f,
		root ? "metadata acl acl\nmetadata dir mode\nmetadata link link\nmetadata mode mode\n"
		       "metadata owner owner,group,xattr:trusted.t\nmetadata xattr "
		       "xattr:user.one,xattr:user.three,xattr:user.two\n"
		     : "metadata acl acl\nmetadata dir mode\nmetadata link link\nmetadata mode mode\n"
		       "metadata xattr xattr:user.one,xattr:user.three,xattr:user.two\n");
	said_text(f, "mode 0644 | mode 0600");
	said_text(f, "acl u::rw-,u:42:rwx,g::r--,m::rwx,o::r-- | acl none");
	said_text(f, "xattr:user.one \"value\"");
	said_text(f, "xattr:user.two 0x0001");
	said_text(f, "xattr:user.three 3000 bytes, crc64 ");
	said_text(f, "link here | link there");
	/* Without metadata only what belongs to the content remains. */
	f->o.metadata = false;
	run(f, "metadata link link\n");
}

static void test_times(void **state)
{
	struct fixture *f = *state;
	struct timespec t[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000, .tv_nsec = 123456788}};
	char p[PATH_MAX];

	put(f, 'b', "file", "x");
	make_dir(f, 'b', "dir");
	sym(f, 'b', "link", "x");
	run(f, "");
	path_of(f, 't', "file", p);
	utimensat(AT_FDCWD, p, t, AT_SYMLINK_NOFOLLOW);
	path_of(f, 't', "dir", p);
	utimensat(AT_FDCWD, p, t, 0);
	path_of(f, 't', "link", p);
	utimensat(AT_FDCWD, p, t, AT_SYMLINK_NOFOLLOW);
	utimensat(AT_FDCWD, f->target, t, 0);
	run_from(f, NULL);
	said_text(f, "mtime 2023-11-14T22:13:20.123456789Z | mtime 2023-11-14T22:13:20.123456788Z");
	expect(f, "metadata . mtime\nmetadata dir mtime\nmetadata file mtime\nmetadata link mtime\n");
	/* quick goes by the times of regular files even without metadata */
	f->o.metadata = false;
	run_from(f, NULL);
	expect(f, "");
	f->o.mode = VERIFY_QUICK;
	run_from(f, NULL);
	expect(f, "metadata file mtime\n");
}

static void test_special(void **state)
{
	struct fixture *f = *state;
	char p[PATH_MAX];

	for (const char *side = "st"; *side; side++) {
		path_of(f, *side, "fifo", p);
		assert_int_equal(mkfifo(p, 0600), 0);
		path_of(f, *side, "socket", p);
		assert_int_equal(mknod(p, S_IFSOCK | 0600, 0), 0);
		if (geteuid() == 0) {
			path_of(f, *side, "null", p);
			assert_int_equal(mknod(p, S_IFCHR | 0600, *side == 's' ? 0x0103 : 0x0105), 0);
		}
	}
	run(f, geteuid() == 0 ? "metadata null rdev\n" : "");
}

static void test_flags(void **state)
{
	struct fixture *f = *state;
	int fd, flags = FS_NODUMP_FL;
	char p[PATH_MAX];

	put(f, 'b', "x", "x");
	path_of(f, 's', "x", p);
	fd = open(p, O_RDONLY);
	assert_true(fd >= 0);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) {
		print_message("no inode flags on /tmp here\n");
		close(fd);
		return;
	}
	close(fd);
	run(f, "metadata x flags\n");
	said_text(f, "flags d | flags none");
	f->o.fields &= ~(uint32_t)VERIFY_F_FLAGS;
	run(f, "");
}

static void test_hard_links(void **state)
{
	struct fixture *f = *state;

	put(f, 'b', "a", "x");
	hard(f, 'b', "b", "a");
	put(f, 's', "c", "x");
	hard(f, 's', "d", "c");
	put(f, 't', "c", "x");
	put(f, 't', "d", "x");
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	run_from(f, NULL);
	/* Either of the two names may be the one that is called different. */
	assert_true(str_eq(buf_cstr(&f->said), "hardlink c\n") || str_eq(buf_cstr(&f->said), "hardlink d\n"));
}

static void test_changed(void **state)
{
	struct fixture *f = *state;

	put(f, 's', "a", "hello");
	put(f, 't', "a", "hellO!");
	put(f, 's', "b", "x");
	put(f, 't', "b", "y");
	put(f, 's', "only-s", "x");
	put(f, 't', "only-t", "x");
	make_dir(f, 's', "type");
	put(f, 't', "type", "x");
	f->o.changed_since_ns = clock_real_ns() - 3600 * NS_PER_S;
	run(f,
		"changed a size\nchanged b content\nchanged only-s missing\nchanged only-t extra\nchanged "
		"type type\n");
}

static void touch_source(struct fixture *f)
{
	char p[PATH_MAX];
	int fd;

	path_of(f, 's', "big", p);
	fd = open(p, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(fd_pwrite_full(fd, "z", 1, 0), 0);
	close(fd);
	usleep(5000); /* inode times go by the clock's ticks */
}

/* A file that is being written while it is read. */
static void test_changed_while_read(void **state)
{
	struct fixture *f = *state;
	struct start from = {.between = touch_source};
	const size_t size = 24 << 20; /* several steps */

	char *data = xmalloc(size + 1);

	memset(data, 'a', size);
	data[size] = '\0';
	put(f, 'b', "big", data);
	free(data);
	run_from(f, &from);
	assert_non_null(strstr(buf_cstr(&f->said), "changed big content"));
	assert_null(strstr(buf_cstr(&f->said), "\ncontent"));
}

static void test_sparse(void **state)
{
	struct fixture *f = *state;
	const off_t size = (off_t)3 << 40;

	for (const char *side = "st"; *side; side++) {
		char p[PATH_MAX];
		int fd;

		put(f, *side, "sparse", "start");
		path_of(f, *side, "sparse", p);
		fd = open(p, O_WRONLY);
		if (ftruncate(fd, size) < 0) {
			print_message("no file of 3 TiB on /tmp here\n");
			close(fd);
			return;
		}
		assert_int_equal(fd_pwrite_full(fd, "middle", 6, size / 2 - 3), 0);
		assert_int_equal(fd_pwrite_full(fd, *side == 's' ? "end" : "enD", 3, size - 3), 0);
		close(fd);
		still(p);
	}
	run(f, "content sparse content\n");
	assert_true(f->counts.bytes_hashed == (uint64_t)size);
}

/* The other side asks for a file, and the name is a device's: it is looked at, and not opened. */
static void test_device_is_not_opened(void **state)
{
	const int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char dir[] = "/tmp/rehost-verify-XXXXXX";
	struct inotify_event event;
	struct verify_hasher h;
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/device", dir);
	if (mknod(path, S_IFCHR | 0600, makedev(1, 3)) < 0) {
		rmdir(dir);
		close(notify);
		print_message("skipped: needs root\n");
		skip();
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(inotify_add_watch(notify, path, IN_OPEN) >= 0);
	assert_false(verify_hasher_open(&h, fd, "device", false, false));
	assert_int_equal(errno, ENXIO);
	assert_int_equal(read(notify, &event, sizeof(event)), -1);
	assert_int_equal(errno, EAGAIN);
	close(notify);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_device_is_not_opened),
		T(test_equal),
		T(test_content),
		T(test_existence_and_types),
		T(test_metadata),
		T(test_times),
		T(test_special),
		T(test_flags),
		T(test_hard_links),
		T(test_changed),
		T(test_changed_while_read),
		T(test_sparse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
