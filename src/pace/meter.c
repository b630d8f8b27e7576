#include "pace/meter.h"

#define NS 1e9
#define REST_MAX_NS (3600 * NS)

static void fill(struct meter *m, int64_t now)
{
	const double most = (double)m->rate * (double)METER_BURST_NS / NS;

	m->left += (double)(now - m->at) * (double)m->rate / NS;
	m->at = now;
	if (m->left > most)
		m->left = most;
}

void meter_set(struct meter *m, uint64_t rate, int64_t now_ns)
{
	if (m->rate)
		fill(m, now_ns);
	else
		m->left = 0;
	m->rate = rate;
	m->at = now_ns;
}

void meter_charge(struct meter *m, uint64_t n, int64_t now_ns)
{
	m->used += n;
	if (!m->rate)
		return;
	fill(m, now_ns);
	m->left -= (double)n;
}

int64_t meter_rest(struct meter *m, int64_t now_ns)
{
	double ns;

	if (!m->rate)
		return 0;
	fill(m, now_ns);
	ns = -m->left * NS / (double)m->rate;
	if (ns < (double)METER_REST_NS)
		return 0;
	return (int64_t)(ns < REST_MAX_NS ? ns : REST_MAX_NS);
}
