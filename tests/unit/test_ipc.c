/* The messages between coordinator and movers: what is put is got, and what is malformed is refused. */
#include "ipc/ipc.h"
#include "base/clock.h"
#include "ipc/role.h"

#include <setjmp.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define B(s) ((struct bytes){(const uint8_t *)(s), sizeof(s) - 1})

static void assert_bytes(struct bytes got, struct bytes want)
{
	assert_int_equal(got.len, want.len);
	if (want.len)
		assert_memory_equal(got.p, want.p, want.len);
}

/* ---- bytes to bytes: what is got is put again ---- */

typedef bool (*codec)(const struct frame *f, struct buf *out);

#define CODEC(name)                                                      \
	static bool codec_##name(const struct frame *f, struct buf *out) \
	{                                                                \
		struct ipc_##name m;                                     \
                                                                         \
		if (!ipc_##name##_get(f, &m))                            \
			return false;                                    \
		ipc_##name##_put(out, &m);                               \
		return true;                                             \
	}

CODEC(unit)
CODEC(ready)
CODEC(share)
CODEC(item)
CODEC(count)

static bool codec_config(const struct frame *f, struct buf *out)
{
	struct ipc_config c;

	if (!ipc_config_get(f, &c)) {
		assert_null(c.mounts);
		return false;
	}
	ipc_config_put(out, &c);
	free(c.mounts);
	return true;
}

static bool codec_give(const struct frame *f, struct buf *out)
{
	struct rd r = rd_init(f->payload, f->len);
	struct ipc_given g;

	while (ipc_given_get(&r, &g))
		ipc_given_put(out, &g);
	return rd_done(&r);
}

/* ---- samples ---- */

static struct ipc_mount mounts[] = {{B(""), B("")}, {B("srv/data"), B("new/data")}};

static void put_config(struct buf *b)
{
	const struct ipc_config c = {
		.flags = IPC_DRY_RUN | IPC_NO_METADATA,
		.seed = "0123456789abcdef",
		.fenced = B("fenced"),
		.opened = B("opened"),
		.lost = B("lost"),
		.kept = B("kept"),
		.rules = B("rules\0"),
		.hidden = B("hidden"),
		.bootstrap = B("bootstrap"),
		.shared_dir = B("/run/x"),
		.empty_dir = B("/run/empty"),
		.zstd_level = 3,
		.changed_since = -5,
		.doubt_from = 6,
		.doubt_exact = 7,
		.doubt_to = 8,
		.skip = B("0123456789abcdef"),
		.mount_count = ARRAY_LEN(mounts),
		.mounts = mounts,
	};

	ipc_config_put(b, &c);
}

static void put_unit(struct buf *b)
{
	const struct ipc_unit u = {.id = 7,
		.kind = UNIT_PATH,
		.flags = UNIT_RECURSE,
		.mount = 1,
		.src = B("a/b"),
		.dst = B("c"),
		.doubts = B("x\0y\0")};

	ipc_unit_put(b, &u);
}

static void put_segment(struct buf *b)
{
	const struct ipc_unit u = {.id = 8,
		.kind = UNIT_SEGMENT,
		.mount = 2,
		.src = B("a/b"),
		.dst = B("a/b"),
		.path = B(".rehost.tmp/1"),
		.basis_path = B("a/b"),
		.size = 1,
		.off = 2,
		.len = 3,
		.basis = 4,
		.ino = 5,
		.mtime_ns = UINT64_MAX};

	ipc_unit_put(b, &u);
}

static void put_ready(struct buf *b)
{
	AUTO_BUF places = BUF_INIT;

	msg_place_put(&places, &(struct msg_place){.ino = 2});
	const struct ipc_ready r = {.boot_id = "boot-boot-boot-b",
		.root_dev = 1,
		.root_ino = 2,
		.root_mount = 4,
		.now = 5,
		.root_live = 1,
		.root_uid = 1,
		.helper_bytes = 3,
		.shared_dir = B("dir"),
		.places = {places.data, places.len}};

	ipc_ready_put(b, &r);
}

static void put_give(struct buf *b)
{
	ipc_given_put(b, &(struct ipc_given){.flags = UNIT_NEW, .name = B("name")});
	ipc_given_put(b, &(struct ipc_given){.other_mount = 1, .mount = 3, .name = B("..."), .dst = B("new/data")});
}

static void put_share(struct buf *b)
{
	const struct ipc_share s = {.file = 1,
		.unit = 2,
		.src = B("a/big"),
		.mount = 3,
		.path = B("p"),
		.basis_path = B("q"),
		.size = 4,
		.basis = 5,
		.ino = 6,
		.mtime_ns = 7};

	ipc_share_put(b, &s);
}

static void put_item(struct buf *b)
{
	ipc_item_put(b,
		&(struct ipc_item){
			.op = 1, .type = 2, .why = 3, .bytes = UINT64_MAX, .path = B("a\n"), .link = B("to")});
}

static void put_count(struct buf *b)
{
	struct ipc_count c;
	uint64_t n = 1;

	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		*counts_at(&c.counts, i) = n *= 17;
	ipc_count_put(b, &c);
}

static const struct {
	const char *name;
	void (*put)(struct buf *b);
	codec fn;
} samples[] = {
	{"config", put_config, codec_config},
	{"unit", put_unit, codec_unit},
	{"segment", put_segment, codec_unit},
	{"ready", put_ready, codec_ready},
	{"give", put_give, codec_give},
	{"share", put_share, codec_share},
	{"item", put_item, codec_item},
	{"count", put_count, codec_count},
};

/* ---- by field ---- */

static struct frame sample(struct buf *b, void (*put)(struct buf *b))
{
	buf_clear(b);
	put(b);
	return (struct frame){.payload = b->data, .len = b->len};
}

static void test_config(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct frame f = sample(&b, put_config);
	struct ipc_config c;

	assert_true(ipc_config_get(&f, &c));
	assert_int_equal(c.flags, IPC_DRY_RUN | IPC_NO_METADATA);
	assert_memory_equal(c.seed, "0123456789abcdef", 16);
	assert_bytes(c.fenced, B("fenced"));
	assert_bytes(c.opened, B("opened"));
	assert_bytes(c.lost, B("lost"));
	assert_bytes(c.kept, B("kept"));
	assert_bytes(c.rules, B("rules\0"));
	assert_bytes(c.hidden, B("hidden"));
	assert_bytes(c.bootstrap, B("bootstrap"));
	assert_bytes(c.shared_dir, B("/run/x"));
	assert_bytes(c.empty_dir, B("/run/empty"));
	assert_true(c.zstd_level == 3 && c.changed_since == -5);
	assert_true(c.doubt_from == 6 && c.doubt_exact == 7 && c.doubt_to == 8);
	assert_bytes(c.skip, B("0123456789abcdef"));
	assert_int_equal(c.mount_count, 2);
	assert_bytes(c.mounts[0].rel, B(""));
	assert_bytes(c.mounts[1].rel, B("srv/data"));
	assert_bytes(c.mounts[1].target_rel, B("new/data"));
	free(c.mounts);
}

/* More mounts are promised than can be: nothing is allocated for them. */
static void test_config_mounts(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct ipc_config c = {.mount_count = 0};
	struct frame f;

	ipc_config_put(&b, &c);
	f = (struct frame){.payload = b.data, .len = b.len};
	assert_true(ipc_config_get(&f, &c));
	assert_int_equal(c.mount_count, 0);
	free(c.mounts);
	for (unsigned n = 1; n < 4; n++) {
		memset(b.data + b.len - 4, 0, 4);
		b.data[b.len - 4 + n] = 0xff;
		assert_false(ipc_config_get(&f, &c));
		assert_null(c.mounts);
	}
}

static void test_unit(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct frame f = sample(&b, put_unit);
	struct ipc_unit u;

	assert_true(ipc_unit_get(&f, &u));
	assert_true(u.id == 7 && u.kind == UNIT_PATH && u.flags == UNIT_RECURSE && u.mount == 1);
	assert_bytes(u.src, B("a/b"));
	assert_bytes(u.dst, B("c"));
	assert_bytes(u.doubts, B("x\0y\0"));
	assert_true(!u.path.len && !u.size && !u.ino);
	b.data[4] = UNIT_PATH + 1;
	assert_false(ipc_unit_get(&f, &u));
	b.data[4] = UNIT_SEGMENT; /* the rest of it is not there */
	assert_false(ipc_unit_get(&f, &u));
	f = sample(&b, put_segment);
	assert_true(ipc_unit_get(&f, &u));
	assert_true(!u.doubts.len);
	assert_true(u.id == 8 && u.kind == UNIT_SEGMENT && u.mount == 2 && u.size == 1 && u.off == 2 && u.len == 3);
	assert_true(u.basis == 4 && u.ino == 5 && u.mtime_ns == UINT64_MAX);
	assert_bytes(u.path, B(".rehost.tmp/1"));
	assert_bytes(u.basis_path, B("a/b"));
}

static void test_ready(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct frame f = sample(&b, put_ready);
	struct ipc_ready r;
	char long_dir[300];

	assert_true(ipc_ready_get(&f, &r));
	assert_memory_equal(r.boot_id, "boot-boot-boot-b", 16);
	assert_true(r.root_dev == 1 && r.root_ino == 2 && r.root_live == 1 && r.root_uid == 1);
	assert_true(r.helper_bytes == 3 && r.root_mount == 4 && r.now == 5);
	assert_bytes(r.shared_dir, B("dir"));
	assert_true(r.places.len > 40);
	/* It goes into a fixed place. */
	memset(long_dir, 'x', sizeof(long_dir));
	for (size_t n = 255; n <= 256; n++) {
		buf_clear(&b);
		ipc_ready_put(&b, &(struct ipc_ready){.shared_dir = {(const uint8_t *)long_dir, n}});
		f = (struct frame){.payload = b.data, .len = b.len};
		assert_int_equal(ipc_ready_get(&f, &r), n == 255);
	}
}

static void test_give(void **state)
{
	static const struct bytes bad[] = {B(""), B("."), B(".."), B("a/b"), B("/"), B("a\0b")};
	AUTO_BUF b = BUF_INIT;
	struct frame f = sample(&b, put_give);
	struct rd r = rd_init(f.payload, f.len);
	struct ipc_given g;

	assert_true(ipc_given_get(&r, &g));
	assert_true(g.flags == UNIT_NEW && !g.other_mount && !g.dst.len);
	assert_bytes(g.name, B("name"));
	assert_true(ipc_given_get(&r, &g));
	assert_true(g.other_mount == 1 && g.mount == 3);
	assert_bytes(g.name, B("..."));
	assert_bytes(g.dst, B("new/data"));
	assert_false(ipc_given_get(&r, &g));
	assert_true(rd_done(&r));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		buf_clear(&b);
		ipc_given_put(&b, &(struct ipc_given){.name = bad[i]});
		r = rd_init(b.data, b.len);
		assert_false(ipc_given_get(&r, &g));
		assert_false(rd_ok(&r));
	}
}

