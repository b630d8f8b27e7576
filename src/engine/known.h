/*
 * The source's file systems as the job has known them, in its state: what is not there any more, or another one, is left out, and
 * what is left out is fenced.
 */
#pragma once

#include "diag/diag.h"

struct engine;

/* What is mounted by being entered is entered, before mounts_select() looks. */
void known_enter(const struct engine *e);
/* Before they are opened: fences what is left out, and what is not there, or another one, which is said; false when nothing is
 * left. */
bool known_compare(struct engine *e, struct diag *d);
/* In the state, before the first of their files is written. */
void known_remember(struct engine *e);
