/*
 * Judging one row over small documents. They are written with ' for ", so that they can be read; a case with no document for a
 * side has none of it. Each row has cases that trigger it and one at least that does not.
 */
#pragma once

#include "preflight/preflight.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

struct preflight_case {
	enum preflight_id id;
	const char *source, *target, *network, *job;
	enum preflight_severity severity;
	const char *evidence; /* a part of it; NULL: whatever */
};

static inline cJSON *preflight_document(const char *text)
{
	char *copy = text ? xstrdup(text) : NULL;
	cJSON *o;

	for (char *p = copy; p && *p; p++)
		*p = *p == '\'' ? '"' : *p;
	o = copy ? cJSON_Parse(copy) : NULL;
	if (text && !o)
		fail_msg("no JSON: %s", text);
	free(copy);
	return o;
}

static inline void preflight_check_case(const struct preflight_case *c)
{
	cJSON *docs[] = {preflight_document(c->source), preflight_document(c->target), preflight_document(c->network),
		preflight_document(c->job ? c->job : "{}")};
	struct preflight_subject s = {.source = docs[0], .target = docs[1], .network = docs[2], .job = docs[3]};
	const char *id = preflight_row(c->id)->id;
	struct preflight_options o;
	struct preflight p;
	const struct preflight_finding *f = &p.findings[c->id];

	preflight_options_init(&o);
	preflight_judge(&s, &o, &p);
	if (f->moot)
		fail_msg("%s is moot: %s", id, f->evidence);
	if (f->severity != c->severity)
		fail_msg("%s is %s, not %s: %s", id, preflight_severity_name(f->severity),
			preflight_severity_name(c->severity), f->evidence ? f->evidence : "");
	if (c->evidence && (!f->evidence || !strstr(f->evidence, c->evidence)))
		fail_msg("%s: '%s' is not in '%s'", id, c->evidence, f->evidence ? f->evidence : "");
	if (f->severity > PREFLIGHT_OK && (!f->evidence || strstr(f->remedy, "{}") || strstr(f->cause, "{}")))
		fail_msg("%s: not filled", id);
	preflight_release(&p);
	for (size_t i = 0; i < ARRAY_LEN(docs); i++)
		cJSON_Delete(docs[i]);
}
