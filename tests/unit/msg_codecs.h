/*
 * Every message of wire/msg.h as a function from bytes to bytes: what is got is put again. Included by the unit test
 * and the fuzzer. What a get accepts, the put of it must be accepted again, and be the same bytes from then on.
 */
#pragma once

#include "wire/msg.h"

/* False: malformed. */
typedef bool (*msg_codec)(const uint8_t *p, size_t n, struct buf *out);

static inline struct frame codec_frame(const uint8_t *p, size_t n)
{
	return (struct frame){.payload = p, .len = n};
}

/* Messages that are a frame, without and with a diag in them. */
#define CODEC_FRAME(name, type)                                               \
	static bool codec_##name(const uint8_t *p, size_t n, struct buf *out) \
	{                                                                     \
		struct frame f = codec_frame(p, n);                           \
		struct type m;                                                \
                                                                              \
		if (!msg_##name##_get(&f, &m))                                \
			return false;                                         \
		msg_##name##_put(out, &m);                                    \
		return true;                                                  \
	}
#define CODEC_FRAME_DIAG(name, type)                                          \
	static bool codec_##name(const uint8_t *p, size_t n, struct buf *out) \
	{                                                                     \
		struct frame f = codec_frame(p, n);                           \
		struct type m;                                                \
                                                                              \
		if (!msg_##name##_get(&f, &m))                                \
			return false;                                         \
		msg_##name##_put(out, &m);                                    \
		diag_release(&m.diag);                                        \
		return true;                                                  \
	}
/* Records to the end. */
#define CODEC_RECORDS(name, type, done)                                       \
	static bool codec_##name(const uint8_t *p, size_t n, struct buf *out) \
	{                                                                     \
		struct rd r = rd_init(p, n);                                  \
		struct type m;                                                \
                                                                              \
		while (msg_##name##_get(&r, &m)) {                            \
			msg_##name##_put(out, &m);                            \
			done;                                                 \
		}                                                             \
		return rd_done(&r);                                           \
	}

CODEC_FRAME(dir, msg_dir)
CODEC_FRAME(dir_diff, msg_dir_diff)
CODEC_FRAME_DIAG(dir_done, msg_dir_done)
CODEC_FRAME(file, msg_file)
CODEC_FRAME(file_ok, msg_file_ok)
CODEC_FRAME(seg_hash, msg_seg_hash)
CODEC_FRAME(run, msg_run)
CODEC_FRAME(file_end, msg_file_end)
CODEC_FRAME_DIAG(file_done, msg_file_done)
CODEC_FRAME(meta, msg_meta)
CODEC_FRAME(link, msg_link)
CODEC_FRAME_DIAG(op_done, msg_op_done)
CODEC_FRAME(pong, msg_pong)
CODEC_FRAME(load, sysload)
CODEC_RECORDS(need, need, diag_release(&m.diag))
CODEC_RECORDS(put_done, put_done, diag_release(&m.diag))
CODEC_FRAME(epoch, msg_epoch)
CODEC_RECORDS(seg_run, seg_run, )
CODEC_RECORDS(suspect, suspect, )
CODEC_RECORDS(lost, msg_lost, )
CODEC_RECORDS(place, msg_place, )
CODEC_RECORDS(delete_record, delete_record, diag_release(&m.diag))

/* Of another protocol only the version can be read. */
static bool codec_hello(const uint8_t *p, size_t n, struct buf *out)
{
	struct frame f = codec_frame(p, n);
	struct msg_hello m;

	if (!msg_hello_get(&f, &m) || m.protocol != WIRE_PROTOCOL)
		return false;
	msg_hello_put(out, &m);
	return true;
}

static bool codec_hello_ok(const uint8_t *p, size_t n, struct buf *out)
{
	struct frame f = codec_frame(p, n);
	struct msg_hello_ok m;

	if (!msg_hello_ok_get(&f, &m) || m.protocol != WIRE_PROTOCOL)
		return false;
	msg_hello_ok_put(out, &m);
	return true;
}

static bool codec_entries(struct rd *r, bool with_content, struct buf *out)
{
	struct entry e;

	while (msg_entry_get(r, with_content, &e))
		msg_entry_put(out, &e, with_content);
	return rd_done(r);
}

static bool codec_list(const uint8_t *p, size_t n, struct buf *out)
{
	struct rd r = rd_init(p, n);
	struct bytes bitmap;
	bool last;

	if (!msg_list_head_get(&r, &last, &bitmap))
		return false;
	msg_list_head_put(out, last, bitmap.p, bitmap.len);
	return codec_entries(&r, false, out);
}

static bool codec_put(const uint8_t *p, size_t n, struct buf *out)
{
	struct rd r = rd_init(p, n);

	wr_u32(out, rd_u32(&r));
	return codec_entries(&r, true, out);
}

static bool codec_data(const uint8_t *p, size_t n, struct buf *out)
{
	struct frame f = codec_frame(p, n);
	struct msg_data m;

	if (!msg_data_get(&f, &m))
		return false;
	msg_data_head_put(out, m.off);
	buf_append(out, m.data.p, m.len);
	return true;
}

static bool codec_hole(const uint8_t *p, size_t n, struct buf *out)
{
	struct frame f = codec_frame(p, n);
	struct msg_data m;

	if (!msg_hole_get(&f, &m))
		return false;
	msg_hole_put(out, m.off, m.len);
	return true;
}

static bool codec_again(const uint8_t *p, size_t n, struct buf *out)
{
	struct rd r = rd_init(p, n);
	uint64_t off;
	uint32_t len;

	while (msg_again_get(&r, &off, &len))
		msg_again_put(out, off, len);
	return rd_done(&r);
}

static bool codec_delete(const uint8_t *p, size_t n, struct buf *out)
{
	struct rd r = rd_init(p, n);
	struct msg_delete_head m;

	if (!msg_delete_head_get(&r, &m) || rd_left(&r))
		return false;
	msg_delete_head_put(out, &m);
	return true;
}

static bool codec_delete_done(const uint8_t *p, size_t n, struct buf *out)
{
	struct frame f = codec_frame(p, n);
	struct msg_delete_done m;

	if (!msg_delete_done_get(&f, &m))
		return false;
	msg_delete_done_head_put(out, &m);
	return codec_delete_record(m.records.p, rd_left(&m.records), out);
}

static bool codec_diag(const uint8_t *p, size_t n, struct buf *out)
{
	struct rd r = rd_init(p, n);
	AUTO_DIAG d = DIAG_INIT;

	if (!rd_diag(&r, &d) || !rd_done(&r))
		return false;
	wr_diag(out, &d);
	return true;
}

/* New ones at the end: the fuzzer's corpus chooses by place. */
static const struct {
	const char *name;
	msg_codec fn;
} msg_codecs[] = {
	{"hello", codec_hello},
	{"hello_ok", codec_hello_ok},
	{"dir", codec_dir},
	{"dir_diff", codec_dir_diff},
	{"list", codec_list},
	{"need", codec_need},
	{"dir_done", codec_dir_done},
	{"put", codec_put},
	{"put_done", codec_put_done},
	{"file", codec_file},
	{"file_ok", codec_file_ok},
	{"data", codec_data},
	{"hole", codec_hole},
	{"seg_hash", codec_seg_hash},
	{"seg_run", codec_seg_run},
	{"run", codec_run},
	{"file_end", codec_file_end},
	{"file_done", codec_file_done},
	{"again", codec_again},
	{"meta", codec_meta},
	{"link", codec_link},
	{"op_done", codec_op_done},
	{"delete", codec_delete},
	{"delete_done", codec_delete_done},
	{"delete_record", codec_delete_record},
	{"diag", codec_diag},
	{"pong", codec_pong},
	{"load", codec_load},
	{"suspect", codec_suspect},
	{"epoch", codec_epoch},
	{"lost", codec_lost},
	{"place", codec_place},
};

/* Is what fn accepts stable? True for what it refuses. */
static bool codec_stable(msg_codec fn, const uint8_t *p, size_t n)
{
	AUTO_BUF once = BUF_INIT;
	AUTO_BUF twice = BUF_INIT;

	if (!fn(p, n, &once))
		return true;
	return fn(once.data, once.len, &twice) && once.len == twice.len &&
		(!once.len || memcmp(once.data, twice.data, once.len) == 0);
}
