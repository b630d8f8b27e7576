/* What the parts of the verifier share. Life of a unit: see unit.c. */
#pragma once

#include "ipc/chan.h"
#include "pace/pacer.h"
#include "verify/hash.h"
#include "verify/proto.h"
#include "verify/tree.h"
#include "verify/verifier.h"

#define UNITS_WANTED 24u /* more than these are not asked for */
#define LISTS_MAX 8u /* listings asked for and not yet complete */
#define HELD_MAX (16u << 20) /* no further listing is asked for above so many bytes of records */
#define PENDING_MAX 4096u /* files waiting for their hashes: above, no entry is looked at */
#define OUT_MAX (1u << 20) /* no further listing is asked for above so many unsent bytes */
#define CHUNK_NAMES 1024u /* read from a directory at once, and sorted by inode */
#define STEP_ENTRIES 128u
#define STEP_FILES 64u
#define STEP_BYTES (8u << 20)
#define BATCH_BYTES (32u << 20) /* a V_HASH is closed when its files reach this */

/* ---- differences in the making ---- */

struct finding {
	struct buf fields; /* NUL-terminated, one after the other */
	size_t count;
	struct buf source, target;
};
void verify_finding_release(struct finding *f);
/* Notes field; the caller then appends both sides' values to f->source and f->target. */
void verify_finding_begin(struct finding *f, const char *field);
/* Moves everything of b behind what a has. */
void verify_finding_join(struct finding *a, struct finding *b);

struct findings {
	struct finding content, metadata;
};
void verify_findings_release(struct findings *f);

/* Compares two inodes of the same type, all but contents. */
void verify_compare(const struct verify_node *s, const struct verify_node *t, enum verify_mode mode, uint32_t fields,
	bool metadata, struct findings *out);

/* Texts for people. */
void verify_describe_type(struct buf *out, uint8_t type);
void verify_describe_node(struct buf *out, const struct verify_node *n); /* "regular file of 12 bytes" */
void verify_describe_time(struct buf *out, int64_t s, uint32_t ns);
void verify_describe_flags(struct buf *out, uint32_t flags);
void verify_describe_acl(struct buf *out, const struct verify_xattr *x);
void verify_describe_value(struct buf *out, const struct verify_xattr *x);

/* ---- the target's records of one slice ---- */

struct table_entry {
	uint32_t at, len; /* in data */
	uint64_t hash;
	bool seen;
};
struct table {
	struct buf data;
	struct buf entries; /* struct table_entry */
	uint32_t *slots; /* index + 1, 0 free; made by verify_table_build() */
	size_t slot_mask;
	bool has_own;
	struct table_entry own;
};
void verify_table_release(struct table *t);
/* False: malformed, or beyond the bounds of a slice. */
bool verify_table_add(struct table *t, struct bytes record, bool own_allowed, uint64_t seed);
void verify_table_build(struct table *t);
struct table_entry *verify_table_find(struct table *t, const char *name, uint64_t seed);
static inline size_t table_count(const struct table *t)
{
	return t->entries.len / sizeof(struct table_entry);
}
static inline struct table_entry *table_at(struct table *t, size_t i)
{
	return (struct table_entry *)(void *)t->entries.data + i;
}
/* What it says; points into the table. */
void verify_table_node(
	const struct table *t, const struct table_entry *e, struct bytes *out_name, struct verify_node *out);

/* ---- work ---- */

enum unit_state {
	UNIT_WAITING, /* its next listing is not asked for yet */
	UNIT_LISTING, /* asked for */
	UNIT_WALKING, /* the listing is there; the source is being walked */
	UNIT_HASHING, /* only contents are outstanding */
};

/* A slice that was too large is divided by `count`: its parts are base + index * stride of stride * count
 * slices. */
struct slice_level {
	uint32_t base, stride, index, count;
};
#define SLICE_LEVELS 9

struct unit {
	struct unit *next;
	uint32_t id, mount;
	enum unit_state state;
	char *src, *dst; /* of the directory that is walked */
	char *only, *only_dst; /* one entry of it instead of all (single paths) */
	bool own, entries; /* what of the directory is compared */
	bool recurse; /* single paths: a directory's entries too */
	bool source_missing; /* the directory, or that which should hold the single path: there are only extras */
	bool incomplete; /* the source's listing failed: nothing is called extra */
	struct slice_level levels[SLICE_LEVELS];
	unsigned level; /* of the present slice */
	int fd; /* the source's directory, -1: not open; belongs to `names` once that is open */
	uint64_t dev; /* its device */
	struct verify_names names;
	struct table table;
	struct buf chunk, text; /* struct verify_name, their text */
	size_t chunk_at;
	struct request *batch; /* being filled */
	uint64_t batch_bytes;
	size_t pending;
};

