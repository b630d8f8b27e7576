/* The report for people. Results go to standard output; errors, notes and progress to standard error. */
#include "cli/itemize.h"
#include "cli/progress.h"
#include "cli/report_private.h"
#include "base/clock.h"
#include "base/text.h"
#include "diag/log.h"

struct text_report {
	struct progress_line line;
	bool draw; /* the progress line is wanted */
	bool hinted[DIAG_CODES_END]; /* a hint is printed once a code */
};

/* Created with the first message: report_new() knows nothing of it. */
static struct text_report *own(struct report *r)
{
	struct text_report *t = r->own;

	if (t)
		return t;
	r->own = t = xcalloc(1, sizeof(*t));
	t->line.f = r->o.err;
	t->line.in_place = r->o.err_is_terminal;
	t->draw = !r->o.quiet &&
		(r->o.progress == PROGRESS_ALWAYS || (r->o.progress == PROGRESS_AUTO && r->o.err_is_terminal));
	return t;
}

/* Every function that prints comes through here, so that the progress line never mixes with it. Standard
 * output is flushed before standard error is written: on a terminal both keep their order. */
static FILE *out_to(struct report *r, bool err)
{
	progress_wipe(&own(r)->line);
	if (err)
		fflush(r->o.out);
	return err ? r->o.err : r->o.out;
}

static void text_diag(struct report *r, const struct diag *d)
{
	const struct diag_info *info = diag_info(d->code);
	struct text_report *t = own(r);
	bool error = info->severity == DIAG_ERROR;
	AUTO_BUF b = BUF_INIT;
	FILE *f;

	diag_format(&b, d);
	if (info->severity == DIAG_INFO) {
		report_note(r, buf_cstr(&b));
		return;
	}
	f = out_to(r, true);
	fprintf(f, "rehost: %s%s:%s %s\n", r->o.colour ? error ? "\033[1;31m" : "\033[1;33m" : "",
		error ? "error" : "warning", r->o.colour ? "\033[0m" : "", buf_cstr(&b));
	if (!t->hinted[d->code])
		fprintf(f, "rehost: hint: %s\n", info->remedy);
	t->hinted[d->code] = true;
	fflush(f);
}

static void print_note(struct report *r, const char *text)
{
	AUTO_BUF b = BUF_INIT;
	FILE *f;

	text_clean(&b, text, strlen(text));
	f = out_to(r, true);
	fprintf(f, "rehost: note: %s\n", buf_cstr(&b));
	fflush(f);
}

static void text_note(struct report *r, const char *text)
{
	if (r->o.verbose)
		print_note(r, text);
}

static void text_source(struct report *r, const struct source_fs *f)
{
	AUTO_BUF b = BUF_INIT;

	if (f->level == SOURCE_WARNED || r->o.quiet || (!r->o.verbose && f->level != SOURCE_SHOWN))
		return;
	report_source_text(&b, f);
	print_note(r, buf_cstr(&b));
}

static void text_hook(struct report *r, enum diag_code code, const char *line)
{
	FILE *f = out_to(r, true);

	fprintf(f, "rehost: %s\n", line);
	fflush(f);
}

static void text_item(struct report *r, const struct item *i)
{
	AUTO_BUF b = BUF_INIT;

	if (!r->o.items || r->o.quiet)
		return;
	itemize_format(&b, i);
	fprintf(out_to(r, false), "%s\n", buf_cstr(&b));
}

static void append_escaped(struct buf *b, const char *text)
{
	text_escape(b, text, strlen(text));
}

/* "metadata   etc/motd: mtime, mode (source: ..., target: ...)" */
static void text_difference(struct report *r, const struct difference *d)
{
	AUTO_BUF b = BUF_INIT;

	/* It is no failure: cron is to stay silent. */
	if (r->o.quiet && d->kind == DIFFERENCE_CHANGED)
		return;
	buf_printf(&b, "%-9s ", report_kind_name(d->kind));
	append_escaped(&b, d->path);
	for (size_t i = 0; i < d->field_count; i++) {
		buf_append_str(&b, i ? ", " : ": ");
		append_escaped(&b, d->fields[i]);
	}
	if (d->source || d->target) {
		buf_append_str(&b, " (source: ");
		append_escaped(&b, d->source ? d->source : "nothing");
		buf_append_str(&b, ", target: ");
		append_escaped(&b, d->target ? d->target : "nothing");
		buf_append_u8(&b, ')');
	}
	fprintf(out_to(r, false), "%s\n", buf_cstr(&b));
}

