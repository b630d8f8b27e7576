/* The messages between mover and receiver: what is put is got; what is malformed is refused, whatever its bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "msg_codecs.h"

#define B(s) ((struct bytes){(const uint8_t *)(s), sizeof(s) - 1})

static struct frame frame_of(const struct buf *b)
{
	return (struct frame){.payload = b->data, .len = b->len};
}

static void assert_bytes(struct bytes got, struct bytes want)
{
	assert_int_equal(got.len, want.len);
	if (want.len)
		assert_memory_equal(got.p, want.p, want.len);
}

static struct diag diag_of(const char *path, const char *detail)
{
	struct diag d = DIAG_INIT;

	diag_set(&d, DIAG_RECEIVER_DELETE, 13, path, "%s", detail);
	return d;
}

static void assert_diag(struct diag *got, enum diag_code code, int err, const char *path, const char *detail)
{
	assert_int_equal(got->code, code);
	assert_int_equal(got->err, err);
	if (path)
		assert_string_equal(got->path, path);
	else
		assert_null(got->path);
	assert_string_equal(got->detail, detail);
	diag_release(got);
}

/* ---- one sample of each, put and got ---- */

static void put_hello(struct buf *b)
{
	const struct msg_hello m = {.protocol = WIRE_PROTOCOL,
		.version = B("1.2.3"),
		.seed = "fedcba9876543210",
		.fields = META_F_ALL,
		.flags = HELLO_DELETE | HELLO_INPLACE,
		.rules = B("r\0les"),
		.hidden = B("hid"),
		.kept = B("kept")};

	msg_hello_put(b, &m);
}

static void test_hello(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_hello m;
	struct frame f;

	put_hello(&b);
	f = frame_of(&b);
	assert_true(msg_hello_get(&f, &m));
	assert_int_equal(m.protocol, WIRE_PROTOCOL);
	assert_bytes(m.version, B("1.2.3"));
	assert_memory_equal(m.seed, "fedcba9876543210", 16);
	assert_int_equal(m.fields, META_F_ALL);
	assert_int_equal(m.flags, HELLO_DELETE | HELLO_INPLACE);
	assert_bytes(m.rules, B("r\0les"));
	assert_bytes(m.hidden, B("hid"));
	assert_bytes(m.kept, B("kept"));
	/* Of another protocol only it and the version are read: nothing else need be there. */
	b.data[0]++;
	f.payload = b.data;
	f.len = 4 + 1 + 5;
	assert_true(msg_hello_get(&f, &m));
	assert_int_equal(m.protocol, WIRE_PROTOCOL + 1);
	assert_bytes(m.version, B("1.2.3"));
	f.len--;
	assert_false(msg_hello_get(&f, &m));
}

static void test_hello_unknown_bits(void **state)
{
	struct msg_hello m = {.protocol = WIRE_PROTOCOL, .fields = META_F_ALL + 1};
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF c = BUF_INIT;
	struct frame f;

	msg_hello_put(&b, &m);
	f = frame_of(&b);
	assert_false(msg_hello_get(&f, &m));
	m = (struct msg_hello){.protocol = WIRE_PROTOCOL, .flags = HELLO_SIZE_ONLY_BASE};
	msg_hello_put(&c, &m);
	f = frame_of(&c);
	assert_false(msg_hello_get(&f, &m));
}

static const struct msg_place places[] = {
	{.type = 0xef53, .number = UINT64_MAX, .dev = 1, .ino = 2, .born = INT64_MAX, .empty = 1},
	{.path = B("srv/data"), .type = 7, .ino = 3}};

static void put_places(struct buf *b)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		msg_place_put(b, &places[i]);
}

static void put_hello_ok(struct buf *b)
{
	AUTO_BUF packed = BUF_INIT;

	put_places(&packed);
	const struct msg_hello_ok m = {.protocol = WIRE_PROTOCOL,
		.version = B("2"),
		.fields = 5,
		.root_uid = 1,
		.boot_id = "boot-boot-boot-b",
		.root_dev = UINT64_MAX,
		.root_ino = 2,
		.root_mount = 7,
		.root_live = 1,
		.places = {packed.data, packed.len},
		.now = WIRE_TIME_MAX};

	msg_hello_ok_put(b, &m);
}

static void test_hello_ok(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_hello_ok m;
	struct frame f;

	put_hello_ok(&b);
	f = frame_of(&b);
	assert_true(msg_hello_ok_get(&f, &m));
	assert_int_equal(m.fields, 5);
	assert_int_equal(m.root_uid, 1);
	assert_memory_equal(m.boot_id, "boot-boot-boot-b", 16);
	assert_true(m.root_dev == UINT64_MAX && m.root_ino == 2 && m.root_live == 1);
	assert_true(m.root_mount == 7 && m.now == WIRE_TIME_MAX);
	b.data[b.len - 1] ^= 0x80; /* a time that is none */
	assert_false(msg_hello_ok_get(&f, &m));
	b.data[b.len - 1] ^= 0x80;
	b.data[b.len - 9] = 2; /* empty, of the last place */
	assert_false(msg_hello_ok_get(&f, &m));
}

