#include "engine/budget.h"
#include "engine/coordinator.h"

struct budget_ask {
	uint32_t worker;
	uint64_t token;
};

void budget_begin(struct engine *e)
{
	int64_t max = e->job->conf->rules.max_delete;

	e->budget.left = max >= 0 ? (uint64_t)max : UINT64_MAX;
}

void budget_release(struct budget *b)
{
	free(STEAL(b->asks));
}

static void warn_reached(struct engine *e)
{
	AUTO_DIAG d = DIAG_INIT;

	if (e->budget.warned)
		return;
	e->budget.warned = true;
	diag_set(&d, DIAG_ENGINE_MAX_DELETE, 0, NULL, "more than max_delete = %lld entries would have been deleted",
		(long long)e->job->conf->rules.max_delete);
	engine_diag(e, &d);
}

static void grant(struct engine *e, uint32_t serial, uint64_t token)
{
	struct worker *w = worker_by_serial(e, serial);

	if (!w)
		return;
	worker_send_grant(w, &(struct ipc_grant){.token = token, .entries = e->budget.left});
	e->budget.lent = e->budget.left > 0;
	e->budget.holder = serial;
	if (!e->budget.left)
		warn_reached(e);
}

void on_budget(struct engine *e, struct worker *w, const struct ipc_budget *m)
{
	struct budget *b = &e->budget;

	if (b->ask_count >= WORKERS_MAX * IPC_UNITS_MAX) { /* a directory asks, and waits */
		engine_malformed(e, "budget");
	} else if (b->lent) {
		b->asks = xrealloc(b->asks, (b->ask_count + 1) * sizeof(*b->asks));
		b->asks[b->ask_count++] = (struct budget_ask){w->serial, m->token};
	} else {
		grant(e, w->serial, m->token);
	}
}

static void next_ask(struct engine *e)
{
	e->budget.lent = false;
	while (!e->budget.lent && e->budget.ask_count) {
		struct budget_ask a = e->budget.asks[--e->budget.ask_count];
		grant(e, a.worker, a.token);
	}
}

void on_refund(struct engine *e, struct worker *w, const struct ipc_refund *m)
{
	if (!e->budget.lent || e->budget.holder != w->serial || m->left > e->budget.left) {
		engine_malformed(e, "refund");
		return;
	}
	e->budget.left = m->reached ? 0 : m->left;
	next_ask(e);
	if (m->reached)
		warn_reached(e);
}

void budget_worker_gone(struct engine *e, uint32_t serial)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->budget.ask_count; i++)
		if (e->budget.asks[i].worker != serial)
			e->budget.asks[kept++] = e->budget.asks[i];
	e->budget.ask_count = kept;
	if (e->budget.lent && e->budget.holder == serial) {
		/* How much it had deleted is not known: nothing more is deleted, rather than too much. */
		e->budget.left = 0;
		next_ask(e);
	}
}
