/*
 * Facts: what a host is, read once. Nothing here decides anything: rooms that judge and plan are given the document, so that
 * every decision can be taken again from a recorded one. rehost-facts(7) describes it.
 *
 * Everything is read below a root: "/" is this host as it runs, anything else a tree or a recorded host, of which only files are
 * read (no program runs, no device is opened). What could not be read is *unknown* with its reason, never absent: each probe that
 * fails or takes too long leaves a line in the list "unknown".
 *
 * This half goes into the helper and gives the sections, each a JSON object as text; facts/document.h makes the document of them.
 *
 * Process: any that may fork; each probe runs in a child of its own, which is killed when its time is over: a file system that
 * hangs holds up its own probe only. The children end with the process that gathers.
 */
#pragma once

#include "base/buf.h"
#include "diag/diag.h"

#define FACTS_SCHEMA 1
/* What a document may be made of, wherever its sections come from. */
#define FACTS_SECTIONS_MAX 32u
#define FACTS_NAME_MAX 31u /* small letters and '_' */
#define FACTS_SECTION_MAX (16u << 20) /* bytes */
#define FACTS_DEPTH 64u
#define FACTS_VALUES 1000000u /* of a section */
#define FACTS_LIMIT_MAX_MS 60000u

struct facts_options {
	const char *root; /* an absolute path; NULL: "/" */
	unsigned limit_ms; /* for each probe; 0: 10 s */
	/* A directory that a copy goes to: one section more, "target_root". NULL: none */
	const char *target;
	/* With has_peer: a stream, at whose end there is nobody left to gather for. */
	bool has_peer;
	int peer;
};

struct facts_section {
	char name[FACTS_NAME_MAX + 1];
	struct buf text;
	char *unknown; /* why there is no text; NULL: there is */
};

struct facts_sections {
	struct facts_section all[FACTS_SECTIONS_MAX];
	size_t count;
	bool live; /* of this host as it runs */
	int64_t taken; /* seconds since 1970 */
};

/* False when root is no directory, with d, or when the peer has gone, without. out is to be released if true. */
bool facts_gather_sections(const struct facts_options *o, struct facts_sections *out, struct diag *d);
void facts_sections_release(struct facts_sections *s);