static void test_places(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct bytes all;
	struct msg_place p;
	struct rd r;

	put_places(&b);
	all = (struct bytes){b.data, b.len};
	assert_true(msg_places_valid(&all));
	r = rd_init(all.p, all.len);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const struct msg_place *w = &places[i];

		assert_true(msg_place_get(&r, &p));
		assert_bytes(p.path, w->path);
		assert_true(p.type == w->type && p.number == w->number && p.dev == w->dev && p.ino == w->ino);
		assert_true(p.born == w->born && p.empty == w->empty);
	}
	assert_false(msg_place_get(&r, &p));
	assert_true(rd_done(&r));
	all.len--;
	assert_false(msg_places_valid(&all));
	all.len = 0; /* a root that does not exist */
	assert_true(msg_places_valid(&all));
	/* The root is not the first; it comes twice; a path that is none. */
	for (int i = 0; i < 3; i++) {
		static const struct bytes bad[] = {B("a"), B(""), B("a/../b")};

		buf_clear(&b);
		if (i)
			msg_place_put(&b, &places[0]);
		msg_place_put(&b, &(struct msg_place){.path = bad[i]});
		all = (struct bytes){b.data, b.len};
		assert_false(msg_places_valid(&all));
	}
}

static void put_suspects(struct buf *b)
{
	msg_suspect_put(b, &(struct suspect){5, 6});
	msg_suspect_put(b, &(struct suspect){0, WIRE_TIME_MAX});
}

static void put_epoch(struct buf *b)
{
	msg_epoch_put(b, &(struct msg_epoch){.time = 1600000000000000001, .all = 1});
}

static void test_epoch(void **state)
{
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF c = BUF_INIT;
	struct suspect s;
	struct msg_epoch m;
	struct frame f;
	struct rd r;

	put_suspects(&b);
	r = rd_init(b.data, b.len);
	assert_true(msg_suspect_get(&r, &s) && s.from == 5 && s.to == 6);
	assert_true(msg_suspect_get(&r, &s) && s.from == 0 && s.to == WIRE_TIME_MAX);
	assert_false(msg_suspect_get(&r, &s));
	assert_true(rd_done(&r));
	put_epoch(&c);
	f = frame_of(&c);
	assert_true(msg_epoch_get(&f, &m) && m.time == 1600000000000000001 && m.all == 1);
	c.data[8] = 2;
	assert_false(msg_epoch_get(&f, &m));
	c.data[8] = 0;
	c.data[7] = 0x80;
	assert_false(msg_epoch_get(&f, &m));
}

static struct bytes text(const char *s)
{
	return (struct bytes){(const uint8_t *)s, strlen(s)};
}

static void put_lost(struct buf *b)
{
	msg_lost_put(b, &(struct msg_lost){.what = text("the flag T"), .files = 7, .path = text("a/b")});
	msg_lost_put(b, &(struct msg_lost){.what = text("x"), .files = UINT64_MAX});
}

static bool lost_valid(struct bytes what, struct bytes path)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_lost m;
	struct rd r;

	msg_lost_put(&b, &(struct msg_lost){.what = what, .files = 1, .path = path});
	r = rd_init(b.data, b.len);
	return msg_lost_get(&r, &m) && rd_done(&r);
}

static void test_lost(void **state)
{
	static const uint8_t nul[] = "x\0y", longest[LOST_WHAT_MAX + 1] = "x";
	AUTO_BUF b = BUF_INIT;
	struct msg_lost m;
	struct rd r;

	put_lost(&b);
	r = rd_init(b.data, b.len);
	assert_true(msg_lost_get(&r, &m) && m.files == 7 && m.what.len == 10 && m.path.len == 3);
	assert_true(msg_lost_get(&r, &m) && m.files == UINT64_MAX && m.path.len == 0);
	assert_false(msg_lost_get(&r, &m));
	assert_true(rd_done(&r));
	assert_true(lost_valid(text("x"), text("a")));
	assert_false(lost_valid(text(""), text("a")));
	assert_false(lost_valid((struct bytes){nul, 3}, text("a")));
	assert_false(lost_valid(text("x"), text("../a")));
	assert_false(lost_valid(text("x"), text("/a")));
	assert_false(lost_valid((struct bytes){longest, sizeof(longest)}, text("a")));
}

static void put_dir(struct buf *b)
{
	const struct msg_dir m = {.flags = DIR_MORE | DIR_NO_DELETE,
		.src = B("a/b"),
		.dst = B("x/b"),
		.slice = 2,
		.slices = 300,
		.buckets = WIRE_BUCKETS_MAX,
		.digest = {1, UINT64_MAX, 3},
		.meta = B("meta")};

	msg_dir_put(b, &m);
}

static void put_dir_new(struct buf *b)
{
	const struct msg_dir m = {.flags = DIR_NEW, .slices = 1, .meta = B("m")};

	msg_dir_put(b, &m);
}

static void test_dir(void **state)
{
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF c = BUF_INIT;
	struct msg_dir m;
	struct frame f;

	put_dir(&b);
	f = frame_of(&b);
	assert_true(msg_dir_get(&f, &m));
	assert_int_equal(m.flags, DIR_MORE | DIR_NO_DELETE);
	assert_bytes(m.src, B("a/b"));
	assert_bytes(m.dst, B("x/b"));
	assert_true(m.slice == 2 && m.slices == 300 && m.buckets == WIRE_BUCKETS_MAX);
	assert_true(m.digest.lo == 1 && m.digest.hi == UINT64_MAX && m.digest.count == 3);
	assert_bytes(m.meta, B("meta"));
	put_dir_new(&c);
	f = frame_of(&c);
	assert_true(msg_dir_get(&f, &m));
	assert_int_equal(m.flags, DIR_NEW);
	assert_true(!m.src.len && !m.dst.len && m.slice == 0 && m.slices == 1 && m.buckets == 1);
	assert_bytes(m.meta, B("m"));
}

static bool dir_accepted(struct msg_dir m)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_dir got;
	struct frame f;

	msg_dir_put(&b, &m);
	f = frame_of(&b);
	return msg_dir_get(&f, &got);
}

