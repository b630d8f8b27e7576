/*
 * import: the first line names the file, the rest is its text. What comes out is taken by the configuration, and no line of
 * it is anything but a setting, a section, a comment or empty.
 */
#include "conf/conf.h"
#include "conf/ini.h"
#include "import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each setting by itself, as a --set. */
static void check(struct buf *out)
{
	AUTO_BUF section = BUF_INIT;
	AUTO_BUF name = BUF_INIT;
	AUTO_BUF value = BUF_INIT;
	struct ini ini;
	enum ini_kind kind;

	ini_init(&ini, buf_cstr(out), out->len);
	while ((kind = ini_next(&ini, &name, &value)) != INI_END) {
		if (kind == INI_ERROR)
			abort();
		if (kind == INI_SECTION) {
			buf_clear(&section);
			buf_append(&section, name.data, name.len);
			continue;
		}
		AUTO_FREE char *set = xasprintf("%s.%s=%s", buf_cstr(&section), buf_cstr(&name), buf_cstr(&value));
		const char *const sets[] = {set};
		struct conf_sources from = {.no_files = true, .sets = sets, .set_count = 1};
		struct conf_errors errors = {0};
		struct conf *c = conf_load(&from, &errors);

		if (!c)
			abort();
		conf_free(c);
		conf_errors_release(&errors);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xmemdup(data, size);
	char *nl = memchr(text, '\n', size);
	struct import_file f = {.name = text};
	AUTO_BUF out = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;

	if (!nl)
		return 0;
	*nl = '\0';
	f.text = nl + 1;
	f.len = size - (size_t)(nl + 1 - text);
	if (import_files(&f, 1, &out, &d))
		check(&out);
	else if (!diag_is_set(&d))
		abort();
	return 0;
}
