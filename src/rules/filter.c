#include "rules/filter.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define FILE_MAX (16u << 20)

/* What a merge file hands on to the rules in it. */
struct context {
	uint8_t flags; /* PATTERN_INCLUDE (when there are no prefixes), PATTERN_ABSOLUTE, PATTERN_PERISHABLE */
	uint8_t sides; /* PATTERN_HIDE, PATTERN_PROTECT: all rules speak of these; 0: each for itself */
	bool no_prefixes;
	bool words; /* rules end at blanks */
	unsigned depth;
	const char *
		file; /* of a configured job: relative names in it are below its directory. NULL: the working directory's */
};

struct rule {
	char kind; /* '+', '-', '.', '!' */
	uint8_t flags, sides;
	bool no_prefixes, words, exclude_self; /* of a merge */
	bool side_in_name;
	const char *pattern;
	size_t pattern_len;
};

struct parser {
	struct rules *set;
	const struct conf_item *where;
	struct conf_errors *errors; /* takes the errors of all lines of a file; NULL: the first ends it, in d */
	struct diag *d;
};

static bool add_text(const struct parser *p, const char *text, const struct context *ctx);

static bool fail(const struct parser *p, enum diag_code code, const char *message)
{
	AUTO_FREE char *at =
		p->where->line ? xasprintf("%s:%u", p->where->file, p->where->line) : xstrdup(p->where->file);

	if (p->errors)
		conf_errors_add(p->errors, at, message);
	else
		diag_set(p->d, code, 0, NULL, "%s: %s", at, message);
	return false;
}

static bool bad(const struct parser *p, const char *why)
{
	AUTO_FREE char *message = xasprintf("bad filter rule '%s': %s", p->where->value, why);

	return fail(p, DIAG_RULES_FILTER, message);
}

static bool unsupported(const struct parser *p, const char *what)
{
	AUTO_FREE char *message = xasprintf("filter rule '%s' needs %s", p->where->value, what);

	return fail(p, DIAG_RULES_UNSUPPORTED, message);
}

/* With errno. */
static bool unreadable(const struct parser *p, const char *file)
{
	AUTO_FREE char *message =
		p->errors ? xasprintf("cannot read the filter file '%s': %s", file, strerror(errno)) : NULL;

	if (message)
		return fail(p, DIAG_RULES_FILE, message);
	diag_set(p->d, DIAG_RULES_FILE, errno, file, "cannot read the filter file '%s'", file);
	return false;
}

/* Is c what rsync takes for a blank? */
static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The rule's name at s as its short form; *out_s then stands before the first modifier. 0 when there is none. */
static char parse_name(const char *s, const char **out_s)
{
	static const struct {
		const char *name;
		char kind;
	} names[] = {
		{"exclude", '-'},
		{"include", '+'},
		{"merge", '.'},
		{"dir-merge", ':'},
		{"hide", 'H'},
		{"show", 'S'},
		{"protect", 'P'},
		{"risk", 'R'},
		{"clear", '!'},
	};

	if (*s && strchr("-+.:HSPR!", *s)) {
		*out_s = s + 1 + (s[1] == ',');
		return *s;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i].name);

		if (strncmp(s, names[i].name, n) != 0)
			continue;
		if (s[n] && s[n] != ',' && s[n] != '_' && !is_blank(s[n]))
			continue;
		*out_s = s + n + (s[n] == ',');
		return names[i].kind;
	}
	return 0;
}

static void apply_name(struct rule *r, char name)
{
	static const char kinds[] = "-+.!HSPR";
	static const struct rule rules[] = {
		{.kind = '-'},
		{.kind = '+', .flags = PATTERN_INCLUDE},
		{.kind = '.'},
		{.kind = '!'},
		{.kind = '-', .sides = PATTERN_HIDE, .side_in_name = true},
		{.kind = '+', .flags = PATTERN_INCLUDE, .sides = PATTERN_HIDE, .side_in_name = true},
		{.kind = '-', .sides = PATTERN_PROTECT, .side_in_name = true},
		{.kind = '+', .flags = PATTERN_INCLUDE, .sides = PATTERN_PROTECT, .side_in_name = true},
	};
	const struct rule *from = &rules[strchr(kinds, name) - kinds];

	r->kind = from->kind;
	r->flags |= from->flags;
	r->sides = from->sides;
	r->side_in_name = from->side_in_name;
}

