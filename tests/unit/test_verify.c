/* A verifier and a prover, over a socket pair, on two trees in a temporary directory. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "verify/links.h"
#include "verify/private.h"
#include "verify/prover.h"
#include "verify/verifier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char top[64];
	char source[80], target[80];
	struct verifier_options o;
	struct verifier_mount mounts[3];
	struct verifier *v;
	struct verify_links *links;
	struct buf said; /* a line a difference, "kind path fields", sorted when it is compared */
	struct buf texts;
	struct buf diags;
	struct verifier_counts counts;
	unsigned units_open, units_done;
	uint32_t next_unit;
};

/* ---- trees ---- */

static void path_of(const struct fixture *f, char side, const char *path, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", side == 's' ? f->source : f->target, path);
}

static void still(const char *path)
{
	struct timespec t[2] = {{.tv_sec = 1700000000, .tv_nsec = 123456789}, {.tv_sec = 1700000000, .tv_nsec = 123456789}};

	assert_int_equal(utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW), 0);
}

/* The calls below act on both sides when side is 'b'. */
static void put(struct fixture *f, char side, const char *path, const char *content)
{
	char p[PATH_MAX];
	int fd;

	if (side == 'b') {
		put(f, 's', path, content);
		side = 't';
	}
	path_of(f, side, path, p);
	fd = open(p, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, content, strlen(content)), 0);
	close(fd);
	still(p);
}

static void make_dir(struct fixture *f, char side, const char *path)
{
	char p[PATH_MAX];

	if (side == 'b') {
		make_dir(f, 's', path);
		side = 't';
	}
	path_of(f, side, path, p);
	assert_int_equal(mkdir(p, 0755), 0);
}

static void sym(struct fixture *f, char side, const char *path, const char *to)
{
	char p[PATH_MAX];

	if (side == 'b') {
		sym(f, 's', path, to);
		side = 't';
	}
	path_of(f, side, path, p);
	assert_int_equal(symlink(to, p), 0);
	still(p);
}

static void hard(struct fixture *f, char side, const char *path, const char *old)
{
	char p[PATH_MAX], q[PATH_MAX];

	if (side == 'b') {
		hard(f, 's', path, old);
		side = 't';
	}
	path_of(f, side, old, p);
	path_of(f, side, path, q);
	assert_int_equal(link(p, q), 0);
}

static int still_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_DP)
		still(path);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	snprintf(f->top, sizeof(f->top), "/tmp/verify.XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	snprintf(f->source, sizeof(f->source), "%s/s", f->top);
	snprintf(f->target, sizeof(f->target), "%s/t", f->top);
	if (mkdir(f->source, 0755) < 0 || mkdir(f->target, 0755) < 0)
		return -1;
	f->mounts[0] = (struct verifier_mount){.fd = -1, .rel = "", .target_rel = ""};
	f->o = (struct verifier_options){
		.mode = VERIFY_CRC64,
		.metadata = true,
		.fields = VERIFY_F_ALL,
		.mounts = f->mounts,
		.mount_count = 1,
		.noatime = true,
		.leave_cache = true,
		.seed = 0x123456789abcdef,
		/* All that the tests make is older than this. */
		.changed_since_ns = clock_real_ns() + 3600 * NS_PER_S,
	};
	*state = f;
	return 0;
}

