/* The room base: text both ways, buffers, descriptors. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/lost.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- text ---- */

static void test_utf8(void **state)
{
	static const char *const good[] = {"", "ascii", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
		"\xee\x80\x80", "\xf4\x8f\xbf\xbf", "\xc2\x80", "\xe0\xa0\x80"};
	static const char *const bad[] = {
		"\x80",
		"\xc3",
		"a\xc3",
		"\xc3(",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\xff",
		"\xfe",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf", /* overlong */
		"\xed\xa0\x80",
		"\xed\xbf\xbf", /* surrogates */
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(text_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_is_utf8(bad[i], strlen(bad[i])));
	assert_true(text_is_utf8(NULL, 0));
	assert_true(text_is_utf8("a\0b", 3));
	assert_false(text_is_utf8("\xe2\x82\xac", 2)); /* the end counts, not the NUL */
}

static void escapes_to(const char *s, const char *expected)
{
	AUTO_FREE char *escaped = text_escaped(s);

	assert_string_equal(escaped, expected);
}

static void test_escape(void **state)
{
	AUTO_BUF b = BUF_INIT;

	(void)state;
	escapes_to("", "");
	escapes_to("plain name", "plain name");
	escapes_to("\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac");
	escapes_to("a\nb\tc\\d", "a\\nb\\tc\\\\d");
	escapes_to("\x1b[2J\r\x7f", "\\x1b[2J\\x0d\\x7f");
	escapes_to("\xc2\x9b"
		   "2J",
		"\\xc2\\x9b2J"); /* a control sequence in UTF-8 */
	escapes_to("\xff\xc3", "\\xff\\xc3");
	text_escape(&b, "a\0b", 3);
	assert_string_equal(buf_cstr(&b), "a\\x00b");
}

/* What was escaped stays, what was not is. */
static void test_clean(void **state)
{
	AUTO_BUF b = BUF_INIT;

	(void)state;
	text_clean(&b, "a\\x1b\\\\ \xc3\xa4", 10);
	assert_string_equal(buf_cstr(&b), "a\\x1b\\\\ \xc3\xa4");
	buf_clear(&b);
	text_clean(&b, "\x1b[0m\n\t\x7f\xc2\x85\x9b\xff\0", 12);
	assert_string_equal(buf_cstr(&b), "\\x1b[0m\\x0a\\x09\\x7f\\xc2\\x85\\x9b\\xff\\x00");
}

static void json_is(const void *p, size_t n, const char *expected)
{
	AUTO_BUF b = BUF_INIT;

	text_json_string(&b, p, n);
	assert_string_equal(buf_cstr(&b), expected);
}

static void test_json(void **state)
{
	(void)state;
	json_is(NULL, 0, "\"\"");
	json_is("a\"b\\c/\n\t\x01\x7f", 10, "\"a\\\"b\\\\c/\\n\\t\\u0001\\u007f\"");
	json_is("\xc3\xa4", 2, "\"\xc3\xa4\"");
	json_is("\xc2\x9bm", 3, "\"\\u009bm\""); /* safe on a terminal too */
	json_is("\xc2\xa0", 2, "\"\xc2\xa0\"");
	json_is("a\0", 2, "\"a\\u0000\"");
	json_is("\xff\n", 2, "\"\\\\xff\\\\n\"");
}

static void test_base64(void **state)
{
	static const char *const expected[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(expected); n++) {
		AUTO_BUF b = BUF_INIT;

		text_base64(&b, "foobar", n);
		assert_string_equal(buf_cstr(&b), expected[n]);
	}
	AUTO_BUF high = BUF_INIT;
	text_base64(&high, "\xff\xfe\xfd", 3);
	assert_string_equal(buf_cstr(&high), "//79");
}

static void test_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.00 KiB"},
		{1536, "1.50 KiB"},
		{10240, "10.0 KiB"},
		{1048524, "1023.9 KiB"},
		{1048575, "1.00 MiB"},
		{1048576, "1.00 MiB"},
		{UINT64_C(3) << 40, "3.00 TiB"},
		{UINT64_MAX, "16.0 EiB"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF b = BUF_INIT;

		text_size(&b, cases[i].bytes);
		assert_string_equal(buf_cstr(&b), cases[i].text);
	}
}

