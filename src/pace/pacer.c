#include "pace/pacer.h"

void pacer_set(struct pacer *p, uint32_t cpu, uint64_t io)
{
	if (p->limits.cpu == cpu && p->limits.io == io)
		return;
	p->limits.cpu = cpu;
	p->limits.io = io;
	p->changed = true;
}

void pacer_ask(struct pacer *p, struct buf *out, uint64_t at, int64_t now_ns)
{
	bool far = at - p->asked_at >= PACER_WINDOW / 4;
	bool late = p->asked == p->answered && now_ns - p->asked_ns >= PACER_EVERY_NS;
	size_t start;

	if (!p->changed && !(p->on && (far || late)))
		return;
	if (!p->on)
		p->done = at; /* nobody has kept count of what is under way */
	p->changed = false;
	p->on = p->limits.cpu || p->limits.io;
	p->limits.token = p->asked_at = at;
	p->asked_ns = now_ns;
	start = frame_begin(out, PACE_LIMITS, ++p->asked);
	pace_limits_put(out, &p->limits);
	frame_end(out, start);
}

bool pacer_answer(struct pacer *p, const struct frame *f, struct pace_used *out)
{
	if (!pace_used_get(f, out) || !p->asked || out->token > p->asked_at ||
		f->id - p->answered > p->asked - p->answered)
		return false;
	p->answered = f->id;
	p->done = MAX(p->done, out->token);
	return true;
}
