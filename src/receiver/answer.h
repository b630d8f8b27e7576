/*
 * Answers: appended to s->out, which session_serve() writes, or the caller of session_handle() takes.
 *
 * Ownership: s->out is the session's. Errors: that it could not be written is s->lost, and nobody else's business.
 */
#pragma once

#include "base/buf.h"
#include "diag/diag.h"

struct session;

/* Answers MSG_ERROR and ends the session: always returns false. */
bool answer_error(struct session *s, enum diag_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool answer_malformed(struct session *s, const char *what);

/* Writes what has gathered, when there is somewhere to write it: between frames only. */
void answer_flush(struct session *s);
/* The same, when it is much. */
void answer_push(struct session *s);

/* An answer under way, of a type whose payload begins with a flags byte: frames of records, begun and ended as they
 * fill. */
struct answer {
	struct buf *out;
	uint8_t type;
	uint32_t id;
	size_t start;
	bool open; /* a frame is begun */
};
/* Where to append the next record. */
struct buf *answer_record(struct answer *a);
/* After each record. */
void answer_next(struct answer *a);
/* last: the frame says so, and there is one even without records. */
void answer_close(struct answer *a, bool last);
