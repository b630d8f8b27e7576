/* status: what is known of the job, running or not; --check in the manner of monitoring plugins. */
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/running.h"
#include "cli/status_check.h"
#include "cli/work.h"
#include "job/runs.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

struct status {
	struct running at;
	struct job_state state;
	pid_t pid; /* 0: not running */
};

/* Local time, as people read it; never escaped, ours. */
static void append_time(struct buf *b, int64_t ns)
{
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;
	char text[64];

	if (ns == 0 || !localtime_r(&s, &tm)) {
		buf_append_str(b, "never");
		return;
	}
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &tm);
	buf_append_str(b, text);
}

static void put_time(const char *label, int64_t ns)
{
	AUTO_BUF b = BUF_INIT;

	append_time(&b, ns);
	printf("%-14s%s\n", label, buf_cstr(&b));
}

static void put_text(const char *label, const char *text)
{
	AUTO_FREE char *safe = text_escaped(text ? text : "");

	printf("%-14s%s\n", label, safe);
}

static const struct {
	enum hold hold;
	const char *name, *text;
} holds[] = {
	{HOLD_USER, "user", "by 'rehost pause'"},
	{HOLD_PRESSURE, "pressure", "others wait for this host"},
	{HOLD_MEMORY, "memory", "the memory limit is near"},
};

static void print_held(unsigned held)
{
	AUTO_BUF b = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(holds); i++)
		if (held & holds[i].hold)
			buf_printf(&b, "%s%s", b.len ? ", " : "", holds[i].text);
	put_text("held:", buf_cstr(&b));
}

static void print_running(const struct status *s)
{
	AUTO_BUF b = BUF_INIT;

	if (!s->pid) {
		put_text("state:", "not running");
		return;
	}
	buf_append_str(&b, "running");
	if (s->state.running_command)
		buf_printf(&b, " %s", s->state.running_command);
	buf_printf(&b, ", process %d", (int)s->pid);
	if (s->state.running_since) {
		buf_append_str(&b, ", since ");
		append_time(&b, s->state.running_since);
	}
	put_text("state:", buf_cstr(&b));
	if (s->state.held)
		print_held(s->state.held);
	if (s->state.silent)
		put_text("progress:", s->state.silent);
	if (s->state.lost)
		put_text("link:", s->state.lost);
	if (s->state.running_phase) {
		struct progress p = s->state.progress;

		p.phase = s->state.running_phase;
		buf_clear(&b);
		progress_format(&b, &p);
		put_text("progress:", buf_cstr(&b));
	}
}

static void put_count(struct buf *b, uint64_t n, const char *what)
{
	if (n)
		buf_printf(b, "%s%llu %s", b->len ? ", " : "", (unsigned long long)n, what);
}

static void put_counts(struct buf *b, const uint64_t counts[DIFFERENCE_KINDS], uint64_t unread)
{
	for (int kind = 0; kind < DIFFERENCE_KINDS; kind++)
		put_count(b, counts[kind], report_kind_name((enum difference_kind)kind));
	put_count(b, unread, "not read");
}

/* When, how deep, of what, and what it found; then what is still open of all of them, where that is not the same. */
static void print_verified(const struct job_state *st)
{
	static const char *const scopes[] = {"", "", ", of some paths", ", of what had differed"};
	const struct job_verified *v = &st->verified;
	AUTO_BUF line = BUF_INIT, found = BUF_INIT, open = BUF_INIT;

	append_time(&line, st->last_verify_completed);
	put_counts(&found, v->found, v->failed);
	put_counts(&open, v->open, v->open_unread);
	if (st->last_verify_completed && v->scope)
		buf_printf(&line, ", %s%s: %s", v->deep ? "crc64" : "quick", scopes[v->scope],
			found.len ? buf_cstr(&found) : "no differences");
	put_text("last verify:", buf_cstr(&line));
	if (state_differs(st))
		put_text("differing:", buf_cstr(&open));
}