static void test_share_item_count(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct frame f = sample(&b, put_share);
	struct ipc_share s;
	struct ipc_item i;
	struct ipc_count c;
	uint64_t n = 1;

	assert_true(ipc_share_get(&f, &s));
	assert_true(s.file == 1 && s.unit == 2 && s.mount == 3 && s.size == 4 && s.basis == 5 && s.ino == 6 &&
		s.mtime_ns == 7);
	assert_bytes(s.src, B("a/big"));
	assert_bytes(s.path, B("p"));
	assert_bytes(s.basis_path, B("q"));
	f = sample(&b, put_item);
	assert_true(ipc_item_get(&f, &i));
	assert_true(i.op == 1 && i.type == 2 && i.why == 3 && i.bytes == UINT64_MAX);
	assert_bytes(i.path, B("a\n"));
	assert_bytes(i.link, B("to"));
	f = sample(&b, put_count);
	assert_true(ipc_count_get(&f, &c));
	for (unsigned k = 0; k < COUNTER_COUNT; k++)
		assert_true(counts_get(&c.counts, k) == (n *= 17));
}

/* ---- anything else ---- */

/* What is accepted is accepted once more after it was put, as the same bytes from then on. */
static bool stable(codec fn, const uint8_t *p, size_t n)
{
	AUTO_FREE uint8_t *own = xmalloc(MAX(n, (size_t)1)); /* a block of its own: a sanitizer sees its end */
	struct frame f = {.payload = own, .len = n}, g;
	AUTO_BUF once = BUF_INIT;
	AUTO_BUF twice = BUF_INIT;

	if (n)
		memcpy(own, p, n);
	if (!fn(&f, &once))
		return true;
	g = (struct frame){.payload = once.data, .len = once.len};
	return fn(&g, &twice) && once.len == twice.len && (!once.len || memcmp(once.data, twice.data, once.len) == 0);
}

