#include "base/path.h"

bool path_name_valid(const uint8_t *p, size_t n)
{
	if (n == 0 || n > PATH_NAME_MAX || memchr(p, '/', n) || memchr(p, '\0', n))
		return false;
	return p[0] != '.' || !(n == 1 || (n == 2 && p[1] == '.'));
}

bool path_valid(const uint8_t *p, size_t n)
{
	if (n == 0)
		return true;
	for (;;) {
		const uint8_t *slash = memchr(p, '/', n);
		size_t len = slash ? (size_t)(slash - p) : n;

		if (!path_name_valid(p, len))
			return false;
		if (!slash)
			return true;
		p += len + 1;
		n -= len + 1;
	}
}

char *path_join_n(const char *dir, const void *name, size_t n)
{
	size_t len = strlen(dir), slash = len && n;
	char *out;

	out = xmalloc(len + slash + n + 1);
	memcpy(out, dir, len);
	out[len] = '/';
	if (n)
		memcpy(out + len + slash, name, n);
	out[len + slash + n] = '\0';
	return out;
}

char *path_join(const char *dir, const char *name)
{
	return path_join_n(dir, name, strlen(name));
}

char *path_split(const char *path, const char **out_name)
{
	const char *slash = strrchr(path, '/');

	*out_name = slash ? slash + 1 : path;
	return slash ? xmemdup(path, (size_t)(slash - path)) : xstrdup("");
}

bool path_within(const char *base, const char *path, const char **out_rest)
{
	size_t n = strlen(base);

	if (n == 0) {
		*out_rest = path;
		return true;
	}
	if (strncmp(base, path, n) != 0 || (path[n] && path[n] != '/'))
		return false;
	*out_rest = path[n] ? path + n + 1 : path + n;
	return true;
}