static void forget(struct fixture *f)
{
	buf_clear(&f->said);
	buf_clear(&f->texts);
	buf_clear(&f->diags);
	f->counts = (struct verifier_counts){};
	f->units_done = 0;
	f->next_unit = 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	nftw(f->top, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	buf_release(&f->said);
	buf_release(&f->texts);
	buf_release(&f->diags);
	free(f);
	return 0;
}

/* ---- running ---- */

static const char *const kinds[VERIFY_KINDS] = {"content", "missing", "extra", "type", "metadata", "hardlink", "changed"};

static void on_difference(void *arg, const struct verifier_difference *d)
{
	struct fixture *f = arg;

	buf_printf(&f->said, "%s ", kinds[d->kind]);
	text_escape(&f->said, d->path, strlen(d->path));
	for (size_t i = 0; i < d->field_count; i++)
		buf_printf(&f->said, "%c%s", i ? ',' : ' ', d->fields[i]);
	buf_append_u8(&f->said, '\n');
	buf_printf(&f->texts, "%s | %s\n", d->source ? d->source : "-", d->target ? d->target : "-");
}

static void on_give(void *arg, const struct verifier_give *g)
{
	struct fixture *f = arg;

	f->units_open++;
	verifier_add_dir(f->v, ++f->next_unit, g->mount, g->src, g->dst);
}

static void on_pair(void *arg, const struct verifier_pair *p)
{
	struct fixture *f = arg;
	struct verify_inode s = {p->source_dev, p->source_ino}, t = {p->target_dev, p->target_ino};

	if (verify_links_add(f->links, s, t) != VERIFY_LINK_OK)
		buf_printf(&f->said, "%s %s\n", p->changed ? "changed" : "hardlink", p->path);
}

static void on_counts(void *arg, const struct verifier_counts *c)
{
	struct fixture *f = arg;

	f->counts.files_examined += c->files_examined;
	f->counts.files_vanished += c->files_vanished;
	f->counts.files_failed += c->files_failed;
	f->counts.bytes_total += c->bytes_total;
	f->counts.bytes_hashed += c->bytes_hashed;
}

static void on_diag(void *arg, const struct diag *d)
{
	struct fixture *f = arg;

	diag_format(&f->diags, d);
	buf_append_u8(&f->diags, '\n');
}

static void on_done(void *arg, uint32_t unit)
{
	struct fixture *f = arg;

	f->units_open--;
	f->units_done++;
}

static pid_t start_prover(struct fixture *f, int *out_fd)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int root = open(f->target, O_RDONLY | O_DIRECTORY);

		close(pair[0]);
		_exit(verify_prover_main(pair[1], pair[1], root));
	}
	close(pair[1]);
	*out_fd = pair[0];
	return pid;
}

struct start {
	const char *path; /* NULL: the root as a directory */
	bool recurse;
	void (*between)(struct fixture *f); /* before each step */
};