static void test_samples_come_back(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		AUTO_BUF b = BUF_INIT;
		AUTO_BUF again = BUF_INIT;
		struct frame f = sample(&b, samples[i].put);

		if (!samples[i].fn(&f, &again) || again.len != b.len || memcmp(again.data, b.data, b.len) != 0)
			fail_msg("%s does not come back", samples[i].name);
	}
}

static void test_hostile(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		AUTO_BUF b = BUF_INIT;
		AUTO_BUF out = BUF_INIT;
		struct frame f = sample(&b, samples[i].put);

		/* Each has an end, and nothing behind it. A list of records may end earlier. */
		for (f.len = 0; f.len < b.len; f.len++)
			if (samples[i].fn != codec_give)
				assert_false(samples[i].fn(&f, &out));
		for (size_t n = 0; n <= b.len; n++)
			assert_true(stable(samples[i].fn, b.data, n));
		for (size_t at = 0; at < b.len; at++) {
			uint8_t was = b.data[at];

			for (unsigned v = 0; v < 256; v++) {
				b.data[at] = (uint8_t)v;
				assert_true(stable(samples[i].fn, b.data, b.len));
			}
			b.data[at] = was;
		}
		for (size_t k = 0; k < ARRAY_LEN(samples); k++)
			assert_true(stable(samples[k].fn, b.data, b.len));
		buf_append_u8(&b, 0);
		f = (struct frame){.payload = b.data, .len = b.len};
		assert_false(samples[i].fn(&f, &out));
	}
}

