/*
 * A channel: one non-blocking stream of frames, buffered both ways. Used on the wire and between our processes.
 *
 * Ownership: the channel owns its descriptor and buffers. Errors: false means the stream is gone; errno tells why
 * (0 at an orderly end).
 */
#pragma once

#include "limits/throttle.h"
#include "wire/frame.h"

#define CHAN_HIGH_WATER (1u << 20) /* producers pause above this many bytes unsent */

struct chan {
	int fd;
	struct frame_decoder in;
	struct buf out;
	size_t out_pos;
	bool eof;
	uint64_t sent, received;
	struct throttle *limit; /* NULL: none. Its lane THROTTLE_SEND applies to sending */
};

void chan_init(struct chan *c, int fd);
void chan_release(struct chan *c);
static inline size_t chan_unsent(const struct chan *c)
{
	return c->out.len - c->out_pos;
}
static inline bool chan_full(const struct chan *c)
{
	return chan_unsent(c) >= CHAN_HIGH_WATER;
}
/* Writes what can be written now. out_wait_ns: how long the bandwidth limit wants to wait, 0 if it does not. */
bool chan_flush(struct chan *c, int64_t *out_wait_ns);
/* Writes all, however long that takes; for channels without a limit. */
bool chan_drain(struct chan *c);
/* Reads what is there. False at the end of the stream (eof set) or on error. */
bool chan_fill(struct chan *c);
/* Waits for one frame, for those who have no loop (yet). timeout_ms: of silence, -1 none. False with ETIMEDOUT, at the end
 * of the stream, or when it is no frame. */
bool chan_await(struct chan *c, struct frame *out, int timeout_ms);
/* Appends a frame to what is to be sent. */
void chan_send(struct chan *c, uint8_t type, uint32_t id, const void *payload, size_t len);
static inline void chan_send_buf(struct chan *c, uint8_t type, uint32_t id, const struct buf *b)
{
	chan_send(c, type, id, b->data, b->len);
}
