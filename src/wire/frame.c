#include "wire/frame.h"

#include "base/pack.h"

#include <zstd.h>

/* A decoder's buffers above this are given back once CALM_FRAMES frames in a row have done without. */
#define KEEP_BYTES (1u << 20)
#define CALM_FRAMES 32

#define ZSTD_HEADER 4 /* raw length */
#define ZSTD_WORTH 128 /* payloads below gain nothing from a compressor */
#define ZSTD_WINDOW_LOG 20 /* keeps the tables of high levels below some 20 MiB, whatever the level */

static uint32_t get_u32(const uint8_t *p)
{
	struct rd r = rd_init(p, 4);

	return rd_u32(&r);
}

static void put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

/* ---- decoder ---- */

void frame_decoder_init(struct frame_decoder *d)
{
	*d = (struct frame_decoder){};
}

void frame_decoder_release(struct frame_decoder *d)
{
	buf_release(&d->in);
	buf_release(&d->raw);
	ZSTD_freeDCtx(d->zstd);
	frame_decoder_init(d);
}

static void compact(struct frame_decoder *d)
{
	buf_consume(&d->in, d->pos);
	d->pos = 0;
}

/* Gives back what one huge frame made grow. Not at once: streams of large frames would allocate for each. */
static void shrink(struct frame_decoder *d)
{
	size_t unread = d->in.len - d->pos;

	if (d->calm < CALM_FRAMES)
		return;
	d->calm = 0;
	if (d->raw.cap > KEEP_BYTES)
		buf_release(&d->raw);
	if (d->in.cap > KEEP_BYTES && unread < KEEP_BYTES / 2) {
		struct buf small = BUF_INIT;

		buf_append(&small, d->in.data + d->pos, unread);
		buf_release(&d->in);
		d->in = small;
		d->pos = 0;
	}
}

/*
 * Linear in the bytes fed: while a frame is incomplete (`want` is known) its bytes are moved to the front at
 * most once, for then pos is 0 until it is taken; with unread frames in the buffer, only what costs less than
 * was consumed is moved, and growth is geometric.
 */
uint8_t *frame_decoder_space(struct frame_decoder *d, size_t n)
{
	size_t unread;

	shrink(d);
	unread = d->in.len - d->pos;
	if (unread == 0)
		compact(d);
	if (d->in.data && d->in.cap - d->in.len >= n)
		return d->in.data + d->in.len;
	if (d->want || d->pos >= unread)
		compact(d);
	if (d->want > d->in.cap)
		buf_reserve(&d->in, d->want - d->in.len + n);
	return buf_reserve(&d->in, n);
}

void frame_decoder_filled(struct frame_decoder *d, size_t n)
{
	d->in.len += n;
}

/*
 * The magic is checked here because a libzstd can be built with decoders of its obsolete formats, which
 * nobody should reach from outside; the frame's own length because the library accepts several frames and
 * skippable ones in a row.
 */
static bool decompress(struct frame_decoder *d, struct frame *f)
{
	const uint8_t *p = f->payload + ZSTD_HEADER;
	size_t n = f->len - ZSTD_HEADER, raw_len;

	if (f->len < ZSTD_HEADER + 4 || get_u32(p) != ZSTD_MAGICNUMBER)
		return false;
	raw_len = get_u32(f->payload);
	if (raw_len == 0 || raw_len > FRAME_MAX || ZSTD_findFrameCompressedSize(p, n) != n)
		return false;
	if (!d->zstd && !(d->zstd = ZSTD_createDCtx()))
		return false;
	buf_clear(&d->raw);
	buf_reserve(&d->raw, raw_len);
	if (ZSTD_decompressDCtx(d->zstd, d->raw.data, raw_len, p, n) != raw_len)
		return false;
	d->raw.len = raw_len;
	f->payload = d->raw.data;
	f->len = raw_len;
	return true;
}

static enum frame_status refuse(struct frame_decoder *d)
{
	d->bad = true;
	return FRAME_BAD;
}