static void test_duration(void **state)
{
	static const struct {
		uint64_t s;
		const char *text;
	} cases[] = {
		{0, "0:00"}, {42, "0:42"}, {60, "1:00"}, {3599, "59:59"}, {3723, "1:02:03"}, {360000, "100:00:00"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_BUF b = BUF_INIT;

		text_duration(&b, cases[i].s);
		assert_string_equal(buf_cstr(&b), cases[i].text);
	}
}

static void test_parse_size(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},
		{"4096", 4096},
		{"4096B", 4096},
		{"64M", 64u << 20},
		{"64m", 64u << 20},
		{"64MB", 64u << 20},
		{"64MiB", 64u << 20},
		{"64Mi", 64u << 20},
		{"1.5G", UINT64_C(3) << 29},
		{"2T", UINT64_C(2) << 40},
		{"7E", UINT64_C(7) << 60},
		{"0.5K", 512},
		{"0.015625M", 16384},
		{"0.50781250000000000000000M", 532480},
		{"9007199254740992", UINT64_C(1) << 53},
	};
	static const char *const bad[] = {"", " 1", "1 ", "-1", "+1", "1.", ".5", "1.K", "0x10", "1e3", "1KK", "1iB",
		"1X", "M", "nan", "inf", "8E", "99999999999999999999", "1M/s", "1,5M"};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(text_parse_size(good[i].text, &v));
		assert_true(v == good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_parse_size(bad[i], &v));
}

static void test_parse_duration(void **state)
{
	static const struct {
		const char *text;
		uint64_t s;
	} good[] = {{"0", 0}, {"90", 90}, {"30s", 30}, {"5m", 300}, {"2h", 7200}, {"26h", 93600}, {"1d", 86400},
		{"1.5h", 5400}, {"0.035h", 126}};
	static const char *const bad[] = {"", "s", "-5s", "5 s", "5ms", "5M", "5w", "1h30m", "9999999999999", "1e5"};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(text_parse_duration(good[i].text, &v));
		assert_true(v == good[i].s);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_parse_duration(bad[i], &v));
}

static void test_parse_u64(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1a", "18446744073709551616"};
	uint64_t v;

	(void)state;
	assert_true(text_parse_u64("18446744073709551615", UINT64_MAX, &v) && v == UINT64_MAX);
	assert_true(text_parse_u64("007", 7, &v) && v == 7);
	assert_false(text_parse_u64("8", 7, &v));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(text_parse_u64(bad[i], UINT64_MAX, &v));
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"address", "root", "port", "user", "identity", "io", "bandwidth"};
	char longest[66];

	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("", "abc"), 3);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	assert_int_equal(text_distance("sitting", "kitten"), 3);
	assert_int_equal(text_distance("prot", "port"), 1);
	assert_int_equal(text_distance("abcd", "badc"), 2);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[65] = '\0';
	assert_int_equal(text_distance(longest, longest), 1000); /* too long to be a name of ours */
	assert_int_equal(text_distance(longest + 1, longest + 1), 0);
	assert_string_equal(text_nearest("adress", names, ARRAY_LEN(names)), "address");
	assert_string_equal(text_nearest("prot", names, ARRAY_LEN(names)), "port");
	assert_string_equal(text_nearest("bandwith", names, ARRAY_LEN(names)), "bandwidth");
	assert_null(text_nearest("compression", names, ARRAY_LEN(names)));
	assert_null(text_nearest("xy", names, ARRAY_LEN(names)));
	assert_null(text_nearest("", names, ARRAY_LEN(names)));
	assert_null(text_nearest("a", names, 0));
	assert_null(text_nearest(longest, names, ARRAY_LEN(names)));
}

/* ---- buffers ---- */

static void test_buf(void **state)
{
	AUTO_BUF b = BUF_INIT;
	AUTO_FREE char *s = NULL;

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(b.len, 0);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	assert_memory_equal(b.data + b.len - 4, "999,", 4);
	buf_consume(&b, 2);
	assert_memory_equal(b.data, "1,2,", 4);
	buf_consume(&b, b.len + 1);
	assert_int_equal(b.len, 0);
	buf_append(&b, NULL, 0);
	buf_append_str(&b, "text");
	buf_append_u8(&b, '!');
	memset(buf_extend(&b, 3), '-', 3);
	assert_non_null(buf_reserve(&b, 100000));
	assert_int_equal(b.len, 8);
	assert_in_range(b.cap, 100008, 200000);
	s = buf_detach(&b);
	assert_string_equal(s, "text!---");
	assert_null(b.data);
	assert_int_equal(b.len + b.cap, 0);
	buf_printf(&b, "%s", "");
	assert_int_equal(b.len, 0);
	buf_clear(&b);
	buf_release(&b);
	buf_release(&b);
	assert_null(b.data);
}

