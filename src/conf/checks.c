/* What single values must look like. */
#include "base/text.h"
#include "conf/values.h"
#include "preflight/rows.h"

#include <ctype.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool refuse(const char **out_why, const char *why)
{
	*out_why = why;
	return false;
}

bool conf_refuse(struct buf *out_why, const char *value, const char *why)
{
	buf_printf(out_why, "'%s' %s", value, why);
	return false;
}

static bool keep(const char *value, char **out_value)
{
	*out_value = xstrdup(value);
	return true;
}

/* It becomes a part of file names, on their own and with suffixes. */
bool conf_check_job_name(const char *value, char **out_value, const char **out_why)
{
	if (*value == '.')
		return refuse(out_why, "begins with a dot");
	if (strlen(value) > 64)
		return refuse(out_why, "is longer than 64 characters");
	for (const char *p = value; *p; p++)
		if (!is_alnum(*p) && !strchr("._-", *p))
			return refuse(out_why, "holds something else than letters, digits, '.', '_' and '-'");
	return keep(value, out_value);
}

/* Host and user names end up as arguments of ssh and, by its ProxyCommand, in a shell. */
static bool is_safe_word(const char *s, size_t n)
{
	if (!n || *s == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 0x7f || strchr("'\"`$&;<>|(){}*?!#/@:[],", s[i]))
			return false;
	return true;
}

static bool is_ipv6(const char *s, size_t n)
{
	size_t hex = 0;

	/* Digits and colons, then perhaps a scope: what exactly is an address, the resolver knows. */
	while (hex < n && (isxdigit((unsigned char)s[hex]) || s[hex] == ':' || s[hex] == '.'))
		hex++;
	return hex >= 2 && memchr(s, ':', hex) &&
		(hex == n || (s[hex] == '%' && is_safe_word(s + hex + 1, n - hex - 1)));
}

/* text: "" or ":PORT". */
static bool split_port(const char *text, unsigned *out, const char **out_why)
{
	uint64_t number;

	if (!*text)
		return true;
	if (text[0] != ':' || !text[1] || text[1 + strspn(text + 1, "0123456789")])
		return refuse(out_why, "holds a colon and no port behind it: a directory goes to 'root'");
	if (!text_parse_u64(text + 1, 65535, &number) || !number)
		return refuse(out_why, "has no port from 1 to 65535");
	*out = (unsigned)number;
	return true;
}

bool conf_address_split(const char *value, struct conf_address *out, const char **out_why)
{
	const char *at = strrchr(value, '@');
	const char *host = at ? at + 1 : value;
	const char *end = *host == '[' ? strchr(host, ']') : NULL;
	size_t n;

	*out = (struct conf_address){.user_len = at ? (size_t)(at - value) : 0, .host = host, .host_len = strlen(host)};
	if (str_eq(value, "local:"))
		return true;
	if (at && (!is_safe_word(value, out->user_len) || memchr(value, '\\', out->user_len)))
		return refuse(out_why, "has no usable user name before '@'");
	if (end) {
		if (!is_ipv6(host + 1, (size_t)(end - host - 1)))
			return refuse(out_why, "holds no IPv6 address between its brackets");
		out->host_len = (size_t)(end + 1 - host);
		return split_port(end + 1, &out->port, out_why);
	}
	n = strcspn(host, ":");
	if (host[n] && strchr(host + n + 1, ':') && is_ipv6(host, strlen(host)))
		return refuse(out_why, "is an IPv6 address without brackets");
	if (!split_port(host + n, &out->port, out_why))
		return false;
	if (!is_safe_word(host, n) || memchr(host, '\\', n))
		return refuse(out_why, "is no host name");
	out->host_len = n;
	return true;
}

bool conf_check_address(const char *value, char **out_value, const char **out_why)
{
	struct conf_address parts;

	return conf_address_split(value, &parts, out_why) && keep(value, out_value);
}

bool conf_check_user(const char *value, char **out_value, const char **out_why)
{
	if (!is_safe_word(value, strlen(value)))
		return refuse(out_why, "is no user name");
	return keep(value, out_value);
}

bool conf_check_path(const char *value, char **out_value, const char **out_why)
{
	return conf_normalize_path(value, out_value, out_why);
}

/* It is replaced as a whole: only what cannot be anything else is to be one. */
bool conf_check_metrics_file(const char *value, char **out_value, const char **out_why)
{
	size_t n = strlen(value);

	if (n < 5 || !str_eq(value + n - 5, ".prom"))
		return refuse(out_why, "does not end in '.prom'");
	return conf_normalize_path(value, out_value, out_why);
}

/* "DIR/..." and "DIR/" + "*": the latter is kept as it is, it means the contents. */
bool conf_check_rule_path(const char *value, char **out_value, const char **out_why)
{
	size_t n = strlen(value);
	AUTO_FREE char *dir = NULL;
	AUTO_FREE char *path = NULL;

	if (n < 2 || !str_eq(value + n - 2, "/*"))
		return conf_normalize_path(value, out_value, out_why);
	dir = xstrdup(value);
	dir[n - 1] = '\0';
	if (!conf_normalize_path(dir, &path, out_why))
		return false;
	*out_value = xasprintf("%s/*", str_eq(path, "/") ? "" : path);
	return true;
}

