/* What netcheck asks for: bytes taken and thrown away, a clock, and how busy this host is. Nothing is written. */
#include "base/clock.h"
#include "receiver/answer.h"
#include "receiver/handlers.h"
#include "receiver/state.h"

bool on_fill(struct session *s, const struct frame *f)
{
	s->measure.filled += f->len;
	return true;
}

bool on_ping(struct session *s, const struct frame *f)
{
	struct msg_pong m = {.clock_ns = (uint64_t)clock_mono_ns(), .filled = s->measure.filled};
	size_t start;

	if (f->len)
		return answer_malformed(s, "ping");
	start = frame_begin(&s->out, MSG_PONG, f->id);
	msg_pong_put(&s->out, &m);
	frame_end(&s->out, start);
	return true;
}

bool on_load(struct session *s, const struct frame *f)
{
	struct sysload now = {};
	size_t start;

	if (f->len)
		return answer_malformed(s, "question for the load");
	if (s->measure.load && !sysload_read(s->measure.load, &now))
		now = (struct sysload){};
	start = frame_begin(&s->out, MSG_LOAD_OK, f->id);
	msg_load_put(&s->out, &now);
	frame_end(&s->out, start);
	return true;
}
