/*
 * Private to the room preflight: what a judgement has in its hands. It looks at facts and says what it found; when it says
 * nothing, all is well. Texts of facts are escaped already where they had to be.
 */
#pragma once

#include "preflight/preflight.h"

#include <cjson/cJSON.h>

struct look {
	const cJSON *source, *target, *network, *job; /* each may be NULL */
	const struct preflight_row *row;
	double threshold;
	/* what was found */
	enum preflight_severity severity;
	struct buf *evidence, *about;
};
typedef void (*judge_fn)(struct look *l);

/*
 * Something was found, of the row's own severity. about: the name of the thing, which goes where the row's texts have "{}";
 * NULL: none. May be said several times: the evidence is gathered, the worst counts.
 */
void found(struct look *l, const char *about, const char *fmt, ...) PRINTF_LIKE(3, 4);
void found_as(struct look *l, enum preflight_severity severity, const char *about, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* It could not be looked at. Nothing that was found is lost by it. */
void not_known(struct look *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool boots(const struct look *l); /* the copy is to boot */

/* ---- facts; paths are names parted by dots, as "machine.cpu.count"; o may be NULL ---- */

const cJSON *fact(const cJSON *o, const char *path); /* NULL: it is not there, or null */
/* The same; when it is null, or its section is or is not there, says so by not_known(). */
const cJSON *need(struct look *l, const cJSON *o, const char *path);
const char *fact_text(const cJSON *o, const char *path); /* NULL: none */
bool fact_is(const cJSON *o, const char *path, const char *text);
bool fact_number(const cJSON *o, const char *path, double *out); /* of a text of digits too */
double fact_value(const cJSON *o, const char *path); /* 0: none */
bool fact_true(const cJSON *o, const char *path);
bool fact_false(const cJSON *o, const char *path); /* it is there, and says no */
/* The text of a configuration file, or NULL. */
const char *fact_config(const cJSON *facts, const char *file);
bool fact_lists(const cJSON *array, const char *text); /* an array of texts has it */

/* ---- texts ---- */

bool has_word(const char *text, const char *word); /* parted by blanks or commas */
bool one_of(const char *text, const char *words); /* is it one of these, parted by blanks */
char *size_text(double bytes); /* "1.5 GiB"; to be freed */

/* Each of the items of an array or object; nothing when it is none. */
#define each(item, o) cJSON_ArrayForEach(item, o)

#define ROW(name, id, side, severity, moot, threshold, unit, title, cause, remedy) void judge_##name(struct look *l);
#include "preflight/rows.def"
#undef ROW
