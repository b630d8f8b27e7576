/*
 * Signals of a process that takes them up in its loop: blocked, and read from a descriptor or waited for.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

/* INT, TERM, HUP, USR1 and USR2; but not INT when it is ignored, as a shell has it for what it starts in the background. */
void signals_of_loop(sigset_t *out);
/* Something that may take long is under way: has a signal come meanwhile that ends the process (INT or TERM)? */
bool signals_end_pending(void);