static void test_cleanup_keeps_errno(void **state)
{
	(void)state;
	errno = ERANGE;
	{
		AUTO_FREE char *p = xstrdup("x");
		AUTO_BUF b = BUF_INIT;
		AUTO_CLOSE int fd = 12345; /* not open */

		buf_append_str(&b, p);
		assert_int_equal(fd, 12345);
	}
	assert_int_equal(errno, ERANGE);
}

/* ---- descriptors ---- */

struct tmp {
	char path[64];
	int dir;
};

static int tmp_make(void **state)
{
	struct tmp *t = xcalloc(1, sizeof(*t));

	strcpy(t->path, "/tmp/rehost-test-base-XXXXXX");
	if (!mkdtemp(t->path))
		return -1;
	t->dir = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = t;
	return t->dir < 0 ? -1 : 0;
}

static int tmp_remove(void **state)
{
	static const char *const files[] = {"file", "file.new", "victim", "a/b/c", "a/b", "a"};
	struct tmp *t = *state;
	int left;

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (unlinkat(t->dir, files[i], 0) < 0)
			unlinkat(t->dir, files[i], AT_REMOVEDIR);
	close(t->dir);
	left = rmdir(t->path);
	free(t);
	return left;
}

static void test_read_write(void **state)
{
	struct tmp *t = *state;
	AUTO_CLOSE int fd = openat(t->dir, "file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char p[16];

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, "0123456789", 10), 0);
	assert_int_equal(fd_write_full(fd, NULL, 0), 0);
	assert_int_equal(fd_pwrite_full(fd, "ab", 2, 4), 0);
	assert_int_equal(fd_pread_full(fd, p, 16, 2), 8);
	assert_memory_equal(p, "23ab6789", 8);
	assert_int_equal(fd_read_full(fd, p, 16), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_full(fd, p, 4), 4);
	assert_int_equal(fd_read_full(-1, p, 4), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fd_write_full(-1, p, 4), -1);
	assert_int_equal(fd_set_cloexec(fd, false), 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_equal(fd_set_cloexec(fd, true), 0);
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	assert_int_equal(fd_set_nonblock(fd, true), 0);
	assert_int_not_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
}

/* Pieces that arrive one by one are one read. */
static void test_read_pieces(void **state)
{
	int pipe_fds[2];
	char p[100];
	pid_t child;

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		for (int i = 0; i < 10; i++) {
			if (fd_write_full(pipe_fds[1], "piece", 5) < 0)
				_exit(1);
			usleep(1000);
		}
		_exit(0);
	}
	close(pipe_fds[1]);
	assert_int_equal(fd_read_full(pipe_fds[0], p, 100), 50);
	close(pipe_fds[0]);
}

static void test_read_file(void **state)
{
	struct tmp *t = *state;
	AUTO_FREE char *big = xmalloc(20000);
	size_t sizes[] = {0, 1, 4094, 4095, 4096, 8191, 8192, 20000}, len = 77;
	char *data = NULL;

	memset(big, 'x', 20000);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(fd_write_file_atomic(t->dir, "file", big, sizes[i]), 0);
		assert_int_equal(fd_read_file(t->dir, "file", sizes[i], &data, &len), 0);
		assert_int_equal(len, sizes[i]);
		assert_int_equal(strlen(data), len);
		free(data);
		if (sizes[i] == 0)
			continue;
		assert_int_equal(fd_read_file(t->dir, "file", sizes[i] - 1, &data, NULL), -1);
		assert_int_equal(errno, EFBIG);
	}
	assert_int_equal(fd_read_file(t->dir, "none", 10, &data, NULL), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fd_read_file(AT_FDCWD, t->path, 10, &data, NULL), -1);
	assert_int_equal(errno, EISDIR);
}

