#include "preflight/look.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

/* ---- saying ---- */

static void append(struct buf *b, const char *parting, const char *text)
{
	if (b->len)
		buf_append_str(b, parting);
	buf_append_str(b, text);
}

static void say(struct look *l, enum preflight_severity severity, const char *about, const char *fmt, va_list ap)
{
	AUTO_FREE char *text = xvasprintf(fmt, ap);

	l->severity = MAX(l->severity, severity);
	append(l->evidence, "; ", text);
	if (about)
		append(l->about, ", ", about);
}

bool boots(const struct look *l)
{
	return fact_true(l->job, "boot");
}

void found(struct look *l, const char *about, const char *fmt, ...)
{
	enum preflight_severity s = l->row->boot && !boots(l) ? PREFLIGHT_WARN : l->row->severity;
	va_list ap;

	va_start(ap, fmt);
	say(l, s, about, fmt, ap);
	va_end(ap);
}

void found_as(struct look *l, enum preflight_severity severity, const char *about, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(l, severity, about, fmt, ap);
	va_end(ap);
}

void not_known(struct look *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(l, PREFLIGHT_UNKNOWN, NULL, fmt, ap);
	va_end(ap);
}

/* ---- facts ---- */

/* One step further: the member whose name is the first of the path; what is left of the path behind it. */
static const cJSON *member(const cJSON *o, const char **path)
{
	size_t n = strcspn(*path, ".");
	AUTO_FREE char *name = xmemdup(*path, n);

	*path += n + ((*path)[n] == '.');
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

const cJSON *fact(const cJSON *o, const char *path)
{
	while (o && *path)
		o = member(o, &path);
	return cJSON_IsNull(o) ? NULL : o;
}

const cJSON *need(struct look *l, const cJSON *o, const char *path)
{
	const char *left = path;
	const cJSON *at = member(o, &left); /* the section, which a document always has */

	if (!at)
		not_known(l, "%s is not known", path);
	while (at && *left && !cJSON_IsNull(at))
		at = member(at, &left);
	if (cJSON_IsNull(at))
		not_known(l, "%s is not known", path);
	return cJSON_IsNull(at) ? NULL : at;
}

const char *fact_text(const cJSON *o, const char *path)
{
	return cJSON_GetStringValue(fact(o, path));
}

bool fact_is(const cJSON *o, const char *path, const char *text)
{
	const char *is = fact_text(o, path);

	return is && str_eq(is, text);
}

bool fact_number(const cJSON *o, const char *path, double *out)
{
	const cJSON *v = fact(o, path);
	const char *text = cJSON_GetStringValue(v);
	char *end;

	if (cJSON_IsNumber(v)) {
		*out = v->valuedouble;
		return true;
	}
	if (!text || !*text)
		return false;
	*out = strtod(text, &end);
	return !*end;
}

double fact_value(const cJSON *o, const char *path)
{
	double v = 0;

	return fact_number(o, path, &v) ? v : 0;
}

bool fact_true(const cJSON *o, const char *path)
{
	return cJSON_IsTrue(fact(o, path));
}

bool fact_false(const cJSON *o, const char *path)
{
	return cJSON_IsFalse(fact(o, path));
}

const char *fact_config(const cJSON *facts, const char *file)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fact(facts, "config"), file));
}

bool fact_lists(const cJSON *array, const char *text)
{
	const cJSON *item;

	each(item, array)
		if (cJSON_IsString(item) && str_eq(item->valuestring, text))
			return true;
	return false;
}

/* ---- texts ---- */

static bool among(const char *text, const char *separators, const char *word)
{
	const size_t n = strlen(word);

	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);
		if (len == n && strncmp(text, word, n) == 0)
			return true;
		text += len;
	}
	return false;
}

bool has_word(const char *text, const char *word)
{
	return text && among(text, " ,\t\n", word);
}

bool one_of(const char *text, const char *words)
{
	return text && among(words, " ", text);
}

char *size_text(double bytes)
{
	AUTO_BUF b = BUF_INIT;

	text_size(&b, bytes > 0 ? (uint64_t)bytes : 0);
	return buf_detach(&b);
}
