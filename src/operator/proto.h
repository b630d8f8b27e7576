/*
 * The messages between the operator (O) and who asks it (A), as frames (wire/frame.h) on the stream behind the helper's magic.
 *
 *	A: HELLO                     O: HELLO_OK
 *	A: FACTS                     O: FACTS_PART ... FACTS_DONE
 *	A: IMAGE                     O: IMAGE_DONE
 *	A: BYE                       O ends
 *
 * One request at a time is worked on, in the order they come; an answer has the id of its request. A request that is not known or
 * malformed is answered by ERROR, and that is the end.
 *
 * Every get function returns false on anything malformed, and refuses what is left over. Byte ranges point into the payload.
 */
#pragma once

#include "base/pack.h"
#include "diag/diag.h"
#include "wire/frame.h"

#define OPERATOR_PROTOCOL 1
#define OPERATOR_PART_BYTES (256u << 10) /* of a section in one FACTS_PART */
#define OPERATOR_REASON_MAX 1024u

/* What is asked, and what is answered. */
#define OPERATOR_REQUESTS(X) \
	X(HELLO, hello, 1)   \
	X(FACTS, facts, 16)  \
	X(IMAGE, image, 19)  \
	X(BYE, bye, 5)

enum operator_type {
#define X(NAME, name, number) OPERATOR_##NAME = number,
	OPERATOR_REQUESTS(X)
#undef X
		OPERATOR_HELLO_OK = 2,
	OPERATOR_ERROR = 3, /* struct diag: the session is over */
	OPERATOR_FACTS_PART = 17,
	OPERATOR_FACTS_DONE,
	OPERATOR_IMAGE_DONE = 20,
};

/* HELLO, and HELLO_OK. Of another protocol only that field is read, and the version. */
struct operator_hello {
	uint32_t protocol;
	struct bytes version;
};
void operator_hello_put(struct buf *out, const struct operator_hello *m);
bool operator_hello_get(const struct frame *f, struct operator_hello *m);

struct operator_facts {
	uint32_t limit_ms; /* for each section, 1..FACTS_LIMIT_MAX_MS */
};
void operator_facts_put(struct buf *out, const struct operator_facts *m);
bool operator_facts_get(const struct frame *f, struct operator_facts *m);

enum operator_part_flag {
	OPERATOR_PART_LAST = 1 << 0, /* of its section: another one, or DONE, follows */
	OPERATOR_PART_UNKNOWN = 1 << 1, /* there is no text; the bytes say why. Always the last, and the only one */
};
struct operator_part {
	uint8_t flags;
	struct bytes name; /* of the section */
	struct bytes text;
};
void operator_part_put(struct buf *out, const struct operator_part *m);
bool operator_part_get(const struct frame *f, struct operator_part *m);

struct operator_facts_done {
	uint32_t schema;
	uint32_t sections; /* there were */
	uint8_t live;
	int64_t taken; /* seconds since 1970, of its clock */
};
void operator_facts_done_put(struct buf *out, const struct operator_facts_done *m);
bool operator_facts_done_get(const struct frame *f, struct operator_facts_done *m);

/* A disk image to be made, with its table and empty file systems. */
#define OPERATOR_PARTITIONS_MAX 8u
#define OPERATOR_IMAGE_MAX (UINT64_C(1) << 50) /* bytes */
#define OPERATOR_ID_SIZE 37 /* with its NUL */
#define OPERATOR_NAME_SIZE 17

enum operator_filesystem {
	OPERATOR_FS_NONE,
	OPERATOR_FS_VFAT,
	OPERATOR_FS_EXT4,
	OPERATOR_FS_XFS,
	OPERATOR_FS_BTRFS,
	OPERATOR_FS_END
};

struct operator_partition {
	uint64_t start, size; /* bytes: whole mebibytes, ascending, one after another within the image */
	uint8_t filesystem;
	uint64_t inodes; /* of ext4; 0: as it makes them by itself */
	char type[OPERATOR_ID_SIZE], id[OPERATOR_ID_SIZE]; /* UUIDs */
	char name[OPERATOR_NAME_SIZE]; /* small letters */
	char uuid[OPERATOR_ID_SIZE]; /* of the file system; of vfat "XXXX-XXXX", "" of none */
};

struct operator_image {
	char *file; /* absolute; to be freed by operator_image_release() */
	uint64_t size;
	uint64_t room; /* so much has to be left in its file system */
	char disk[OPERATOR_ID_SIZE]; /* the GUID of its table */
	uint8_t count;
	struct operator_partition partitions[OPERATOR_PARTITIONS_MAX];
};
void operator_image_put(struct buf *out, const struct operator_image *m);
/* m is to be released in both cases. */
bool operator_image_get(const struct frame *f, struct operator_image *m);
void operator_image_release(struct operator_image *m);

struct operator_image_done {
	uint8_t made; /* 0: it was there, made by the same request */
};
void operator_image_done_put(struct buf *out, const struct operator_image_done *m);
bool operator_image_done_get(const struct frame *f, struct operator_image_done *m);
