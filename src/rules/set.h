/* What a set of rules is made of. Private to the room. */
#pragma once

#include "rules/paths.h"
#include "rules/pattern.h"
#include "rules/rules.h"

/* A listed path, relative to the source root. */
struct rules_path {
	char *path;
	uint8_t kind; /* PATHS_EXCLUDE ... PATHS_ONLY_CONTENTS */
	bool outside; /* not beneath the source root: it matches nothing, but is named to the user */
	const char *list;
};

struct rules {
	char *root; /* the source root without its leading slash */
	char *target_root; /* that of the target; what is absolute is matched against it on the target's side */
	bool only; /* sync_only is in force, though perhaps nothing of it lies beneath the root */
	struct paths tree;
	struct rules_path *paths;
	struct conf_item *path_items; /* one a path; NULL in an unpacked set */
	size_t path_count, path_cap;

	char **mounts; /* what patterns are anchored at, relative to the source root; the first is "" */
	size_t mount_count, mount;
	struct pattern *patterns;
	struct conf_item *pattern_items; /* one a pattern; NULL in an unpacked set */
	size_t pattern_count, pattern_cap;
	/* The literal patterns in chains by their last component, the others by themselves; both in order. */
	uint32_t *chains;
	size_t chain_count; /* a power of two */
	uint32_t *others;
	size_t other_count;
};

struct rules *rules_alloc(const char *root, const char *target_root);
/* item may be NULL, as in an unpacked set: then in all calls. */
bool rules_add_path(
	struct rules *r, const char *path, uint8_t kind, bool outside, const char *list, const struct conf_item *item);
void rules_add_pattern(struct rules *r, const char *text, size_t n, uint8_t flags, const struct conf_item *item);
/* Those of the mount that was set. */
void rules_clear_patterns(struct rules *r);
/* The patterns that follow speak of what lies beneath this path; "", as at first: of all. False: there would be too many. */
#define RULES_MOUNTS_MAX 256
bool rules_set_mount(struct rules *r, const char *path);
/* After the last addition. */
void rules_index(struct rules *r);
size_t rules_packed_size(const struct rules *r);
