/*
 * The rows of the preflight: what is looked at before a move, each with what it is called, how bad it is, why, and what to do.
 * The table is the .def files in rows/; the judgements (preflight.h), `rehost explain` and rehost-checks(7) are made from it.
 *
 * Pure; no library but base. Everything is static.
 */
#pragma once

#include "base/util.h"

enum preflight_side { PREFLIGHT_SOURCE, PREFLIGHT_TARGET, PREFLIGHT_NETWORK, PREFLIGHT_BOTH };

/* From harmless to bad. */
enum preflight_severity {
	PREFLIGHT_OK,
	PREFLIGHT_INFO,
	PREFLIGHT_UNKNOWN, /* could not be looked at; never taken for fine */
	PREFLIGHT_WARN,
	PREFLIGHT_FAIL,
	PREFLIGHT_SEVERITIES
};

enum preflight_id {
#define ROW(name, id, side, severity, moot, threshold, unit, title, cause, remedy) PREFLIGHT_##name,
#include "preflight/rows.def"
#undef ROW
	PREFLIGHT_ROWS
};

struct preflight_row {
	const char *id; /* "target-space" */
	enum preflight_side side;
	enum preflight_severity severity;
	bool boot; /* fails only a move whose copy is to boot; else a warning */
	const char *moot; /* ids, parted by blanks: when one of them fails, this one says nothing */
	double threshold; /* the default of [check] threshold; below 0: it has none */
	const char *unit; /* of the threshold: "%", "s", "MB" ...; "" */
	const char *title; /* a short noun phrase */
	/* Sentences; a phrase. "{}" stands for what was found: preflight_filled(). */
	const char *cause, *remedy;
};

const struct preflight_row *preflight_row(enum preflight_id id);
/* By id, any case; NULL when there is none. */
const struct preflight_row *preflight_find(const char *id);
/* The id that was probably meant, or NULL. */
const char *preflight_nearest(const char *word);
/* A text of the row with what was found in the place of "{}"; "" is nothing in particular: "it". To be freed. */
char *preflight_filled(const char *text, const char *about);
const char *preflight_side_name(enum preflight_side side);
const char *preflight_severity_name(enum preflight_severity severity);
