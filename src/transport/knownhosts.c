/*
 * known_hosts, read as OpenSSH reads it: patterns, negations, hashed names, [host]:port. libssh2's own reader
 * knows neither patterns nor markers, and cannot name the line that differs.
 */
#include "transport/knownhosts.h"
#include "transport/sha1.h"
#include "base/fd.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (16u << 20)
#define ENTRIES_MAX 4096

struct known_entry {
	char *file;
	unsigned line;
	bool plain; /* matched only without the port: good for a match, silent about a change */
	char *type;
	struct buf blob;
};

bool base64_decode(struct buf *out, const char *text, size_t n)
{
	uint32_t bits = 0;
	unsigned have = 0;

	while (n && text[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		unsigned v = isupper(c) ? c - 'A' : islower(c) ? c - 'a' + 26 : isdigit(c) ? c - '0' + 52 : 64;

		if (c == '+')
			v = 62;
		else if (c == '/')
			v = 63;
		if (v == 64)
			return false;
		bits = bits << 6 | v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_append_u8(out, (uint8_t)(bits >> have));
		}
	}
	return true;
}

/* "|1|SALT|HASH": HMAC-SHA1 of the name with the salt. */
static bool hashed_matches(const char *field, size_t n, const char *name)
{
	const char *salt = field + 3, *bar = memchr(salt, '|', n - 3);
	AUTO_BUF key = BUF_INIT;
	AUTO_BUF want = BUF_INIT;
	uint8_t got[20];

	if (!bar || !base64_decode(&key, salt, (size_t)(bar - salt)) ||
		!base64_decode(&want, bar + 1, (size_t)(field + n - bar - 1)) || want.len != sizeof(got))
		return false;
	hmac_sha1(key.data, key.len, name, strlen(name), got);
	return memcmp(got, want.data, sizeof(got)) == 0;
}

/* * and ?, case-insensitive; name is in lower case. Linear: only the last star is ever tried again. */
static bool pattern_matches(const char *p, size_t n, const char *name)
{
	size_t i = 0, star = SIZE_MAX;
	const char *mark = NULL;

	while (*name) {
		if (i < n && (p[i] == '?' || (p[i] != '*' && tolower((unsigned char)p[i]) == *name))) {
			i++;
			name++;
		} else if (i < n && p[i] == '*') {
			star = i++;
			mark = name;
		} else if (mark) {
			i = star + 1;
			name = ++mark;
		} else {
			return false;
		}
	}
	while (i < n && p[i] == '*')
		i++;
	return i == n;
}

static bool field_matches(const char *field, size_t n, const char *name)
{
	bool found = false;

	if (n > 3 && strncmp(field, "|1|", 3) == 0)
		return hashed_matches(field, n, name);
	while (n) {
		const char *comma = memchr(field, ',', n);
		size_t len = comma ? (size_t)(comma - field) : n;
		bool negated = len && *field == '!';

		if (len && pattern_matches(field + negated, len - negated, name)) {
			if (negated)
				return false;
			found = true;
		}
		field += len + (comma ? 1 : 0);
		n -= len + (comma ? 1 : 0);
	}
	return found;
}

struct word {
	const char *p;
	size_t n;
};

static struct word next_word(const char **p, const char *end)
{
	struct word w;

	while (*p < end && (**p == ' ' || **p == '\t'))
		(*p)++;
	w.p = *p;
	while (*p < end && **p != ' ' && **p != '\t' && **p != '\r')
		(*p)++;
	w.n = (size_t)(*p - w.p);
	return w;
}

static void scan_line(struct known *k, const char *file, unsigned line, const char *p, const char *end)
{
	struct word hosts = next_word(&p, end), marker = {}, type, key;
	struct known_entry e = {.line = line};
	bool named;

	if (!hosts.n || *hosts.p == '#')
		return;
	if (*hosts.p == '@') {
		marker = hosts;
		hosts = next_word(&p, end);
	}
	type = next_word(&p, end);
	key = next_word(&p, end);
	named = field_matches(hosts.p, hosts.n, k->name);
	e.plain = !named && k->plain && field_matches(hosts.p, hosts.n, k->plain);
	if (!named && !e.plain)
		return;
	if (marker.n) {
		k->complex = true;
		return;
	}
	/* Protocol 1 lines have a number in the second place; they match nothing of today. */
	if (!type.n || !key.n || isdigit((unsigned char)*type.p) || !base64_decode(&e.blob, key.p, key.n) ||
		k->count >= ENTRIES_MAX) {
		buf_release(&e.blob);
		return;
	}
	e.file = xstrdup(file);
	e.type = xmemdup(type.p, type.n);
	k->entries = xrealloc(k->entries, (k->count + 1) * sizeof(*k->entries));
	k->entries[k->count++] = e;
}

void known_scan(struct known *k, const char *file, const char *text, size_t n)
{
	const char *end = text + n;

	for (unsigned line = 1; text < end; line++) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));

		scan_line(k, file, line, text, eol ? eol : end);
		text = eol ? eol + 1 : end;
	}
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static bool is_absent(int err)
{
	return err == ENOENT || err == ENOTDIR;
}

bool known_readable(const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	char c;

	if (fd < 0 || fstat(fd, &st) < 0)
		return is_absent(errno);
	/* A pipe would be without what was read. */
	return !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) || read(fd, &c, 1) >= 0;
}

bool known_load(struct known *k, const struct strv *files, const char *host, unsigned port, const char *alias,
	const char **out_unread)
{
	*k = (struct known){};
	if (alias || port == 22) {
		k->name = xstrdup(alias ? alias : host);
	} else {
		k->name = xasprintf("[%s]:%u", host, port);
		k->plain = xstrdup(host);
		lower(k->plain);
	}
	lower(k->name);
	for (size_t i = 0; files && i < files->n; i++) {
		AUTO_FREE char *text = NULL;
		size_t n;

		if (fd_read_file(AT_FDCWD, files->v[i], FILE_MAX, &text, &n) == 0) {
			known_scan(k, files->v[i], text, n);
		} else if (!is_absent(errno)) {
			*out_unread = files->v[i];
			return false;
		}
	}
	return true;
}

void known_release(struct known *k)
{
	for (size_t i = 0; i < k->count; i++) {
		free(k->entries[i].file);
		free(k->entries[i].type);
		buf_release(&k->entries[i].blob);
	}
	free(k->entries);
	free(k->name);
	free(k->plain);
	*k = (struct known){};
}

enum known_result known_check(
	const struct known *k, const char *type, const void *blob, size_t n, const char **out_file, unsigned *out_line)
{
	enum known_result r = KNOWN_NEW;

	if (k->complex)
		return KNOWN_COMPLEX;
	for (size_t i = 0; i < k->count; i++) {
		const struct known_entry *e = &k->entries[i];

		if (!str_eq(e->type, type))
			continue;
		if (e->blob.len == n && memcmp(e->blob.data, blob, n) == 0)
			return KNOWN_MATCH;
		if (!e->plain && r == KNOWN_NEW) {
			*out_file = e->file;
			*out_line = e->line;
			r = KNOWN_CHANGED;
		}
	}
	return r;
}

bool known_has_type(const struct known *k, const char *type)
{
	for (size_t i = 0; i < k->count; i++)
		if (str_eq(k->entries[i].type, type))
			return true;
	return false;
}
