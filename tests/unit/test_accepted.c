/*
 * Whatever a mover packs a receiver takes: metadata with every field at its limits, names, paths, attributes of all sizes
 * and numbers, in every message that carries them. What cannot be packed is refused where it is read (meta_valid()) or
 * listed (path_name_valid(), WIRE_PATH_MAX), as that entry's failure.
 */
#include "receiver_world.h"

#include "ipc/ipc.h"

#include <sys/xattr.h>

#define ROUNDS 4000u

static uint64_t state_of_random = UINT64_C(0x853c49e6748fea9b);

static uint64_t dice(uint64_t sides)
{
	state_of_random ^= state_of_random << 13;
	state_of_random ^= state_of_random >> 7;
	state_of_random ^= state_of_random << 17;
	return state_of_random % sides;
}

/* A number that likes the ends of its range. */
static uint64_t edge(uint64_t max)
{
	switch (dice(6)) {
	case 0:
		return 0;
	case 1:
		return max;
	case 2:
		return max - dice(3);
	case 3:
		return max > 3 ? max / 2 + dice(3) : 0;
	default:
		return max == UINT64_MAX ? dice(max) : dice(max + 1);
	}
}

static size_t a_name(char *out)
{
	size_t n = dice(8) ? 1 + edge(254) : 1 + edge(300);

	for (size_t i = 0; i < n; i++) {
		out[i] = (char)(dice(4) ? 1 + dice(255) : (uint8_t) ".\n\\' "[dice(5)]);
		if (out[i] == '/' && dice(100))
			out[i] = '_';
	}
	out[n] = '\0';
	return n;
}

static void xattrs(struct buf *out)
{
	static const char *const spaces[] = {
		"security.", "system.posix_acl_access", "system.posix_acl_default", "trusted.", "user."};
	char last[600] = "", name[600];
	uint8_t *value = xcalloc(1, 65536);
	size_t many = dice(40) ? dice(6) : 600;

	for (size_t space = 0; space < ARRAY_LEN(spaces); space++)
		for (size_t i = 0; i < many; i++) {
			size_t n = many > 100 ? dice(200) : edge(dice(30) ? 300 : 65536), before = out->len;
			bool acl = strncmp(spaces[space], "system", 6) == 0;

			/* Sorted, as they are read. */
			snprintf(name, sizeof(name), acl ? "%s" : "%s%06zu%0*d", spaces[space], i, (int)(1 + dice(230)),
				7);
			if (strcmp(name, last) <= 0 || strlen(name) > META_NAME_MAX)
				continue;
			wr_str(out, name);
			wr_u8(out, 0);
			wr_bytes(out, value, n);
			if (out->len > META_XATTRS_MAX)
				out->len = before;
			else
				memcpy(last, name, sizeof(last));
		}
	free(value);
}

static void any_meta(struct meta *m)
{
	meta_clear(m);
	m->type = (uint8_t)dice(META_TYPE_END + 1);
	m->mode = (uint16_t)edge(07777);
	m->uid = (uint32_t)edge(UINT32_MAX);
	m->gid = (uint32_t)edge(UINT32_MAX);
	m->mtime_s = (int64_t)edge(UINT64_MAX);
	m->mtime_ns = (uint32_t)edge(999999999);
	if (m->type == META_REG)
		m->size = edge(dice(8) ? INT64_MAX : UINT64_MAX);
	if (m->type == META_CHR || m->type == META_BLK) {
		m->rdev_major = (uint32_t)edge(UINT32_MAX);
		m->rdev_minor = (uint32_t)edge(UINT32_MAX);
	}
	m->flags = (uint32_t)edge(UINT32_MAX) & META_FLAGS_KEPT;
	if (m->type == META_LNK)
		for (size_t n = edge(dice(20) ? 300 : META_LINK_MAX + 2); n; n--)
			buf_append_u8(&m->link, (uint8_t)(dice(100000) ? 1 + dice(255) : 0));
	xattrs(&m->xattrs);
}

static struct bytes packed_of(struct buf *b)
{
	return (struct bytes){b->data, b->len};
}

