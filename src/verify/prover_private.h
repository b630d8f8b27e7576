/* Private to the room verify: what the parts of the prover share. */
#pragma once

#include "pace/pace.h"
#include "verify/proto.h"

struct prover {
	int in_fd, out_fd, root_fd;
	struct buf out; /* answers not yet written */
	struct buf records; /* of the V_RECORDS frame being filled */
	void *zstd;
	bool lost; /* out_fd cannot be written */
	bool greeted, leave_cache;
	uint64_t seed;
	struct verify_reader reader;
	void *buffer; /* VERIFY_READ_BYTES */
	struct pace pace;
};

/* Writes what has gathered; remembers failure in p->lost. */
void prover_flush(struct prover *p); /* prover_out.c */
/* Serve one request; false when it is malformed. */
bool prover_list(struct prover *p, const struct frame *f);
bool prover_hash(struct prover *p, const struct frame *f);
