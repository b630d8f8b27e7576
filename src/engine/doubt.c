#include "engine/doubt.h"
#include "base/clock.h"
#include "engine/coordinator.h"

#include <stdio.h>
#include <stdlib.h>

#define CLOCK_STEP (20 * NS_PER_MS) /* two ticks of the slowest kernel; file systems with coarser times: scan.c */
#define WRITE_BACK_MAX (600 * NS_PER_S)
#define WRITE_BACK_EXPIRE 3000 /* 1/100 s, as the kernel has it by default */
#define WRITE_BACK_EVERY 500

static int64_t kernel_says(const char *file, int64_t otherwise)
{
	FILE *f = fopen(file, "re");
	char line[32];

	if (f && fgets(line, sizeof(line), f))
		otherwise = atoll(line);
	if (f)
		fclose(f);
	return otherwise;
}

/* How long a page that is written to through a mapping stays so without a new time, at most. */
static int64_t write_back(void)
{
	const int64_t cs = kernel_says("/proc/sys/vm/dirty_expire_centisecs", WRITE_BACK_EXPIRE) +
		kernel_says("/proc/sys/vm/dirty_writeback_centisecs", WRITE_BACK_EVERY);

	return MIN(MAX(cs, 0) * (NS_PER_S / 100) + 2 * NS_PER_S, WRITE_BACK_MAX);
}

void doubt_prepare(struct engine *e)
{
	const struct job_state *s = &e->state;

	e->doubt.started = clock_real_ns();
	if (!state_matches(e->job, s) || s->doubt_since <= 0 || s->doubt_until < s->doubt_since)
		return;
	e->doubt.exact = s->doubt_since - CLOCK_STEP;
	e->doubt.from = s->doubt_since - write_back();
	e->doubt.to = s->doubt_until;
}

void doubt_begin(struct engine *e)
{
	struct job_state *s = &e->state;

	/* What an earlier one left in doubt is, until this one has seen it. */
	if (!e->doubt.to)
		s->doubt_since = e->doubt.started;
	s->doubt_until = STATE_TIME_MAX;
}

void doubt_end(struct engine *e, bool whole)
{
	if (!whole)
		return;
	e->state.doubt_since = e->doubt.started;
	e->state.doubt_until = clock_real_ns();
}