/* Encodes the frame as a mover does, and gives back what the other end decodes. */
static struct frame over_the_wire(struct frame_decoder *d, uint8_t type, struct buf *payload)
{
	AUTO_BUF stream = BUF_INIT;
	struct frame f;

	assert_true(payload->len <= FRAME_MAX);
	frame_encode(&stream, type, 7, payload->data, payload->len);
	memcpy(frame_decoder_space(d, stream.len), stream.data, stream.len);
	frame_decoder_filled(d, stream.len);
	assert_int_equal(frame_decode(d, &f), FRAME_READY);
	assert_int_equal(f.type, type);
	buf_clear(payload);
	return f;
}

/* An entry is read back whole, and so are its metadata. */
static void entries_arrive(struct rd r, bool content, const struct bytes *name, const struct meta *m, unsigned fields)
{
	struct meta back = META_INIT;
	struct entry e;

	assert_true(msg_entry_get(&r, content, &e));
	assert_true(rd_done(&r));
	assert_int_equal(e.name.len, name->len);
	assert_int_equal(meta_unpack(e.meta.p, e.meta.len, fields, &back), e.meta.len);
	assert_int_equal(meta_diff(m, &back, fields), 0);
	meta_release(&back);
}

static void messages_arrive(struct frame_decoder *d, const struct bytes *name, const struct meta *m, unsigned fields)
{
	AUTO_BUF packed = BUF_INIT;
	AUTO_BUF b = BUF_INIT;
	struct entry e = {.flags = (uint8_t)dice(8), .name = *name};
	uint8_t *content = xcalloc(1, WIRE_SMALL_MAX);
	struct msg_file_end end;
	struct msg_file file;
	struct msg_meta meta;
	struct bytes bitmap;
	struct frame f;
	struct rd r;
	bool last;

	meta_pack(&packed, m, fields);
	e.meta = packed_of(&packed);
	msg_list_head_put(&b, true, content, WIRE_BUCKETS_MAX / 8);
	msg_entry_put(&b, &e, false);
	f = over_the_wire(d, MSG_LIST, &b);
	r = rd_init(f.payload, f.len);
	assert_true(msg_list_head_get(&r, &last, &bitmap));
	entries_arrive(r, false, name, m, fields);
	e.content = (struct bytes){content, m->type == META_REG ? edge(WIRE_SMALL_MAX) : 0};
	msg_entry_put(&b, &e, true);
	f = over_the_wire(d, MSG_PUT, &b);
	entries_arrive(rd_init(f.payload, f.len), true, name, m, fields);
	free(content);
	msg_meta_put(&b, &(struct msg_meta){.dir = 1, .name = *name, .meta = e.meta});
	f = over_the_wire(d, MSG_META, &b);
	assert_true(msg_meta_get(&f, &meta));
	if (m->type != META_REG)
		return;
	msg_file_put(
		&b, &(struct msg_file){.flags = FILE_UPDATE, .dir = 1, .name = *name, .size = m->size, .meta = e.meta});
	f = over_the_wire(d, MSG_FILE, &b);
	assert_true(msg_file_get(&f, &file));
	msg_file_end_put(&b, &(struct msg_file_end){.meta = e.meta});
	f = over_the_wire(d, MSG_FILE_END, &b);
	assert_true(msg_file_end_get(&f, &end));
}

static void every_entry(void **state)
{
	struct meta m = META_INIT;
	struct frame_decoder d;
	unsigned refused = 0;
	char text[400];

	frame_decoder_init(&d);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct bytes name = {(const uint8_t *)text, a_name(text)};
		unsigned fields = dice(2) ? META_F_ALL : (unsigned)dice(META_F_ALL + 1);

		any_meta(&m);
		if (meta_valid(&m) && path_name_valid(name.p, name.len))
			messages_arrive(&d, &name, &m, fields);
		else
			refused++;
	}
	assert_in_range(refused, 1, ROUNDS * 3 / 4);
	meta_release(&m);
	frame_decoder_release(&d);
}

