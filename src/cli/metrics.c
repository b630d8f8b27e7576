#include "cli/metrics.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

static void append_label(struct buf *b, const char *value)
{
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			buf_append_u8(b, '\\');
		if (*value == '\n')
			buf_append_str(b, "\\n");
		else
			buf_append_u8(b, (uint8_t)*value);
	}
}

static void head(struct buf *b, const char *name, const char *help)
{
	buf_printf(b, "# HELP rehost_%s %s.\n# TYPE rehost_%s gauge\n", name, help, name);
}

/* name{job="...",command="...",kind="..."}, command and kind may be NULL; the value follows. */
static void sample(struct buf *b, const char *name, const char *job, const char *command, const char *kind)
{
	buf_printf(b, "rehost_%s{job=\"", name);
	append_label(b, job);
	if (command)
		buf_printf(b, "\",command=\"%s", command);
	if (kind)
		buf_printf(b, "\",kind=\"%s", kind);
	buf_append_str(b, "\"} ");
}

static void seconds(struct buf *b, int64_t ns)
{
	buf_printf(b, "%" PRId64 ".%03d\n", ns / NS_PER_S, (int)(ns % NS_PER_S / NS_PER_MS));
}

struct writer {
	struct buf *out;
	const char *job;
	const struct run_record *runs;
};

/* Of every command that ever ran: which of its numbers, in ns if it is a time. */
static void family(const struct writer *w, const char *name, const char *help, size_t offset, bool time)
{
	head(w->out, name, help);
	for (int c = 0; c < RUN_COMMANDS; c++) {
		const struct run_record *r = &w->runs[c];
		uint64_t value;

		if (!r->ended)
			continue;
		memcpy(&value, (const char *)r + offset, sizeof(value));
		sample(w->out, name, w->job, run_command_name((enum run_command)c), NULL);
		if (time)
			seconds(w->out, (int64_t)value);
		else
			buf_printf(w->out, "%" PRIu64 "\n", value);
	}
}

static void counter(const struct writer *w, unsigned i)
{
	AUTO_FREE char *name = xasprintf("last_run_%s", count_defs[i].name);
	AUTO_FREE char *help = xasprintf("%s in the last run", count_defs[i].help);

	if (!(count_defs[i].whose & COUNT_PROGRESS))
		family(w, name, help, offsetof(struct run_record, counts) + i * sizeof(uint64_t), false);
}

static void exit_codes(const struct writer *w)
{
	static const char name[] = "last_run_exit_code";

	head(w->out, name, "Exit code of the last run, see rehost(8)");
	for (int c = 0; c < RUN_COMMANDS; c++) {
		if (!w->runs[c].ended)
			continue;
		sample(w->out, name, w->job, run_command_name((enum run_command)c), NULL);
		buf_printf(w->out, "%d\n", w->runs[c].exit_code);
	}
}

static void differences(const struct writer *w)
{
	static const char name[] = "last_run_differences";
	const struct run_record *r = &w->runs[RUN_VERIFY];

	if (!r->ended)
		return;
	head(w->out, name, "Differences that the last verify found");
	for (int kind = 0; kind < DIFFERENCE_KINDS; kind++) {
		sample(w->out, name, w->job, run_command_name(RUN_VERIFY),
			report_kind_name((enum difference_kind)kind));
		buf_printf(w->out, "%" PRIu64 "\n", r->difference_counts[kind]);
	}
}

void metrics_format(struct buf *out, const char *job, const struct run_record runs[RUN_COMMANDS], bool copy_completed)
{
	const struct writer w = {out, job, runs};

#define TIME(field, name, help) family(&w, name, help, offsetof(struct run_record, field), true)
	TIME(started, "last_run_start_timestamp_seconds", "When the last run began");
	TIME(ended, "last_run_end_timestamp_seconds", "When the last run ended");
	TIME(succeeded, "last_success_timestamp_seconds", "When a run last ended with exit code 0; 0 is never");
	TIME(duration_ns, "last_run_duration_seconds", "How long the last run took");
#undef TIME
	exit_codes(&w);
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		counter(&w, i);
	differences(&w);
	head(out, "copy_completed", "Whether a full copy to this target has completed");
	sample(out, "copy_completed", job, NULL, NULL);
	buf_printf(out, "%d\n", copy_completed);
}

bool metrics_write(const char *path, const struct buf *text, struct diag *d)
{
	struct stat st;

	/* The rename would take away whatever has this name: a device, a link that somebody made on purpose. */
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		diag_set(d, DIAG_METRICS, 0, path, "cannot write the metrics '%s': it is no regular file", path);
		return false;
	}
	if (fd_write_file_mode(AT_FDCWD, path, 0644, text->data, text->len) == 0)
		return true;
	diag_set(d, DIAG_METRICS, errno, path, "cannot write the metrics '%s'", path);
	return false;
}
