#include "conf/values.h"
#include "base/text.h"
#include "conf/ini.h"

#include <inttypes.h>

/* Enums are written through unsigned pointers. */
_Static_assert(sizeof(enum conf_host_key) == sizeof(unsigned), "enums are as wide as unsigned");

#define ZSTD_LEVEL_DEFAULT 3
#define ZSTD_LEVEL_MAX 19

static void *field(struct conf *c, const struct conf_option *o)
{
	return (char *)c + o->offset;
}

/* The place of value among the words of form ("a|b|c"), or -1. */
static int word_index(const char *form, const char *value)
{
	size_t len = strlen(value);

	for (int i = 0;; i++) {
		size_t n = strcspn(form, "|");
		if (n == len && memcmp(form, value, n) == 0)
			return i;
		if (!form[n])
			return -1;
		form += n + 1;
	}
}

static bool assign_word(struct conf *c, const struct conf_option *o, const char *value, struct buf *out_why)
{
	int i = word_index(o->form, value);

	if (i < 0) {
		buf_printf(out_why, "'%s' is not one of %s", value, o->form);
		return false;
	}
	if (o->type == CONF_TYPE_BOOL)
		*(bool *)field(c, o) = (unsigned)i != o->min;
	else
		*(unsigned *)field(c, o) = (unsigned)i + (unsigned)o->min;
	return true;
}

static bool assign_string(struct conf *c, const struct conf_option *o, const char *value, struct buf *out_why)
{
	char **at = field(c, o);
	char *kept = NULL;
	const char *why = "";

	if (o->word && str_eq(value, o->word))
		kept = NULL;
	else if (!o->check)
		kept = xstrdup(value);
	else if (!o->check(value, &kept, &why))
		return conf_refuse(out_why, value, why);
	free(*at);
	*at = kept;
	return true;
}

static bool assign_number(struct conf *c, const struct conf_option *o, const char *value, struct buf *out_why)
{
	uint64_t v = 0;

	if (!(o->word && str_eq(value, o->word)) && (!text_parse_u64(value, o->max, &v) || v < o->min)) {
		buf_printf(out_why, "'%s' is %s%s%sa whole number ", value, o->word ? "neither '" : "not ",
			o->word ? o->word : "", o->word ? "' nor " : "");
		if (o->type == CONF_TYPE_COUNT)
			buf_append_str(out_why, "that is not negative");
		else
			buf_printf(out_why, "from %u to %u", (unsigned)o->min, (unsigned)o->max);
		return false;
	}
	if (o->type == CONF_TYPE_COUNT)
		*(int64_t *)field(c, o) = (int64_t)v;
	else
		*(unsigned *)field(c, o) = (unsigned)v;
	return true;
}

static bool assign_duration(struct conf *c, const struct conf_option *o, const char *value, struct buf *out_why)
{
	uint64_t v;

	if (!text_parse_duration(value, &v))
		return conf_refuse(out_why, value, "is no duration such as '30s', '5m' or '2h'");
	if (v < o->min || v > o->max) {
		buf_printf(out_why, "'%s' is not between %us and %us", value, (unsigned)o->min, (unsigned)o->max);
		return false;
	}
	*(unsigned *)field(c, o) = (unsigned)v;
	return true;
}

static bool assign_compression(struct conf *c, const char *value, struct buf *out_why)
{
	uint64_t level = ZSTD_LEVEL_DEFAULT;
	int i = word_index("auto|off|zstd", value);

	if (i < 0) {
		if (strncmp(value, "zstd:", 5) != 0)
			return conf_refuse(out_why, value, "is not one of auto|off|zstd|zstd:LEVEL");
		if (!text_parse_u64(value + 5, ZSTD_LEVEL_MAX, &level) || !level)
			return conf_refuse(out_why, value, "has no level from 1 to 19");
		i = CONF_COMPRESSION_ZSTD;
	}
	c->transfer.compression = (enum conf_compression)i;
	c->transfer.zstd_level = (int)level;
	return true;
}

