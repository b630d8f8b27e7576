/*
 * Shell patterns with rsync's meaning: * and ? stop at slashes, ** does not, [...] never matches a slash.
 *
 * A pattern is compiled to positions, and matched by stepping the set of positions it may be at: time is
 * bounded by length of the text times length of the pattern, whatever both hold. Private to the room.
 */
#pragma once

#include "base/util.h"

#define GLOB_LENGTH_MAX 4095 /* of a pattern, in bytes */

struct glob_token {
	uint8_t kind;
	uint8_t loop; /* what may stand before it: nothing, a *, a ** */
	uint8_t ch;
	uint32_t set; /* place in sets */
};

struct glob_set {
	uint64_t bits[4];
};

struct glob {
	struct glob_token *tokens; /* one more than count: the end, which may have a loop */
	struct glob_set *sets;
	size_t count;
	size_t set_count;
	bool dead; /* malformed: matches nothing, as in rsync */
	uint8_t *tail; /* the literal bytes that every match ends with */
	size_t tail_len;
};

/* A text in pieces, so that none must be put together. */
struct glob_piece {
	const char *p;
	size_t n;
};

void glob_compile(struct glob *g, const char *pattern);
void glob_release(struct glob *g);
/* anywhere: the match may begin after any slash, not only at the start; it always goes to the end. */
bool glob_match(const struct glob *g, const struct glob_piece *pieces, size_t n, bool anywhere);
