/* The operator: its messages, what it answers, what it refuses, and that it ends with its peer. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/jsontext.h"
#include "facts/facts.h"
#include "operator/operator.h"
#include "operator/proto.h"
#include "wire/msg.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct frame frame_of(uint8_t type, const struct buf *b)
{
	return (struct frame){.type = type, .id = 7, .payload = b->data, .len = b->len};
}

static void test_messages(void **state)
{
	const struct operator_hello hello = {OPERATOR_PROTOCOL, bytes_of("0.1.0")};
	const struct operator_part part = {OPERATOR_PART_LAST, bytes_of("target_root"), bytes_of("{}")};
	const struct operator_facts_done done = {FACTS_SCHEMA, 14, 1, 1795804096};
	struct operator_hello hello_got;
	struct operator_facts facts_got;
	struct operator_part part_got;
	struct operator_facts_done done_got;
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	operator_hello_put(&b, &hello);
	f = frame_of(OPERATOR_HELLO, &b);
	assert_true(operator_hello_get(&f, &hello_got));
	assert_memory_equal(hello_got.version.p, "0.1.0", 5);
	buf_append_u8(&b, 0);
	f = frame_of(OPERATOR_HELLO, &b);
	assert_false(operator_hello_get(&f, &hello_got));
	b.data[0] = OPERATOR_PROTOCOL + 1; /* another version may have more to say */
	assert_true(operator_hello_get(&f, &hello_got));
	buf_clear(&b);
	operator_facts_put(&b, &(struct operator_facts){FACTS_LIMIT_MAX_MS});
	f = frame_of(OPERATOR_FACTS, &b);
	assert_true(operator_facts_get(&f, &facts_got));
	buf_clear(&b);
	operator_facts_put(&b, &(struct operator_facts){0});
	f = frame_of(OPERATOR_FACTS, &b);
	assert_false(operator_facts_get(&f, &facts_got));
	buf_clear(&b);
	operator_part_put(&b, &part);
	f = frame_of(OPERATOR_FACTS_PART, &b);
	assert_true(operator_part_get(&f, &part_got));
	assert_int_equal(part_got.name.len, strlen("target_root"));
	assert_memory_equal(part_got.text.p, "{}", 2);
	buf_clear(&b);
	operator_facts_done_put(&b, &done);
	f = frame_of(OPERATOR_FACTS_DONE, &b);
	assert_true(operator_facts_done_get(&f, &done_got));
	assert_memory_equal(&done_got.taken, &done.taken, sizeof(done.taken));
	f.len--;
	assert_false(operator_facts_done_get(&f, &done_got));
}

#define ID(c) c c c c c c c c "-" c c c c "-" c c c c "-" c c c c "-" c c c c c c c c c c c c
#define MIB (UINT64_C(1) << 20)

static struct operator_image image_of(const char *file)
{
	return (struct operator_image){.file = (char *)file,
		.size = 64 * MIB,
		.disk = ID("a"),
		.count = 2,
		.partitions = {{.start = MIB, .size = MIB, .type = ID("1"), .id = ID("2"), .name = "bios"},
			{.start = 2 * MIB,
				.size = 61 * MIB,
				.filesystem = OPERATOR_FS_EXT4,
				.type = ID("3"),
				.id = ID("4"),
				.name = "root",
				.uuid = ID("5")}}};
}

static bool passes(const struct operator_image *m, size_t cut)
{
	struct operator_image got;
	AUTO_BUF b = BUF_INIT;
	struct frame f;
	bool ok;

	operator_image_put(&b, m);
	f = frame_of(OPERATOR_IMAGE, &b);
	f.len -= cut;
	ok = operator_image_get(&f, &got);
	if (ok) {
		assert_string_equal(got.file, m->file);
		assert_int_equal(got.size, m->size);
		assert_string_equal(got.partitions[1].uuid, m->partitions[1].uuid);
	}
	operator_image_release(&got);
	return ok;
}

#define REFUSED(change)                                   \
	do {                                              \
		struct operator_image m = image_of("/i"); \
		change;                                   \
		assert_false(passes(&m, 0));              \
	} while (0)

