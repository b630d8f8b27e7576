/*
 * The stream of frames: any bytes, fed in any portions. The frames found do not depend on the portions,
 * memory stays bounded, and what was decoded comes back after encoding. The first byte seeds the portions.
 */
#include "wire/frame.h"

static uint64_t mix(uint64_t h, const void *p, size_t n)
{
	const uint8_t *s = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ s[i]) * UINT64_C(0x100000001b3);
	return h;
}

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* The frame once more through encoder and decoder. */
static void echo(const struct frame *f, void **zstd)
{
	AUTO_BUF b = BUF_INIT;
	struct frame_decoder d;
	struct frame g;

	frame_encode_zstd(&b, f->type, f->id, f->payload, f->len, 1, zstd);
	frame_decoder_init(&d);
	memcpy(frame_decoder_space(&d, b.len), b.data, b.len);
	frame_decoder_filled(&d, b.len);
	check(frame_decode(&d, &g) == FRAME_READY);
	check(g.type == f->type && g.id == f->id && g.len == f->len);
	check(f->len == 0 || memcmp(g.payload, f->payload, f->len) == 0);
	check(frame_decode(&d, &g) == FRAME_NEED_MORE);
	frame_decoder_release(&d);
}

/* Digest of all frames and of how it ended. portion 0: all at once. */
static uint64_t run(const uint8_t *p, size_t n, size_t portion, bool drain, void **zstd)
{
	struct frame_decoder d;
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	enum frame_status s = FRAME_NEED_MORE;
	struct frame f;

	frame_decoder_init(&d);
	for (size_t at = 0, k; at < n; at += k) {
		k = portion ? MIN(portion, n - at) : n;
		memcpy(frame_decoder_space(&d, k), p + at, k);
		frame_decoder_filled(&d, k);
		check(d.in.cap + d.raw.cap <= 3 * FRAME_MAX + n);
		while ((drain || at + k == n) && (s = frame_decode(&d, &f)) == FRAME_READY) {
			check(f.len <= FRAME_MAX);
			h = mix(h, &f.type, sizeof(f.type));
			h = mix(h, &f.id, sizeof(f.id));
			h = mix(h, f.payload, f.len);
			if (!portion && f.len < 4096)
				echo(&f, zstd);
		}
	}
	frame_decoder_release(&d);
	return h + (s == FRAME_BAD);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	void *zstd = NULL;
	uint64_t whole;
	size_t portion;

	if (n < 1)
		return 0;
	portion = 1u + *p % 64u;
	p++;
	n--;
	whole = run(p, n, 0, true, &zstd);
	check(run(p, n, portion, true, &zstd) == whole);
	check(run(p, n, portion, false, &zstd) == whole);
	frame_zstd_free(zstd);
	return 0;
}