static bool parse_percent(const char *s, unsigned *out)
{
	AUTO_FREE char *digits = xstrdup(s);
	size_t n = strlen(digits);
	uint64_t v;

	if (n && digits[n - 1] == '%')
		digits[n - 1] = '\0';
	if (!text_parse_u64(digits, 100, &v) || !v)
		return false;
	*out = (unsigned)v;
	return true;
}

static bool assign_percent(struct conf *c, const struct conf_option *o, const char *value, struct buf *out_why)
{
	unsigned v = 0;

	if (!str_eq(value, "off") && !parse_percent(value, &v))
		return conf_refuse(out_why, value, "is neither 'off' nor a percentage from 1% to 100%");
	*(unsigned *)field(c, o) = v;
	return true;
}

static bool assign_size(struct conf *c, const struct conf_option *o, const char *value, struct buf *out_why)
{
	uint64_t v = 0;

	if (!str_eq(value, "off") && (!text_parse_size(value, &v) || v < o->min)) {
		AUTO_BUF least = BUF_INIT;
		buf_printf(&least, "is neither 'off' nor a number of bytes from %" PRIu64 "K on, such as '100M'",
			o->min >> 10);
		return conf_refuse(out_why, value, buf_cstr(&least));
	}
	*(uint64_t *)field(c, o) = v;
	return true;
}

/* "io:10%" */
static bool parse_pressure(char *s, struct conf_pressure *p)
{
	char *colon = strchr(s, ':');
	unsigned *at;

	if (!colon)
		return false;
	*colon = '\0';
	at = str_eq(s, "io") ? &p->io : str_eq(s, "cpu") ? &p->cpu : str_eq(s, "memory") ? &p->memory : NULL;
	return at && !*at && parse_percent(colon + 1, at);
}

static bool assign_pressure(struct conf *c, const struct conf_option *o, const char *value, struct buf *out_why)
{
	AUTO_FREE char *copy = xstrdup(value);
	struct conf_pressure p = {0};
	char *save = NULL;

	if (!str_eq(value, "off"))
		for (char *s = strtok_r(copy, ", \t", &save); s; s = strtok_r(NULL, ", \t", &save)) {
			AUTO_FREE char *entry = xstrdup(s);
			if (!parse_pressure(s, &p))
				return conf_refuse(out_why, entry,
					"is no share of waiting such as 'io:10%', 'cpu:20%' or 'memory:5%', each once");
		}
	*(struct conf_pressure *)field(c, o) = p;
	return true;
}

static bool parse_map(const char *item, struct conf_map *out, struct buf *out_why)
{
	const char *eq = strchr(item, '='), *why = "";
	AUTO_FREE char *before = eq ? xmemdup(item, (size_t)(eq - item)) : NULL;
	AUTO_FREE char *target = NULL;
	AUTO_FREE char *normal = NULL;
	AUTO_BUF part = BUF_INIT;

	if (!eq)
		return conf_refuse(out_why, item, "is not MOUNT=DIR");
	ini_trim(&part, before);
	if (!conf_normalize_path(buf_cstr(&part), &out->mount, &why))
		return conf_refuse(out_why, buf_cstr(&part), why);
	ini_trim(&part, eq + 1);
	target = xasprintf("/%s", buf_cstr(&part));
	if (!conf_normalize_path(target, &normal, &why)) {
		free(STEAL(out->mount));
		return conf_refuse(out_why, buf_cstr(&part), why);
	}
	out->target = xstrdup(normal + 1);
	return true;
}

static bool add_map(struct conf *c, const char *item, const char *file, unsigned line, struct buf *out_why)
{
	struct conf_map m = {0};

	if (!parse_map(item, &m, out_why))
		return false;
	for (size_t i = 0; i < c->source.map_count; i++) {
		const struct conf_map *other = &c->source.maps[i];
		bool mount = str_eq(other->mount, m.mount);

		if (!mount && !str_eq(other->target, m.target))
			continue;
		buf_printf(out_why, "'%s' maps %s that '%s' maps already", item,
			mount ? "the mount point" : "to the directory", other->origin.value);
		free(m.mount);
		free(m.target);
		return false;
	}
	m.origin = (struct conf_item){xstrdup(item), xstrdup(file), line};
	c->source.maps = xrealloc(c->source.maps, (c->source.map_count + 1) * sizeof(m));
	c->source.maps[c->source.map_count++] = m;
	return true;
}

