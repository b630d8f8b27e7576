/*
 * Filter rules as text: the first line is a path to ask for, each further one a rule, "=PATH" an excluded path, "<PATTERN"
 * and ">PATTERN" what --exclude and --include take, "@PATH" the mount of those that follow. The set, packed and unpacked, must answer the same.
 */
#include "conf/conf.h"
#include "rules/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_both(const struct rules *r, const struct rules *copy, const char *path, bool is_dir)
{
	struct rules_verdict a, b;

	rules_match_path(r, path, is_dir, &a);
	rules_match_path(copy, path, is_dir, &b);
	if (a.hide != b.hide || a.protect != b.protect || a.passage != b.passage || b.rule)
		abort();
	if ((a.hide || a.protect) && !a.rule)
		abort();
}

static void check(const struct rules *r, const char *path)
{
	AUTO_BUF packed = BUF_INIT;
	struct rules *copy;

	rules_pack(r, &packed);
	if (packed.len > RULES_PACK_MAX)
		return;
	if (!rules_unpack(packed.data, packed.len, &copy))
		abort();
	ask_both(r, copy, path, false);
	ask_both(r, copy, path, true);
	rules_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xmemdup(data, size);
	char *save = NULL;
	char *path = strtok_r(text, "\n", &save);
	struct rules *r = rules_alloc("srv/data", "mnt");
	struct conf c = {0};
	AUTO_DIAG d = DIAG_INIT;
	bool good = true;

	for (char *line = strtok_r(NULL, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const struct conf_item item = {line, (char *)"fuzz", 1};
		AUTO_FREE char *normal = NULL;
		const char *why;

		if (*line == '<' || *line == '>')
			conf_add_pattern(&c, line + 1, *line == '>', "fuzz", 0);
		else if (*line != '=')
			conf_list_add(&c.rules.filters, line, "fuzz", 1);
		else if (conf_normalize_path(line + 1, &normal, &why) && normal[1])
			good = good && rules_add_path(r, normal + 1, PATHS_EXCLUDE, false, "exclude", &item);
	}
	/* No merge files: what is on this machine is no matter of the fuzzer's. */
	for (size_t i = 0; good && i < c.rules.filters.len; i++) {
		const struct conf_item *item = &c.rules.filters.items[i];
		AUTO_FREE char *mount = xasprintf("/%s", item->value + (*item->value == '@'));
		AUTO_FREE char *normal = NULL;
		const char *why;

		if (*item->value != '@')
			good = filter_add(r, item, FILTER_DEPTH_MAX, &d);
		else if (conf_normalize_path(mount, &normal, &why))
			rules_set_mount(r, normal + 1);
	}
	if (good == diag_is_set(&d))
		abort();
	if (good && path) {
		rules_index(r);
		check(r, path);
	}
	rules_free(r);
	conf_list_clear(&c.rules.filters);
	return 0;
}