static void test_write_file_atomic(void **state)
{
	struct tmp *t = *state;
	struct stat old, new;
	char *data;
	size_t len;

	assert_int_equal(fd_write_file_atomic(t->dir, "file", "one", 3), 0);
	assert_int_equal(fstatat(t->dir, "file", &old, 0), 0);
	assert_int_equal(old.st_mode & 07777, 0600);
	assert_int_equal(fd_write_file_atomic(t->dir, "file", "second", 6), 0);
	assert_int_equal(fstatat(t->dir, "file", &new, 0), 0);
	assert_int_equal(new.st_size, 6);
	assert_int_equal(faccessat(t->dir, "file.new", F_OK, 0), -1);

	/* What lies under the temporary name is never written through, and its mode is not taken over. */
	assert_int_equal(fd_write_file_atomic(t->dir, "victim", "precious", 8), 0);
	assert_int_equal(fchmodat(t->dir, "victim", 0644, 0), 0);
	assert_int_equal(linkat(t->dir, "victim", t->dir, "file.new", 0), 0);
	assert_int_equal(fd_write_file_atomic(t->dir, "file", "third", 5), 0);
	assert_int_equal(fstatat(t->dir, "file", &new, 0), 0);
	assert_int_equal(new.st_mode & 07777, 0600);
	assert_int_equal(symlinkat("victim", t->dir, "file.new"), 0);
	assert_int_equal(fd_write_file_atomic(t->dir, "file", "fourth", 6), 0);
	assert_int_equal(fd_read_file(t->dir, "victim", 100, &data, &len), 0);
	assert_string_equal(data, "precious");
	free(data);
	assert_int_equal(fstatat(t->dir, "file", &new, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(new.st_mode) && new.st_size == 6);

	/* A failure leaves the old file and nothing beside it. */
	assert_int_equal(mkdirat(t->dir, "a", 0700), 0);
	assert_int_equal(fd_write_file_atomic(t->dir, "a", "x", 1), -1);
	assert_int_equal(faccessat(t->dir, "a.new", F_OK, 0), -1);
	assert_int_equal(fd_write_file_atomic(t->dir, "none/file", "x", 1), -1);
	assert_int_equal(errno, ENOENT);
}

static unsigned fds_open(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_send_fds(void **state)
{
	int sock[2], sent[17], got[17], pipe_fds[2];
	unsigned before = fds_open();
	char c;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock), 0);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	for (size_t i = 0; i < 17; i++)
		sent[i] = pipe_fds[i % 2];
	for (size_t n = 1; n <= 16; n += 5) {
		assert_int_equal(fd_send_fds(sock[0], sent, n), 0);
		assert_int_equal(fd_recv_fds(sock[1], got, n), 0);
		if (n > 1) {
			assert_int_equal(write(got[1], "y", 1), 1);
			assert_int_equal(read(got[0], &c, 1), 1);
		}
		for (size_t i = 0; i < n; i++) {
			assert_int_not_equal(fcntl(got[i], F_GETFD) & FD_CLOEXEC, 0);
			close(got[i]);
		}
	}
	assert_int_equal(fd_send_fds(sock[0], sent, 0), -1);
	assert_int_equal(fd_send_fds(sock[0], sent, 17), -1);
	assert_int_equal(fd_recv_fds(sock[1], got, 0), -1);
	assert_int_equal(fd_recv_fds(sock[1], got, 17), -1);

	/* More or fewer than asked for, or none: refused, and nothing stays open. */
	assert_int_equal(fd_send_fds(sock[0], sent, 3), 0);
	assert_int_equal(fd_recv_fds(sock[1], got, 2), -1);
	assert_int_equal(errno, EPROTO);
	assert_int_equal(fd_send_fds(sock[0], sent, 2), 0);
	assert_int_equal(fd_recv_fds(sock[1], got, 3), -1);
	assert_int_equal(write(sock[0], "F", 1), 1);
	assert_int_equal(fd_recv_fds(sock[1], got, 1), -1);
	assert_int_equal(errno, EPROTO);
	close(sock[0]);
	assert_int_equal(fd_recv_fds(sock[1], got, 1), -1);
	close(sock[1]);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_int_equal(fds_open(), before);
}

