#include "engine/hold.h"
#include "base/clock.h"
#include "engine/coordinator.h"
#include "limits/throttle.h"

void engine_hold(struct engine *e, enum hold why, bool on)
{
	int64_t now = clock_mono_ns();

	e->hold.why = on ? e->hold.why | why : e->hold.why & ~(unsigned)why;
	throttle_set_hold(e->limits.throttle,
		(e->hold.why & ~(unsigned)HOLD_MEMORY ? THROTTLE_HOLD_ALL : 0u) |
			(e->hold.why & HOLD_MEMORY ? THROTTLE_HOLD_NEW : 0u));
	if (why != HOLD_USER || on == (e->hold.since != 0))
		return;
	e->job->kept->paused = on;
	if (on) {
		e->hold.since = now;
		return;
	}
	e->hold.paused_ns += now - e->hold.since;
	e->hold.since = 0;
	if (!e->workers.first) { /* a link that was lost meanwhile: its time begins now */
		e->link.lost_since = 0;
		e->link.retry_at = now;
	}
}
