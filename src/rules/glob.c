#include "rules/glob.h"

#include <ctype.h>

enum { TOKEN_CHAR, TOKEN_ANY, TOKEN_SET, TOKEN_END };
enum { LOOP_NONE, LOOP_STAR, LOOP_STARSTAR };

static void set_add(struct glob_set *set, unsigned char c)
{
	set->bits[c / 64] |= UINT64_C(1) << (c % 64);
}

static bool set_has(const struct glob_set *set, unsigned char c)
{
	return set->bits[c / 64] >> (c % 64) & 1;
}

/* Of ASCII, whatever the locale: both hosts must agree. */
static bool set_add_class(struct glob_set *set, const char *name, size_t n)
{
	static const struct {
		const char *name;
		int (*is)(int c);
	} classes[] = {
		{"alnum", isalnum},
		{"alpha", isalpha},
		{"blank", isblank},
		{"cntrl", iscntrl},
		{"digit", isdigit},
		{"graph", isgraph},
		{"lower", islower},
		{"print", isprint},
		{"punct", ispunct},
		{"space", isspace},
		{"upper", isupper},
		{"xdigit", isxdigit},
	};

	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (strlen(classes[i].name) != n || memcmp(classes[i].name, name, n) != 0)
			continue;
		for (int c = 0; c < 128; c++)
			if (classes[i].is(c))
				set_add(set, (unsigned char)c);
		return true;
	}
	return false;
}

/* "[:name:]" with p at the colon. Returns what follows it, p itself when it is no class, NULL when it is a bad one. */
static const char *parse_class(const char *p, struct glob_set *set)
{
	const char *close = strchr(p + 1, ']');

	if (!close)
		return NULL;
	if (close - p < 2 || close[-1] != ':')
		return p;
	return set_add_class(set, p + 1, (size_t)(close - 1 - (p + 1))) ? close + 1 : NULL;
}

/* p stands behind the bracket; returns what follows the closing one, or NULL. */
static const char *parse_set(const char *p, struct glob_set *set)
{
	bool negate = *p == '!' || *p == '^';
	unsigned char before = 0; /* what a '-' would make a range from; 0: nothing */

	p += negate;
	/* A bracket that comes first is a member. */
	for (bool first = true; first || *p != ']'; first = false) {
		unsigned char c = (unsigned char)*p++;

		if (!c)
			return NULL;
		if (c == '[' && *p == ':') {
			const char *next = parse_class(p, set);
			if (!next)
				return NULL;
			if (next != p) {
				p = next;
				before = 0;
				continue;
			}
		} else if (c == '-' && before && *p && *p != ']') {
			c = (unsigned char)*p++;
			if (c == '\\')
				c = (unsigned char)*p++;
			if (!c)
				return NULL;
			for (unsigned i = before; i <= c; i++)
				set_add(set, (unsigned char)i);
			before = 0;
			continue;
		} else if (c == '\\') {
			c = (unsigned char)*p++;
			if (!c)
				return NULL;
		}
		set_add(set, c);
		before = c;
	}
	for (size_t i = 0; negate && i < ARRAY_LEN(set->bits); i++)
		set->bits[i] = ~set->bits[i];
	set->bits['/' / 64] &= ~(UINT64_C(1) << ('/' % 64));
	return p + 1;
}

/* One token at p; returns what follows, NULL when it is malformed. */
static const char *parse_token(struct glob *g, const char *p, struct glob_token *t)
{
	t->kind = TOKEN_CHAR;
	switch (*p) {
	case '?':
		t->kind = TOKEN_ANY;
		return p + 1;
	case '[':
		t->kind = TOKEN_SET;
		t->set = (uint32_t)g->set_count++;
		g->sets = xrealloc(g->sets, g->set_count * sizeof(*g->sets));
		g->sets[t->set] = (struct glob_set){{0}};
		return parse_set(p + 1, &g->sets[t->set]);
	case '\\':
		p++;
		break;
	}
	t->ch = (uint8_t)*p;
	return *p ? p + 1 : NULL;
}

static void find_tail(struct glob *g)
{
	size_t i = g->count;

	if (g->tokens[i].loop)
		return;
	while (i && g->tokens[i - 1].kind == TOKEN_CHAR) {
		i--;
		if (g->tokens[i].loop)
			break;
	}
	g->tail_len = g->count - i;
	g->tail = xmalloc(g->tail_len);
	for (size_t k = 0; k < g->tail_len; k++)
		g->tail[k] = g->tokens[i + k].ch;
}

void glob_compile(struct glob *g, const char *pattern)
{
	*g = (struct glob){0};
	g->tokens = xcalloc(strlen(pattern) + 1, sizeof(*g->tokens));
	for (const char *p = pattern;;) {
		struct glob_token *t = &g->tokens[g->count];
		size_t stars = strspn(p, "*");

		p += stars;
		if (stars)
			t->loop = stars == 1 ? LOOP_STAR : LOOP_STARSTAR;
		if (!*p) {
			t->kind = TOKEN_END;
			break;
		}
		p = parse_token(g, p, t);
		if (!p) {
			g->dead = true;
			return;
		}
		g->count++;
	}
	g->tokens = xrealloc(g->tokens, (g->count + 1) * sizeof(*g->tokens));
	find_tail(g);
}

void glob_release(struct glob *g)
{
	free(g->tokens);
	free(g->sets);
	free(g->tail);
	*g = (struct glob){0};
}

static bool token_matches(const struct glob *g, const struct glob_token *t, unsigned char c)
{
	switch (t->kind) {
	case TOKEN_CHAR:
		return t->ch == c;
	case TOKEN_ANY:
		return c != '/';
	case TOKEN_SET:
		return set_has(&g->sets[t->set], c);
	}
	return false;
}

#define WORDS ((GLOB_LENGTH_MAX + 1 + 63) / 64)

struct states {
	uint64_t w[WORDS];
};

/* The positions after c; false when there are none. */
static bool step(const struct glob *g, size_t words, const struct states *cur, struct states *next, unsigned char c)
{
	uint64_t any = 0, carry = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t stay = 0, go = 0;

		for (uint64_t left = cur->w[i]; left; left &= left - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(left);
			const struct glob_token *t = &g->tokens[i * 64 + bit];

			if (t->loop == LOOP_STARSTAR || (t->loop == LOOP_STAR && c != '/'))
				stay |= UINT64_C(1) << bit;
			if (token_matches(g, t, c))
				go |= UINT64_C(1) << bit;
		}
		next->w[i] = stay | go << 1 | carry;
		carry = go >> 63;
		any |= next->w[i];
	}
	return any != 0;
}

bool glob_match(const struct glob *g, const struct glob_piece *pieces, size_t n, bool anywhere)
{
	size_t words = g->count / 64 + 1;
	struct states a, b, *cur = &a, *next = &b;
	uint64_t end = UINT64_C(1) << (g->count % 64);
	bool rest = g->tokens[g->count].loop == LOOP_STARSTAR;

	if (g->dead)
		return false;
	memset(cur->w, 0, words * sizeof(cur->w[0]));
	cur->w[0] = 1;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < pieces[i].n; k++) {
			unsigned char c = (unsigned char)pieces[i].p[k];
			struct states *swap = cur;

			if (rest && cur->w[words - 1] & end)
				return true;
			if (!step(g, words, cur, next, c) && !anywhere)
				return false;
			if (anywhere && c == '/')
				next->w[0] |= 1;
			cur = next;
			next = swap;
		}
	}
	return (cur->w[words - 1] & end) != 0;
}
