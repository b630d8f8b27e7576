/*
 * What the receivers may take of the target, together: [limits] target_cpu and target_io. Each keeps its share by itself
 * (pace/pace.h) and says what it used; here the whole is divided anew, four times a second, by what each could make
 * use of.
 */
#pragma once

#include "ipc/ipc.h"

struct engine;
struct worker;

void target_limits_tick(struct engine *e);
void on_used(struct engine *e, struct worker *w, const struct ipc_used *m);
/* Divides the total by what each wants: all of it, and to nobody nothing. */
void target_limits_divide(double total, const double *want, double *out, size_t n);
