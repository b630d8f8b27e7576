/*
 * Is a job fit to be run? The documents that the preflight judges are gathered here: facts of both hosts, the job as a document,
 * and, when asked for, what netcheck measures.
 *
 * Process: the coordinator. Ownership: struct fitness owns all in it; fitness_release().
 */
#pragma once

#include "cli/work.h"
#include "preflight/preflight.h"

struct cJSON;

struct fitness {
	struct cJSON *source, *target, *network, *job;
	struct preflight found;
	struct diag unreached; /* why the target could not be looked at; not set when it was */
};

struct fitness_options {
	bool network; /* measure it too: 15 seconds */
	bool reached; /* whether the target can be reached is no finding */
};

/* False with d when this host cannot be looked at. A target that cannot be reached is a finding. out is to be released in both
 * cases. */
bool fitness_check(struct work *w, const struct fitness_options *o, struct fitness *out, struct diag *d);
void fitness_release(struct fitness *f);

/* What `run` begins with. False: it must not go on, s says why. A target that cannot be reached is the copy's to wait for, or to
 * complain of: then this host alone is judged. */
bool fitness_gate(struct work *w, struct summary *s);

/* The job as a document, see preflight.h. NULL with d. */
struct cJSON *fitness_job(const struct work *w, struct diag *d);

struct fitness_report {
	const struct options *o;
	const char *const *ids; /* only these findings; NULL: all */
	size_t id_count;
	bool inventory; /* begin with what will be copied */
};
void fitness_print_text(const struct fitness *f, const struct fitness_report *r);
/* The inventory and the findings, a line each; the summary is the caller's. */
void fitness_print_json(const struct fitness *f, const struct fitness_report *r);
bool fitness_shows(const struct fitness_report *r, const struct preflight_finding *f);