static void test_mkdir_p(void **state)
{
	struct tmp *t = *state;
	AUTO_FREE char *deep = xasprintf("%s/a/b/c", t->path);
	AUTO_FREE char *slashes = xasprintf("%s//a/b//c//", t->path);
	AUTO_FREE char *file = xasprintf("%s/file", t->path);
	AUTO_FREE char *below_file = xasprintf("%s/file/x", t->path);
	struct stat st;

	assert_int_equal(fd_mkdir_p(deep, 0700), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fd_mkdir_p(deep, 0755), 0); /* what is there keeps its mode */
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fd_mkdir_p(slashes, 0700), 0);
	assert_int_equal(fd_mkdir_p("/", 0700), 0);
	assert_int_equal(fd_write_file_atomic(t->dir, "file", "", 0), 0);
	assert_int_equal(fd_mkdir_p(file, 0700), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(fd_mkdir_p(below_file, 0700), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(fd_mkdir_p("", 0700), -1);
	assert_int_equal(errno, ENOENT);
}

/* A descriptor among words: it comes with what was written before it, its byte does not, and what is behind it is kept. */
static void test_read_or_fd(void **state)
{
	const int many[2] = {0, 0};
	unsigned before = fds_open();
	int sock[2], fd;
	char text[16];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock), 0);
	assert_int_equal(write(sock[0], "before", 6), 6);
	assert_int_equal(fd_send_fds(sock[0], &sock[0], 1), 0);
	assert_int_equal(write(sock[0], "behind", 6), 6);
	assert_int_equal(fd_read_or_fd(sock[1], text, sizeof(text), &fd), 6);
	assert_memory_equal(text, "before", 6);
	assert_true(fd >= 0);
	assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
	assert_int_equal(fd_read_or_fd(sock[1], text, sizeof(text), &fd), 6);
	assert_int_equal(fd, -1);
	assert_int_equal(fd_send_fds(sock[0], &sock[0], 1), 0);
	assert_int_equal(fd_read_or_fd(sock[1], text, sizeof(text), &fd), 0);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fd_send_fds(sock[0], many, 2), 0); /* not ours: closed, and the byte is just one */
	assert_int_equal(fd_read_or_fd(sock[1], text, sizeof(text), &fd), 1);
	assert_int_equal(fd, -1);
	close(sock[0]);
	assert_int_equal(fd_read_or_fd(sock[1], text, sizeof(text), &fd), 0);
	assert_int_equal(fd, -1);
	close(sock[1]);
	assert_int_equal(fds_open(), before);
}

static void times_that_are_held(void **state)
{
	/* Equal to the step that the file system's own times have. */
	assert_true(lost_time_held(5, 123456789, 5, 0, 0, LOST_TIMES_UNSURE));
	assert_true(lost_time_held(5, 123456789, 5, 123456700, 987654300, LOST_TIMES_UNSURE));
	assert_true(lost_time_held(5, 123456789, 5, 123456000, 987654000, LOST_TIMES_UNSURE));
	assert_false(lost_time_held(5, 123456789, 5, 0, 987654321, LOST_TIMES_UNSURE)); /* it could have more */
	assert_false(lost_time_held(5, 123456789, 6, 0, 0, LOST_TIMES_UNSURE));
	assert_false(lost_time_held(5, 123456789, 5, 123000000, 1, LOST_TIMES_UNSURE));
	assert_true(lost_time_held(7, 0, 6, 0, 10000000, LOST_TIMES_UNSURE)); /* FAT */
	assert_false(lost_time_held(8, 0, 7, 0, 0, LOST_TIMES_UNSURE));
	/* The end of what it can tell. */
	assert_true(lost_time_held(INT64_C(5000000000), 7, INT32_MAX, 0, 1, LOST_TIMES_UNSURE));
	assert_true(lost_time_held(INT64_C(50000000000), 7, INT64_C(0x37fffffff), 0, 1, LOST_TIMES_UNSURE));
	assert_true(lost_time_held(-INT64_C(5000000000), 7, INT32_MIN, 0, 1, LOST_TIMES_UNSURE));
	assert_false(lost_time_held(5, 7, INT32_MAX, 0, 0, LOST_TIMES_UNSURE));
	assert_false(lost_time_held(INT64_C(5000000000), 7, INT32_MAX - 1, 0, 0, LOST_TIMES_UNSURE));
}