static void test_image_message(void **state)
{
	const struct operator_image good = image_of("/some/where.img");

	assert_true(passes(&good, 0));
	for (size_t cut = 1; cut < 200; cut++)
		assert_false(passes(&good, cut));
	REFUSED(m.file = (char *)"i");
	REFUSED(m.file = (char *)"/");
	REFUSED(m.file = (char *)"/dir/");
	REFUSED(m.size += 512);
	REFUSED(m.size = 0);
	REFUSED(m.size = OPERATOR_IMAGE_MAX + MIB);
	REFUSED(m.count = 0);
	REFUSED(m.disk[8] = 'a');
	REFUSED(m.disk[0] = '\n');
	REFUSED(m.partitions[0].name[0] = '"');
	REFUSED(m.partitions[0].name[0] = '\0');
	REFUSED(m.partitions[0].start = 0);
	REFUSED(m.partitions[0].size = 0);
	REFUSED(m.partitions[0].filesystem = OPERATOR_FS_END);
	REFUSED(m.partitions[0].filesystem = OPERATOR_FS_EXT4); /* without an id */
	REFUSED(m.partitions[1].filesystem = OPERATOR_FS_VFAT); /* with another kind of one */
	REFUSED(m.partitions[1].start = MIB); /* over the first */
	REFUSED(m.partitions[1].size += MIB); /* the second table lies there */
	REFUSED(m.partitions[1].size = UINT64_MAX - MIB + 1);
	REFUSED(m.partitions[1].start = UINT64_MAX - MIB + 1);
	REFUSED(m.partitions[1].uuid[0] = '-');
	REFUSED(m.partitions[1].inodes = UINT64_MAX);
}

/* ---- an operator, asked over a socket ---- */

struct stage {
	pid_t pid;
	int fd, log;
	struct frame_decoder in;
};

static int log_fd;

static void log_line(const char *line)
{
	(void)!write(log_fd, line, strlen(line));
}

static void begin(struct stage *s)
{
	int pair[2], logged[2];

	*s = (struct stage){};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(logged), 0);
	s->pid = fork();
	if (s->pid == 0) {
		struct operator_config c = {
			.in = pair[1], .out = pair[1], .root = "/tmp", .version = "9.9", .log = log_line};

		close(pair[0]);
		close(logged[0]);
		log_fd = logged[1];
		signal(SIGPIPE, SIG_IGN);
		_exit(operator_serve(&c));
	}
	close(pair[1]);
	close(logged[1]);
	s->fd = pair[0];
	s->log = logged[0];
	frame_decoder_init(&s->in);
}

static void say(struct stage *s, uint8_t type, const void *p, size_t n)
{
	AUTO_BUF b = BUF_INIT;

	frame_encode(&b, type, 42, p, n);
	assert_int_equal(fd_write_full(s->fd, b.data, b.len), 0);
}

static struct frame hear(struct stage *s)
{
	struct frame f = {};

	while (frame_decode(&s->in, &f) == FRAME_NEED_MORE) {
		ssize_t n = read(s->fd, frame_decoder_space(&s->in, 65536), 65536);

		if (n <= 0)
			return (struct frame){};
		frame_decoder_filled(&s->in, (size_t)n);
	}
	return f;
}

static void greet(struct stage *s)
{
	const struct operator_hello m = {OPERATOR_PROTOCOL, bytes_of("0")};
	struct operator_hello ok;
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	operator_hello_put(&b, &m);
	say(s, OPERATOR_HELLO, b.data, b.len);
	f = hear(s);
	assert_int_equal(f.type, OPERATOR_HELLO_OK);
	assert_int_equal(f.id, 42);
	assert_true(operator_hello_get(&f, &ok));
	assert_memory_equal(ok.version.p, "9.9", 3);
}

