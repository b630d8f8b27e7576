#include "cli/fitness.h"
#include "base/clock.h"
#include "base/text.h"
#include "check/netcheck.h"
#include "check/target_facts.h"
#include "facts/document.h"

#include <cjson/cJSON.h>
#include <math.h>

/* ---- what the configuration says of it ---- */

static void options_of(const struct conf *c, struct preflight_options *o, const char **ignore)
{
	preflight_options_init(o);
	for (size_t i = 0; i < c->check.ignore.len; i++)
		ignore[i] = c->check.ignore.items[i].value;
	o->ignore = ignore;
	o->ignore_count = c->check.ignore.len;
	for (size_t i = 0; i < c->check.thresholds.len; i++) {
		const char *item = c->check.thresholds.items[i].value;
		size_t n = strcspn(item, "=");
		AUTO_FREE char *id = xmemdup(item, n);
		const struct preflight_row *row = preflight_find(id);

		if (row) /* always: the configuration was checked */
			o->threshold[row - preflight_row(0)] = strtod(item + n + 1, NULL);
	}
}

/* ---- the documents ---- */

static void note_unreached(struct fitness *f)
{
	cJSON *o = cJSON_AddObjectToObject(f->job, "connect");
	AUTO_BUF text = BUF_INIT;

	buf_append_str(&text, f->unreached.detail ? f->unreached.detail : diag_info(f->unreached.code)->title);
	if (f->unreached.err)
		buf_printf(&text, ": %s", strerror(f->unreached.err));
	cJSON_AddStringToObject(o, "code", diag_info(f->unreached.code)->id);
	cJSON_AddStringToObject(o, "text", buf_cstr(&text));
}

static void look_at_target(struct work *w, const struct fitness_options *o, struct fitness *f)
{
	const struct target_facts_options to = {.conf = w->conf, .batch = w->job.batch};
	int64_t began = clock_mono_ns();
	struct target_facts target;

	if (target_facts_get(&to, &target, &f->unreached))
		f->target = STEAL(target.document);
	target_facts_release(&target);
	cJSON_AddNumberToObject(f->job, "facts_seconds", (double)(clock_mono_ns() - began) / NS_PER_S);
	if (!f->target && !o->reached)
		note_unreached(f);
}

static const char *worst_rating(const struct netcheck *n)
{
	enum netcheck_rating worst = netcheck_rate(NETCHECK_ROUND_TRIP, n->rtt);

	worst = MAX(worst, netcheck_rate(NETCHECK_JITTER, n->jitter));
	if (n->segments)
		worst = MAX(worst, netcheck_rate(NETCHECK_LOSS, 100 * (double)n->retransmitted / (double)n->segments));
	return netcheck_rating_name(worst);
}

static cJSON *network_document(const struct netcheck *n)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "mbit", n->mbit);
	cJSON_AddBoolToObject(o, "limited", n->limited);
	cJSON_AddNumberToObject(o, "rtt", n->rtt);
	cJSON_AddNumberToObject(o, "jitter", n->jitter);
	if (n->segments)
		cJSON_AddNumberToObject(o, "loss", 100 * (double)n->retransmitted / (double)n->segments);
	cJSON_AddStringToObject(o, "rating", worst_rating(n));
	cJSON_AddNumberToObject(o, "bytes", (double)n->bytes);
	if (isfinite(n->hours_best) && isfinite(n->hours_worst)) {
		cJSON_AddNumberToObject(o, "hours_best", n->hours_best);
		cJSON_AddNumberToObject(o, "hours_worst", n->hours_worst);
	}
	return o;
}

static void measure_network(struct work *w, struct fitness *f)
{
	const struct netcheck_options no = {.conf = w->conf, .adhoc = w->job.adhoc, .batch = w->job.batch};
	struct netcheck n;

	if (netcheck_run(&no, &n, &f->unreached))
		f->network = network_document(&n);
	else
		note_unreached(f);
	netcheck_release(&n);
}

bool fitness_check(struct work *w, const struct fitness_options *o, struct fitness *f, struct diag *d)
{
	const struct facts_options fo = {0};
	AUTO_FREE const char **ignore = xcalloc(w->conf->check.ignore.len + 1, sizeof(*ignore));
	struct preflight_subject subject;
	struct preflight_options po;

	*f = (struct fitness){0};
	f->job = fitness_job(w, d);
	f->source = f->job ? facts_gather(&fo, d) : NULL;
	if (!f->source)
		return false;
	look_at_target(w, o, f);
	if (o->network && f->target && !str_eq(w->conf->target.address, "local:"))
		measure_network(w, f);
	options_of(w->conf, &po, ignore);
	subject = (struct preflight_subject){f->source, f->target, f->network, f->job};
	preflight_judge(&subject, &po, &f->found);
	return true;
}

void fitness_release(struct fitness *f)
{
	preflight_release(&f->found);
	cJSON_Delete(f->source);
	cJSON_Delete(f->target);
	cJSON_Delete(f->network);
	cJSON_Delete(f->job);
	diag_release(&f->unreached);
	*f = (struct fitness){0};
}
