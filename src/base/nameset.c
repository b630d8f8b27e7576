#include "base/nameset.h"

#include <string.h>

bool nameset_take(struct nameset *s, const void *names, size_t len)
{
	size_t n = 0;
	const char *last = NULL;

	nameset_release(s);
	if (!len)
		return true;
	s->text = xmemdup(names, len);
	if (s->text[len - 1])
		return false;
	for (size_t pos = 0; pos < len; pos += strlen(s->text + pos) + 1)
		n++;
	s->names = xcalloc(n, sizeof(*s->names));
	for (size_t pos = 0; pos < len; pos += strlen(s->text + pos) + 1) {
		if (last && strcmp(last, s->text + pos) >= 0)
			return false;
		last = s->names[s->n++] = s->text + pos;
	}
	return true;
}

static int by_name(const void *key, const void *one)
{
	return strcmp(key, *(const char *const *)one);
}

bool nameset_has(const struct nameset *s, const char *name)
{
	return s->all || (s->n && bsearch(name, s->names, s->n, sizeof(*s->names), by_name));
}

void nameset_release(struct nameset *s)
{
	free(s->names);
	free(s->text);
	*s = (struct nameset){.all = s->all};
}