/* The modifiers that only merge rules take. */
static bool apply_merge_modifier(const struct parser *p, struct rule *r, char c)
{
	switch (c) {
	case '-':
	case '+':
		if (r->no_prefixes)
			return bad(p, "two of the modifiers '-' and '+'");
		r->no_prefixes = true;
		if (c == '+')
			r->flags |= PATTERN_INCLUDE;
		return true;
	case 'e':
		r->exclude_self = true;
		return true;
	case 'n': /* of directories' own files only, as in rsync */
		return true;
	case 'w':
		r->words = true;
		return true;
	}
	return bad(p, "unknown modifier");
}

static bool apply_modifier(const struct parser *p, struct rule *r, char c)
{
	switch (c) {
	case '/':
		r->flags |= PATTERN_ABSOLUTE;
		return true;
	case '!':
		if (r->kind == '.')
			return bad(p, "a merge rule takes no '!'");
		r->flags |= PATTERN_NEGATE;
		return true;
	case 's':
	case 'r':
		if (r->side_in_name)
			return bad(p, "the rule's name says the side already");
		r->sides |= c == 's' ? PATTERN_HIDE : PATTERN_PROTECT;
		return true;
	case 'C':
		return unsupported(p, "the CVS patterns ('C')");
	case 'p':
		r->flags |= PATTERN_PERISHABLE;
		return true;
	case 'x':
		return unsupported(p, "rules for extended attributes ('x')");
	}
	if (r->kind == '.')
		return apply_merge_modifier(p, r, c);
	return bad(p, "unknown modifier");
}

/* Name and modifiers; *s then stands at the pattern. */
static bool parse_prefix(const struct parser *p, const char **s, const struct context *ctx, struct rule *r)
{
	char name = parse_name(*s, s);

	if (!name)
		return bad(p, "it does not begin with a rule's name such as '+' or '-'");
	if (name == ':')
		return unsupported(p, "rules in files of the directories themselves (dir-merge)");
	apply_name(r, name);
	while (name != '!' && **s && **s != ' ' && **s != '_') {
		if (ctx->words && is_blank(**s))
			break;
		if (!apply_modifier(p, r, *(*s)++))
			return false;
	}
	if (name != '!' && (**s == ' ' || **s == '_'))
		(*s)++;
	return true;
}

/* One rule at *s, which is moved behind it. */
static bool parse_rule(const struct parser *p, const char **s, const struct context *ctx, struct rule *r)
{
	*r = (struct rule){.kind = ctx->flags & PATTERN_INCLUDE ? '+' : '-', .flags = ctx->flags};
	if (!ctx->no_prefixes && !parse_prefix(p, s, ctx, r))
		return false;
	if (r->sides && ctx->sides)
		return bad(p, "it says a side, and so does the merge rule of its file");
	r->sides |= ctx->sides;
	r->pattern = *s;
	if (ctx->words)
		for (; **s && !is_blank(**s); (*s)++)
			;
	else
		*s += strlen(*s);
	r->pattern_len = (size_t)(*s - r->pattern);
	if (r->kind == '!' && r->pattern_len)
		return bad(p, "text after the rule that clears the list");
	if (r->kind != '!' && !r->pattern_len)
		return bad(p, r->kind == '.' ? "no file is named" : "there is no pattern");
	if (r->pattern_len > GLOB_LENGTH_MAX)
		return bad(p, "the pattern is longer than 4095 bytes");
	return true;
}

/* The rules of a file of this many bytes, which are NUL-terminated. With p->errors true whatever is in it. */
static bool add_lines(const struct parser *p, const char *file, char *text, size_t n, const struct context *ctx)
{
	unsigned number = 1;

	for (char *line = text; line < text + n; number++) {
		size_t len = strcspn(line, "\r\n");
		char *next = line + len + 1;
		struct conf_item where = {line, (char *)file, number};
		struct parser inner = {p->set, &where, p->errors, p->d};

		/* CR and LF together end one line. */
		if (line[len] == '\r' && line[len + 1] == '\n')
			next++;
		if (!line[len] && line + len < text + n)
			return bad(&inner, "the line holds a NUL byte") || p->errors;
		line[len] = '\0';
		if (*line && (ctx->words || (*line != '#' && *line != ';')) && !add_text(&inner, line, ctx) &&
			!p->errors)
			return false;
		line = next;
	}
	return true;
}

