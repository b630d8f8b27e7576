/*
 * The file systems of the target, the root's and those that are mounted beneath it: what each is known by, so that the next
 * run can tell whether they are still the same.
 *
 * Ownership: none. Errors: none; what cannot be told is left out.
 */
#pragma once

struct buf;
struct session;

/* Records of struct msg_place. */
void places_put(struct session *s, struct buf *out);
