/*
 * What the source has not: proposed by EXTRA, at the end of a LIST; removed by DELETE (handlers.h).
 *
 * Ownership: the directory is borrowed. Errors: none.
 */
#pragma once

struct session;
struct dir;

/* The names of the slice that the mover has not listed. */
void extra_send(struct session *s, struct dir *d);