static void test_dir_refused(void **state)
{
	static const struct bytes bad[] = {
		B("/a"), B("a/"), B("a//b"), B(".."), B("a/../b"), B("."), B("a/."), B("a\0b"), B("/")};
	const struct msg_dir good = {.src = B("a"), .dst = B("a"), .slices = 1, .buckets = 1};
	struct msg_dir m = good;

	assert_true(dir_accepted(good));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		m = good;
		m.src = bad[i];
		assert_false(dir_accepted(m));
		m = good;
		m.dst = bad[i];
		assert_false(dir_accepted(m));
	}
	m = good;
	m.slices = 0;
	assert_false(dir_accepted(m));
	m.slices = m.slice = 5;
	assert_false(dir_accepted(m));
	m = good;
	m.buckets = 0;
	assert_false(dir_accepted(m));
	m.buckets = WIRE_BUCKETS_MAX + 1;
	assert_false(dir_accepted(m));
	m = good;
	m.flags = DIR_NO_DELETE << 1;
	assert_false(dir_accepted(m));
}

static void put_dir_diff(struct buf *b)
{
	msg_dir_diff_put(b, &(struct msg_dir_diff){.buckets = B("12345678abcdefgh")});
}

static void test_dir_diff(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_dir_diff m;
	struct frame f;

	put_dir_diff(&b);
	f = frame_of(&b);
	assert_true(msg_dir_diff_get(&f, &m));
	assert_int_equal(m.empty, 0);
	assert_bytes(m.buckets, B("12345678abcdefgh"));
	f.len--; /* half a bucket */
	assert_false(msg_dir_diff_get(&f, &m));
	buf_extend(&b, 8ul * WIRE_BUCKETS_MAX);
	f = frame_of(&b);
	assert_false(msg_dir_diff_get(&f, &m));
	f.len = 1 + 8ul * WIRE_BUCKETS_MAX;
	assert_true(msg_dir_diff_get(&f, &m));
}

static const struct entry entries[] = {
	{.flags = ENTRY_LINKED, .name = B("one"), .meta = B("\1")},
	{.name = B("..."), .meta = B("meta"), .content = B("cont\0ent")},
	{.flags = ENTRY_BREAK | ENTRY_WANT_INO | ENTRY_DOUBT, .name = B("\xff\n"), .meta = B("m")},
};

static void put_list(struct buf *b)
{
	msg_list_head_put(b, true, (const uint8_t *)"\xff\x01", 2);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		msg_entry_put(b, &entries[i], false);
}

static void put_put(struct buf *b)
{
	wr_u32(b, 77);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		msg_entry_put(b, &entries[i], true);
}

static void assert_entries(struct rd *r, bool with_content)
{
	struct entry e;

	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		assert_true(msg_entry_get(r, with_content, &e));
		assert_int_equal(e.flags, entries[i].flags);
		assert_bytes(e.name, entries[i].name);
		assert_bytes(e.meta, entries[i].meta);
		assert_bytes(e.content, with_content ? entries[i].content : B(""));
	}
	assert_false(msg_entry_get(r, with_content, &e));
	assert_true(rd_done(r));
}

static void test_entries(void **state)
{
	static const struct entry bad[] = {
		{.name = B("a")},
		{.name = B(""), .meta = B("m")},
		{.name = B(".."), .meta = B("m")},
		{.name = B("a/b"), .meta = B("m")},
		{.name = B("a\0b"), .meta = B("m")},
		{.flags = ENTRY_DOUBT << 1, .name = B("a"), .meta = B("m")},
	};
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF c = BUF_INIT;
	struct bytes bitmap;
	struct rd r;
	bool last;

	put_list(&b);
	r = rd_init(b.data, b.len);
	assert_true(msg_list_head_get(&r, &last, &bitmap));
	assert_true(last);
	assert_bytes(bitmap, B("\xff\x01"));
	assert_entries(&r, false);
	put_put(&c);
	r = rd_init(c.data, c.len);
	assert_int_equal(rd_u32(&r), 77);
	assert_entries(&r, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct entry e;

		buf_clear(&b);
		msg_entry_put(&b, &bad[i], true);
		r = rd_init(b.data, b.len);
		assert_false(msg_entry_get(&r, true, &e));
		assert_false(rd_done(&r));
	}
	b.data[0] = MSG_LAST << 1;
	r = rd_init(b.data, b.len);
	assert_false(msg_list_head_get(&r, &last, &bitmap));
}

static void put_need(struct buf *b)
{
	struct need n[] = {
		{.index = 0, .op = NEED_CREATED, .why = META_D_TYPE},
		{.index = 1, .op = NEED_UPDATE, .why = META_D_END - 1, .basis = UINT64_MAX},
		{.index = 500,
			.op = NEED_LINK_STATE,
			.exists = 1,
			.doubt = 1,
			.basis = 1,
			.dev = 2,
			.ino = UINT64_MAX,
			.nlink = 4},
		{.index = 501, .op = NEED_LINK_STATE},
		{.index = UINT32_MAX, .op = NEED_FAILED, .diag = diag_of("p", "why")},
	};

	for (size_t i = 0; i < ARRAY_LEN(n); i++) {
		msg_need_put(b, &n[i]);
		diag_release(&n[i].diag);
	}
}

