#include "import/words.h"

static bool add(struct words *w, const char *word, size_t n)
{
	if (w->count == WORDS_MAX)
		return false;
	if ((w->count & (w->count - 1)) == 0)
		w->at = xrealloc(w->at, (w->count ? w->count * 2 : 1) * sizeof(*w->at));
	w->at[w->count++] = xmemdup(word, n);
	return true;
}

void words_release(struct words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->at[i]);
	free(w->at);
	*w = (struct words){0};
}

struct reading {
	const char *s;
	struct buf word;
	/* Where in word the braces and commas stand that were not quoted; the first braces alone. */
	size_t open, close, commas;
	struct words *out;
};

#define NO_BRACE SIZE_MAX

/* "a{b,c}d" as the words "abd" and "acd". */
static bool add_braces(struct reading *r)
{
	const char *word = buf_cstr(&r->word), *at = word + r->open + 1, *end = word + r->close;
	bool ok = true;

	r->out->braces = true;
	while (ok && at <= end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		size_t n = (size_t)((comma ? comma : end) - at);
		AUTO_BUF one = BUF_INIT;

		buf_append(&one, word, r->open);
		buf_append(&one, at, n);
		buf_append_str(&one, end + 1);
		ok = add(r->out, buf_cstr(&one), one.len);
		at += n + 1;
	}
	return ok;
}

static bool end_word(struct reading *r)
{
	bool ok = r->commas && r->open != NO_BRACE && r->close != NO_BRACE
		? add_braces(r)
		: add(r->out, buf_cstr(&r->word), r->word.len);

	buf_clear(&r->word);
	r->open = r->close = NO_BRACE;
	r->commas = 0;
	return ok;
}

/* One in quotes, at the first of them. False when there is no second. */
static bool quoted(struct reading *r)
{
	char quote = *r->s++;

	for (; *r->s && *r->s != quote; r->s++) {
		if (quote == '"' && *r->s == '\\' && r->s[1] && strchr("$`\"\\", r->s[1]))
			r->s++;
		else if (quote == '"' && (*r->s == '$' || *r->s == '`'))
			r->out->variable = true;
		buf_append_u8(&r->word, (uint8_t)*r->s);
	}
	if (!*r->s)
		return false;
	r->s++;
	return true;
}

static void plain(struct reading *r)
{
	if (*r->s == '\\' && r->s[1])
		r->s++;
	else if (*r->s == '$' || *r->s == '`')
		r->out->variable = true;
	else if (*r->s == '{' && r->open == NO_BRACE)
		r->open = r->word.len;
	else if (*r->s == '}' && r->open != NO_BRACE && r->close == NO_BRACE)
		r->close = r->word.len;
	else if (*r->s == ',' && r->open != NO_BRACE && r->close == NO_BRACE)
		r->commas++;
	buf_append_u8(&r->word, (uint8_t)*r->s++);
}

bool words_split(const char *line, struct words *out)
{
	struct reading r = {.s = line, .open = NO_BRACE, .close = NO_BRACE, .out = out};
	bool ok = true;

	*out = (struct words){0};
	while (ok && *r.s) {
		bool any = false;

		r.s += strspn(r.s, " \t\r");
		if (!*r.s || strchr(";&|<>#", *r.s))
			break;
		while (ok && *r.s && !strchr(" \t\r;&|<>", *r.s)) {
			any = true;
			if (*r.s == '\'' || *r.s == '"')
				ok = quoted(&r);
			else
				plain(&r);
		}
		/* The number before a redirection is no word. */
		if (any && ok && !(r.word.len == 1 && strchr("12", *buf_cstr(&r.word)) && *r.s == '>'))
			ok = end_word(&r);
	}
	buf_release(&r.word);
	return ok;
}
