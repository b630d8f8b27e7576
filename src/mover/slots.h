/*
 * Slots: ids of everything that waits for an answer of the receiver or the coordinator.
 *
 * An id is an open object's of one kind, or nobody's: a late answer finds nothing. The objects are not owned.
 */
#pragma once

#include "base/util.h"

enum slot_kind { SLOT_FREE, SLOT_DIR, SLOT_FILE, SLOT_BATCH, SLOT_LINK, SLOT_OP, SLOT_SYNC };

struct slot {
	enum slot_kind kind;
	uint16_t generation;
	uint32_t next_free;
	void *object;
};

struct slots {
	struct slot *slots;
	uint32_t count, first_free;
};

uint32_t slots_add(struct slots *s, enum slot_kind kind, void *object);
/* NULL when the id is not that of an open object of this kind. */
void *slots_get(const struct slots *s, uint32_t id, enum slot_kind kind);
void slots_remove(struct slots *s, uint32_t id);