static void test_need(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct need n;
	struct rd r;

	put_need(&b);
	r = rd_init(b.data, b.len);
	assert_true(msg_need_get(&r, &n));
	assert_true(n.index == 0 && n.op == NEED_CREATED && n.why == META_D_TYPE);
	assert_true(msg_need_get(&r, &n));
	assert_true(n.index == 1 && n.op == NEED_UPDATE && n.why == META_D_END - 1 && n.basis == UINT64_MAX);
	assert_true(msg_need_get(&r, &n));
	assert_true(n.index == 500 && n.exists == 1 && n.doubt == 1 && n.basis == 1);
	assert_true(n.dev == 2 && n.ino == UINT64_MAX && n.nlink == 4);
	assert_true(msg_need_get(&r, &n));
	assert_true(n.index == 501 && n.op == NEED_LINK_STATE && !n.exists && !n.ino);
	assert_true(msg_need_get(&r, &n));
	assert_int_equal(n.index, UINT32_MAX);
	assert_diag(&n.diag, DIAG_RECEIVER_DELETE, 13, "p", "why");
	assert_false(msg_need_get(&r, &n));
	assert_true(rd_done(&r));
	for (unsigned op = 0; op < 256; op++) {
		AUTO_BUF c = BUF_INIT;

		if (op >= NEED_CREATED && op <= NEED_WAY)
			continue;
		msg_need_put(&c, &(struct need){.op = (uint8_t)op});
		r = rd_init(c.data, c.len);
		assert_false(msg_need_get(&r, &n));
		assert_false(rd_ok(&r));
	}
}

static void put_dir_done(struct buf *b)
{
	struct msg_dir_done m = {.set = 1, .failed = 0x80000000, .diag = diag_of(NULL, "detail")};

	msg_dir_done_put(b, &m);
	diag_release(&m.diag);
}

static void put_put_done(struct buf *b)
{
	struct put_done p[] = {
		{.index = 3, .made = true},
		{.index = 4, .dev = 5, .ino = 6, .diag = diag_of("x", "metadata")},
		{.index = 9, .failed = true, .diag = diag_of("y", "failed")},
	};

	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		msg_put_done_put(b, &p[i]);
		diag_release(&p[i].diag);
	}
}

static void test_done(void **state)
{
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF c = BUF_INIT;
	struct msg_dir_done m;
	struct put_done p;
	struct frame f;
	struct rd r;

	put_dir_done(&b);
	f = frame_of(&b);
	assert_true(msg_dir_done_get(&f, &m));
	assert_true(m.set == 1 && m.failed == 0x80000000);
	assert_diag(&m.diag, DIAG_RECEIVER_DELETE, 13, NULL, "detail");
	put_put_done(&c);
	r = rd_init(c.data, c.len);
	assert_true(msg_put_done_get(&r, &p));
	assert_true(p.index == 3 && p.made && !p.failed && !p.ino && !diag_is_set(&p.diag));
	assert_true(msg_put_done_get(&r, &p));
	assert_true(p.index == 4 && !p.made && !p.failed && p.dev == 5 && p.ino == 6);
	assert_diag(&p.diag, DIAG_RECEIVER_DELETE, 13, "x", "metadata");
	assert_true(msg_put_done_get(&r, &p));
	assert_true(p.index == 9 && p.failed);
	assert_diag(&p.diag, DIAG_RECEIVER_DELETE, 13, "y", "failed");
	assert_false(msg_put_done_get(&r, &p));
	assert_true(rd_done(&r));
}

/* What failed without a reason is given one: else nobody would count it. */
static void test_failure_has_reason(void **state)
{
	static const char text[] = "the other side gave no reason for a failure";
	AUTO_BUF b = BUF_INIT;
	struct put_done p = {.failed = true};
	struct msg_op_done o = {.failed = 1};
	struct msg_file_done d = {.status = FILE_FAILED};
	struct need n = {.op = NEED_FAILED};
	struct delete_record e = {.type = META_NONE, .path = B("x")};
	struct frame f;
	struct rd r;

	msg_put_done_put(&b, &p);
	r = rd_init(b.data, b.len);
	assert_true(msg_put_done_get(&r, &p));
	assert_diag(&p.diag, DIAG_INTERNAL, 0, NULL, text);
	buf_clear(&b);
	msg_need_put(&b, &n);
	r = rd_init(b.data, b.len);
	assert_true(msg_need_get(&r, &n));
	assert_diag(&n.diag, DIAG_INTERNAL, 0, NULL, text);
	buf_clear(&b);
	msg_delete_record_put(&b, &e);
	r = rd_init(b.data, b.len);
	assert_true(msg_delete_record_get(&r, &e));
	assert_diag(&e.diag, DIAG_INTERNAL, 0, NULL, text);
	buf_clear(&b);
	msg_op_done_put(&b, &o);
	f = frame_of(&b);
	assert_true(msg_op_done_get(&f, &o));
	assert_diag(&o.diag, DIAG_INTERNAL, 0, NULL, text);
	buf_clear(&b);
	msg_file_done_put(&b, &d);
	f = frame_of(&b);
	assert_true(msg_file_done_get(&f, &d));
	assert_diag(&d.diag, DIAG_INTERNAL, 0, NULL, text);
}

static void put_file(struct buf *b)
{
	msg_file_put(b,
		&(struct msg_file){.flags = FILE_UPDATE | FILE_SHARED,
			.dir = 7,
			.name = B("name"),
			.size = INT64_MAX,
			.meta = B("meta")});
}

static void put_file_segment(struct buf *b)
{
	msg_file_put(b,
		&(struct msg_file){.flags = FILE_SEGMENT | FILE_UPDATE,
			.path = B(".rehost.tmp/x"),
			.basis_path = B("a/b"),
			.off = 5,
			.len = 6,
			.size = 1});
}

static void put_file_ok(struct buf *b)
{
	msg_file_ok_put(b, &(struct msg_file_ok){.path = B("a/b"), .inplace = 1, .basis = 9});
}

