/*
 * The configuration: any text is either refused with errors or gives a configuration whose values, printed, read
 * back as the same. What stands behind the first NUL byte is taken as a --set.
 */
#include "conf/origins.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_and_read_again(const struct conf *c)
{
	struct conf_errors errors = {0};
	AUTO_BUF first = BUF_INIT;
	AUTO_BUF second = BUF_INIT;
	struct conf *again;

	conf_print(c, &first);
	buf_clear(&first);
	conf_print_plain(c, &first);
	again = conf_load_text((const char *)first.data, first.len, "again", NULL, 0, &errors);
	if (!again)
		abort();
	conf_print_plain(again, &second);
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
