/*
 * Rules: which paths are left out, and which of those are protected at the target. Pure: no I/O, no clocks.
 *
 * Four path lists of the configuration and rsync filter rules (--exclude, --include, --filter, --exclude-from) are
 * compiled into one set for one phase. Both ends apply the same compiled set: the mover packs it, the receiver
 * unpacks it (bounded; hostile until checked).
 *
 * Paths are relative to the source root, without a leading slash; the root itself is "".
 * Ownership: rules_new()/rules_unpack() give a set to be freed by rules_free(). A set is read-only once made.
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"
#include "diag/diag.h"

struct rules;

enum rules_phase { RULES_COPY, RULES_SYNC };

struct rules_verdict {
	bool hide; /* the source acts as if the entry were not there */
	/* The target may not delete it, nor put something of another type in its place. Where hide is not set its
	 * contents and metadata are still brought up to date: that is rsync's P. */
	bool protect;
	bool passage; /* a directory entered only because a sync_only path lies beneath: its metadata is left alone */
	const struct conf_item *rule; /* what decided, or NULL (never set in an unpacked set); owned by the set */
	const char *list; /* where that rule stands: "exclude", "sync_only", ..., "filter"; NULL without one */
};

/* What rules_pack() makes is never longer: rules_new() refuses what would be. */
#define RULES_PACK_MAX (4u << 20)
#define RULES_PATTERN_MAX 4095

/* Lists that do not apply to the phase are not in the set. source_root is conf->source.root: the lists' paths are
 * absolute on the host; those outside it match nothing. The files of filter rules are read here; the relative name of a merge
 * file is below the directory of the file that has it, of an option's rule the working directory. The rules of files come
 * before those of options. False with d set when a filter rule cannot be parsed. The set keeps nothing of c. */
bool rules_new(const struct conf *c, enum rules_phase phase, struct rules **out, struct diag *d);
void rules_free(struct rules *r);
/* Reads the files of c->rules.filter_files for their errors alone, all of them. False with d set: there is too much. */
bool rules_check_files(const struct conf *c, struct conf_errors *out_errors, struct diag *d);

/* True when no rule can match anything: callers skip rules_match() then. */
bool rules_empty(const struct rules *r);

/*
 * What the rules say of one entry: dir is the path of its directory ("" for the root), name its last component.
 * An excluded ancestor is not looked for: a walk never descends into one. rsync's meaning otherwise: the first
 * matching filter rule decides; the path lists come before the filter rules; sync_exclude wins over sync_only.
 * Paths have no length limit.
 */
void rules_match(const struct rules *r, const char *dir, const char *name, bool is_dir, struct rules_verdict *out);

/* May it not be deleted though its directory is being deleted? As the verdict's protect, but perishable rules count not. */
bool rules_protect_dying(const struct rules *r, const char *dir, const char *name, bool is_dir);

/*
 * Do the path lists protect anything beneath this path, which they do not protect itself ("" is the root)? Then a
 * directory that only the target has may have to stay. Of filter rules nothing is known: they need names.
 */
bool rules_protect_beneath(const struct rules *r, const char *path);

/* rules_match() for a whole path, its ancestors first (used by `rehost rules` and by checks of single paths). */
void rules_match_path(const struct rules *r, const char *path, bool is_dir, struct rules_verdict *out);

void rules_pack(const struct rules *r, struct buf *out);
/* False when the bytes are not what rules_pack() makes; counts and lengths are bounded. */
bool rules_unpack(const void *p, size_t n, struct rules **out);

/*
 * Appends the rules of a file of patterns to c->rules.filters, as --exclude-from (include false) and --include-from
 * do: a pattern a line, empty lines and those that begin with # or ; are nothing, "- ", "+ " and "!" are honoured.
 * "-" is standard input. False with d set when it cannot be read.
 */
bool rules_read_patterns(const char *file, bool include, struct conf *c, struct diag *d);

/* Absolute paths of the lists (not of filters) in force, to warn of those that do not exist. */
void rules_each_path(const struct rules *r, void (*fn)(void *arg, const struct conf_item *item), void *arg);
