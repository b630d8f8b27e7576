/* Lists of strings with their origin, and the setters that the command line uses. */
#include "conf/conf.h"

void conf_list_add(struct conf_list *list, const char *value, const char *file, unsigned line)
{
	/* Capacity is the next power of two: no field of its own in a struct that others read. */
	if ((list->len & (list->len - 1)) == 0)
		list->items = xrealloc(list->items, (list->len ? list->len * 2 : 1) * sizeof(*list->items));
	list->items[list->len++] = (struct conf_item){xstrdup(value), xstrdup(file), line};
}

void conf_list_clear(struct conf_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->items[i].value);
		free(list->items[i].file);
	}
	free(list->items);
	*list = (struct conf_list){NULL, 0};
}

void conf_add_filter(struct conf *c, const char *rule, const char *where)
{
	conf_list_add(&c->rules.filters, rule, where, 0);
}

void conf_add_pattern(struct conf *c, const char *pattern, bool include, const char *where, unsigned line)
{
	AUTO_FREE char *rule = NULL;

	if (!*pattern)
		return;
	if (str_eq(pattern, "!"))
		rule = xstrdup("!");
	else if ((*pattern == '-' || *pattern == '+') && pattern[1] == ' ')
		rule = xstrdup(pattern);
	else
		rule = xasprintf("%c %s", include ? '+' : '-', pattern);
	conf_list_add(&c->rules.filters, rule, where, line);
}

const char *conf_filter_file(const char *item, char **out_mount)
{
	const char *eq = strstr(item, "=/");

	*out_mount = eq ? xmemdup(item, (size_t)(eq - item)) : NULL;
	return eq ? eq + 1 : item;
}

bool conf_normalize_path(const char *path, char **out_path, const char **out_why)
{
	AUTO_BUF b = BUF_INIT;

	if (*path != '/') {
		*out_why = "is not an absolute path";
		return false;
	}
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && memcmp(path, "..", 2) == 0) {
			*out_why = "holds '..'";
			return false;
		}
		if (n && !(n == 1 && *path == '.')) {
			buf_append_u8(&b, '/');
			buf_append(&b, path, n);
		}
		path += n + (path[n] == '/');
	}
	if (!b.len)
		buf_append_u8(&b, '/');
	*out_path = buf_detach(&b);
	return true;
}
