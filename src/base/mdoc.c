#include "base/mdoc.h"
#include "base/util.h"

static void put_char(FILE *out, char c)
{
	static const struct {
		char c;
		const char *as;
	} escapes[] = {{'\\', "\\e"}, {'-', "\\-"}, {'~', "\\(ti"}, {'^', "\\(ha"}};

	for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
		if (escapes[i].c == c) {
			fputs(escapes[i].as, out);
			return;
		}
	fputc(c, out);
}

void mdoc_text(FILE *out, const char *text)
{
	bool line_start = true;
	int column = 0;

	for (const char *p = text; *p; p++) {
		column = line_start ? 1 : column + 1;
		if (line_start && (*p == '.' || *p == '\''))
			fputs("\\&", out);
		line_start = *p == ' ' && p > text && (strchr(".!?", p[-1]) || column > 60);
		if (line_start)
			fputc('\n', out);
		else
			put_char(out, *p);
	}
	fputc('\n', out);
}
