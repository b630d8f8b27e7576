/*
 * Packed rules: bytes are refused, or they are a set that packs to the same bytes and answers any question. Its own
 * last bytes are asked as a path too: they are likely to be near a pattern.
 */
#include "rules/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"", "a", "a/b", "srv/data/x.o", "foo/bar/baz/file", "a/b/c/d/e/f/g/h"};
	size_t tail = size < 32 ? size : 32;
	AUTO_FREE char *own = xmemdup(data + size - tail, tail);
	AUTO_BUF again = BUF_INIT;
	struct rules_verdict v;
	struct rules *r;

	if (!rules_unpack(data, size, &r))
		return 0;
	rules_pack(r, &again);
	if (again.len != size || memcmp(again.data, data, size) != 0)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		rules_match_path(r, paths[i], false, &v);
		rules_match_path(r, paths[i], true, &v);
	}
	rules_match_path(r, own, true, &v);
	if (rules_empty(r) && (v.hide || v.protect || v.passage))
		abort();
	rules_free(r);
	return 0;
}