enum frame_status frame_decode(struct frame_decoder *d, struct frame *out)
{
	size_t unread = d->in.len - d->pos, len;
	const uint8_t *h;

	d->want = 0;
	if (d->bad)
		return FRAME_BAD;
	if (unread < FRAME_HEADER) {
		d->want = FRAME_HEADER;
		return FRAME_NEED_MORE;
	}
	h = d->in.data + d->pos;
	len = get_u32(h + 2);
	if ((h[1] & ~FRAME_ZSTD) || len > FRAME_MAX)
		return refuse(d);
	if (unread < FRAME_HEADER + len) {
		d->want = FRAME_HEADER + len;
		return FRAME_NEED_MORE;
	}
	*out = (struct frame){.type = h[0], .id = get_u32(h + 6), .payload = h + FRAME_HEADER, .len = len};
	d->pos += FRAME_HEADER + len;
	if ((h[1] & FRAME_ZSTD) && !decompress(d, out))
		return refuse(d);
	d->calm = MAX(out->len, len) > KEEP_BYTES / 2 ? 0 : d->calm + 1;
	return FRAME_READY;
}

/* ---- encoder ---- */

static void header_put(uint8_t *h, uint8_t type, uint8_t flags, size_t len, uint32_t id)
{
	/* The peer would refuse it and the stream be lost: whoever builds messages keeps them below. */
	if (len > FRAME_MAX)
		abort();
	h[0] = type;
	h[1] = flags;
	put_u32(h + 2, (uint32_t)len);
	put_u32(h + 6, id);
}

void frame_encode(struct buf *out, uint8_t type, uint32_t id, const void *payload, size_t len)
{
	uint8_t *h = buf_reserve(out, FRAME_HEADER + len);

	header_put(h, type, 0, len, id);
	if (len)
		memcpy(h + FRAME_HEADER, payload, len);
	out->len += FRAME_HEADER + len;
}

static ZSTD_CCtx *compressor(void **zstd, int level)
{
	if (!*zstd) {
		ZSTD_CCtx *made = ZSTD_createCCtx();

		if (!made)
			return NULL;
		ZSTD_CCtx_setParameter(made, ZSTD_c_windowLog, ZSTD_WINDOW_LOG);
		*zstd = made;
	}
	ZSTD_CCtx_setParameter(*zstd, ZSTD_c_compressionLevel, level);
	return *zstd;
}

void frame_encode_zstd(
	struct buf *out, uint8_t type, uint32_t id, const void *payload, size_t len, int level, void **zstd)
{
	ZSTD_CCtx *c;
	uint8_t *h;
	size_t room, n;

	if (level == 0 || len < ZSTD_WORTH || len > FRAME_MAX || !(c = compressor(zstd, level))) {
		frame_encode(out, type, id, payload, len);
		return;
	}
	/* What does not save a tenth does not fit into the room: the compressor gives up at that point. */
	room = len - len / 10 - ZSTD_HEADER;
	h = buf_reserve(out, FRAME_HEADER + len);
	n = ZSTD_compress2(c, h + FRAME_HEADER + ZSTD_HEADER, room, payload, len);
	if (ZSTD_isError(n)) {
		frame_encode(out, type, id, payload, len);
		return;
	}
	header_put(h, type, FRAME_ZSTD, ZSTD_HEADER + n, id);
	put_u32(h + FRAME_HEADER, (uint32_t)len);
	out->len += FRAME_HEADER + ZSTD_HEADER + n;
}

void frame_zstd_free(void *zstd)
{
	ZSTD_freeCCtx(zstd);
}

size_t frame_begin(struct buf *out, uint8_t type, uint32_t id)
{
	size_t start = out->len;

	header_put(buf_extend(out, FRAME_HEADER), type, 0, 0, id);
	return start;
}

void frame_end(struct buf *out, size_t start)
{
	uint8_t *h = out->data + start;

	header_put(h, h[0], 0, out->len - start - FRAME_HEADER, get_u32(h + 6));
}
