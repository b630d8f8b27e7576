#include "facts/fields.h"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* \ooo as the byte it stands for; but \000 stays. */
static char *decoded(char *word)
{
	char *to = word;

	for (const char *p = word; *p; to++) {
		int c = *p == '\\' && is_octal(p[1]) && is_octal(p[2]) && is_octal(p[3])
			? (p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0')
			: 0;

		*to = c > 0 && c < 256 ? (char)c : *p;
		p += c > 0 && c < 256 ? 4 : 1;
	}
	*to = '\0';
	return word;
}

static char *cut(char **text, size_t n)
{
	char *piece = *text;

	*text += n;
	if (**text)
		*(*text)++ = '\0';
	return piece;
}

char *fields_line(char **text)
{
	return *text && **text ? cut(text, strcspn(*text, "\n")) : NULL;
}

char *fields_word(char **line)
{
	*line += strspn(*line, " \t\r");
	return **line ? decoded(cut(line, strcspn(*line, " \t\r"))) : NULL;
}

char *fields_cell(char **line)
{
	return **line ? decoded(cut(line, strcspn(*line, " "))) : NULL;
}