static void test_file(void **state)
{
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF c = BUF_INIT;
	struct msg_file_ok ok;
	struct msg_file m;
	struct frame f;

	put_file(&b);
	f = frame_of(&b);
	assert_true(msg_file_get(&f, &m));
	assert_true(m.flags == (FILE_UPDATE | FILE_SHARED) && m.dir == 7 && m.size == INT64_MAX);
	assert_bytes(m.name, B("name"));
	assert_bytes(m.meta, B("meta"));
	assert_true(!m.path.len && !m.basis_path.len);
	put_file_segment(&c);
	f = frame_of(&c);
	assert_true(msg_file_get(&f, &m));
	assert_true(m.flags == (FILE_SEGMENT | FILE_UPDATE) && m.size == 1 && !m.name.len && !m.meta.len);
	assert_true(m.off == 5 && m.len == 6);
	assert_bytes(m.path, B(".rehost.tmp/x"));
	assert_bytes(m.basis_path, B("a/b"));
	buf_clear(&c);
	msg_file_put(&c, &(struct msg_file){.flags = FILE_SEGMENT}); /* of which file? */
	f = frame_of(&c);
	assert_false(msg_file_get(&f, &m));
	buf_clear(&c);
	msg_file_put(&c, &(struct msg_file){.name = B("a"), .size = (uint64_t)INT64_MAX + 1});
	f = frame_of(&c);
	assert_false(msg_file_get(&f, &m));
	buf_clear(&c);
	put_file_ok(&c);
	f = frame_of(&c);
	assert_true(msg_file_ok_get(&f, &ok));
	assert_bytes(ok.path, B("a/b"));
	assert_true(!ok.basis_path.len && ok.inplace == 1 && ok.basis == 9);
}

static void put_data(struct buf *b)
{
	msg_data_head_put(b, UINT64_C(1) << 40);
	buf_append_str(b, "bytes");
}

static void put_hole(struct buf *b)
{
	msg_hole_put(b, 5, INT64_MAX - 5);
}

static void test_data(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_data m;
	struct frame f;

	put_data(&b);
	f = frame_of(&b);
	assert_true(msg_data_get(&f, &m));
	assert_true(m.off == UINT64_C(1) << 40 && m.len == 5);
	assert_bytes(m.data, B("bytes"));
	buf_clear(&b);
	msg_data_head_put(&b, INT64_MAX - FRAME_MAX + 1); /* its end would be no offset */
	f = frame_of(&b);
	assert_false(msg_data_get(&f, &m));
	buf_clear(&b);
	put_hole(&b);
	f = frame_of(&b);
	assert_true(msg_hole_get(&f, &m));
	assert_true(m.off == 5 && m.len == INT64_MAX - 5 && !m.data.len);
	buf_clear(&b);
	msg_hole_put(&b, 6, INT64_MAX - 5);
	f = frame_of(&b);
	assert_false(msg_hole_get(&f, &m));
}

static void put_seg_hash(struct buf *b)
{
	static const uint8_t hashes[48];

	msg_seg_hash_put(
		b, &(struct msg_seg_hash){.off = 65536, .len = 2 * 4096 + 1, .chunk = 4096, .hashes = {hashes, 48}});
}

static void put_seg_run(struct buf *b)
{
	msg_seg_run_put(b, &(struct seg_run){.off = 1, .len = WIRE_RUN_MAX});
	msg_seg_run_put(b, &(struct seg_run){.off = 2, .len = 3, .window_off = 4, .window_len = 5, .sig = B("sig")});
}

static void put_run(struct buf *b)
{
	msg_run_put(b,
		&(struct msg_run){.off = 1,
			.len = 2,
			.window_off = 3,
			.window_len = 4,
			.hash = "0123456789abcdef",
			.delta = B("delta")});
}

static bool seg_hash_accepted(uint64_t off, uint32_t len, uint32_t chunk, size_t hashes)
{
	AUTO_FREE uint8_t *zeros = xcalloc(1, hashes + 1);
	AUTO_BUF b = BUF_INIT;
	struct msg_seg_hash m;
	struct frame f;

	msg_seg_hash_put(&b, &(struct msg_seg_hash){.off = off, .len = len, .chunk = chunk, .hashes = {zeros, hashes}});
	f = frame_of(&b);
	return msg_seg_hash_get(&f, &m);
}

static void test_segments(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_seg_hash h;
	struct seg_run run;
	struct msg_run m;
	struct frame f;
	struct rd r;

	put_seg_hash(&b);
	f = frame_of(&b);
	assert_true(msg_seg_hash_get(&f, &h));
	assert_true(h.off == 65536 && h.len == 8193 && h.chunk == 4096 && h.hashes.len == 48);
	assert_true(seg_hash_accepted(0, 4096, 4096, 16));
	assert_true(seg_hash_accepted(INT64_MAX - WIRE_SEGMENT, WIRE_SEGMENT, WIRE_SEGMENT, 16));
	assert_false(seg_hash_accepted(0, 4096, 4096, 15));
	assert_false(seg_hash_accepted(0, 4096, 4096, 32));
	assert_false(seg_hash_accepted(0, 4097, 4096, 16));
	assert_false(seg_hash_accepted(0, 0, 4096, 0));
	assert_false(seg_hash_accepted(0, 4095, 4095, 16));
	assert_false(seg_hash_accepted(0, 4096, 0, 16));
	assert_false(seg_hash_accepted(0, WIRE_SEGMENT + 1, WIRE_SEGMENT, 32));
	assert_false(seg_hash_accepted((uint64_t)INT64_MAX - WIRE_SEGMENT + 1, 4096, 4096, 16));
	buf_clear(&b);
	put_seg_run(&b);
	r = rd_init(b.data, b.len);
	assert_true(msg_seg_run_get(&r, &run));
	assert_true(run.off == 1 && run.len == WIRE_RUN_MAX && !run.sig.len && !run.window_len);
	assert_true(msg_seg_run_get(&r, &run));
	assert_true(run.off == 2 && run.len == 3 && run.window_off == 4 && run.window_len == 5);
	assert_bytes(run.sig, B("sig"));
	assert_false(msg_seg_run_get(&r, &run));
	assert_true(rd_done(&r));
	buf_clear(&b);
	msg_seg_run_put(&b, &(struct seg_run){.off = 1});
	r = rd_init(b.data, b.len);
	assert_false(msg_seg_run_get(&r, &run));
	buf_clear(&b);
	put_run(&b);
	f = frame_of(&b);
	assert_true(msg_run_get(&f, &m));
	assert_true(m.off == 1 && m.len == 2 && m.window_off == 3 && m.window_len == 4);
	assert_memory_equal(m.hash, "0123456789abcdef", 16);
	assert_bytes(m.delta, B("delta"));
	buf_clear(&b);
	msg_run_put(&b, &(struct msg_run){.len = WIRE_RUN_MAX + 1});
	f = frame_of(&b);
	assert_false(msg_run_get(&f, &m));
}