static void print_text(const struct status *s)
{
	const struct job_state *st = &s->state;
	AUTO_BUF b = BUF_INIT;

	put_text("job:", s->at.name);
	print_running(s);
	if (!st->target && !st->last_command) {
		puts("No run of this job is recorded.");
		return;
	}
	if (st->target) {
		put_text("source:", st->source_root);
		buf_printf(&b, "%s%s", st->target, st->target_root ? st->target_root : "");
		put_text("target:", buf_cstr(&b));
	}
	put_time("full copy:", st->copy_completed ? st->copy_completed_at : 0);
	put_time("last sync:", st->last_sync_completed);
	print_verified(st);
	if (st->last_command && *st->last_command) {
		buf_clear(&b);
		buf_printf(&b, "%s, exit code %d, ", st->last_command, st->last_exit_code);
		append_time(&b, st->last_ended);
		put_text("last command:", buf_cstr(&b));
	}
	if (st->files) {
		buf_clear(&b);
		buf_printf(&b, "%llu files, ", (unsigned long long)st->files);
		text_size(&b, st->bytes);
		put_text("last walk:", buf_cstr(&b));
	}
}

static void put_known(struct json *j, const struct status *s, const char *name, uint64_t value)
{
	if (s->state.silent)
		json_str(j, name, NULL);
	else
		json_u64(j, name, value);
}

static void put_running_json(struct json *j, const struct status *s)
{
	const struct progress *p = &s->state.progress;

	json_i64(j, "pid", s->pid);
	json_str(j, "running_command", s->state.running_command);
	json_time(j, "running_since", s->state.running_since);
	json_str(j, "phase", s->state.running_phase);
	json_list_begin(j, "held");
	for (size_t i = 0; i < ARRAY_LEN(holds); i++)
		if (s->state.held & holds[i].hold)
			json_list_item(j, holds[i].name, strlen(holds[i].name));
	json_list_end(j);
	if (s->state.silent)
		json_str(j, "silent", s->state.silent);
	if (s->state.lost)
		json_str(j, "lost", s->state.lost);
	put_known(j, s, "files_examined", p->files_examined);
	put_known(j, s, "files_expected", p->files_expected);
	put_known(j, s, "bytes_done", p->bytes_done);
	put_known(j, s, "bytes_expected", p->bytes_expected);
	put_known(j, s, "bytes_sent", p->bytes_sent);
	put_known(j, s, "bytes_received", p->bytes_received);
	put_known(j, s, "rate", p->rate);
	if (!s->state.silent && p->remaining_s >= 0)
		json_i64(j, "remaining_s", p->remaining_s);
}

static void put_counts_json(
	struct json *j, const char *prefix, const uint64_t counts[DIFFERENCE_KINDS], uint64_t unread)
{
	char name[64];

	for (int kind = 0; kind < DIFFERENCE_KINDS; kind++) {
		snprintf(name, sizeof(name), "%s_%s", prefix, report_kind_name((enum difference_kind)kind));
		json_u64(j, name, counts[kind]);
	}
	snprintf(name, sizeof(name), "%s_unread", prefix);
	json_u64(j, name, unread);
}

static void put_verified_json(struct json *j, const struct job_state *st)
{
	static const char *const scopes[] = {NULL, "whole", "paths", "recheck"};
	const struct job_verified *v = &st->verified;

	json_time(j, "last_verify_completed", st->last_verify_completed);
	json_str(j, "last_verify_mode", v->scope ? v->deep ? "crc64" : "quick" : NULL);
	json_str(j, "last_verify_scope", scopes[v->scope]);
	put_counts_json(j, "last_verify", v->found, v->failed);
	json_u64(j, "differing", state_differs(st));
	put_counts_json(j, "differing", v->open, v->open_unread);
}

