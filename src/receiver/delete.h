/*
 * What the source has not: proposed by EXTRA, removed by DELETE.
 */
#pragma once

struct session;
struct dir;

/* The names of the slice that the mover has not listed. */
void extra_send(struct session *s, struct dir *d);
