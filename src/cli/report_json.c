/* The report as JSON lines: see rehost(8), JSON OUTPUT. */
#include "cli/json.h"
#include "cli/report_private.h"
#include "base/clock.h"
#include "base/text.h"
#include "meta/meta.h"

struct json_report {
	struct json j;
	int64_t last_status;
};

/* Created with the first message: report_new() knows nothing of it. */
static struct json *begin(struct report *r, const char *message_type)
{
	struct json_report *own = r->own;

	if (!own)
		r->own = own = xcalloc(1, sizeof(*own));
	json_begin(&own->j, message_type);
	return &own->j;
}

static void end(struct report *r, struct json *j, bool flush)
{
	json_end(j);
	fwrite(j->text.data, 1, j->text.len, r->o.out);
	if (flush)
		fflush(r->o.out);
}

static void put_diag(struct json *j, const struct diag *d)
{
	const struct diag_info *info = diag_info(d->code);
	AUTO_BUF b = BUF_INIT;

	buf_append_str(&b, d->detail && *d->detail ? d->detail : info->title);
	if (d->err)
		buf_printf(&b, ": %s", strerror(d->err));
	json_str(j, "code", info->id);
	json_str(j, "message", buf_cstr(&b));
	/* "path" is always one below the source's root; this is another file, of either host. */
	if (d->path)
		json_path(j, *d->path == '/' ? "file" : "path", d->path);
	json_str(j, "hint", info->remedy);
}

static void json_report_diag(struct report *r, const struct diag *d)
{
	enum diag_severity severity = diag_info(d->code)->severity;
	struct json *j;

	if (severity == DIAG_INFO && !r->o.verbose)
		return;
	j = begin(r, severity == DIAG_ERROR ? "error" : severity == DIAG_WARNING ? "warning" : "status");
	put_diag(j, d);
	end(r, j, true);
}

static void json_report_note(struct report *r, const char *text)
{
	struct json *j;

	if (!r->o.verbose)
		return;
	j = begin(r, "status");
	json_str(j, "command", r->step);
	json_str(j, "note", text);
	end(r, j, false);
}

static void json_report_source(struct report *r, const struct source_fs *f)
{
	struct json *j;

	if (r->o.quiet || (!r->o.verbose && f->level == SOURCE_DETAIL))
		return;
	j = begin(r, "status");
	json_str(j, "command", r->step);
	json_path(j, "mount", f->path);
	json_str(j, "filesystem", f->fstype);
	json_path(j, "device", f->device);
	json_bool(j, "left_out", f->why);
	if (f->why)
		json_path(j, "why", f->why);
	if (f->used_bytes)
		json_u64(j, "bytes_used", f->used_bytes);
	end(r, j, false);
}

static void json_report_hook(struct report *r, enum diag_code code, const char *line)
{
	struct json *j = begin(r, "warning");

	json_str(j, "code", diag_info(code)->id);
	json_str(j, "message", line);
	end(r, j, true);
}

/* The names of the bits, comma separated, as a list. */
static void put_names(struct json *j, const char *name, uint32_t bits)
{
	AUTO_BUF b = BUF_INIT;
	const char *p;

	meta_diff_names(&b, bits);
	json_list_begin(j, name);
	for (p = buf_cstr(&b); *p; p += *p == ',') {
		size_t len = strcspn(p, ",");

		json_list_item(j, p, len);
		p += len;
	}
	json_list_end(j);
}

static void json_report_item(struct report *r, const struct item *i)
{
	struct json *j;

	if (r->o.quiet)
		return;
	j = begin(r, "item");
	json_path(j, "path", i->path);
	json_str(j, "op", report_op_name(i->op));
	json_str(j, "type", report_type_name(i->type));
	put_names(j, "why", i->why);
	json_u64(j, "bytes", i->bytes);
	if (i->link)
		json_path(j, "link", i->link);
	end(r, j, false);
}

static void json_report_difference(struct report *r, const struct difference *d)
{
	struct json *j = begin(r, "difference");

	json_path(j, "path", d->path);
	json_str(j, "kind", report_kind_name(d->kind));
	json_list_begin(j, "field");
	for (size_t i = 0; i < d->field_count; i++)
		json_list_item(j, d->fields[i], strlen(d->fields[i]));
	json_list_end(j);
	json_str(j, "source", d->source);
	json_str(j, "target", d->target);
	end(r, j, false);
}

/* Also by the name it once had. */
static void put_processes(struct json *j, unsigned n)
{
	json_u64(j, "processes", n);
	json_u64(j, "movers", n);
}

