/*
 * Private to the room check: the facts of the target as they come in, part by part: first to the probe, who looks at every byte, and
 * then to the coordinator, who trusts neither. Bounded, whatever is sent.
 */
#pragma once

#include "facts/facts.h"
#include "operator/proto.h"

#define SECTIONS_BYTES (64u << 20) /* of all of them */

struct sections {
	struct facts_sections got;
	bool open; /* the last one is not complete */
	size_t bytes;
};

enum sections_took { SECTIONS_BAD, SECTIONS_MORE, SECTIONS_WHOLE };
/* SECTIONS_WHOLE: the last one of got is complete; what it says is JSON of the allowed form, or it is unknown. BAD: it cannot be. */
enum sections_took sections_take(struct sections *s, const struct operator_part *m);
void sections_release(struct sections *s);
