/* SUSPECT: what an earlier run may not have made durable. */
#include "base/clock.h"
#include "receiver/answer.h"
#include "receiver/handlers.h"
#include "receiver/state.h"
#include "receiver/suspect.h"

bool on_suspect(struct session *s, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct suspect one;

	s->suspects.n = 0;
	while (msg_suspect_get(&r, &one)) {
		if (s->suspects.n == WIRE_SUSPECTS_MAX)
			return answer_malformed(s, "list of suspect times");
		s->suspects.all[s->suspects.n++] = one;
	}
	return rd_done(&r) || answer_malformed(s, "list of suspect times");
}

bool suspect_matches(const struct session *s, const struct meta *m)
{
	int64_t t;

	if (!s->suspects.n || m->type != META_REG || !m->size)
		return false;
	if (m->ctime_s < 0)
		return true; /* a clock that never was */
	t = m->ctime_s >= WIRE_TIME_MAX / NS_PER_S ? WIRE_TIME_MAX - 1 : m->ctime_s * NS_PER_S + m->ctime_ns;
	for (size_t i = 0; i < s->suspects.n; i++) {
		if (s->suspects.all[i].from <= t && t < s->suspects.all[i].to)
			return true;
	}
	return false;
}