/* What it has logged, and its exit code. */
static int finish(struct stage *s, char *logged, size_t size)
{
	ssize_t n;
	int status;

	shutdown(s->fd, SHUT_RDWR);
	close(s->fd);
	n = read(s->log, logged, size - 1);
	logged[n > 0 ? n : 0] = '\0';
	close(s->log);
	frame_decoder_release(&s->in);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_facts(void **state)
{
	struct operator_facts_done done = {};
	struct operator_part part;
	bool root = false;
	char logged[1024];
	struct stage s;
	struct frame f;
	unsigned n = 0;

	begin(&s);
	greet(&s);
	say(&s, OPERATOR_FACTS, "\x10\x27\0\0", 4);
	while ((f = hear(&s)).type == OPERATOR_FACTS_PART) {
		assert_int_equal(f.id, 42);
		assert_true(operator_part_get(&f, &part));
		n += part.flags & OPERATOR_PART_LAST;
		if (part.name.len == strlen("target_root")) {
			root = part.flags == OPERATOR_PART_LAST;
			assert_true(jsontext_valid(part.text.p, part.text.len, FACTS_DEPTH, FACTS_VALUES));
			assert_non_null(memmem(part.text.p, part.text.len, "\"path\":\"/tmp\"", 13));
		}
	}
	assert_int_equal(f.type, OPERATOR_FACTS_DONE);
	assert_true(operator_facts_done_get(&f, &done));
	assert_true(root && done.live && done.sections == n && done.schema == FACTS_SCHEMA);
	say(&s, OPERATOR_BYE, NULL, 0);
	assert_int_equal(hear(&s).type, 0);
	assert_int_equal(finish(&s, logged, sizeof(logged)), 0);
	assert_non_null(strstr(logged, "facts of this host, at most 10000 ms each: 14 sections in "));
}

/* Each ends with one ERROR, and nothing is gathered. */
static void test_refused(void **state)
{
	static const struct {
		bool greeted;
		uint8_t type;
		const char *payload;
		size_t len;
	} requests[] = {
		{false, OPERATOR_FACTS, "\x10\x27\0\0", 4}, /* before the greeting */
		{false, OPERATOR_BYE, "", 0},
		{false, OPERATOR_HELLO, "\1\0\0\0", 4}, /* no version */
		{false, OPERATOR_HELLO, "\1\0\0\0\1x!", 7}, /* something left over */
		{true, OPERATOR_HELLO, "\1\0\0\0\1x", 6}, /* twice */
		{true, OPERATOR_FACTS, "", 0},
		{true, OPERATOR_FACTS, "\0\0\0\0", 4},
		{true, OPERATOR_FACTS, "\377\377\377\377", 4},
		{true, OPERATOR_FACTS, "\1\0\0\0\0", 5},
		{true, OPERATOR_FACTS_PART, "\1\2os{}", 6},
		{true, OPERATOR_BYE, "x", 1},
		{true, MSG_PUT, "", 0},
		{true, 255, "x", 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		AUTO_DIAG d = DIAG_INIT;
		char logged[1024];
		struct stage s;
		struct frame f;
		struct rd r;

		begin(&s);
		if (requests[i].greeted)
			greet(&s);
		say(&s, requests[i].type, requests[i].payload, requests[i].len);
		f = hear(&s);
		r = rd_init(f.payload, f.len);
		assert_int_equal(f.type, OPERATOR_ERROR);
		assert_true(rd_diag(&r, &d) && rd_done(&r));
		assert_int_equal(d.code, DIAG_OPERATOR_REQUEST);
		assert_int_equal(hear(&s).type, 0);
		assert_int_equal(finish(&s, logged, sizeof(logged)), 1);
		assert_int_equal(strncmp(logged, "refused: ", 9), 0);
	}
}

static void test_no_frame(void **state)
{
	char logged[1024];
	struct stage s;

	begin(&s);
	greet(&s);
	assert_int_equal(fd_write_full(s.fd, "\1\377\377\377\377\377\0\0\0\0", 10), 0);
	assert_int_equal(hear(&s).type, OPERATOR_ERROR);
	assert_int_equal(finish(&s, logged, sizeof(logged)), 1);
}

/* Of another version: it says which it is, and ends. */
static void test_other_version(void **state)
{
	char logged[1024];
	struct stage s;
	struct frame f;

	begin(&s);
	say(&s, OPERATOR_HELLO, "\2\0\0\0\1xand more", 14);
	f = hear(&s);
	assert_int_equal(f.type, OPERATOR_HELLO_OK);
	assert_int_equal(f.payload[0], OPERATOR_PROTOCOL);
	assert_int_equal(hear(&s).type, 0);
	assert_int_equal(finish(&s, logged, sizeof(logged)), 0);
}

/* Its peer goes while it gathers: it, and all it has started, is gone at once: they hold the pipe of the log. */
static void test_ends_with_peer(void **state)
{
	char logged[1024];
	int64_t began;
	struct stage s;

	begin(&s);
	greet(&s);
	say(&s, OPERATOR_FACTS, "\x10\x27\0\0", 4);
	began = clock_mono_ns();
	finish(&s, logged, sizeof(logged));
	assert_true(clock_mono_ns() - began < 3 * NS_PER_S);
	assert_non_null(strstr(logged, "in vain"));
}

/* What is there already is never changed, and a peer that has gone wants nothing. */
static void test_image_refused(void **state)
{
	char dir[] = "/tmp/rehost-test-XXXXXX";
	AUTO_FREE char *file = NULL;
	struct operator_image m;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;
	char logged[1024];
	struct stage s;
	struct frame f;
	struct rd r;

	assert_non_null(mkdtemp(dir));
	file = xasprintf("%s/i", dir);
	assert_int_equal(fd_write_file_atomic(-1, file, "mine", 4), 0);
	m = image_of(file);
	operator_image_put(&b, &m);
	begin(&s);
	greet(&s);
	say(&s, OPERATOR_IMAGE, b.data, b.len);
	f = hear(&s);
	r = rd_init(f.payload, f.len);
	assert_int_equal(f.type, OPERATOR_ERROR);
	assert_true(rd_diag(&r, &d) && rd_done(&r));
	assert_int_equal(d.code, DIAG_LAYOUT_FOREIGN);
	finish(&s, logged, sizeof(logged));
	assert_int_equal(unlink(file), 0);
	begin(&s);
	greet(&s);
	kill(s.pid, SIGSTOP);
	say(&s, OPERATOR_IMAGE, b.data, b.len);
	shutdown(s.fd, SHUT_RDWR);
	kill(s.pid, SIGCONT);
	finish(&s, logged, sizeof(logged));
	assert_int_equal(rmdir(dir), 0); /* nothing was made */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_frame),
		cmocka_unit_test(test_other_version),
		cmocka_unit_test(test_ends_with_peer),
		cmocka_unit_test(test_image_message),
		cmocka_unit_test(test_image_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
