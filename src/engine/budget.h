/* max_delete: what is left of it goes to one directory at a time, which gives back what it did not use. */
#pragma once

#include "ipc/ipc.h"

struct engine;
struct worker;

struct budget {
	uint64_t left;
	bool lent, warned;
	uint32_t holder; /* serial */
	struct budget_ask *asks; /* wait for what is lent */
	size_t ask_count;
};

void budget_begin(struct engine *e);
void budget_release(struct budget *b);
void budget_worker_gone(struct engine *e, uint32_t serial);
void on_budget(struct engine *e, struct worker *w, const struct ipc_budget *m);
void on_refund(struct engine *e, struct worker *w, const struct ipc_refund *m);