static void print_json(const struct status *s, struct status_check *check)
{
	const struct job_state *st = &s->state;
	struct json j = {0};

	json_begin(&j, "status");
	json_str(&j, "job", s->at.name);
	json_bool(&j, "exists", st->exists);
	json_bool(&j, "running", s->pid != 0);
	if (s->pid)
		put_running_json(&j, s);
	if (st->target) {
		json_path(&j, "source_root", st->source_root ? st->source_root : "");
		json_str(&j, "target", st->target);
		json_path(&j, "target_root", st->target_root ? st->target_root : "");
		json_bool(&j, "copy_completed", st->copy_completed);
		json_time(&j, "copy_completed_at", st->copy_completed_at);
		json_time(&j, "last_sync_started", st->last_sync_started);
		json_time(&j, "last_sync_completed", st->last_sync_completed);
		put_verified_json(&j, st);
		json_u64(&j, "files", st->files);
		json_u64(&j, "bytes", st->bytes);
	}
	if (st->last_command) {
		json_str(&j, "last_command", st->last_command);
		json_i64(&j, "last_exit_code", st->last_exit_code);
		json_time(&j, "last_ended", st->last_ended);
	}
	if (check) {
		json_str(&j, "check", status_check_name(check->code));
		json_i64(&j, "check_code", check->code);
		json_str(&j, "check_text", buf_cstr(&check->text));
	}
	json_end(&j);
	fwrite(j.text.data, 1, j.text.len, stdout);
	json_release(&j);
}

/* A run that failed before it was sure of its target has left no state, only this. */
static void add_last_run(struct status *s)
{
	struct run_record runs[RUN_COMMANDS];
	struct job_state *st = &s->state;

	runs_read(s->at.dirs.state, s->at.name, runs);
	for (int c = 0; c < RUN_COMMANDS; c++) {
		if (runs[c].ended <= st->last_ended)
			continue;
		st->last_ended = runs[c].ended;
		st->last_exit_code = runs[c].exit_code;
		free(st->last_command);
		st->last_command = xstrdup(run_command_name((enum run_command)c));
	}
}

static bool read_status(struct status *s, const struct options *o, struct usage_error *e)
{
	if (o->operand_count) {
		running_operands_error(o, e);
		return false;
	}
	if (!running_find(&s->at, o, e) ||
		!job_state_read(s->at.dirs.state, s->at.dirs.run, s->at.name, &s->state, &s->pid, &e->diag))
		return false;
	add_last_run(s);
	return true;
}

static int report_status(const struct status *s, const struct options *o)
{
	struct status_check check = {0};
	bool wanted = o->given[OPT_CHECK];
	int code = 0;

	if (wanted) {
		status_check_make(&check, s->at.name, &s->state, s->pid, clock_real_ns(), o->max_age);
		code = check.code;
	}
	if (o->given[OPT_JSON])
		print_json(s, wanted ? &check : NULL);
	else if (wanted)
		printf("%s\n", buf_cstr(&check.text));
	else
		print_text(s);
	buf_release(&check.text);
	return code;
}

/* What monitoring runs must answer in its own terms, also when nothing can be read. */
static int report_unknown(const struct status *s, const struct options *o, const struct usage_error *e)
{
	struct status_check check = {.code = STATUS_UNKNOWN};

	usage_print(e);
	buf_printf(&check.text, "REHOST UNKNOWN - %s", e->diag.detail);
	if (o->given[OPT_JSON])
		print_json(s, &check);
	else
		printf("%s\n", buf_cstr(&check.text));
	buf_release(&check.text);
	return check.code;
}

int cmd_status_misused(const struct options *o, const struct usage_error *e)
{
	const struct status s = {0};

	return report_unknown(&s, o, e);
}

int cmd_status(const struct options *o)
{
	struct usage_error e = {0};
	struct status s = {0};
	int code;

	if (read_status(&s, o, &e)) {
		code = report_status(&s, o);
	} else if (o->given[OPT_CHECK]) {
		code = report_unknown(&s, o, &e);
	} else {
		code = work_refuse(o, &e);
	}
	job_state_release(&s.state);
	running_release(&s.at);
	usage_release(&e);
	return code;
}
