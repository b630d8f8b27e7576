/* What the engine tells: its observer, and why a run ends. */
#pragma once

#include "diag/diag.h"

struct engine;

void engine_diag(struct engine *e, const struct diag *d);
void engine_note(struct engine *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Ends the run. The first one is kept; takes d. */
void engine_fatal(struct engine *e, struct diag *d);
/* A worker has said what makes no sense: it has parsed bytes of another host. Ends the run. */
void engine_malformed(struct engine *e, const char *what);