static void run_from(struct fixture *f, const struct start *from)
{
	int status, fd;
	pid_t pid = start_prover(f, &fd);
	AUTO_DIAG d = DIAG_INIT;

	forget(f);
	f->links = verify_links_new(1 << 20, -1);
	f->mounts[0].fd = open(f->source, O_RDONLY | O_DIRECTORY);
	f->o.wire_fd = fd;
	f->o.callbacks = (struct verifier_callbacks){f, on_give, on_difference, on_pair, on_counts, on_diag, on_done};
	f->v = verifier_new(&f->o);
	f->units_open = 1;
	if (from && from->path)
		verifier_add_path(f->v, 0, 0, from->path, from->path, from->recurse);
	else
		verifier_add_dir(f->v, 0, 0, "", "");
	while (!verifier_idle(f->v)) {
		struct pollfd p = {.fd = verifier_fd(f->v), .events = verifier_events(f->v)};

		if (from && from->between)
			from->between(f);
		if (!verifier_busy(f->v))
			assert_int_equal(poll(&p, 1, 10000), 1);
		if (verifier_step(f->v, &d) != RES_OK) {
			AUTO_BUF text = BUF_INIT;

			diag_format(&text, &d);
			fail_msg("%s", buf_cstr(&text));
		}
	}
	assert_int_equal(f->units_open, 0);
	verifier_free(f->v);
	verify_links_free(f->links);
	close(fd);
	close(f->mounts[0].fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What was said, sorted. */
static void expect(struct fixture *f, const char *want)
{
	AUTO_BUF sorted = BUF_INIT;
	char *lines[1000], *all = buf_cstr(&f->said);
	size_t n = 0;

	for (char *s = strtok(all, "\n"); s; s = strtok(NULL, "\n"))
		lines[n++] = s;
	qsort(lines, n, sizeof(lines[0]), by_line);
	for (size_t i = 0; i < n; i++)
		buf_printf(&sorted, "%s\n", lines[i]);
	assert_string_equal(buf_cstr(&sorted), want);
	assert_string_equal(buf_cstr(&f->diags), "");
}

static void run(struct fixture *f, const char *want)
{
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	run_from(f, NULL);
	expect(f, want);
}

static void said_text(struct fixture *f, const char *part)
{
	if (!strstr(buf_cstr(&f->texts), part))
		fail_msg("'%s' is not in: %s", part, buf_cstr(&f->texts));
}

/* ---- tests ---- */

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
	run(f, "extra more\nextra more-dir\nmissing gone\nmissing gone-dir\n"
	       "type was-dir type\ntype was-file type\ntype was-link type\n");
	said_text(f, "regular file of 2 bytes | -");
	said_text(f, "- | directory");
	said_text(f, "symbolic link | regular file");
}

static void test_metadata(void **state)
{
	struct fixture *f = *state;
	static const uint8_t acl[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 7, 0, 42, 0, 0, 0, 4, 0, 4, 0, 255,
		255, 255, 255, 16, 0, 7, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255};
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
	run(f, root ? "metadata acl acl\nmetadata dir mode\nmetadata link link\nmetadata mode mode\n"
		      "metadata owner owner,group,xattr:trusted.t\nmetadata xattr xattr:user.one,xattr:user.three,xattr:user.two\n"
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
	run(f, "changed a size\nchanged b content\nchanged only-s missing\nchanged only-t extra\nchanged type type\n");
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

/* Beyond the bound of a slice on the target, and more on the source. */
static void test_large_directory(void **state)
{
	struct fixture *f = *state;
	const unsigned many = VERIFY_SLICE_ENTRIES + 5000;
	char name[300];

	f->o.mode = VERIFY_QUICK;
	make_dir(f, 'b', "d");
	for (unsigned i = 0; i < many; i++) {
		snprintf(name, sizeof(name), "d/name-%u", i);
		for (const char *side = "st"; *side; side++) {
			char p[PATH_MAX];

			path_of(f, *side, name, p);
			assert_int_equal(symlink(i % 1000 == 999 && *side == 't' ? "y" : "x", p), 0);
			if (i >= many - 10 && *side == 's')
				assert_int_equal(unlink(p), 0);
		}
	}
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	f->o.metadata = false;
	run_from(f, NULL);
	assert_string_equal(buf_cstr(&f->diags), "");
	assert_int_equal(f->counts.files_examined, many - 10 + 2);
	for (unsigned i = 0, n = 0; i < f->said.len; i++) {
		n += f->said.data[i] == '\n';
		if (i + 1 == f->said.len)
			assert_int_equal(n, 37 + 10);
	}
}

/* Any bytes, the longest names, and a path longer than PATH_MAX. */
static void test_hostile_names(void **state)
{
	struct fixture *f = *state;
	char longest[256], part[201];

	memset(longest, 'n', 255);
	longest[255] = '\0';
	put(f, 'b', longest, "x");
	put(f, 'b', "\xff\xfe", "x");
	put(f, 's', "new\nline\x1b[31m", "x");
	put(f, 't', "new\nline\x1b[31m", "y");
	put(f, 'b', "...", "x");
	put(f, 'b', " ", "x");
	memset(part, 'p', 200);
	part[200] = '\0';
	for (const char *side = "st"; *side; side++) {
		int fd = open(*side == 's' ? f->source : f->target, O_RDONLY | O_DIRECTORY);

		for (int i = 0; i < 50; i++) {
			int next;

			assert_int_equal(mkdirat(fd, part, 0755), 0);
			next = openat(fd, part, O_RDONLY | O_DIRECTORY);
			assert_true(next >= 0);
			close(fd);
			fd = next;
		}
		assert_int_equal(mkdirat(fd, *side == 's' ? "bottom-s" : "bottom-t", 0755), 0);
		close(fd);
	}
	f->o.fields &= ~(uint32_t)VERIFY_F_MTIME;
	run_from(f, NULL);
	assert_string_equal(buf_cstr(&f->diags), "");
	assert_non_null(strstr(buf_cstr(&f->said), "content new\\nline\\x1b[31m content\n"));
	assert_non_null(strstr(buf_cstr(&f->said), "/bottom-s\n"));
	assert_non_null(strstr(buf_cstr(&f->said), "/bottom-t\n"));
	assert_true(strlen(strstr(buf_cstr(&f->said), "ppp")) > 10000);
}

/* A link to elsewhere where the source has a directory, or on the way to one, is never followed. */
static void test_links_are_not_followed(void **state)
{
	struct fixture *f = *state;

	make_dir(f, 's', "d");
	put(f, 's', "d/x", "1");
	sym(f, 't', "d", "/etc");
	run(f, "type d type\n");
	run_from(f, &(struct start){.path = "d/x"});
	expect(f, "missing d/x\n");
	assert_int_equal(verify_tree_open(AT_FDCWD, "/tmp", false) >= 0, false);
}

static struct rules *rules_of(const char *list, const char *value)
{
	struct conf c = {.source = {.root = (char *)"/"}};
	struct conf_item item = {.value = (char *)value, .file = (char *)"test", .line = 1};
	struct rules *r = NULL;
	AUTO_DIAG d = DIAG_INIT;

	if (str_eq(list, "exclude"))
		c.rules.exclude = (struct conf_list){.items = &item, .len = 1};
	else
		c.rules.sync_only = (struct conf_list){.items = &item, .len = 1};
	assert_true(rules_new(&c, RULES_SYNC, &r, &d));
	return r;
}

static void test_rules(void **state)
{
	struct fixture *f = *state;
	struct rules *r = rules_of("exclude", "/out");

	make_dir(f, 's', "out");
	put(f, 's', "out/x", "1");
	make_dir(f, 't', "out");
	put(f, 't', "out/y", "2");
	put(f, 'b', "in", "1");
	f->o.rules = r;
	run(f, "");
	assert_int_equal(f->counts.files_examined, 2);
	rules_free(r);
	r = rules_of("only", "/srv/app");
	make_dir(f, 'b', "srv");
	make_dir(f, 'b', "srv/app");
	put(f, 's', "srv/app/x", "1");
	put(f, 't', "srv/other", "1");
	put(f, 't', "loose", "1");
	chmod(f->target, 0755);
	f->o.rules = r;
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	{
		char p[PATH_MAX];

		path_of(f, 't', "srv", p); /* a passage: its own metadata do not matter */
		assert_int_equal(chmod(p, 0700), 0);
	}
	run_from(f, NULL);
	expect(f, "missing srv/app/x\n");
	rules_free(r);
}

static void test_skip_and_temporaries(void **state)
{
	struct fixture *f = *state;
	struct verifier_inode skip;
	char p[PATH_MAX];
	struct stat st;

	make_dir(f, 's', "state");
	put(f, 's', "state/x", "1");
	make_dir(f, 't', ".rehost.tmp");
	make_dir(f, 'b', "d");
	make_dir(f, 't', "d/.rehost.tmp");
	path_of(f, 's', "state", p);
	assert_int_equal(stat(p, &st), 0);
	skip = (struct verifier_inode){st.st_dev, st.st_ino};
	f->o.skip = &skip;
	f->o.skip_count = 1;
	run(f, "extra d/.rehost.tmp\n");
}

/* Another mount's root within the first, mapped elsewhere. */
static void test_mapped_mount(void **state)
{
	struct fixture *f = *state;
	char p[PATH_MAX];

	make_dir(f, 's', "data");
	put(f, 's', "data/x", "1");
	make_dir(f, 't', "data");
	make_dir(f, 't', "disk");
	make_dir(f, 't', "disk/two");
	put(f, 't', "disk/two/x", "2");
	path_of(f, 's', "data", p);
	f->mounts[1] = (struct verifier_mount){.fd = open(p, O_RDONLY | O_DIRECTORY), .rel = "data", .target_rel = "disk/two"};
	f->o.mount_count = 2;
	run(f, "content data/x content\n");
	assert_int_equal(f->counts.files_examined, 3);
	assert_int_equal(rmdir((path_of(f, 't', "data", p), p)), 0);
	run(f, "content data/x content\nmissing data\n");
	close(f->mounts[1].fd);
}

static void test_paths(void **state)
{
	struct fixture *f = *state;

	make_dir(f, 'b', "d");
	make_dir(f, 'b', "d/e");
	put(f, 's', "d/e/f", "1");
	put(f, 't', "d/e/f", "2");
	put(f, 't', "d/extra", "2");
	put(f, 's', "d/missing", "2");
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	run_from(f, &(struct start){.path = "d/e/f"});
	expect(f, "content d/e/f content\n");
	assert_int_equal(f->counts.files_examined, 1);
	run_from(f, &(struct start){.path = "d/extra"});
	expect(f, "extra d/extra\n");
	run_from(f, &(struct start){.path = "d/missing"});
	expect(f, "missing d/missing\n");
	run_from(f, &(struct start){.path = "d/nowhere"});
	expect(f, "");
	run_from(f, &(struct start){.path = "no/where/at/all"});
	expect(f, "");
	assert_int_equal(f->counts.files_examined, 0);
	run_from(f, &(struct start){.path = "d"});
	expect(f, "");
	assert_int_equal(f->counts.files_examined, 1);
	run_from(f, &(struct start){.path = "d", .recurse = true});
	expect(f, "content d/e/f content\nextra d/extra\nmissing d/missing\n");
	run_from(f, &(struct start){.path = ""});
	expect(f, "");
	run_from(f, &(struct start){.path = "", .recurse = true});
	expect(f, "content d/e/f content\nextra d/extra\nmissing d/missing\n");
}

/* As an ordinary user: what cannot be read is said, and is no difference. */
static void test_unreadable(void **state)
{
	struct fixture *f = *state;
	char p[PATH_MAX];

	put(f, 's', "x", "1");
	put(f, 't', "x", "2");
	put(f, 's', "y", "1");
	put(f, 't', "y", "2");
	make_dir(f, 'b', "d");
	path_of(f, 't', "x", p);
	assert_int_equal(chmod(p, 0), 0);
	path_of(f, 's', "x", p);
	assert_int_equal(chmod(p, 0), 0);
	path_of(f, 't', "d", p);
	assert_int_equal(chmod(p, 0), 0);
	path_of(f, 's', "d", p);
	assert_int_equal(chmod(p, 0), 0);
	chmod(f->top, 0755);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	run_from(f, NULL);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(f->counts.files_failed, 2);
	assert_non_null(strstr(buf_cstr(&f->diags), "'x' at the source"));
	assert_non_null(strstr(buf_cstr(&f->diags), "'d' at the source"));
	assert_non_null(strstr(buf_cstr(&f->said), "content y content"));
	assert_null(strstr(buf_cstr(&f->said), "content x"));
	path_of(f, 't', "d", p);
	chmod(p, 0700);
	path_of(f, 's', "d", p);
	chmod(p, 0700);
}

/* The other end goes away, or is of another version, or talks nonsense. */
static void test_link_ends(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint8_t type;
		uint8_t payload[12];
		size_t len;
		enum result want;
		enum diag_code code;
	} cases[] = {
		{0, {}, 0, RES_RETRY, DIAG_VERIFY_LINK_LOST},
		{V_ERROR, {9}, 4, RES_FATAL, DIAG_VERIFY_VERSION},
		{V_ERROR, {9}, 3, RES_FATAL, DIAG_VERIFY_PROTOCOL},
		{V_RECORDS, {1, 2, 3}, 3, RES_FATAL, DIAG_VERIFY_PROTOCOL},
		{V_HELLO_OK, {1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0}, 12, RES_FATAL, DIAG_VERIFY_PROTOCOL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_DIAG d = DIAG_INIT;
		AUTO_BUF out = BUF_INIT;
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		f->mounts[0].fd = open(f->source, O_RDONLY | O_DIRECTORY);
		f->o.wire_fd = pair[0];
		f->o.callbacks =
			(struct verifier_callbacks){f, on_give, on_difference, on_pair, on_counts, on_diag, on_done};
		f->v = verifier_new(&f->o);
		verifier_add_dir(f->v, 0, 0, "", "");
		assert_int_equal(verifier_step(f->v, &d), RES_OK);
		if (cases[i].type) {
			frame_encode(&out, cases[i].type, 0, cases[i].payload, cases[i].len);
			assert_int_equal(fd_write_full(pair[1], out.data, out.len), 0);
		} else {
			close(pair[1]);
		}
		assert_int_equal(verifier_step(f->v, &d), cases[i].want);
		assert_int_equal(d.code, cases[i].code);
		verifier_free(f->v);
		close(f->mounts[0].fd);
		close(pair[0]);
		if (cases[i].type)
			close(pair[1]);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc),
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
		T(test_large_directory),
		T(test_hostile_names),
		T(test_links_are_not_followed),
		T(test_rules),
		T(test_skip_and_temporaries),
		T(test_mapped_mount),
		T(test_paths),
		T(test_unreadable),
		T(test_link_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
