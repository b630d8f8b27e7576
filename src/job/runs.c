#include "job/runs.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

/* STATE/JOB/runs: a line "COMMAND FIELD VALUE" for each number. What is not known is left out, or ignored when read. */

#define FILE_BYTES_MAX (1u << 20)

static char *runs_path(const char *state_dir, const char *name)
{
	return xasprintf("%s/%s/runs", state_dir, name);
}

const char *run_command_name(enum run_command c)
{
	return c == RUN_RUN ? "run" : job_kind_name((enum job_kind)c);
}

static struct run_record *record_of(struct run_record *all, const char *command)
{
	for (int c = 0; c < RUN_COMMANDS; c++)
		if (str_eq(command, run_command_name((enum run_command)c)))
			return &all[c];
	return NULL;
}

static void set(struct run_record *r, const char *field, uint64_t value)
{
	unsigned kind;

	if (str_eq(field, "exit_code"))
		r->exit_code = (int)MIN(value, UINT64_C(255));
#define X(name)                   \
	if (str_eq(field, #name)) \
		r->name = (int64_t)value;
	RUN_TIMES(X)
#undef X
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		if (str_eq(field, count_defs[i].name))
			*counts_at(&r->counts, i) = value;
	if (sscanf(field, "difference_%u", &kind) == 1 && kind < DIFFERENCE_KINDS)
		r->difference_counts[kind] = value;
}

void runs_read(const char *state_dir, const char *name, struct run_record all[RUN_COMMANDS])
{
	AUTO_FREE char *path = runs_path(state_dir, name);
	AUTO_FREE char *text = NULL;
	char *save;

	memset(all, 0, RUN_COMMANDS * sizeof(*all));
	if (fd_read_file(AT_FDCWD, path, FILE_BYTES_MAX, &text, NULL) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *rest = NULL;
		const char *command = strtok_r(line, " ", &rest), *field = strtok_r(NULL, " ", &rest);
		struct run_record *r = command ? record_of(all, command) : NULL;
		uint64_t value;

		if (r && field && text_parse_u64(rest, INT64_MAX, &value))
			set(r, field, value);
	}
}

static void put(struct buf *b, enum run_command c, const char *field, uint64_t value)
{
	if (value)
		buf_printf(b, "%s %s %" PRIu64 "\n", run_command_name(c), field, value);
}

bool runs_write(const char *state_dir, const char *name, const struct run_record all[RUN_COMMANDS], struct diag *d)
{
	AUTO_FREE char *dir = xasprintf("%s/%s", state_dir, name);
	AUTO_FREE char *path = runs_path(state_dir, name);
	AUTO_BUF b = BUF_INIT;

	for (int i = 0; i < RUN_COMMANDS; i++) {
		enum run_command c = (enum run_command)i;
		const struct run_record *r = &all[i];

		put(&b, c, "exit_code", (uint64_t)r->exit_code);
#define X(name) put(&b, c, #name, (uint64_t)r->name);
		RUN_TIMES(X)
#undef X
		for (unsigned n = 0; n < COUNTER_COUNT; n++)
			put(&b, c, count_defs[n].name, counts_get(&r->counts, n));
		for (int kind = 0; kind < DIFFERENCE_KINDS; kind++) {
			char field[32];

			snprintf(field, sizeof(field), "difference_%d", kind);
			put(&b, c, field, r->difference_counts[kind]);
		}
	}
	if (fd_mkdir_p(dir, 0700) == 0 && fd_write_file_atomic(AT_FDCWD, path, buf_cstr(&b), b.len) == 0)
		return true;
	diag_set(d, DIAG_JOB_RUNS, errno, path, "cannot write '%s'", path);
	return false;
}

void run_record_end(struct run_record *r, const struct summary *s, int64_t started, int64_t ended)
{
	r->started = started;
	r->ended = ended;
	r->duration_ns = s->duration_ns;
	r->exit_code = s->exit_code;
	if (s->exit_code == EXIT_DONE)
		r->succeeded = ended;
	r->counts = s->counts;
	memcpy(r->difference_counts, s->difference_counts, sizeof(r->difference_counts));
}