/* Those that are no more than their fields: each field comes back, nothing may be missing, and nothing left over. */
static const struct diag a_diag = {.code = DIAG_INTERNAL, .err = 5, .path = "p", .detail = "why"};

#define SAMPLE_u8 3
#define SAMPLE_flag true
#define SAMPLE_u32 UINT32_MAX
#define SAMPLE_u64 UINT64_MAX
#define SAMPLE_bytes B("a\n")
#define SAMPLE_path B("a/b")
#define SAMPLE_rest B("any")
#define SAMPLE_diag a_diag
#define SET(type, field) .field = SAMPLE_##type,
#define IS_REST(type, field) || strcmp(#type, "rest") == 0
#define FORGET_u8(v)
#define FORGET_flag(v)
#define FORGET_u32(v)
#define FORGET_u64(v)
#define FORGET_bytes(v)
#define FORGET_path(v)
#define FORGET_rest(v)
#define FORGET_diag(v) diag_release(&v);
#define FORGET(type, field) FORGET_##type(got.field)
#define X(NAME, name)                                                                                          \
	static void plain_##name(void)                                                                         \
	{                                                                                                      \
		const struct ipc_##name m = {IPC_##NAME##_FIELDS(SET)};                                        \
		const bool open = false IPC_##NAME##_FIELDS(IS_REST);                                          \
		struct ipc_##name got;                                                                         \
		AUTO_BUF b = BUF_INIT;                                                                         \
		AUTO_BUF again = BUF_INIT;                                                                     \
		struct frame f;                                                                                \
                                                                                                               \
		ipc_##name##_put(&b, &m);                                                                      \
		f = (struct frame){.payload = b.data, .len = b.len};                                           \
		assert_true(ipc_##name##_get(&f, &got));                                                       \
		ipc_##name##_put(&again, &got);                                                                \
		IPC_##NAME##_FIELDS(FORGET)                                                                    \
			assert_true(again.len == b.len && (!b.len || memcmp(again.data, b.data, b.len) == 0)); \
		for (f.len = 0; f.len < b.len && !open; f.len++)                                               \
			assert_false(ipc_##name##_get(&f, &got));                                              \
		buf_append_u8(&b, 0);                                                                          \
		f = (struct frame){.payload = b.data, .len = b.len};                                           \
		if (!open)                                                                                     \
			assert_false(ipc_##name##_get(&f, &got));                                              \
	}
IPC_PLAIN(X)
#undef X

static void test_plain(void **state)
{
#define X(NAME, name) plain_##name();
	IPC_PLAIN(X)
#undef X
}

/* A flag is 0 or 1, a path is one. */
static void test_plain_values(void **state)
{
	const uint8_t flag[] = {2};
	struct frame f = {.payload = flag, .len = 1};
	struct ipc_link_commit c = {.path = B("../x")};
	struct ipc_sync s;
	AUTO_BUF b = BUF_INIT;

	assert_false(ipc_sync_get(&f, &s));
	ipc_link_commit_put(&b, &c);
	f = (struct frame){.payload = b.data, .len = b.len};
	assert_false(ipc_link_commit_get(&f, &c));
}

/* A worker that hangs, or was taken over and lives on, holds nobody up. */
static void test_role_end(void **state)
{
	int64_t began;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ROLE_LOST);
	status = role_end(pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == ROLE_LOST);
	pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	began = clock_mono_ns();
	status = role_end(pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(clock_mono_ns() - began < 10 * NS_PER_S);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	status = role_end(pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_mounts),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_give),
		cmocka_unit_test(test_share_item_count),
		cmocka_unit_test(test_samples_come_back),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_plain_values),
		cmocka_unit_test(test_role_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
