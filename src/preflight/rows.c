#include "preflight/rows.h"
#include "base/buf.h"
#include "base/text.h"

#include <strings.h>

#define NONE (-1)
/* What the table's words for a severity are: how bad, and whether only for a copy that is to boot. */
#define AS_INFO PREFLIGHT_INFO, false
#define AS_WARN PREFLIGHT_WARN, false
#define AS_BOOT PREFLIGHT_FAIL, true
#define AS_FAIL PREFLIGHT_FAIL, false

static const struct preflight_row rows[] = {
#define ROW(name, id, side, severity, moot, threshold, unit, title, cause, remedy) \
	{id, PREFLIGHT_##side, AS_##severity, moot, threshold, unit, title, cause, remedy},
#include "preflight/rows.def"
#undef ROW
};

const struct preflight_row *preflight_row(enum preflight_id id)
{
	return &rows[id];
}

const struct preflight_row *preflight_find(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcasecmp(rows[i].id, id) == 0)
			return &rows[i];
	return NULL;
}

const char *preflight_nearest(const char *word)
{
	const char *ids[ARRAY_LEN(rows)];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ids[i] = rows[i].id;
	return text_nearest(word, ids, ARRAY_LEN(rows));
}

const char *preflight_side_name(enum preflight_side side)
{
	static const char *const names[] = {"source", "target", "network", "both"};

	return names[side];
}

const char *preflight_severity_name(enum preflight_severity severity)
{
	static const char *const names[] = {"ok", "info", "unknown", "warn", "fail"};

	return names[severity];
}

char *preflight_filled(const char *text, const char *about)
{
	AUTO_BUF b = BUF_INIT;
	const char *gap;

	while ((gap = strstr(text, "{}"))) {
		buf_append(&b, text, (size_t)(gap - text));
		buf_append_str(&b, *about ? about : "it");
		text = gap + 2;
	}
	buf_append_str(&b, text);
	return buf_detach(&b);
}
