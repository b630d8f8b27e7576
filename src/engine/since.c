#include "engine/since.h"
#include "base/bootid.h"
#include "base/clock.h"
#include "base/text.h"
#include "engine/coordinator.h"

#include <inttypes.h>

#define STEP_NS (2 * NS_PER_S) /* what is less is no setting of a clock */

static struct moment moment_now(void)
{
	struct moment m = {.real = clock_real_ns(), .boot = clock_ns(CLOCK_BOOTTIME)};
	uint8_t id[16];

	for (size_t i = 0; boot_id_read(id) && i < 7; i++) /* 56 bits are enough, and JSON's */
		m.boot_id = m.boot_id << 8 | id[i];
	return m;
}

void since_begin(struct engine *e)
{
	struct job_state *s = &e->state;
	const struct moment now = moment_now();

	if (e->job->kind == JOB_SYNC)
		s->last_sync_started = now.real;
	else if (e->job->kind == JOB_COPY && !s->copy_started)
		s->copy_started = now.real;
	else
		return;
	s->last_began = now;
}

static void say(struct engine *e, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_ENGINE_CLOCK, 0, NULL, "%s", what);
	engine_diag(e, &d);
}

/* What today's clock would have shown then. False: it cannot be told. */
static bool by_todays_clock(const struct moment *then, const struct moment *now, int64_t *out)
{
	if (!then->boot_id || then->boot_id != now->boot_id || then->boot < 0 || then->boot > now->boot)
		return false;
	*out = now->real - (now->boot - then->boot);
	return true;
}

static void say_set(struct engine *e, bool forward, int64_t ns)
{
	AUTO_BUF b = BUF_INIT;

	buf_printf(&b, "since the last sync began the clock was set %s by ", forward ? "forward" : "back");
	text_duration(&b, ((uint64_t)ns + NS_PER_S / 2) / (uint64_t)NS_PER_S);
	say(e, buf_cstr(&b));
}

/* Set back, nobody knows which clock has given the times that both have shown. So the later of both counts. */
void since_find(struct engine *e)
{
	const struct job_state *s = &e->state;
	const struct moment *then = &s->last_began, now = moment_now();
	/* A copy that is later than the sync has seen everything, too; else one of them had a wrong clock. */
	int64_t at = MAX(s->last_sync_started, s->copy_started), today, ns;
	bool said = false;

	if (then->real > 0 && (then->real == s->last_sync_started || then->real == s->copy_started) &&
		by_todays_clock(then, &now, &today)) {
		said = !__builtin_sub_overflow(today, then->real, &ns) && (ns > STEP_NS || ns < -STEP_NS);
		if (said) {
			say_set(e, ns > 0, ns > 0 ? ns : -ns);
			at = MAX(at, today);
		}
	}
	if (at > now.real) {
		if (!said)
			say(e, "the last sync began in the future");
		at = 0;
	}
	at = MAX(at, 0);
	e->verify.changed_since = at;
}

void since_say(struct engine *e)
{
	const struct summary *s = e->out;
	AUTO_DIAG d = DIAG_INIT;
	uint64_t recent = 0;

	for (size_t i = 0; i < e->totals.lost.n; i++)
		if (e->totals.lost.all[i].why == LOST_RECENT)
			recent = e->totals.lost.all[i].files;
	if (recent <= s->counts.files_examined / 2 || !s->difference_counts[DIFFERENCE_CHANGED])
		return;
	diag_set(&d, DIAG_ENGINE_MOST_CHANGED, 0, NULL,
		"%" PRIu64 " of %" PRIu64
		" entries of the source have changed since the last sync began, by their times: "
		"what differs in them counts as changed",
		recent, s->counts.files_examined);
	engine_diag(e, &d);
}
