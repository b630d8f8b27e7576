/* Hard links: what movers ask, and what they are answered (links.h keeps it). */
#pragma once

#include "ipc/ipc.h"

struct engine;
struct worker;

bool linking_begin(struct engine *e, struct diag *d); /* an empty bijection, in place of the one there was */
void linking_worker_gone(struct engine *e, uint32_t serial);

void on_link_claim(struct engine *e, struct worker *w, const struct ipc_link_claim *m);
void on_link_bind(struct engine *e, struct worker *w, const struct ipc_link_bind *m);
void on_link_commit(struct engine *e, struct worker *w, const struct ipc_link_commit *m);
void on_link_fail(struct engine *e, struct worker *w, const struct ipc_link_fail *m);
