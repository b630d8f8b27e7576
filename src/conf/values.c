#include "conf/values.h"
#include "base/text.h"
#include "conf/ini.h"

/* Enums are written through unsigned pointers. */
_Static_assert(sizeof(enum conf_host_key) == sizeof(unsigned), "enums are as wide as unsigned");

#define RATE_MIN 1024u
#define ZSTD_LEVEL_DEFAULT 3
#define ZSTD_LEVEL_MAX 19

static void *field(struct conf *c, const struct conf_option *o)
{
	return (char *)c + o->offset;
}

static bool refuse(struct buf *out_why, const char *value, const char *why)
{
	buf_printf(out_why, "'%s' %s", value, why);
	return false;
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
		return refuse(out_why, value, why);
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
		return refuse(out_why, value, "is no duration such as '30s', '5m' or '2h'");
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
			return refuse(out_why, value, "is not one of auto|off|zstd|zstd:LEVEL");
		if (!text_parse_u64(value + 5, ZSTD_LEVEL_MAX, &level) || !level)
			return refuse(out_why, value, "has no level from 1 to 19");
		i = CONF_COMPRESSION_ZSTD;
	}
	c->transfer.compression = (enum conf_compression)i;
	c->transfer.zstd_level = (int)level;
	return true;
}

static bool parse_rate(const char *s, uint64_t *out_rate)
{
	*out_rate = 0;
	if (str_eq(s, "off") || str_eq(s, "0"))
		return true;
	return text_parse_size(s, out_rate) && *out_rate >= RATE_MIN;
}

/* "08:00,20M" */
static bool parse_window(char *s, struct conf_bandwidth_window *out)
{
	char *comma = strchr(s, ',');
	unsigned h, m;

	if (!comma || comma - s != 5 || s[2] != ':')
		return false;
	for (int i = 0; i < 5; i++)
		if (i != 2 && (s[i] < '0' || s[i] > '9'))
			return false;
	h = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
	m = (unsigned)(s[3] - '0') * 10 + (unsigned)(s[4] - '0');
	out->minute = h * 60 + m;
	return h < 24 && m < 60 && parse_rate(comma + 1, &out->rate);
}

/* Keeps the windows ascending; false when one begins at that minute already. */
static bool insert_window(struct conf_bandwidth_window *w, size_t n, struct conf_bandwidth_window new)
{
	size_t i = n;

	for (; i && w[i - 1].minute >= new.minute; i--) {
		if (w[i - 1].minute == new.minute)
			return false;
		w[i] = w[i - 1];
	}
	w[i] = new;
	return true;
}

static bool assign_bandwidth(struct conf *c, const char *value, struct buf *out_why)
{
	AUTO_FREE struct conf_bandwidth_window *w = NULL;
	AUTO_FREE char *copy = xstrdup(value);
	char *save = NULL;
	size_t n = 0;

	if (!strchr(value, ',')) {
		w = xcalloc(1, sizeof(*w));
		if (!parse_rate(value, &w[0].rate))
			return refuse(out_why, value,
				"is no rate: bytes a second from 1K on, such as '20M', a timetable, or 'off'");
		n = w[0].rate ? 1 : 0;
		goto assign;
	}
	/* No two windows begin at the same minute, so there are no more than the day has minutes. */
	w = xcalloc(24 * 60, sizeof(*w));
	for (char *s = strtok_r(copy, " \t", &save); s; s = strtok_r(NULL, " \t", &save)) {
		AUTO_FREE char *entry = xstrdup(s);
		struct conf_bandwidth_window new;

		if (!parse_window(s, &new))
			return refuse(out_why, entry, "is no window of a timetable such as '08:00,20M' or '19:00,off'");
		if (!insert_window(w, n, new))
			return refuse(out_why, entry, "begins when another window of the timetable does");
		n++;
	}
	w = xrealloc(w, n * sizeof(*w));
assign:
	free(c->transfer.windows);
	c->transfer.windows = n ? STEAL(w) : NULL;
	c->transfer.window_count = n;
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
		return refuse(out_why, item, "is not MOUNT=DIR");
	ini_trim(&part, before);
	if (!conf_normalize_path(buf_cstr(&part), &out->mount, &why))
		return refuse(out_why, buf_cstr(&part), why);
	ini_trim(&part, eq + 1);
	target = xasprintf("/%s", buf_cstr(&part));
	if (!conf_normalize_path(target, &normal, &why)) {
		free(STEAL(out->mount));
		return refuse(out_why, buf_cstr(&part), why);
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
		return refuse(out_why, item, why);
	conf_list_add(field(c, o), kept, file, line);
	return true;
}

/* Every bad item is named. */
static bool assign_list(struct conf *c, const struct conf_option *o, const char *value, const char *file,
	unsigned line, struct buf *out_why)
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
		return refuse(out_why, value, "holds no item");
	return good;
}

bool conf_value_assign(struct conf *c, const struct conf_option *o, const char *value, const char *file,
	unsigned line, struct buf *out_why)
{
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
		return assign_bandwidth(c, value, out_why);
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
