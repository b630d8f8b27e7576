/* Private to the room check: what coordinator and probe say to each other, frames over a socket pair. */
#pragma once

enum probe_message {
	/* to the probe; each but END is answered when it is done */
	PROBE_CONFIG = 1, /* u8 it is an operator, bytes bootstrap, bytes the helper's directory */
	PROBE_PING, /* u32 how many at most, u32 ms at most */
	PROBE_FILL, /* u32 ms of warming up, u32 ms of measuring, u32 ms of a round trip */
	PROBE_LOAD,
	PROBE_END,
	PROBE_FACTS, /* of an operator: u32 ms for each section at most */
	PROBE_IMAGE, /* of an operator: as IMAGE (operator/proto.h) */
	/* from it */
	PROBE_READY = 16, /* bytes the helper's directory */
	PROBE_DIAG, /* diag; its last word */
	PROBE_RTTS, /* u64 ns, for each ping */
	PROBE_FILLED, /* u64 bytes and u64 ns, of the receiver */
	PROBE_LOAD_OK, /* as LOAD_OK */
	PROBE_FACTS_PART, /* as FACTS_PART (operator/proto.h): sections that are JSON of the allowed form, or say why not */
	PROBE_FACTS_DONE, /* as FACTS_DONE */
	PROBE_IMAGE_DONE, /* as IMAGE_DONE */
};
#define PINGS_MAX 50
#define PROBE_LOST 10 /* exit code: the stream ended */