static void text_progress(struct report *r, const struct progress *p, bool now)
{
	struct text_report *t = own(r);
	AUTO_BUF b = BUF_INIT;

	if (now) {
		FILE *f = out_to(r, true);

		progress_format(&b, p);
		fprintf(f, "rehost: %s\n", buf_cstr(&b));
		fflush(f);
	} else if (t->draw) {
		fflush(r->o.out);
		progress_draw(&t->line, p);
	}
}

/* Where the lines are not drawn in place the last one would be seconds old: one more says how far it came. */
static void last_progress(struct report *r, const struct summary *s)
{
	struct text_report *t = own(r);
	double seconds = (double)s->duration_ns / (double)NS_PER_S;
	struct progress p = {
		.phase = "done",
		.files_examined = s->counts.files_examined,
		.bytes_done = s->counts.bytes_total,
		.bytes_expected = s->counts.bytes_total,
		.rate = seconds > 0 ? (uint64_t)((double)s->counts.bytes_total / seconds) : 0,
		.elapsed_ns = s->duration_ns,
		.remaining_s = -1,
	};

	if (!t->draw || t->line.in_place || s->signal || diag_is_set(&s->fatal))
		return;
	t->line.last = 0;
	progress_draw(&t->line, &p);
	t->line.last = 0; /* the next step begins with a line of its own */
}

static void text_step_begin(struct report *r)
{
	AUTO_BUF b = BUF_INIT;

	buf_printf(&b, "%s begins", r->step);
	text_note(r, buf_cstr(&b));
}

static unsigned long long ull(uint64_t v)
{
	return v;
}

static void count(struct buf *b, uint64_t n, const char *what)
{
	if (n)
		buf_printf(b, ", %llu %s", ull(n), what);
}

static void add_size(struct buf *b, uint64_t n, const char *what)
{
	if (!n)
		return;
	buf_append_str(b, " + ");
	text_size(b, n);
	buf_printf(b, " %s", what);
}

/* "space: / 16.2 GiB in use = 15.9 GiB copied + 120 MiB left out by rules + 180 MiB else" */
static void space_line(FILE *f, const struct fs_space *s)
{
	AUTO_FREE char *path = text_escaped(s->path);
	const int64_t other = space_other(s);
	AUTO_BUF b = BUF_INIT;

	buf_printf(&b, "space: %s ", path);
	if (s->whole) {
		text_size(&b, s->used);
		buf_append_str(&b, " in use = ");
	}
	text_size(&b, s->copied);
	buf_append_str(&b, " copied");
	add_size(&b, s->left_out, "left out by rules");
	add_size(&b, s->hidden, "hidden beneath mounts");
	add_size(&b, s->deleted, "deleted and still open");
	if (s->whole && other >= 0) {
		add_size(&b, (uint64_t)other, "the file system's own, or changed meanwhile");
	} else if (s->whole) {
		buf_append_str(&b, " - ");
		text_size(&b, (uint64_t)-other);
		buf_append_str(&b, " shared, compressed, or changed meanwhile");
	}
	if (s->holes) {
		buf_append_str(&b, "; holes of ");
		text_size(&b, s->holes);
	}
	fprintf(f, "%s\n", buf_cstr(&b));
}

static void transfer_lines(struct report *r, FILE *f, const struct summary *s)
{
	double seconds = (double)s->duration_ns / (double)NS_PER_S;
	AUTO_BUF b = BUF_INIT;

	buf_printf(&b, "files: %llu examined, %llu transferred, %llu deleted", ull(s->counts.files_examined),
		ull(s->counts.files_transferred), ull(s->counts.files_deleted));
	count(&b, s->counts.dirs_created, "directories made");
	count(&b, s->counts.links_made, "links made");
	count(&b, s->counts.links_copied, "links made copies");
	count(&b, s->counts.metadata_updated, "with new metadata");
	count(&b, s->counts.files_vanished, "vanished");
	count(&b, s->counts.files_failed, "failed");
	buf_append_str(&b, "\nbytes: ");
	text_size(&b, s->counts.bytes_total);
	buf_append_str(&b, r->o.dry_run ? " examined, would send at most " : " examined, ");
	text_size(&b, s->counts.bytes_literal);
	buf_append_str(&b, r->o.dry_run ? ", " : " literal, ");
	text_size(&b, s->counts.bytes_matched);
	buf_append_str(&b, " matched\nlink:  ");
	text_size(&b, s->counts.bytes_sent);
	buf_append_str(&b, " sent, ");
	text_size(&b, s->counts.bytes_received);
	buf_append_str(&b, " received, ");
	if (s->counts.bytes_helper) {
		text_size(&b, s->counts.bytes_helper);
		buf_append_str(&b, " for the helper, ");
	}
	text_size(
		&b, seconds > 0 ? (uint64_t)((double)(s->counts.bytes_sent + s->counts.bytes_received) / seconds) : 0);
	buf_append_str(&b, "/s\n");
	fputs(buf_cstr(&b), f);
	for (size_t i = 0; i < s->space_len; i++)
		space_line(f, &s->space[i]);
}