static void json_report_progress(struct report *r, const struct progress *p, bool now)
{
	struct json_report *own = r->own;
	int64_t t = clock_mono_ns();
	struct json *j;

	if (!now && (r->o.quiet || (own && own->last_status && t - own->last_status < NS_PER_S)))
		return;
	j = begin(r, "status");
	own = r->own;
	own->last_status = t;
	json_str(j, "command", r->step);
	json_str(j, "phase", p->phase);
	json_u64(j, "files_examined", p->files_examined);
	if (p->files_expected)
		json_u64(j, "files_expected", p->files_expected);
	json_u64(j, "files_transferred", p->files_transferred);
	json_u64(j, "bytes_done", p->bytes_done);
	if (p->bytes_expected) {
		json_u64(j, "bytes_expected", p->bytes_expected);
		json_u64(j, "percent",
			(uint64_t)(100.0 * (double)MIN(p->bytes_done, p->bytes_expected) / (double)p->bytes_expected));
	}
	json_u64(j, "bytes_sent", p->bytes_sent);
	json_u64(j, "bytes_received", p->bytes_received);
	json_u64(j, "rate", p->rate);
	json_seconds(j, "elapsed_s", p->elapsed_ns);
	if (p->remaining_s >= 0)
		json_i64(j, "remaining_s", p->remaining_s);
	put_processes(j, p->processes);
	end(r, j, true);
}

static void json_report_step_begin(struct report *r)
{
	struct json *j = begin(r, "status");

	json_str(j, "command", r->step);
	json_str(j, "phase", "starting");
	end(r, j, true);
}

static void json_report_step_end(struct report *r, const struct summary *s)
{
	struct json *j = begin(r, "status");

	json_str(j, "command", r->step);
	json_str(j, "phase", diag_is_set(&s->fatal) || s->signal ? "failed" : "completed");
	json_i64(j, "exit_code", s->exit_code);
	json_seconds(j, "duration_s", s->duration_ns);
	end(r, j, true);
}

static void put_counts(struct json *j, const struct counts *c, bool transferred, bool verified)
{
	const unsigned wanted = (transferred ? COUNT_TRANSFER : 0) | (verified ? COUNT_VERIFY : 0);

	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		if (count_defs[i].whose & (wanted ? wanted : COUNT_BOTH))
			json_u64(j, count_defs[i].name, counts_get(c, i));
}

static void put_verify(struct json *j, const struct summary *s)
{
	json_u64(j, "differences", s->differences);
	for (int k = 0; k < DIFFERENCE_KINDS; k++)
		json_u64(j, report_kind_name((enum difference_kind)k), s->difference_counts[k]);
}

static void put_space(struct json *j, const struct summary *s)
{
	json_list_begin(j, "space");
	for (size_t i = 0; i < s->space_len; i++) {
		const struct fs_space *f = &s->space[i];

		json_object_begin(j);
		json_path(j, "path", f->path);
		json_str(j, "type", f->fstype);
		json_bool(j, "whole", f->whole);
		json_u64(j, "used_before", f->used_before);
		json_u64(j, "used", f->used);
		json_u64(j, "copied", f->copied);
		json_u64(j, "left_out", f->left_out);
		json_u64(j, "hidden", f->hidden);
		json_u64(j, "deleted_open", f->deleted);
		json_u64(j, "holes", f->holes);
		json_i64(j, "changed", (int64_t)(f->used - f->used_before));
		if (f->whole)
			json_i64(j, "other", space_other(f));
		json_object_end(j);
	}
	json_list_end(j);
}

static void json_report_end(struct report *r, const struct summary *s, bool transferred, bool verified)
{
	struct json *j = begin(r, "summary");

	json_str(j, "command", r->o.command);
	json_i64(j, "exit_code", s->exit_code);
	json_bool(j, "dry_run", r->o.dry_run);
	json_seconds(j, "duration_s", s->duration_ns);
	put_counts(j, &s->counts, transferred, verified);
	if (verified)
		put_verify(j, s);
	if (s->space)
		put_space(j, s);
	put_processes(j, s->processes);
	if (s->signal)
		json_i64(j, "signal", s->signal);
	if (diag_is_set(&s->fatal))
		json_str(j, "code", diag_info(s->fatal.code)->id);
	end(r, j, true);
}

static void json_report_exit_error(struct report *r, const struct diag *d, int exit_code)
{
	struct json *j = begin(r, "exit_error");

	json_str(j, "command", r->o.command);
	json_i64(j, "exit_code", exit_code);
	put_diag(j, d);
	end(r, j, true);
}

static void json_report_release(struct report *r)
{
	struct json_report *own = r->own;

	if (own)
		json_release(&own->j);
	free(own);
}

const struct report_ops report_json_ops = {
	.diag = json_report_diag,
	.note = json_report_note,
	.source = json_report_source,
	.hook = json_report_hook,
	.item = json_report_item,
	.difference = json_report_difference,
	.progress = json_report_progress,
	.step_begin = json_report_step_begin,
	.step_end = json_report_step_end,
	.end = json_report_end,
	.exit_error = json_report_exit_error,
	.release = json_report_release,
};