static bool add_item(struct conf *c, const struct conf_option *o, const char *item, const char *file, unsigned line,
	struct buf *out_why)
{
	AUTO_FREE char *kept = NULL;
	const char *why = "";

	if (o->type == CONF_TYPE_MAPS)
		return add_map(c, item, file, line, out_why);
	if (!o->check(item, &kept, &why))
		return conf_refuse(out_why, item, why);
	conf_list_add(field(c, o), kept, file, line);
	return true;
}

/* Every bad item is named. */
static bool assign_list(struct conf *c, const struct conf_option *o, const char *value, const char *file, unsigned line,
	struct buf *out_why)
{
	AUTO_BUF item = BUF_INIT;
	const char *at = value;
	bool good = true, any = false;

	if (!*value) {
		conf_value_clear(c, o);
		return true;
	}
	while (ini_list_next(&at, &item)) {
		AUTO_BUF why = BUF_INIT;

		any = true;
		if (add_item(c, o, buf_cstr(&item), file, line, &why))
			continue;
		buf_printf(out_why, "%s%s", good ? "" : "; ", buf_cstr(&why));
		good = false;
	}
	if (!any)
		return conf_refuse(out_why, value, "holds no item");
	return good;
}

bool conf_value_assign(struct conf *c, const struct conf_option *o, const char *value, const char *file, unsigned line,
	struct buf *out_why)
{
	if (!*value && o->none) {
		conf_value_release(c, o);
		return true;
	}
	if (!*value && !conf_option_is_list(o)) {
		buf_append_str(out_why, "there is no value");
		return false;
	}
	switch (o->type) {
	case CONF_TYPE_STRING:
		return assign_string(c, o, value, out_why);
	case CONF_TYPE_LIST:
	case CONF_TYPE_MAPS:
		return assign_list(c, o, value, file, line, out_why);
	case CONF_TYPE_ENUM:
	case CONF_TYPE_BOOL:
		return assign_word(c, o, value, out_why);
	case CONF_TYPE_NUMBER:
	case CONF_TYPE_COUNT:
		return assign_number(c, o, value, out_why);
	case CONF_TYPE_DURATION:
		return assign_duration(c, o, value, out_why);
	case CONF_TYPE_COMPRESSION:
		return assign_compression(c, value, out_why);
	case CONF_TYPE_BANDWIDTH:
		return conf_bandwidth_assign(c, value, out_why);
	case CONF_TYPE_PERCENT:
		return assign_percent(c, o, value, out_why);
	case CONF_TYPE_SIZE:
		return assign_size(c, o, value, out_why);
	case CONF_TYPE_PRESSURE:
		return assign_pressure(c, o, value, out_why);
	}
	return false;
}

static void clear_maps(struct conf *c)
{
	for (size_t i = 0; i < c->source.map_count; i++) {
		free(c->source.maps[i].mount);
		free(c->source.maps[i].target);
		free(c->source.maps[i].origin.value);
		free(c->source.maps[i].origin.file);
	}
	free(STEAL(c->source.maps));
	c->source.map_count = 0;
}

void conf_value_clear(struct conf *c, const struct conf_option *o)
{
	if (o->type == CONF_TYPE_MAPS)
		clear_maps(c);
	else
		conf_list_clear(field(c, o));
}

void conf_value_release(struct conf *c, const struct conf_option *o)
{
	if (conf_option_is_list(o)) {
		conf_value_clear(c, o);
	} else if (o->type == CONF_TYPE_STRING) {
		free(*(char **)field(c, o));
		*(char **)field(c, o) = NULL;
	} else if (o->type == CONF_TYPE_BANDWIDTH) {
		free(STEAL(c->transfer.windows));
		c->transfer.window_count = 0;
	}
}
