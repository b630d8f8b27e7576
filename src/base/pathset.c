#include "base/pathset.h"

#define PATH_BYTES_MAX (4u << 20)

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool path_set_read(struct path_set *s, struct bytes records)
{
	struct rd r = rd_init(records.p, records.len);
	size_t cap = 0;

	*s = (struct path_set){};
	while (rd_left(&r)) {
		char *path = rd_path(&r, PATH_BYTES_MAX);

		if (!path || s->n == PATH_SET_MAX) {
			free(path);
			path_set_release(s);
			return false;
		}
		if (s->n == cap) {
			cap = cap ? cap * 2 : 16;
			s->paths = xrealloc(s->paths, cap * sizeof(*s->paths));
		}
		s->paths[s->n++] = path;
	}
	if (s->n)
		qsort(s->paths, s->n, sizeof(*s->paths), by_path);
	return true;
}

/* dir/name against a path, of which no more than as many bytes count when it is longer. */
static int compare(const char *dir, size_t dir_len, const char *name, const char *path, bool *out_longer)
{
	int c = strncmp(dir, path, dir_len);

	*out_longer = false;
	if (!c && dir_len) {
		path += dir_len;
		c = '/' - (unsigned char)*path;
		path += c == 0;
	}
	if (!c) {
		size_t n = strlen(name);

		c = strncmp(name, path, n);
		*out_longer = !c && path[n];
	}
	return c;
}

/* The first path that is not before dir/name: it, or one that begins with it. */
static size_t find(const struct path_set *s, const char *dir, const char *name)
{
	size_t dir_len = strlen(dir), low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		bool longer;

		if (compare(dir, dir_len, name, s->paths[mid], &longer) > 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool path_set_has(const struct path_set *s, const char *dir, const char *name)
{
	size_t dir_len = strlen(dir), i = s->n ? find(s, dir, name) : 0;
	bool longer;

	return i < s->n && !compare(dir, dir_len, name, s->paths[i], &longer) && !longer;
}

bool path_set_leads(const struct path_set *s, const char *dir, const char *name)
{
	size_t dir_len = strlen(dir), rest = dir_len + (dir_len > 0) + strlen(name);
	bool longer;

	/* What begins with the same bytes stands together, but "a-b" before "a/b". */
	for (size_t i = s->n ? find(s, dir, name) : 0; i < s->n; i++) {
		if (compare(dir, dir_len, name, s->paths[i], &longer))
			return false;
		if (!longer || s->paths[i][rest] == '/')
			return true;
	}
	return false;
}

bool path_set_covers(const struct path_set *s, const char *path, size_t beyond)
{
	AUTO_FREE char *above = s->n ? xstrdup(path) : NULL;
	const char *name;

	while (above && strlen(above) > beyond) {
		char *next;

		if (path_set_has(s, "", above))
			return true;
		next = path_split(above, &name);
		free(above);
		above = next;
	}
	return false;
}

void path_set_release(struct path_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->paths[i]);
	free(s->paths);
	*s = (struct path_set){};
}
