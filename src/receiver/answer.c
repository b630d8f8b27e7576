/* Answers on their way out, and the error that ends the session. */
#include "base/fd.h"
#include "receiver/answer.h"
#include "receiver/state.h"

#include <stdarg.h>

#define PUSH_BYTES (64u << 10)

bool answer_error(struct session *s, enum diag_code code, const char *fmt, ...)
{
	AUTO_DIAG d = DIAG_INIT;
	AUTO_FREE char *text = NULL;
	va_list ap;
	size_t start;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diag_set(&d, code, 0, NULL, "%s", text);
	start = frame_begin(&s->out, MSG_ERROR, 0);
	wr_diag(&s->out, &d);
	frame_end(&s->out, start);
	s->error = true;
	return false;
}

bool answer_malformed(struct session *s, const char *what)
{
	return answer_error(s, DIAG_RECEIVER_PROTOCOL, "malformed %s", what);
}

void answer_flush(struct session *s)
{
	if (s->out.len && !s->lost && fd_write_full(s->out_fd, s->out.data, s->out.len) < 0)
		s->lost = true;
	buf_clear(&s->out);
	if (s->out.cap > 4 * PUSH_BYTES)
		buf_release(&s->out);
}

void answer_push(struct session *s)
{
	if (s->out_fd >= 0 && s->out.len >= PUSH_BYTES)
		answer_flush(s);
}

/* ---- answers of several frames ---- */

struct buf *answer_record(struct answer *a)
{
	if (!a->open) {
		a->start = frame_begin(a->out, a->type, a->id);
		wr_u8(a->out, 0);
		a->open = true;
	}
	return a->out;
}

void answer_close(struct answer *a, bool last)
{
	if (last)
		answer_record(a)->data[a->start + FRAME_HEADER] = MSG_LAST;
	if (!a->open)
		return;
	frame_end(a->out, a->start);
	a->open = false;
}

void answer_next(struct answer *a)
{
	if (a->out->len - a->start >= WIRE_BATCH_BYTES)
		answer_close(a, false);
}
