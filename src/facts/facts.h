/*
 * Facts: what a host is, read once into one document. Nothing here decides anything: rooms that judge and plan are given the
 * document, so that every decision can be taken again from a recorded one. rehost-facts(7) describes it.
 *
 * Everything is read below a root: "/" is this host as it runs, anything else a tree or a recorded host, of which only files are
 * read (no program runs, no device is opened). What could not be read is *unknown* with its reason, never absent: each probe that
 * fails or takes too long leaves a line in the list "unknown".
 *
 * Process: any that may fork; each probe runs in a child of its own, which is killed when its time is over: a file system that
 * hangs holds up its own probe only. Ownership: documents are the caller's, freed by cJSON_Delete().
 */
#pragma once

#include "diag/diag.h"

#define FACTS_SCHEMA 1

struct cJSON;

struct facts_options {
	const char *root; /* an absolute path; NULL: "/" */
	unsigned limit_ms; /* for each probe; 0: 10 s */
};

/* NULL with d when root is no directory. */
struct cJSON *facts_gather(const struct facts_options *o, struct diag *d);
/* Replaces addresses, host names, MAC addresses, UUIDs, serial numbers and key material, each by the same substitute wherever it
 * stands, so that what belongs together still does. */
void facts_anonymize(struct cJSON *facts);
