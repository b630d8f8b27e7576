/*
 * Frames: the unit of the stream, and of the pipes between our own processes.
 *
 *   type u8, flags u8, length u32, id u32, then length bytes of payload       (little endian, 10 bytes of header)
 *
 * Flag FRAME_ZSTD: the payload is u32 raw length, then one zstd frame. Both lengths are bounded by FRAME_MAX before
 * anything is allocated. The codec does no I/O: bytes go in, frames come out.
 *
 * Ownership: a struct frame's payload points into the decoder and is valid until the next call on it.
 */
#pragma once

#include "base/buf.h"

/* What a receiver says before its first frame: the magic, or one line of this prefix and "ID ERRNO TEXT", and no more. */
#define WIRE_MAGIC "REHOST\x01\n"
#define WIRE_ERROR_PREFIX "REHOST-ERROR "

#define FRAME_HEADER 10
#define FRAME_MAX (8u << 20) /* payload bytes, raw */
#define FRAME_ZSTD 0x01

struct frame {
	uint8_t type;
	uint32_t id;
	const uint8_t *payload;
	size_t len;
};

/* Decoder. Feed it with frame_decoder_space() and frame_decoder_filled(); take frames until it has none. */
struct frame_decoder {
	struct buf in;
	size_t pos;
	size_t want; /* bytes of the incomplete frame at pos, while known */
	struct buf raw; /* of a compressed payload */
	void *zstd; /* context, made when first needed */
	unsigned calm; /* frames in a row that needed no large buffer */
	bool bad; /* nothing is decoded after the first malformed frame */
};

enum frame_status { FRAME_NEED_MORE, FRAME_READY, FRAME_BAD };

void frame_decoder_init(struct frame_decoder *d);
void frame_decoder_release(struct frame_decoder *d);
/* At least n bytes of room to read into (all of in.cap - in.len may be used); tell what was read with frame_decoder_filled(). A
 * decoder holds at most three times FRAME_MAX and n, and gives memory back some frames after a huge one. */
uint8_t *frame_decoder_space(struct frame_decoder *d, size_t n);
void frame_decoder_filled(struct frame_decoder *d, size_t n);
enum frame_status frame_decode(struct frame_decoder *d, struct frame *out);

/* Encoder: appends a whole frame to out. A payload above FRAME_MAX is the caller's bug and ends the process.
 * level 0: as it is; else zstd of that level if it saves a tenth or more
 * (zstd is a context made when first needed, kept by the caller, freed by frame_zstd_free). */
void frame_encode(struct buf *out, uint8_t type, uint32_t id, const void *payload, size_t len);
void frame_encode_zstd(
	struct buf *out, uint8_t type, uint32_t id, const void *payload, size_t len, int level, void **zstd);
void frame_zstd_free(void *zstd);
/* Frames built in place: begin, append the payload to out, end. Returns the start to hand to end. */
size_t frame_begin(struct buf *out, uint8_t type, uint32_t id);
void frame_end(struct buf *out, size_t start);
