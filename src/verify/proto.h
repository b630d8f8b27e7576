/*
 * The messages between a verifier (V) and its prover (P), as frames (wire/frame.h) on the stream behind the receiver's magic.
 *
 *	V: V_HELLO                                    P: V_HELLO_OK | V_ERROR
 *	V: V_LIST (a directory, or one name of it)    P: V_RECORDS ... V_LIST_END
 *	V: V_HASH (some files of a directory)         P: V_TICK ... V_HASHED
 *
 * P answers strictly in the order of the requests, with the id of the request; V has many under way. V compares and
 * drives: P sends what it has and knows neither rules nor the source.
 *
 * Slices: a directory too large to hold is listed in parts. A name belongs to slice XXH3(name, seed) % slices. P answers
 * V_LIST with LIST_SPLIT when a slice has more than VERIFY_SLICE_ENTRIES names or VERIFY_SLICE_BYTES of records (some may
 * have been sent by then; V forgets them), and V asks again with more slices.
 *
 * Every get function returns false on anything malformed: unknown flags, lengths and counts above the bounds here, paths
 * and names that are none, bytes left over.
 */
#pragma once

#include "verify/inode.h"
#include "wire/frame.h"
#include "base/pack.h"

#define VERIFY_PROTOCOL 1
#define VERIFY_PATH_MAX (1u << 20) /* deeper is a failure of that entry */
#define VERIFY_SLICE_ENTRIES 32768u /* V aims at half of it when it splits */
#define VERIFY_SLICE_BYTES (8u << 20)
#define VERIFY_SLICES_MAX 65536u
#define VERIFY_RECORDS_BYTES (128u << 10) /* a V_RECORDS frame is closed when it reaches this */
#define VERIFY_RECORD_MAX (1u << 20) /* bytes of one record */
#define VERIFY_HASH_FILES 64u /* names of one V_HASH */
#define VERIFY_NAME_MAX 255

enum verify_msg {
	V_HELLO = 128,
	V_HELLO_OK,
	V_ERROR,
	V_LIST,
	V_RECORDS,
	V_LIST_END,
	V_HASH,
	V_HASHED,
	V_TICK, /* u64 bytes hashed so far of a V_HASH: a sign of life, every few seconds */
};

/* ---- session ---- */

enum verify_hello_flag {
	VERIFY_LEAVE_CACHE = 1 << 0, /* drop from the page cache what was not there before */
};
struct verify_hello {
	uint32_t protocol;
	uint8_t flags;
	uint32_t fields; /* VERIFY_F_*: what is to be read */
	uint64_t seed; /* of the name hashes */
};
void verify_hello_put(struct buf *out, const struct verify_hello *m);
/* With another protocol only that field is filled, and true returned. */
bool verify_hello_get(const struct frame *f, struct verify_hello *m);

struct verify_hello_ok {
	uint32_t protocol;
	uint32_t fields; /* narrowed to what P's rights allow */
	uint32_t uid;
};
void verify_hello_ok_put(struct buf *out, const struct verify_hello_ok *m);
bool verify_hello_ok_get(const struct frame *f, struct verify_hello_ok *m);

/* V_ERROR: u32 protocol of P: it does not speak V's. */
void verify_error_put(struct buf *out, uint32_t protocol);
bool verify_error_get(const struct frame *f, uint32_t *out_protocol);

/* ---- listings ---- */

enum verify_list_flag {
	VERIFY_LIST_OWN = 1 << 0, /* the directory's own record first, with an empty name */
	VERIFY_LIST_ENTRIES = 1 << 1, /* its entries (of the slice) */
	VERIFY_LIST_NAME = 1 << 2, /* only the entry `name`, instead of the other two */
};
struct verify_list {
	uint8_t flags;
	uint32_t slice, slices;
	char *path; /* relative to the target root; owned by the caller after get */
	struct bytes name;
};
void verify_list_put(struct buf *out, uint32_t id, const struct verify_list *m);
bool verify_list_get(const struct frame *f, struct verify_list *m);

/* V_RECORDS: records to the end of the frame. One record: varint length, then that many bytes, in them name
 * and inode. Of sub-directories only what stat says is filled in. */
void verify_record_put(struct buf *out, const void *name, size_t n, const struct verify_node *node);
/* The next record as a whole; false at the end, or (check rd_done) where it is malformed. */
bool verify_record_next(struct rd *r, struct bytes *out_record);
/* link and xattrs of the node point into the record. An empty name is valid only when own is set. */
bool verify_record_get(struct bytes record, bool own, struct bytes *out_name, struct verify_node *out);

enum verify_list_status {
	VERIFY_LIST_OK,
	VERIFY_LIST_SPLIT, /* count: names in the slice, or more than fit in bytes */
	VERIFY_LIST_FAIL, /* err */
	VERIFY_LIST_STATUS_END
};
struct verify_list_end {
	uint8_t status;
	uint32_t err;
	uint64_t count;
};
void verify_list_end_put(struct buf *out, uint32_t id, const struct verify_list_end *m);
bool verify_list_end_get(const struct frame *f, struct verify_list_end *m);

/* ---- contents ---- */

struct verify_hash {
	char *path; /* of the directory; owned by the caller after get */
	size_t count;
	struct bytes names[VERIFY_HASH_FILES];
};
void verify_hash_put(struct buf *out, uint32_t id, const struct verify_hash *m);
bool verify_hash_get(const struct frame *f, struct verify_hash *m);

/* V_HASHED: one for each name, in order. */
struct verify_hashed {
	uint32_t err; /* errno, or 0; ENXIO: it is no regular file any more */
	uint64_t size, crc;
};
void verify_hashed_put(struct buf *out, const struct verify_hashed *m);
bool verify_hashed_get(struct rd *r, struct verify_hashed *m);

/* Where a name belongs. */
uint64_t verify_name_hash(uint64_t seed, const void *name, size_t n);
static inline bool verify_in_slice(uint64_t hash, uint32_t slice, uint32_t slices)
{
	return slices == 1 || (uint32_t)(hash >> 32) % slices == slice;
}
