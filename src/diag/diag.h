/*
 * Diagnostics: one object for everything that can go wrong.
 *
 * The callee fills a struct diag silently; the loop of the role reports it. The registry of codes is the .def files
 * in codes/, one a room; the enum, `rehost explain` and rehost-diagnostics(7) are made from them.
 *
 * Ownership: a struct diag owns its strings; initialise with DIAG_INIT, release with diag_release().
 */
#pragma once

#include "base/buf.h"

enum diag_severity { DIAG_INFO, DIAG_WARNING, DIAG_ERROR };

/* Exit classes, as rehost(8) has them: what a run that ends with this diagnostic exits with. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_PARTIAL = 3,
	EXIT_DIFFERENT = 4,
	EXIT_USAGE_ERROR = 64,
	EXIT_UNREACHABLE = 69,
	EXIT_LOCKED = 75,
	EXIT_PROTOCOL = 76,
	EXIT_AUTH = 77,
	EXIT_CONFIG_ERROR = 78,
};

enum diag_code {
	DIAG_NONE,
#define DIAG(name, number, severity, exit_class, title, cause, remedy) DIAG_##name,
#include "diag/codes.def"
#undef DIAG
	DIAG_CODES_END
};

struct diag_info {
	char id[8]; /* "RH0101" */
	const char *name; /* "CONF_SYNTAX", for tests */
	enum diag_severity severity;
	int exit_class;
	const char *title; /* a short noun phrase */
	const char *cause; /* sentences, for explain and the man page */
	const char *remedy; /* what to do; printed as the hint */
};

struct diag {
	enum diag_code code;
	int err; /* errno, or 0 */
	char *path; /* what it is about, any bytes, or NULL */
	char *detail; /* "cannot open 'x'": what failed, subject in single quotes, already escaped */
};

#define DIAG_INIT \
	{         \
	}
#define AUTO_DIAG __attribute__((cleanup(diag_release))) struct diag

/* Fills d (releasing what it held). d may be NULL: then nothing is recorded. Keeps errno. */
void diag_set(struct diag *d, enum diag_code code, int err, const char *path, const char *fmt, ...) PRINTF_LIKE(5, 6);
void diag_release(struct diag *d);
/* Moves src into dst. */
void diag_move(struct diag *dst, struct diag *src);
static inline bool diag_is_set(const struct diag *d)
{
	return d->code != DIAG_NONE;
}

/* Never NULL: an unknown code gives the entry of DIAG_INTERNAL. */
const struct diag_info *diag_info(enum diag_code code);
/* By id ("RH0101", case-insensitive, "RH" optional); DIAG_NONE when there is none. */
enum diag_code diag_find(const char *id);
/* "[RH0101] cannot open 'x': Permission denied" without a newline. */
void diag_format(struct buf *out, const struct diag *d);
