/*
 * The configuration: any text is either refused with errors or gives a configuration that show-config prints so that
 * it reads back as the same. What stands behind the first NUL byte is taken as a --set.
 */
#include "conf/ini.h"
#include "conf/origins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lines without the comments, which say where values are from. */
static void strip_comments(struct buf *b)
{
	char *text = buf_cstr(b), *save = NULL;
	struct buf out = BUF_INIT;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != '#')
			buf_printf(&out, "%s\n", line);
	buf_release(b);
	*b = out;
}

static void print_and_read_again(const struct conf *c)
{
	struct conf_errors errors = {0};
	AUTO_BUF first = BUF_INIT;
	AUTO_BUF second = BUF_INIT;
	struct conf *again;

	conf_print(c, &first);
	again = conf_load_text((const char *)first.data, first.len, "again", NULL, 0, &errors);
	if (!again)
		abort();
	conf_print(again, &second);
	strip_comments(&first);
	strip_comments(&second);
	if (first.len != second.len || (first.len && memcmp(first.data, second.data, first.len) != 0))
		abort();
	for (unsigned minute = 0; minute < 24 * 60; minute += 60)
		if (conf_bandwidth_at(c, minute) != conf_bandwidth_at(again, minute))
			abort();
	conf_free(again);
	conf_errors_release(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xmemdup(data, size);
	size_t n = strlen(text);
	const char *set = n < size ? text + n + 1 : NULL;
	struct conf_errors errors = {0};
	struct conf *c = conf_load_text(text, n, "fuzz", &set, set ? 1 : 0, &errors);

	if (!c != (errors.count > 0))
		abort();
	if (c)
		print_and_read_again(c);
	conf_free(c);
	conf_errors_release(&errors);
	return 0;
}
