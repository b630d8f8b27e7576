/* show-config, and the timetable's reader. */
#include "base/text.h"
#include "conf/ini.h"
#include "conf/options.h"
#include "conf/origins.h"

static void print_origin(struct buf *out, const char *file, unsigned line)
{
	if (!file) {
		buf_append_str(out, "# default\n");
		return;
	}
	buf_append_str(out, "# ");
	text_escape(out, file, strlen(file));
	if (line)
		buf_printf(out, ":%u", line);
	buf_append_u8(out, '\n');
}

static void print_item(struct buf *out, const struct conf_option *o, const struct conf_item *item)
{
	size_t n = strlen(item->value);

	print_origin(out, item->file, item->line);
	buf_printf(out, "%s = ", o->key);
	ini_list_quote(out, item->value);
	/* A blank at the end would be lost on the way back; a path may well end in a slash. */
	if (*item->value == '/' && strchr(" \t\r\v\f", item->value[n - 1]))
		buf_append_u8(out, '/');
	buf_append_u8(out, '\n');
}

static void print_list(struct buf *out, const struct conf *c, const struct conf_option *o)
{
	bool maps = o->type == CONF_TYPE_MAPS;
	const struct conf_list *list = (const void *)((const char *)c + o->offset);
	const struct conf_origin *origin = &c->origins->at[conf_option_index(o)];
	size_t n = maps ? c->source.map_count : list->len;

	/* An emptied list must say so, or its default would come back. */
	if (!n && o->default_value) {
		print_origin(out, origin->file, origin->line);
		buf_printf(out, "%s =\n", o->key);
	} else if (!n) {
		buf_printf(out, "# %s: empty\n", o->key);
	}
	for (size_t i = 0; i < n; i++)
		print_item(out, o, maps ? &c->source.maps[i].origin : &list->items[i]);
}

static void print_scalar(struct buf *out, const struct conf *c, const struct conf_option *o)
{
	const struct conf_origin *origin = &c->origins->at[conf_option_index(o)];
	const char *text = origin->text ? origin->text : o->default_value;

	if (!text) {
		buf_printf(out, "# %s: not set\n", o->key);
		return;
	}
	print_origin(out, origin->file, origin->line);
	buf_printf(out, "%s = %s\n", o->key, text);
}

void conf_print(const struct conf *c, struct buf *out)
{
	const char *section = "";

	for (size_t i = 0; i < conf_option_count(); i++) {
		const struct conf_option *o = conf_option_at(i);

		if (!str_eq(section, o->section)) {
			buf_printf(out, "%s[%s]\n", *section ? "\n" : "", o->section);
			section = o->section;
		}
		if (conf_option_is_list(o))
			print_list(out, c, o);
		else
			print_scalar(out, c, o);
	}
}

uint64_t conf_bandwidth_at(const struct conf *c, unsigned minute_of_day)
{
	size_t n = c->transfer.window_count;
	size_t i = n;

	if (!n)
		return 0;
	while (i && c->transfer.windows[i - 1].minute > minute_of_day)
		i--;
	/* Before the day's first window the last one of the day before holds. */
	return c->transfer.windows[i ? i - 1 : n - 1].rate;
}
