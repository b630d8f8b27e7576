/*
 * The source's file systems: which are walked, which are not and why, and whether they are those that the job has known.
 */
#pragma once

#include "diag/diag.h"

struct engine;

/* What is mounted by being entered is entered, before mounts_select() looks. */
void source_enter_known(const struct engine *e);
/* Before they are opened: fences what is left out, and what is not there, or another one, which is said; false when nothing is
 * left. */
bool source_compare(struct engine *e, struct diag *d);
/* What is hidden beneath mounts, when they are open. */
void source_say_hidden(struct engine *e);
/* In the state, before the first of their files is written. */
void source_remember(struct engine *e);