static void put_file_end(struct buf *b)
{
	msg_file_end_put(b, &(struct msg_file_end){.flags = FILE_END_UNCHANGED, .meta = B("meta")});
}

static void put_file_done(struct buf *b)
{
	struct msg_file_done m = {
		.status = FILE_COMMITTED, .why = META_D_TYPE, .dev = 1, .ino = 2, .diag = diag_of("a", "b")};

	msg_file_done_put(b, &m);
	diag_release(&m.diag);
}

static void put_again(struct buf *b)
{
	msg_again_put(b, 0, 1);
	msg_again_put(b, INT64_MAX - WIRE_RUN_MAX, WIRE_RUN_MAX);
}

static void test_file_end(void **state)
{
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF runs = BUF_INIT;
	struct msg_file_end e;
	struct msg_file_done m;
	struct frame f;
	struct rd r;
	uint64_t off;
	uint32_t len;

	put_file_end(&b);
	f = frame_of(&b);
	assert_true(msg_file_end_get(&f, &e));
	assert_int_equal(e.flags, FILE_END_UNCHANGED);
	assert_bytes(e.meta, B("meta"));
	b.data[0] = FILE_END_UNCHANGED << 1;
	assert_false(msg_file_end_get(&f, &e));
	buf_clear(&b);
	put_file_done(&b);
	f = frame_of(&b);
	assert_true(msg_file_done_get(&f, &m));
	assert_true(m.status == FILE_COMMITTED && m.why == META_D_TYPE && m.dev == 1 && m.ino == 2 && !m.runs.len);
	assert_diag(&m.diag, DIAG_RECEIVER_DELETE, 13, "a", "b");
	put_again(&runs);
	buf_clear(&b);
	msg_file_done_put(&b, &(struct msg_file_done){.status = FILE_AGAIN, .runs = {runs.data, runs.len}});
	f = frame_of(&b);
	assert_true(msg_file_done_get(&f, &m));
	assert_int_equal(m.status, FILE_AGAIN);
	r = rd_init(m.runs.p, m.runs.len);
	assert_true(msg_again_get(&r, &off, &len));
	assert_true(off == 0 && len == 1);
	assert_true(msg_again_get(&r, &off, &len));
	assert_true(off == INT64_MAX - WIRE_RUN_MAX && len == WIRE_RUN_MAX);
	assert_false(msg_again_get(&r, &off, &len));
	assert_true(rd_done(&r));
	for (int i = 0; i < 3; i++) {
		buf_clear(&runs);
		msg_again_put(&runs, i == 0 ? (uint64_t)INT64_MAX : 0, i == 1 ? 0 : i == 2 ? WIRE_RUN_MAX + 1 : 1);
		r = rd_init(runs.data, runs.len);
		assert_false(msg_again_get(&r, &off, &len));
		assert_false(rd_ok(&r));
	}
}

static void put_meta(struct buf *b)
{
	msg_meta_put(b, &(struct msg_meta){.dir = 1, .flags = ENTRY_BREAK, .name = B("name"), .meta = B("meta")});
}

static void put_link(struct buf *b)
{
	msg_link_put(b, &(struct msg_link){.dir = 1, .name = B("name"), .existing = B("a/b"), .dev = 2, .ino = 3});
}

static void put_op_done(struct buf *b)
{
	struct msg_op_done m = {.failed = 1, .changed = 1, .why = 2, .dev = 3, .ino = 4, .diag = diag_of("p", "d")};

	msg_op_done_put(b, &m);
	diag_release(&m.diag);
}

static void test_operations(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_op_done done;
	struct msg_meta m;
	struct msg_link l;
	struct frame f;

	put_meta(&b);
	f = frame_of(&b);
	assert_true(msg_meta_get(&f, &m));
	assert_true(m.dir == 1 && m.flags == ENTRY_BREAK);
	assert_bytes(m.name, B("name"));
	assert_bytes(m.meta, B("meta"));
	b.data[4] = ENTRY_LINKED;
	assert_false(msg_meta_get(&f, &m));
	buf_clear(&b);
	put_link(&b);
	f = frame_of(&b);
	assert_true(msg_link_get(&f, &l));
	assert_true(l.dir == 1 && l.dev == 2 && l.ino == 3);
	assert_bytes(l.name, B("name"));
	assert_bytes(l.existing, B("a/b"));
	buf_clear(&b);
	msg_link_put(&b, &(struct msg_link){.name = B("name"), .existing = B("../b")});
	f = frame_of(&b);
	assert_false(msg_link_get(&f, &l));
	buf_clear(&b);
	msg_link_put(&b, &(struct msg_link){.name = B("name")});
	f = frame_of(&b);
	assert_false(msg_link_get(&f, &l));
	buf_clear(&b);
	put_op_done(&b);
	f = frame_of(&b);
	assert_true(msg_op_done_get(&f, &done));
	assert_true(done.failed == 1 && done.changed == 1 && done.why == 2 && done.dev == 3 && done.ino == 4);
	assert_diag(&done.diag, DIAG_RECEIVER_DELETE, 13, "p", "d");
	b.data[1] = 2;
	assert_false(msg_op_done_get(&f, &done));
}

