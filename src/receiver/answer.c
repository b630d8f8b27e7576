/* Answers of several frames, on their way out. */
#include "receiver/private.h"

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
