/* One filter rule, ready to be matched. Private to the room. */
#pragma once

#include "rules/glob.h"

enum {
	PATTERN_INCLUDE = 1 << 0,
	PATTERN_HIDE = 1 << 1, /* speaks of the source's side: hide or show */
	PATTERN_PROTECT = 1 << 2, /* speaks of the target's side: protect or risk */
	PATTERN_DIRECTORY = 1 << 3, /* only directories: a slash stood at the end */
	PATTERN_NEGATE = 1 << 4,
	PATTERN_ABSOLUTE = 1 << 5, /* matched against the path on the host of that side */
	PATTERN_PERISHABLE = 1 << 6, /* nothing in a directory that is being deleted */
	PATTERN_FLAGS = (1 << 7) - 1,
};

struct pattern {
	char *text; /* without the slash at the end */
	uint8_t flags;
	bool wild, wild2, wild2_prefix, wild3_suffix, anchored;
	size_t slashes;
	const char *mount; /* it speaks of what lies beneath this path alone; "": the whole source; of the set */
	size_t mount_len;
	struct glob glob; /* of wild ones */
	/* Of what is no wildcard: the last component, by which it is found. */
	const char *last;
	uint32_t last_hash;
	uint32_t next; /* in its chain */
};

/* What a pattern is matched against. */
struct pattern_subject {
	const char *root; /* for absolute patterns: without its leading slash, "" for "/" */
	size_t root_len;
	const char *dir; /* "" for the top */
	size_t dir_len;
	const char *name;
	size_t name_len;
	uint32_t name_hash;
	bool is_dir;
	bool dying; /* it lies in a directory that is being deleted */
};

/* text: n bytes without NUL, at least one and at most GLOB_LENGTH_MAX; flags as above. */
void pattern_init(struct pattern *p, const char *text, size_t n, uint8_t flags);
void pattern_release(struct pattern *p);
bool pattern_match(const struct pattern *p, const struct pattern_subject *s);
/* Found by its last component alone: no wildcard and not negated. */
static inline bool pattern_is_literal(const struct pattern *p)
{
	return !p->wild && !(p->flags & PATTERN_NEGATE);
}
uint32_t pattern_hash(const char *s, size_t n);
