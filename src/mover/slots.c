#include "mover/slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An id is the slot's number and, above it, a generation: a late answer to something closed finds nothing. */
#define INDEX_BITS 18
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define GENERATION_MASK ((1u << (32 - INDEX_BITS)) - 1)

uint32_t slots_add(struct slots *s, enum slot_kind kind, void *object)
{
	uint32_t i = s->first_free;
	struct slot *slot;

	if (i == 0) { /* slot 0 is never used: id 0 is nobody's */
		uint32_t old = s->count, count = old ? old * 2 : 64;
		if (old > INDEX_MASK) { /* what is in flight is bounded far below: never an id of two things */
			fprintf(stderr, "rehost: error: too many requests in flight\n");
			abort();
		}
		s->slots = xrealloc(s->slots, count * sizeof(*s->slots));
		memset(s->slots + old, 0, (count - old) * sizeof(*s->slots));
		for (uint32_t k = count; k-- > (old ? old : 1);) {
			s->slots[k].next_free = s->first_free;
			s->first_free = k;
		}
		s->count = count;
		i = s->first_free;
	}
	slot = &s->slots[i];
	s->first_free = slot->next_free;
	slot->kind = kind;
	slot->object = object;
	slot->generation = (uint16_t)((slot->generation + 1) & GENERATION_MASK);
	return (uint32_t)slot->generation << INDEX_BITS | i;
}

static struct slot *find(const struct slots *s, uint32_t id)
{
	uint32_t i = id & INDEX_MASK;

	if (i >= s->count || s->slots[i].kind == SLOT_FREE || s->slots[i].generation != id >> INDEX_BITS)
		return NULL;
	return &s->slots[i];
}

void *slots_get(const struct slots *s, uint32_t id, enum slot_kind kind)
{
	struct slot *slot = find(s, id);

	return slot && slot->kind == kind ? slot->object : NULL;
}

void slots_remove(struct slots *s, uint32_t id)
{
	struct slot *slot = find(s, id);

	if (!slot)
		return;
	slot->kind = SLOT_FREE;
	slot->object = NULL;
	slot->next_free = s->first_free;
	s->first_free = (uint32_t)(slot - s->slots);
}
