/* Private to the room verify: comparing two inodes, and the differences in the making. */
#pragma once

#include "verify/inode.h"
#include "verify/verifier.h"

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

/* What the target's file system cannot hold, or has of its own: no difference. */
struct verify_held {
	uint32_t flags;
	bool time, project, property, label, nocow;
};

struct findings {
	struct finding content, metadata;
	struct verify_held held;
};
void verify_findings_release(struct findings *f);

/* Compares two inodes of the same type, all but contents. */
void verify_compare(const struct verify_node *s, const struct verify_node *t, enum verify_mode mode, uint32_t fields,
	bool metadata, struct findings *out);
