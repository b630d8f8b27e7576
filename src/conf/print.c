/* show-config. */
#include "base/text.h"
#include "conf/ini.h"
#include "conf/origins.h"
#include "conf/values.h"

struct printer {
	struct buf *out;
	const struct conf *c;
	bool origins;
};

/* The line is full: where its value is from, and its end. */
static void end_line(const struct printer *p, const char *file, unsigned line)
{
	if (p->origins) {
		buf_append_str(p->out, "  # ");
		if (!file)
			file = "default";
		text_escape(p->out, file, strlen(file));
		if (line)
			buf_printf(p->out, ":%u", line);
	}
	buf_append_u8(p->out, '\n');
}

static void print_item(const struct printer *p, const struct conf_option *o, const struct conf_item *item)
{
	size_t n = strlen(item->value);

	buf_printf(p->out, "%s = ", o->key);
	ini_list_quote(p->out, item->value);
	/* A blank at the end would be lost on the way back; a path may well end in a slash. */
	if (*item->value == '/' && strchr(" \t\r\v\f", item->value[n - 1]))
		buf_append_u8(p->out, '/');
	end_line(p, item->file, item->line);
}

static void print_list(const struct printer *p, const struct conf_option *o)
{
	const struct conf *c = p->c;
	bool maps = o->type == CONF_TYPE_MAPS;
	const struct conf_list *list = (const void *)((const char *)c + o->offset);
	const struct conf_origin *origin = &c->origins->at[conf_option_index(o)];
	size_t n = maps ? c->source.map_count : list->len;

	/* An emptied list must say so, or its default would come back. */
	if (!n && (o->default_value || p->origins)) {
		buf_printf(p->out, "%s%s =", o->default_value ? "" : "#", o->key);
		end_line(p, origin->file, origin->line);
	}
	for (size_t i = 0; i < n; i++)
		print_item(p, o, maps ? &c->source.maps[i].origin : &list->items[i]);
}

static void print_scalar(const struct printer *p, const struct conf_option *o)
{
	const struct conf_origin *origin = &p->c->origins->at[conf_option_index(o)];
	const char *text = origin->text && *origin->text ? origin->text : o->default_value;

	if (!text && !p->origins)
		return;
	if (text)
		buf_printf(p->out, "%s = %s", o->key, text);
	else
		buf_printf(p->out, "#%s =%s%s", o->key, o->fallback ? " " : "", o->fallback ? o->fallback : "");
	end_line(p, origin->file, origin->line);
}

static void print_option(const struct printer *p, const struct conf_option *o)
{
	if (conf_option_is_list(o))
		print_list(p, o);
	else
		print_scalar(p, o);
}

void conf_print_option(const struct conf *c, const struct conf_option *o, struct buf *out)
{
	struct printer p = {out, c, false};

	print_option(&p, o);
}

static void print_all(const struct conf *c, bool origins, struct buf *out)
{
	struct printer p = {out, c, origins};
	const char *section = "";

	for (size_t i = 0; i < conf_option_count(); i++) {
		const struct conf_option *o = conf_option_at(i);

		if (!str_eq(section, o->section)) {
			buf_printf(out, "%s[%s]\n", *section ? "\n" : "", o->section);
			section = o->section;
		}
		print_option(&p, o);
	}
}

void conf_print(const struct conf *c, struct buf *out)
{
	print_all(c, true, out);
}

void conf_print_plain(const struct conf *c, struct buf *out)
{
	print_all(c, false, out);
}