/* "FILE" or "MOUNT=FILE". */
bool conf_check_filter_file(const char *value, char **out_value, const char **out_why)
{
	AUTO_FREE char *mount = NULL;
	const char *file = conf_filter_file(value, &mount);
	AUTO_FREE char *normal_file = NULL;
	AUTO_FREE char *normal = NULL;

	if (*file != '/' || (mount && *mount != '/'))
		return refuse(out_why, "is neither FILE nor MOUNT=FILE, both absolute paths");
	if (!conf_normalize_path(file, &normal_file, out_why) ||
		(mount && !conf_normalize_path(mount, &normal, out_why)))
		return false;
	*out_value = mount ? xasprintf("%s=%s", normal, normal_file) : xstrdup(normal_file);
	return true;
}

/* A file on this host that ssh_config would write with a tilde as well. */
bool conf_check_user_path(const char *value, char **out_value, const char **out_why)
{
	AUTO_FREE char *rest = NULL;

	if (strncmp(value, "~/", 2) != 0) {
		if (*value != '/')
			return refuse(out_why, "is neither an absolute path nor one that begins with '~/'");
		return conf_normalize_path(value, out_value, out_why);
	}
	if (!conf_normalize_path(value + 1, &rest, out_why))
		return false;
	*out_value = xasprintf("~%s", rest);
	return true;
}

bool conf_check_proxy(const char *value, char **out_value, const char **out_why)
{
	const char *host = strncmp(value, "http://", 7) == 0 ? value + 7 : value;
	const char *colon = strrchr(host, ':');
	AUTO_FREE char *port = NULL;
	uint64_t number;
	size_t n;

	if (strstr(host, "://"))
		return refuse(out_why, "is no HTTP proxy");
	if (!colon)
		return refuse(out_why, "has no port");
	port = xstrdup(colon + 1);
	if (*port && port[strlen(port) - 1] == '/')
		port[strlen(port) - 1] = '\0';
	n = (size_t)(colon - host);
	if (!text_parse_u64(port, 65535, &number) || !number)
		return refuse(out_why, "has no port from 1 to 65535");
	if (n > 2 && *host == '[' && host[n - 1] == ']' ? !is_ipv6(host + 1, n - 2) : !is_safe_word(host, n))
		return refuse(out_why, "has no host name");
	return keep(value, out_value);
}

bool conf_check_filesystem(const char *value, char **out_value, const char **out_why)
{
	for (const char *p = value; *p; p++)
		if (!is_alnum(*p) && !strchr("._-", *p))
			return refuse(out_why, "is no file system type");
	return keep(value, out_value);
}

bool conf_check_finding(const char *value, char **out_value, const char **out_why)
{
	const struct preflight_row *row = preflight_find(value);

	if (!row)
		return refuse(out_why, "is no check: rehost-checks(7) lists them");
	return keep(row->id, out_value);
}

bool conf_check_threshold(const char *value, char **out_value, const char **out_why)
{
	size_t n = strcspn(value, "=");
	AUTO_FREE char *id = xmemdup(value, n);
	const struct preflight_row *row = preflight_find(id);
	const char *number = value + n + (value[n] == '=');
	char *end;

	if (!row)
		return refuse(out_why, "does not begin with the id of a check: rehost-checks(7) lists them");
	if (row->threshold < 0)
		return refuse(out_why, "names a check that has no threshold");
	if (!isdigit((unsigned char)*number) || strtod(number, &end) > 1e15 || *end)
		return refuse(out_why, "has no number behind '='");
	*out_value = xasprintf("%s=%s", row->id, number);
	return true;
}

bool conf_image_split(const char *value, char **out_file, uint64_t *out_size, const char **out_why)
{
	const char *colon = strrchr(value, ':');
	AUTO_FREE char *file = NULL;

	if (*value != '/' || !colon)
		return refuse(out_why, "is not FILE:SIZE with an absolute path, such as /srv/new.img:20G");
	if (!text_parse_size(colon + 1, out_size) || !*out_size)
		return refuse(out_why, "has no size behind its last colon, such as 20G");
	if (*out_size > CONF_IMAGE_MAX)
		return refuse(out_why, "is larger than 1024 TiB");
	if (colon[-1] == '/')
		return refuse(out_why, "names a directory");
	file = xmemdup(value, (size_t)(colon - value));
	return conf_normalize_path(file, out_file, out_why);
}

bool conf_check_image(const char *value, char **out_value, const char **out_why)
{
	AUTO_FREE char *file = NULL;
	uint64_t size;

	if (!conf_image_split(value, &file, &size, out_why))
		return false;
	*out_value = xasprintf("%s%s", file, strrchr(value, ':'));
	return true;
}

bool conf_check_layout_filesystem(const char *value, char **out_value, const char **out_why)
{
	static const char *const types[] = {"ext4", "xfs", "btrfs"};

	if (strncmp(value, "/=", 2) != 0)
		return refuse(
			out_why, "does not begin with '/=': with the policy simple the root is the only file system");
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(value + 2, types[i]))
			return keep(value, out_value);
	return refuse(out_why, "is none of /=ext4, /=xfs and /=btrfs");
}