/* What looks as if it had been cut off may be so by chance: who knows or has asked is not taken in. */
static void times_that_look_held(void **state)
{
	static const struct lost_grain whole = {.step = 1000000000}, even = {.step = 2000000000}, tenth = {.step = 100},
				       fine = {.step = 1}, none = {}, ends = {.step = 1, .ends = {true, false, true}};
	struct lost_grain g;
	int fd = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);

	assert_false(lost_time_held(5, 123456789, 5, 0, 0, LOST_TIMES_EXACT));
	assert_false(lost_time_held(5, 123456789, 5, 0, 0, LOST_TIMES_LONG));
	assert_true(lost_time_held(5, 123456789, 5, 0, 0, LOST_TIMES_SECONDS));
	assert_false(lost_time_held(5, 123456789, 5, 123456700, 0, LOST_TIMES_SECONDS));
	assert_false(lost_time_held(7, 0, 6, 0, 10000000, LOST_TIMES_SECONDS));
	assert_false(lost_time_held(INT64_C(5000000000), 7, INT32_MAX, 0, 1, LOST_TIMES_LONG));
	assert_true(lost_time_held(INT64_C(5000000000), 7, INT32_MAX, 0, 1, LOST_TIMES_EXACT));

	assert_true(lost_time_given(&whole, 5, 123456789, 5, 0));
	assert_false(lost_time_given(&whole, 5, 123456789, 4, 0));
	assert_true(lost_time_given(&even, 7, 123456789, 6, 0));
	assert_true(lost_time_given(&even, 6, 123456789, 6, 0));
	assert_false(lost_time_given(&even, 7, 123456789, 7, 0));
	assert_true(lost_time_given(&tenth, -5, 123456789, -5, 123456700));
	assert_false(lost_time_given(&tenth, 5, 123456789, 5, 0));
	assert_false(lost_time_given(&fine, 5, 123456789, 5, 123456700));
	assert_false(lost_time_given(&none, 5, 123456789, 5, 0));
	assert_true(lost_time_given(&ends, INT64_C(5000000000), 7, INT32_MAX, 0));
	assert_false(lost_time_given(&whole, INT64_C(5000000000), 7, INT32_MAX, 0));
	assert_true(lost_time_given(&ends, -INT64_C(5000000000), 7, INT32_MIN, 0));

	assert_true(fd >= 0);
	lost_times_ask(fd, &g);
	assert_int_equal(g.step, 1);
	assert_false(g.ends[0] || g.ends[1] || g.ends[2]);
	close(fd);
	lost_times_ask(-1, &g);
	assert_int_equal(g.step, 0);
}

static void kinds_of_what_is_lost(void **state)
{
	struct lost l = {};

	lost_add_flags(&l, LOST_TARGET, 0x20010, "a", "b");
	assert_int_equal(l.n, 2);
	assert_string_equal(l.all[0].what, "the flag i");
	assert_string_equal(l.all[1].what, "the flag T");
	lost_add_flags(&l, LOST_TARGET, 0x20000, "", "later");
	lost_add_flags(&l, LOST_UNKNOWN, 0x20000, "", "other");
	assert_int_equal(l.n, 3);
	assert_int_equal(l.all[1].files, 2);
	assert_string_equal(l.all[1].first, "a/b");
	for (int i = 0; i < 100; i++) {
		AUTO_FREE char *what = xasprintf("kind %d", i);
		lost_add(&l, LOST_UNKNOWN, what, UINT64_MAX, "x", "");
	}
	assert_int_equal(l.n, LOST_KINDS_MAX);
	assert_true(l.all[LOST_KINDS_MAX - 1].files == UINT64_MAX);
	lost_clear(&l);
	assert_int_equal(l.n, 0);
	assert_true(lost_flags_of(0x58465342) & 0x20000);
	assert_false(lost_flags_of(0xef53) & 0x20000);
	assert_int_equal(lost_flags_of(0x1234), 0);
}

/* Times of inodes: what a damaged one shows, and what is centuries away. */
static void test_file_times(void **state)
{
	assert_int_equal(clock_file_nanos(&(struct timespec){.tv_nsec = 0}), 0);
	assert_int_equal(clock_file_nanos(&(struct timespec){.tv_nsec = 999999999}), 999999999);
	assert_int_equal(clock_file_nanos(&(struct timespec){.tv_nsec = 1000000000}), 999999999);
	assert_int_equal(clock_file_nanos(&(struct timespec){.tv_nsec = 0x3fffffff}), 999999999);
	assert_int_equal(clock_file_nanos(&(struct timespec){.tv_nsec = -1}), 999999999);
	assert_int_equal(clock_file_ns(&(struct timespec){.tv_sec = -2, .tv_nsec = 5}), -1999999995);
	assert_int_not_equal(clock_file_key(INT64_MAX, 1), clock_file_key(INT64_MAX, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_parse_size),
		cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_u64),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_cleanup_keeps_errno),
		cmocka_unit_test_setup_teardown(test_read_write, tmp_make, tmp_remove),
		cmocka_unit_test(test_read_pieces),
		cmocka_unit_test_setup_teardown(test_read_file, tmp_make, tmp_remove),
		cmocka_unit_test_setup_teardown(test_write_file_atomic, tmp_make, tmp_remove),
		cmocka_unit_test(times_that_are_held),
		cmocka_unit_test(times_that_look_held),
		cmocka_unit_test(kinds_of_what_is_lost),
		cmocka_unit_test(test_send_fds),
		cmocka_unit_test(test_read_or_fd),
		cmocka_unit_test(test_file_times),
		cmocka_unit_test_setup_teardown(test_mkdir_p, tmp_make, tmp_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