static void put_delete(struct buf *b)
{
	msg_delete_head_put(b, &(struct msg_delete_head){.dir = 5, .flags = DELETE_WAY, .budget = UINT64_MAX});
}

static void put_delete_records(struct buf *b)
{
	struct delete_record failed = {.type = META_NONE, .path = B("x"), .diag = diag_of("x", "no")};

	msg_delete_record_put(b, &(struct delete_record){.type = META_REG, .path = B("a/b")});
	msg_delete_record_put(b, &failed);
	diag_release(&failed.diag);
}

static void put_delete_done(struct buf *b)
{
	msg_delete_done_head_put(b, &(struct msg_delete_done){.flags = MSG_LAST, .deleted = 7, .budget_reached = 1});
	put_delete_records(b);
}

static void test_delete(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_delete_done m;
	struct delete_record e;
	struct msg_delete_head head;
	struct frame f;
	struct rd r;

	put_delete(&b);
	r = rd_init(b.data, b.len);
	assert_true(msg_delete_head_get(&r, &head));
	assert_true(head.dir == 5 && head.flags == DELETE_WAY && head.budget == UINT64_MAX && rd_done(&r));
	b.data[4] = 2;
	r = rd_init(b.data, b.len);
	assert_false(msg_delete_head_get(&r, &head));
	buf_clear(&b);
	put_delete_done(&b);
	f = frame_of(&b);
	assert_true(msg_delete_done_get(&f, &m));
	assert_true(m.flags == MSG_LAST && m.deleted == 7 && m.budget_reached == 1);
	assert_true(msg_delete_record_get(&m.records, &e));
	assert_int_equal(e.type, META_REG);
	assert_bytes(e.path, B("a/b"));
	assert_false(diag_is_set(&e.diag));
	assert_true(msg_delete_record_get(&m.records, &e));
	assert_bytes(e.path, B("x"));
	assert_diag(&e.diag, DIAG_RECEIVER_DELETE, 13, "x", "no");
	assert_false(msg_delete_record_get(&m.records, &e));
	assert_true(rd_done(&m.records));
	buf_clear(&b);
	msg_delete_record_put(&b, &(struct delete_record){.type = META_TYPE_END, .path = B("a")});
	r = rd_init(b.data, b.len);
	assert_false(msg_delete_record_get(&r, &e));
	assert_false(rd_ok(&r));
}

static void put_diag(struct buf *b)
{
	struct diag d = diag_of("path\n", "detail");

	wr_diag(b, &d);
	diag_release(&d);
}

static void test_diag(void **state)
{
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;
	AUTO_FREE char *many = xcalloc(1, 10001);
	struct rd r;

	put_diag(&b);
	r = rd_init(b.data, b.len);
	assert_true(rd_diag(&r, &d));
	assert_true(rd_done(&r));
	assert_int_equal(d.code, DIAG_RECEIVER_DELETE);
	assert_string_equal(d.path, "path\n"); /* a name: shown escaped */
	/* A code of another version, and a detail that would reach a terminal. */
	buf_clear(&b);
	wr_varint(&b, 9999);
	wr_varint(&b, 0);
	wr_str(&b, "");
	wr_str(&b, "a\\\033[31mb\177\n\302\233\233\302\240");
	r = rd_init(b.data, b.len);
	assert_true(rd_diag(&r, &d));
	assert_int_equal(d.code, DIAG_INTERNAL);
	assert_null(d.path);
	assert_string_equal(d.detail, "a\\\\x1b[31mb\\x7f\\x0a\\xc2\\x9b\\x9b\302\240");
	/* Text without end is cut, not refused. */
	memset(many, 'x', 10000);
	buf_clear(&b);
	wr_diag(&b, &(struct diag){.code = DIAG_INTERNAL, .err = -1, .path = many, .detail = many});
	r = rd_init(b.data, b.len);
	assert_true(rd_diag(&r, &d));
	assert_true(rd_done(&r));
	assert_int_equal(strlen(d.detail), 8192);
	assert_int_equal(d.err, 0);
	/* What cannot be read leaves nothing behind. */
	r = rd_init(b.data, b.len - 1);
	assert_false(rd_diag(&r, &d));
	assert_false(diag_is_set(&d));
}

/* ---- anything else ---- */

static void put_pong(struct buf *b)
{
	const struct msg_pong m = {.clock_ns = UINT64_C(123456789012345), .filled = UINT64_C(1) << 40};

	msg_pong_put(b, &m);
}

static void put_load(struct buf *b)
{
	const struct sysload m = {.busy = 10,
		.total = UINT64_C(1) << 50,
		.cpus = 4096,
		.mem_total = UINT64_C(1) << 45,
		.mem_available = 4096};

	msg_load_put(b, &m);
}

