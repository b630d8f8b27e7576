#include "rules/pattern.h"

#define PIECES_MAX 6

uint32_t pattern_hash(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h;
}

void pattern_init(struct pattern *p, const char *text, size_t n, uint8_t flags)
{
	const char *starstar, *slash;

	*p = (struct pattern){.flags = flags};
	if (n > 1 && text[n - 1] == '/') {
		n--;
		p->flags |= PATTERN_DIRECTORY;
	}
	p->text = xmemdup(text, n);
	for (size_t i = 0; i < n; i++)
		p->slashes += text[i] == '/';
	p->anchored = *p->text == '/';
	/* rsync looks for these bytes wherever they stand, behind a backslash or in brackets too. */
	p->wild = strpbrk(p->text, "*[?") != NULL;
	starstar = strstr(p->text, "**");
	p->wild2 = starstar != NULL;
	p->wild2_prefix = starstar == p->text;
	p->wild3_suffix = p->wild2 && n >= 3 && memcmp(p->text + n - 3, "***", 3) == 0;
	slash = strrchr(p->text, '/');
	p->last = slash ? slash + 1 : p->text;
	p->last_hash = pattern_hash(p->last, strlen(p->last));
	if (p->wild)
		glob_compile(&p->glob, p->text + p->anchored);
}

void pattern_release(struct pattern *p)
{
	free(p->text);
	glob_release(&p->glob);
}

static void add_piece(struct glob_piece *pieces, size_t *n, const char *s, size_t len)
{
	if (len)
		pieces[(*n)++] = (struct glob_piece){s, len};
}

/* Cuts the pieces down to their last count components; false when there are fewer. */
static bool keep_last_components(struct glob_piece *pieces, size_t *n, size_t count)
{
	for (size_t i = *n; i-- > 0;) {
		for (size_t k = pieces[i].n; k-- > 0;) {
			if (pieces[i].p[k] != '/' || --count)
				continue;
			pieces[i].p += k + 1;
			pieces[i].n -= k + 1;
			memmove(pieces, pieces + i, (*n - i) * sizeof(*pieces));
			*n -= i;
			return true;
		}
	}
	return count == 1;
}

/* The same bytes as text? */
static bool pieces_equal(const struct glob_piece *pieces, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(text, pieces[i].p, pieces[i].n) != 0)
			return false;
		text += pieces[i].n;
	}
	return !*text;
}

/* Does the name end as every match must, as far as the name reaches? */
static bool tail_fits(const struct pattern *p, const struct pattern_subject *s)
{
	size_t n = p->glob.tail_len < s->name_len ? p->glob.tail_len : s->name_len;

	return memcmp(s->name + s->name_len - n, p->glob.tail + p->glob.tail_len - n, n) == 0;
}

static bool match_text(const struct pattern *p, const struct pattern_subject *s)
{
	struct glob_piece pieces[PIECES_MAX];
	size_t n = 0;
	bool whole = p->slashes || p->wild2;

	if (!p->wild && (p->last_hash != s->name_hash || !str_eq(p->last, s->name)))
		return false;
	if (p->wild && p->glob.tail_len && !tail_fits(p, s))
		return false;
	if (whole) {
		if (p->flags & PATTERN_ABSOLUTE && s->root_len) {
			add_piece(pieces, &n, s->root, s->root_len);
			add_piece(pieces, &n, "/", 1);
		} else if (p->wild2_prefix) {
			/* So that a leading "**" and a slash can match at the top too. */
			add_piece(pieces, &n, "/", 1);
		}
		if (s->dir_len) {
			add_piece(pieces, &n, s->dir, s->dir_len);
			add_piece(pieces, &n, "/", 1);
		}
	}
	add_piece(pieces, &n, s->name, s->name_len);
	/* "dir" and "***" behind a slash is the directory itself as well. */
	if (s->is_dir && p->wild3_suffix)
		add_piece(pieces, &n, "/", 1);

	/* Without an anchor it is matched against as many components as it has itself. */
	if (!p->anchored && p->slashes && !p->wild2 && !keep_last_components(pieces, &n, p->slashes + 1))
		return false;
	if (!p->wild)
		return pieces_equal(pieces, n, p->text + p->anchored);
	return glob_match(&p->glob, pieces, n, !p->anchored && p->wild2 && !p->wild2_prefix);
}

bool pattern_match(const struct pattern *p, const struct pattern_subject *s)
{
	bool negate = p->flags & PATTERN_NEGATE;

	if (p->flags & PATTERN_DIRECTORY && !s->is_dir)
		return negate;
	return match_text(p, s) != negate;
}