/* The longest paths in every message that has several. */
static void every_path(void **state)
{
	uint8_t *text = xcalloc(1, WIRE_PATH_MAX), *meta = xcalloc(1, META_XATTRS_MAX);
	struct bytes long_path = {text, WIRE_PATH_MAX - 1}, name = {text, META_NAME_MAX};
	struct frame_decoder d;
	AUTO_BUF b = BUF_INIT;
	struct ipc_share share;
	struct msg_link link;
	struct msg_file file;
	struct ipc_unit unit;
	struct msg_dir dir;
	struct frame f;

	for (size_t i = 0; i < WIRE_PATH_MAX; i++)
		text[i] = i % 256 == 255 ? '/' : 'p';
	frame_decoder_init(&d);
	msg_dir_put(&b,
		&(struct msg_dir){.src = long_path,
			.dst = {text + 256, WIRE_PATH_MAX - 257},
			.slices = 1,
			.buckets = 1,
			.meta = {meta, META_XATTRS_MAX}});
	f = over_the_wire(&d, MSG_DIR, &b);
	assert_true(msg_dir_get(&f, &dir));
	msg_link_put(&b, &(struct msg_link){.dir = 1, .name = name, .existing = long_path});
	f = over_the_wire(&d, MSG_LINK, &b);
	assert_true(msg_link_get(&f, &link));
	msg_file_put(&b,
		&(struct msg_file){
			.flags = FILE_SEGMENT | FILE_UPDATE, .path = long_path, .basis_path = long_path, .len = 1});
	f = over_the_wire(&d, MSG_FILE, &b);
	assert_true(msg_file_get(&f, &file));
	ipc_unit_put(&b,
		&(struct ipc_unit){.kind = UNIT_SEGMENT,
			.id = 1,
			.src = long_path,
			.dst = {text + 256, WIRE_PATH_MAX - 257},
			.path = long_path,
			.basis_path = long_path,
			.len = 1,
			.size = 1});
	f = over_the_wire(&d, IPC_UNIT, &b);
	assert_true(ipc_unit_get(&f, &unit));
	ipc_share_put(&b, &(struct ipc_share){.size = 1, .src = long_path, .path = long_path, .basis_path = long_path});
	f = over_the_wire(&d, IPC_SHARE, &b);
	assert_true(ipc_share_get(&f, &share));
	frame_decoder_release(&d);
	free(text);
	free(meta);
}

/* The receiver itself: whatever it cannot make is that entry's failure, and the session goes on. */
static void a_session_lives(void **state)
{
	struct meta m = META_INIT;
	struct world w;
	char name[400];

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	world_dir(&w, 5, "", (struct dir_args){.flags = DIR_NEW});
	for (unsigned i = 0; i < ROUNDS / 20; i++) {
		size_t n = a_name(name);
		struct put_done p;

		any_meta(&m);
		if (!meta_valid(&m) || !path_name_valid((const uint8_t *)name, n) || m.type == META_DIR)
			continue;
		m.size = 0;
		m.flags = 0;
		world_put(&w, 5, 0, name, &m, NULL, &p);
		assert_false(w.over);
	}
	meta_release(&m);
	world_close(&w);
}

/* What is read of inodes is always valid: here those that a file system of the host can hold. */
static void what_is_read_is_valid(void **state)
{
	static const int64_t times[] = {0, -1, INT32_MIN, UINT32_MAX, INT64_MAX / 2, INT64_MIN / 2};
	struct meta m = META_INIT, back = META_INIT;
	struct world w;

	world_open(&w);
	assert_int_equal(fchdir(w.root), 0);
	world_run(&w, "touch f; ln -s f l; mkfifo p; mkdir d");
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		static const char *const names[] = {"f", "l", "p", "d"};
		const struct timespec t[2] = {{.tv_sec = times[i]}, {.tv_sec = times[i], .tv_nsec = 999999999}};

		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			AUTO_BUF b = BUF_INIT;

			(void)utimensat(w.root, names[k], t, AT_SYMLINK_NOFOLLOW);
			assert_int_equal(meta_read(w.root, names[k], 0, META_F_ALL, &m, NULL), 0);
			meta_pack(&b, &m, META_F_ALL);
			assert_int_equal(meta_unpack(b.data, b.len, META_F_ALL, &back), b.len);
		}
	}
	meta_release(&m);
	meta_release(&back);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry),
		cmocka_unit_test(every_path),
		cmocka_unit_test(a_session_lives),
		cmocka_unit_test(what_is_read_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
