/*
 * How a receiver, or a prover, keeps the limits of its host by itself, without rights and without a trace: it measures its
 * own processor time and counts the bytes it reads and writes, and rests while it has taken more than it may.
 *
 * A limit that is changed must be felt at once, though megabytes of requests may wait before it. So all input comes
 * through here: while the process rests it reads ahead, up to PACE_AHEAD bytes, and looks for PACE_LIMITS in what comes.
 * The sender sees to it that no more is under way (pacer.h).
 *
 * Process: the receiver's only one. Errors of the output are ignored here: the loop meets them too.
 */
#pragma once

#include "pace/message.h"
#include "pace/meter.h"

#include <sys/types.h>

#define PACE_AHEAD (8u << 20)
#define PACE_PIECE (256u << 10) /* work is done, and charged, in pieces about this long */

struct pace {
	int in_fd, out_fd;
	unsigned processors;
	struct meter cpu, io; /* nanoseconds of processors, bytes */
	int64_t cpu_rest_ns, io_rest_ns;
	struct buf ahead; /* read and not yet asked for, from ahead_pos on */
	size_t ahead_pos;
	/* where the stream of frames stands in what has been read */
	struct buf head; /* the beginning of a frame, as far as it matters */
	uint64_t skip; /* bytes of its payload that do not */
	uint32_t seen; /* id of the last PACE_LIMITS */
	uint64_t token; /* of the last one whose turn has come */
	bool eof; /* the peer has gone: what was read ahead is not to be done any more */
};

void pace_init(struct pace *p, int in_fd, int out_fd);
void pace_release(struct pace *p);

/* As read(2) on in_fd. */
ssize_t pace_read(struct pace *p, void *buf, size_t n);
/* Bytes of files read or written. */
void pace_io(struct pace *p, uint64_t n);
/* True when a rest is due: answers that wait can be sent before. */
bool pace_due(struct pace *p);
/* Rests until what was taken is made up for. Between pieces of work, in the middle of a request too. */
void pace_rest(struct pace *p);
/* A PACE_LIMITS in its turn. False: malformed. */
bool pace_turn(struct pace *p, const struct frame *f);

/* True when pace_read() has something without in_fd. */
static inline bool pace_waiting(const struct pace *p)
{
	return p->eof || p->ahead.len > p->ahead_pos;
}
static inline bool pace_limited(const struct pace *p)
{
	return p->cpu.rate || p->io.rate;
}