/* "3 differences: 1 content, 2 metadata" */
static void difference_line(struct buf *b, const struct summary *s)
{
	const char *separator = ": ";

	if (s->differences == 0)
		buf_append_str(b, "no differences");
	else
		buf_printf(b, "%llu difference%s", ull(s->differences), s->differences == 1 ? "" : "s");
	for (int k = 0; k < DIFFERENCE_KINDS; k++) {
		if (!s->difference_counts[k])
			continue;
		buf_printf(b, "%s%llu %s", separator, ull(s->difference_counts[k]),
			report_kind_name((enum difference_kind)k));
		separator = ", ";
	}
	buf_append_u8(b, '\n');
}

static void verify_lines(FILE *f, const struct summary *s)
{
	AUTO_BUF b = BUF_INIT;

	difference_line(&b, s);
	buf_printf(&b, "files: %llu examined", ull(s->counts.files_examined));
	count(&b, s->counts.files_vanished, "vanished");
	count(&b, s->counts.files_failed, "could not be compared");
	if (s->counts.bytes_hashed) {
		buf_append_str(&b, ", ");
		text_size(&b, s->counts.bytes_hashed);
		buf_append_str(&b, " hashed");
	}
	buf_append_u8(&b, '\n');
	fputs(buf_cstr(&b), f);
}

/* "sync of /srv to root@host:/srv completed in 0:42" */
static void headline(struct report *r, FILE *f, const struct summary *s)
{
	AUTO_BUF b = BUF_INIT;

	buf_printf(&b, "%s%s of %s to %s ", r->o.dry_run ? "dry run: " : "", r->step, r->source, r->target);
	if (s->signal)
		buf_append_str(&b, "interrupted after ");
	else if (diag_is_set(&s->fatal))
		buf_append_str(&b, "failed after ");
	else
		buf_append_str(&b, "completed in ");
	text_duration(&b, (uint64_t)(s->duration_ns / NS_PER_S));
	if (s->counts.files_failed)
		buf_printf(&b, ", but %llu file%s failed", ull(s->counts.files_failed),
			s->counts.files_failed == 1 ? "" : "s");
	buf_append_u8(&b, '\n');
	fputs(buf_cstr(&b), f);
}

/* -q still says what failed: errors have been printed by then, differences too; their count is not. */
static void text_summary(struct report *r, const struct summary *s, bool transferred, bool verified)
{
	FILE *f = out_to(r, false);

	if (r->o.quiet)
		return;
	last_progress(r, s);
	if (verified && !transferred)
		verify_lines(f, s);
	headline(r, f, s);
	if (transferred)
		transfer_lines(r, f, s);
	fflush(f);
}

static void text_step_end(struct report *r, const struct summary *s)
{
	bool verify = str_eq(r->step, "verify");

	if (!report_never_began(s))
		text_summary(r, s, !verify, verify);
}

/* The steps of `run` have each had their summary. */
static void text_end(struct report *r, const struct summary *s, bool transferred, bool verified)
{
	if (r->step == r->o.command)
		text_summary(r, s, transferred, verified);
	else
		out_to(r, false);
}

/* The error itself has been said. */
static void text_exit_error(struct report *r, const struct diag *d, int exit_code)
{
	out_to(r, true);
}

static void text_release(struct report *r)
{
	if (r->own)
		progress_wipe(&own(r)->line);
	free(r->own);
}

const struct report_ops report_text_ops = {
	.diag = text_diag,
	.note = text_note,
	.source = text_source,
	.hook = text_hook,
	.item = text_item,
	.difference = text_difference,
	.progress = text_progress,
	.step_begin = text_step_begin,
	.step_end = text_step_end,
	.end = text_end,
	.exit_error = text_exit_error,
	.release = text_release,
};
