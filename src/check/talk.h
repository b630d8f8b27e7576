/* Private to the room check: the probe, between the coordinator and its receiver. */
#pragma once

#include "base/clock.h"
#include "check/probe.h"
#include "diag/diag.h"
#include "ipc/chan.h"
#include "limits/throttle.h"
#include "wire/msg.h"

#define HELLO_NS (60 * NS_PER_S)
#define IMAGE_NS (3600 * NS_PER_S) /* an image is made: the programs have limits of their own */
#define SILENCE_NS (20 * NS_PER_S) /* nothing comes back: lost */

struct probe {
	struct chan ipc, wire;
	struct throttle *throttle;
	uint32_t next_id;
	uint64_t filled; /* bytes of FILL sent */
	char *version; /* the operator's */
};
/* Says why to the coordinator, and ends. */
NORETURN void probe_die(struct probe *p, struct diag *d);
NORETURN void probe_protocol(struct probe *p, const char *what);
NORETURN void probe_lost(void);
void probe_answer(struct probe *p, uint8_t type, const struct buf *b);
/* Waits until something of the wire can be read (or written, when something is to be), at most so long, and reads it. False:
 * it has ended. */
bool probe_turn(struct probe *p, int64_t wait_ns);
void probe_ask(struct probe *p, uint8_t type, const struct buf *b);
/* The next frame, whatever it is; it has to come in this time. */
struct frame probe_next(struct probe *p, int64_t silence_ns);
/* The answer to the last question. */
struct frame probe_await(struct probe *p, uint8_t type, int64_t silence_ns);
/* What every frame that is not the one waited for means: never returns. */
NORETURN void probe_unexpected(struct probe *p, const struct frame *f);
