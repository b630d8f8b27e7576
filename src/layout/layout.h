/*
 * Layout: what disk a copy needs so that it can become a server, decided before anything is made. The plan is a pure function of
 * the request: the same request gives the same plan, identifiers included, so that it can be shown, made and found again without
 * being written down.
 *
 * Policy simple: one disk with a GPT, for any tree: a BIOS boot partition, an EFI system partition, and the root with the rest.
 *
 * Process: any; no I/O. Sizes and offsets are bytes.
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"
#include "diag/diag.h"

#define LAYOUT_UUID_SIZE 37 /* with its NUL */
#define LAYOUT_PARTITIONS_MAX 3
#define LAYOUT_SIZE_MAX CONF_IMAGE_MAX
#define LAYOUT_ALIGN (UINT64_C(1) << 20)

struct layout_request {
	const char *seed; /* what tells this disk from all others: host, job, target */
	const char *image; /* an absolute path on the target */
	const char *attach; /* where its root file system is mounted while it is written; an absolute path */
	uint64_t size;
	enum conf_firmware firmware; /* auto is both */
	const char *filesystem; /* of the root: "ext4", "xfs", "btrfs" */
	uint64_t used; /* by what will be copied */
	uint64_t inodes; /* the same */
};

enum layout_role { LAYOUT_BIOS_BOOT, LAYOUT_ESP, LAYOUT_ROOT };

struct layout_partition {
	enum layout_role role;
	const char *name, *type; /* in the table: static */
	uint64_t start, size;
	char id[LAYOUT_UUID_SIZE]; /* PARTUUID */
	const char *filesystem; /* NULL: none */
	char uuid[LAYOUT_UUID_SIZE]; /* of the file system; of vfat "XXXX-XXXX" */
	const char *mount; /* of the system that will start from it; NULL: none */
};

struct layout_plan {
	struct layout_request of; /* borrowed from the caller */
	char disk_id[LAYOUT_UUID_SIZE];
	uint64_t needed; /* size of the image, at least */
	uint64_t inodes; /* the root is made with so many; 0: as its mkfs has it */
	struct layout_partition partitions[LAYOUT_PARTITIONS_MAX];
	size_t count;
};

/* False, with d, when the image is too small. What the request points to has to outlive the plan. */
bool layout_plan(const struct layout_request *r, struct layout_plan *out, struct diag *d);
const char *layout_role_name(enum layout_role role);

/* ---- the operations, in order ---- */

enum layout_phase { LAYOUT_MAKE, LAYOUT_ATTACH, LAYOUT_RELEASE, LAYOUT_PHASES };
#define LAYOUT_ARGS_MAX 16
#define LAYOUT_STEPS_MAX 16

/* One operation at the target: a program by its argument vector, with what it reads. */
struct layout_step {
	enum layout_phase phase;
	char *argv[LAYOUT_ARGS_MAX + 1];
	char *input; /* NULL: none */
	const char *
		answer; /* the shell variable for the line it prints: static, NULL: none. "$NAME" in a later argv stands for it */
};

struct layout_steps {
	struct layout_step all[LAYOUT_STEPS_MAX];
	size_t count;
};

void layout_steps_make(const struct layout_plan *p, struct layout_steps *out);
void layout_steps_release(struct layout_steps *s);
/* As a person types it, for sh(1), with a newline behind it. */
void layout_step_print(const struct layout_step *s, struct buf *out);
const char *layout_phase_name(enum layout_phase phase);