/* A file whose contents are being compared. */
struct pending {
	struct pending *next; /* in the queue of local hashing */
	struct unit *unit;
	char *name;
	uint64_t size, target_ino;
	bool changed;
	struct findings *found; /* of the rest, kept for one report; or NULL */
	bool local_done, remote_done;
	bool vanished, disturbed;
	uint32_t local_err;
	uint64_t local_crc, local_size;
	struct verify_hashed remote;
};

struct request {
	struct request *next;
	uint32_t id;
	bool hash; /* V_HASH; else V_LIST */
	struct unit *unit;
	size_t count;
	struct pending *files[VERIFY_HASH_FILES];
};

struct verifier {
	struct verifier_options o; /* arrays are our own */
	uint32_t fields;
	bool metadata;
	int64_t since_ns;
	bool greeted;
	uint32_t prover_uid;
	uint32_t next_id;
	struct chan wire; /* the descriptor is the caller's */
	struct unit *units, *units_tail;
	size_t unit_count, lists;
	struct request *requests, *requests_tail; /* sent, in order: answers come in the same */
	struct pending *files, *files_tail; /* to be hashed here */
	size_t pending_count;
	struct verify_hasher hasher; /* of files' first */
	struct verify_reader reader;
	verify_crc_fn crc;
	void *buffer;
	struct verifier_counts counts;
	uint64_t allowed; /* bytes of contents a step may read */
	struct pacer pacer;
};

/* unit.c */
struct unit *verify_unit_new(struct verifier *v, uint32_t id, uint32_t mount, const char *src, const char *dst);
void verify_unit_free(struct verifier *v, struct unit *u);
/* Asks for the next listing where there is room. */
void verify_unit_start_some(struct verifier *v);
bool verify_unit_may_start(const struct verifier *v);
void verify_unit_listed(struct verifier *v, struct unit *u, const struct verify_list_end *end);
/* After the walk of a slice: the next one, the single path as a directory (enter), or hashing. */
void verify_unit_slice_done(struct verifier *v, struct unit *u, bool enter);
static inline uint32_t unit_slice(const struct unit *u)
{
	const struct slice_level *l = &u->levels[u->level];

	return l->base + l->index * l->stride;
}
/* Done when nothing is outstanding any more. */
void verify_unit_check_done(struct verifier *v, struct unit *u);

/* walk.c */
void verify_walk_step(struct verifier *v, struct unit *u);

/* entry.c */
/* True: a single path is a directory on both sides, to be entered. */
bool verify_entry_compare(struct verifier *v, struct unit *u, const char *name);
void verify_entry_extras(struct verifier *v, struct unit *u);
/* The other mount whose root is at this source path; SIZE_MAX: none. */
size_t verify_entry_mount_at(const struct verifier *v, const struct unit *u, const char *src);

/* contents.c */
void verify_contents_add(struct verifier *v, struct unit *u, const char *name, const struct verify_node *s,
	const struct verify_node *t, bool changed, struct findings *found);
void verify_contents_send(struct verifier *v, struct unit *u);
void verify_contents_step(struct verifier *v);
void verify_contents_release(struct verifier *v);
/* An answer: checked as a whole, then compared. */
bool verify_contents_hashed(struct verifier *v, struct request *q, const struct frame *f);

/* stream.c */
enum result verify_stream_receive(struct verifier *v, struct diag *d);
enum result verify_stream_send(struct verifier *v, struct diag *d);
void verify_stream_request(struct verifier *v, struct request *q);

/* report.c */
void verify_report(struct verifier *v, enum verify_kind kind, bool changed, const char *path, struct finding *f);
/* Content and metadata of one path: one difference of each kind, or one of kind changed. */
void verify_report_findings(struct verifier *v, bool changed, const char *path, struct findings *f);
void verify_report_missing(struct verifier *v, bool changed, const char *path, const struct verify_node *s);
void verify_report_extra(struct verifier *v, bool changed, const char *path, const struct verify_node *t);
void verify_report_type(struct verifier *v, bool changed, const char *path, uint8_t source, uint8_t target);
/* A file that cannot be compared. */
void verify_report_failure(struct verifier *v, bool target, uint32_t err, const char *path, const char *what);
static inline bool changed_since(const struct verifier *v, int64_t ctime_ns)
{
	return ctime_ns >= v->since_ns;
}