/* The file that a rule names; a relative one within a file of the configuration is below that one's directory. */
static char *file_of(const struct rule *r, const struct context *ctx)
{
	const char *slash = ctx->file && *r->pattern != '/' ? strrchr(ctx->file, '/') : NULL;

	return xasprintf("%.*s%.*s", slash ? (int)(slash + 1 - ctx->file) : 0, slash ? ctx->file : "",
		(int)r->pattern_len, r->pattern);
}

static bool merge(const struct parser *p, const struct rule *r, const struct context *ctx)
{
	AUTO_FREE char *file = file_of(r, ctx);
	AUTO_FREE char *text = NULL;
	size_t n;
	struct context inner = {
		.flags = r->flags & (PATTERN_INCLUDE | PATTERN_ABSOLUTE | PATTERN_PERISHABLE),
		.sides = r->sides,
		.no_prefixes = r->no_prefixes,
		.words = r->words,
		.depth = ctx->depth + 1,
		.file = ctx->file ? file : NULL,
	};

	if (r->pattern_len == 1 && *r->pattern == '-')
		return unsupported(p, "rules from standard input");
	if (ctx->depth >= FILTER_DEPTH_MAX)
		return bad(p, "too many files are merged within each other");
	if (r->exclude_self) {
		const char *slash = strrchr(file, '/');
		const char *name = slash ? slash + 1 : file;

		if (*name)
			rules_add_pattern(p->set, name, strlen(name), PATTERN_HIDE | PATTERN_PROTECT, p->where);
	}
	if (fd_read_file(AT_FDCWD, file, FILE_MAX, &text, &n) < 0)
		return unreadable(p, file);
	return add_lines(p, file, text, n, &inner);
}

static bool add_text(const struct parser *p, const char *text, const struct context *ctx)
{
	for (;;) {
		struct rule r;

		while (ctx->words && is_blank(*text))
			text++;
		if (!*text)
			return true;
		if (!parse_rule(p, &text, ctx, &r))
			return false;
		if (r.kind == '!') {
			rules_clear_patterns(p->set);
		} else if (r.kind == '.') {
			if (!merge(p, &r, ctx))
				return false;
		} else {
			uint8_t sides = r.sides ? r.sides : PATTERN_HIDE | PATTERN_PROTECT;
			rules_add_pattern(p->set, r.pattern, r.pattern_len, r.flags | sides, p->where);
		}
	}
}

bool filter_add(struct rules *r, const struct conf_item *rule, unsigned depth, struct diag *d)
{
	struct parser p = {r, rule, NULL, d};
	struct context ctx = {.depth = depth};

	return add_text(&p, rule->value, &ctx);
}

bool filter_add_file(
	struct rules *r, const char *file, const struct conf_item *key, struct conf_errors *errors, struct diag *d)
{
	struct parser p = {r, key, errors, d};
	struct context ctx = {.file = file};
	AUTO_FREE char *text = NULL;
	size_t n;

	if (fd_read_file(AT_FDCWD, file, FILE_MAX, &text, &n) < 0)
		return unreadable(&p, file);
	return add_lines(&p, file, text, n, &ctx);
}

bool rules_read_patterns(const char *file, bool include, struct conf *c, struct diag *d)
{
	AUTO_FREE char *text = NULL;
	bool from_stdin = str_eq(file, "-");
	unsigned number = 1;
	size_t n;

	if (fd_read_file(AT_FDCWD, from_stdin ? "/dev/stdin" : file, FILE_MAX, &text, &n) < 0) {
		diag_set(d, DIAG_RULES_FILE, errno, file, "cannot read the file of patterns '%s'", file);
		return false;
	}
	if (memchr(text, '\0', n)) {
		diag_set(d, DIAG_RULES_FILE, 0, file, "the file of patterns '%s' holds a NUL byte", file);
		return false;
	}
	for (char *line = text; line < text + n; number++) {
		size_t len = strcspn(line, "\r\n");
		char *next = line + len + 1;

		if (line[len] == '\r' && line[len + 1] == '\n')
			next++;
		line[len] = '\0';
		if (*line != '#' && *line != ';')
			conf_add_pattern(c, line, include, from_stdin ? "standard input" : file, number);
		line = next;
	}
	return true;
}
