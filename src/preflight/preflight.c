/* Every row in its order: what is moot, what was found, and what that means under the job's configuration. */
#include "preflight/preflight.h"
#include "preflight/look.h"
#include "base/buf.h"

#include <strings.h>

static const judge_fn judges[] = {
#define ROW(name, id, side, severity, moot, threshold, unit, title, cause, remedy) judge_##name,
#include "preflight/rows.def"
#undef ROW
};

void preflight_options_init(struct preflight_options *o)
{
	*o = (struct preflight_options){0};
	for (int i = 0; i < PREFLIGHT_ROWS; i++)
		o->threshold[i] = preflight_row((enum preflight_id)i)->threshold;
}

static void set_moot(struct preflight_finding *f, const char *why)
{
	f->moot = true;
	f->severity = PREFLIGHT_UNKNOWN;
	f->evidence = xasprintf("not judged: %s", why);
}

/* Whether one of the rows that make this one moot has failed. */
static bool is_moot(const struct preflight *p, const struct preflight_row *row)
{
	for (const char *at = row->moot; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		for (int i = 0; i < PREFLIGHT_ROWS && p->findings[i].row; i++) {
			const struct preflight_finding *f = &p->findings[i];
			if (strncmp(f->row->id, at, n) == 0 && !f->row->id[n] && !f->moot &&
				f->severity >= PREFLIGHT_WARN)
				return true;
		}
		at += n;
	}
	return false;
}

/* What it is about must be there. */
static const char *missing_side(const struct preflight_subject *s, const struct preflight_row *row)
{
	const bool source = row->side == PREFLIGHT_SOURCE || row->side == PREFLIGHT_BOTH,
		   target = row->side == PREFLIGHT_TARGET || row->side == PREFLIGHT_BOTH;

	if (source && !s->source)
		return "the facts of the source are not known";
	return target && !s->target ? "the target was not reached" : NULL;
}

static void judge(const struct preflight_subject *s, double threshold, judge_fn fn, struct preflight_finding *f)
{
	AUTO_BUF evidence = BUF_INIT;
	AUTO_BUF about = BUF_INIT;
	struct look l = {.source = s->source,
		.target = s->target,
		.network = s->network,
		.job = s->job,
		.row = f->row,
		.threshold = threshold,
		.evidence = &evidence,
		.about = &about};

	fn(&l);
	f->severity = l.severity;
	if (evidence.len)
		f->evidence = xstrdup(buf_cstr(&evidence));
	f->cause = preflight_filled(f->row->cause, buf_cstr(&about));
	f->remedy = preflight_filled(f->row->remedy, buf_cstr(&about));
}

static bool is_waived(const struct preflight_options *o, const char *id)
{
	for (size_t i = 0; i < o->ignore_count; i++)
		if (strcasecmp(o->ignore[i], id) == 0)
			return true;
	return false;
}

static void count(struct preflight *p, struct preflight_finding *f, const struct preflight_options *o)
{
	f->ignored = !f->moot && f->severity > PREFLIGHT_OK && is_waived(o, f->row->id);
	if (f->moot)
		p->moot++;
	else if (f->ignored)
		p->ignored++;
	else
		p->counts[f->severity]++;
}

void preflight_judge(const struct preflight_subject *s, const struct preflight_options *o, struct preflight *out)
{
	*out = (struct preflight){0};
	for (int i = 0; i < PREFLIGHT_ROWS; i++) {
		struct preflight_finding *f = &out->findings[i];
		const struct preflight_row *row = preflight_row((enum preflight_id)i);
		const char *missing = missing_side(s, row);

		if (is_moot(out, row))
			set_moot(f, "something else that was found makes it moot");
		else if (missing)
			set_moot(f, missing);
		f->row = row;
		if (!f->moot)
			judge(s, o->threshold[i], judges[i], f);
		count(out, f, o);
	}
}

void preflight_release(struct preflight *p)
{
	for (size_t i = 0; i < PREFLIGHT_ROWS; i++) {
		free(p->findings[i].evidence);
		free(p->findings[i].cause);
		free(p->findings[i].remedy);
	}
	*p = (struct preflight){0};
}