static void test_measuring(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct msg_pong pong;
	struct sysload load;
	struct frame f;

	put_pong(&b);
	f = frame_of(&b);
	assert_true(msg_pong_get(&f, &pong));
	assert_int_equal(pong.clock_ns, UINT64_C(123456789012345));
	assert_int_equal(pong.filled, UINT64_C(1) << 40);
	b.data[7] = 0x80; /* differences of clocks must not overflow */
	assert_false(msg_pong_get(&f, &pong));

	buf_clear(&b);
	put_load(&b);
	f = frame_of(&b);
	assert_true(msg_load_get(&f, &load));
	assert_int_equal(load.busy, 10);
	assert_int_equal(load.total, UINT64_C(1) << 50);
	assert_int_equal(load.cpus, 4096);
	assert_int_equal(load.mem_total, UINT64_C(1) << 45);
	assert_int_equal(load.mem_available, 4096);
	b.data[7] = 1; /* busier than the time that has passed */
	assert_false(msg_load_get(&f, &load));
	b.data[7] = 0;
	b.data[35] = 1; /* more memory free than there is */
	assert_false(msg_load_get(&f, &load));
}

static const struct sample {
	const char *codec;
	void (*put)(struct buf *b);
} samples[] = {
	{"hello", put_hello},
	{"hello_ok", put_hello_ok},
	{"dir", put_dir},
	{"dir", put_dir_new},
	{"dir_diff", put_dir_diff},
	{"list", put_list},
	{"need", put_need},
	{"dir_done", put_dir_done},
	{"put", put_put},
	{"put_done", put_put_done},
	{"file", put_file},
	{"file", put_file_segment},
	{"file_ok", put_file_ok},
	{"data", put_data},
	{"hole", put_hole},
	{"seg_hash", put_seg_hash},
	{"seg_run", put_seg_run},
	{"run", put_run},
	{"file_end", put_file_end},
	{"file_done", put_file_done},
	{"again", put_again},
	{"meta", put_meta},
	{"link", put_link},
	{"op_done", put_op_done},
	{"delete", put_delete},
	{"delete_done", put_delete_done},
	{"delete_record", put_delete_records},
	{"diag", put_diag},
	{"pong", put_pong},
	{"load", put_load},
	{"suspect", put_suspects},
	{"epoch", put_epoch},
	{"lost", put_lost},
	{"place", put_places},
};

static msg_codec codec_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(msg_codecs); i++)
		if (str_eq(msg_codecs[i].name, name))
			return msg_codecs[i].fn;
	fail_msg("no codec '%s'", name);
	return NULL;
}

/* As a block of its own, so that a sanitizer sees what lies behind it. */
static bool stable(msg_codec fn, const uint8_t *p, size_t n)
{
	AUTO_FREE uint8_t *own = xmalloc(MAX(n, (size_t)1));

	if (n)
		memcpy(own, p, n);
	return codec_stable(fn, own, n);
}

static void test_samples_come_back(void **state)
{
	bool used[ARRAY_LEN(msg_codecs)] = {};

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		msg_codec fn = codec_named(samples[i].codec);
		AUTO_BUF b = BUF_INIT;
		AUTO_BUF again = BUF_INIT;

		samples[i].put(&b);
		if (!fn(b.data, b.len, &again) || again.len != b.len || memcmp(again.data, b.data, b.len) != 0)
			fail_msg("%s (sample %zu) does not come back", samples[i].codec, i);
		for (size_t k = 0; k < ARRAY_LEN(msg_codecs); k++)
			used[k] = used[k] || msg_codecs[k].fn == fn;
	}
	for (size_t k = 0; k < ARRAY_LEN(msg_codecs); k++)
		assert_true(used[k]);
}

/* Cut anywhere, with any byte changed, or with more behind it; and each taken for each other. */
static void test_hostile(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		msg_codec fn = codec_named(samples[i].codec);
		AUTO_BUF b = BUF_INIT;

		samples[i].put(&b);
		for (size_t n = 0; n < b.len; n++)
			assert_true(stable(fn, b.data, n));
		for (size_t at = 0; at < b.len; at++) {
			uint8_t was = b.data[at];

			for (unsigned v = 0; v < 256; v++) {
				b.data[at] = (uint8_t)v;
				assert_true(stable(fn, b.data, b.len));
			}
			b.data[at] = was;
		}
		for (size_t k = 0; k < ARRAY_LEN(msg_codecs); k++)
			assert_true(stable(msg_codecs[k].fn, b.data, b.len));
		buf_append(&b, "\0\0\0\0\377\377\377\377", 8);
		assert_true(stable(fn, b.data, b.len));
	}
}

/* Messages whose end is fixed take nothing behind it, and nothing less. */
static void test_whole_frames_only(void **state)
{
	static const char *const whole[] = {"hello", "hello_ok", "need", "dir_done", "put_done", "file_ok", "hole",
		"seg_hash", "epoch", "link", "op_done", "delete", "again", "diag", "pong", "load"};

	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		msg_codec fn = codec_named(samples[i].codec);
		AUTO_BUF b = BUF_INIT;
		AUTO_BUF out = BUF_INIT;
		bool fixed = false;

		for (size_t k = 0; k < ARRAY_LEN(whole); k++)
			fixed = fixed || str_eq(whole[k], samples[i].codec);
		if (!fixed)
			continue;
		samples[i].put(&b);
		assert_false(fn(b.data, b.len - 1, &out));
		buf_append_u8(&b, 0);
		assert_false(fn(b.data, b.len, &out));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_hello_unknown_bits),
		cmocka_unit_test(test_hello_ok),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_dir),
		cmocka_unit_test(test_dir_refused),
		cmocka_unit_test(test_dir_diff),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_need),
		cmocka_unit_test(test_done),
		cmocka_unit_test(test_failure_has_reason),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_file_end),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_diag),
		cmocka_unit_test(test_measuring),
		cmocka_unit_test(test_samples_come_back),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_whole_frames_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
