/*
 * Which names are this session's business: not rehost's own, not those of other units (hidden), not those the rules
 * protect.
 *
 * Ownership: scope_release() frees the sets. Errors: none.
 */
#pragma once

#include "base/pathset.h"
#include "rules/rules.h"

struct session;
struct place;

struct scope {
	struct rules *rules;
	bool has_rules; /* and they say something */
	struct path_set hidden, kept; /* relative to the target root */
};

void scope_release(struct scope *scope);

/* Another unit's: dst is the path of the directory. */
bool scope_hidden(const struct session *s, const char *dst, const char *name);
/* Compared, but never deleted, nor replaced but by a directory: the source does not know what lies beneath. */
bool scope_kept(const struct session *s, const char *dst, const char *name);
/* Rehost's own. */
bool scope_reserved(const struct place *at, const char *name);
/* fsck's, and not the source's to take away. */
bool scope_lost_found(const struct place *at, const char *name, bool is_dir);
/* The rules' word on an entry of the directory with this source path. */
bool scope_protected(const struct session *s, const char *src, const char *name, bool is_dir);
/* A directory that is only on the way to what is wanted: its own metadata are left alone. */
bool scope_passage(const struct session *s, const char *src, const char *name);
/* scope_protected() while that directory is being deleted: perishable rules count not. */
bool scope_protected_dying(const struct session *s, const char *src, const char *name, bool is_dir);
/* Rehost's own, or another unit's. */
bool scope_foreign(const struct session *s, const struct place *at, const char *name);
/* The rules leave it out: neither compared nor deleted, unless the source lists the name as something else. */
bool scope_invisible(const struct session *s, const struct place *at, const char *name, bool is_dir);
