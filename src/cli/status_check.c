#include "cli/status_check.h"
#include "base/clock.h"
#include "base/text.h"

const char *status_check_name(int code)
{
	static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

	return names[code];
}

static int verdict(const struct job_state *s, bool running, bool fresh)
{
	if (!s->exists && !s->last_command && !running)
		return STATUS_UNKNOWN;
	if (!fresh)
		return running ? STATUS_WARNING : STATUS_CRITICAL;
	/* A verify that found something is not made good by a sync that went well, only by one that finds it equal. */
	return s->last_exit_code == EXIT_DONE && !state_differs(s) ? STATUS_OK : STATUS_WARNING;
}

void status_check_make(
	struct status_check *out, const char *job, const struct job_state *s, pid_t pid, int64_t now, uint64_t max_age)
{
	/* A clock that was set back makes no negative age. */
	uint64_t age = (uint64_t)(MAX(now - s->last_sync_completed, INT64_C(0)) / NS_PER_S);
	bool synced = s->exists && s->last_sync_completed;
	/* Nor one that is good until then; as long as max_age is, it costs no more than another max_age. */
	bool future = (uint64_t)(MAX(s->last_sync_completed - now, INT64_C(0)) / NS_PER_S) > max_age;
	struct buf *b = &out->text;

	out->code = verdict(s, pid != 0, synced && !future && age <= max_age);
	buf_clear(b);
	buf_printf(b, "REHOST %s - job %s: ", status_check_name(out->code), job);
	if (synced && future) {
		buf_append_str(b, "last sync completed in the future, by a wrong clock");
	} else if (synced) {
		buf_append_str(b, "last sync completed ");
		text_duration(b, age);
		buf_append_str(b, " ago");
	} else {
		buf_append_str(b, s->exists || s->last_command ? "no sync has completed" : "no run is recorded");
	}
	if (s->last_command && *s->last_command)
		buf_printf(b, ", last exit code %d (%s)", s->last_exit_code, s->last_command);
	if (state_differs(s))
		buf_printf(b, ", %llu difference%s since a verify", (unsigned long long)state_differs(s),
			state_differs(s) == 1 ? "" : "s");
	if (pid)
		buf_printf(b, ", running as process %d", (int)pid);
	if (synced)
		buf_printf(b, " | age=%llus;;%llu", (unsigned long long)age, (unsigned long long)max_age);
}
