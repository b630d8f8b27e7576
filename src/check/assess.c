/* What the figures mean: ratings, the number of processes, the forecast. Pure. */
#include "check/netcheck.h"

/* Stated in rehost(8) too. */
const struct netcheck_threshold netcheck_thresholds[NETCHECK_METRICS] = {
	[NETCHECK_ROUND_TRIP] = {"round trip", "ms", 50, 150, false},
	[NETCHECK_JITTER] = {"jitter", "ms", 10, 30, false},
	[NETCHECK_LOSS] = {"loss", "%", 0.1, 1, false},
	[NETCHECK_THROUGHPUT] = {"throughput", "Mbit/s", NETCHECK_ONE_PROCESS_MBIT, 50, true},
	[NETCHECK_CPU] = {"cpu", "%", 60, 85, false},
	[NETCHECK_MEMORY] = {"memory", "%", 80, 90, false},
};

enum netcheck_rating netcheck_rate(enum netcheck_metric m, double value)
{
	const struct netcheck_threshold *t = &netcheck_thresholds[m];

	if (t->more_is_better)
		return value >= t->good ? NETCHECK_GOOD : value >= t->fair ? NETCHECK_FAIR : NETCHECK_POOR;
	return value < t->good ? NETCHECK_GOOD : value < t->fair ? NETCHECK_FAIR : NETCHECK_POOR;
}

const char *netcheck_rating_name(enum netcheck_rating r)
{
	static const char *const names[] = {
		[NETCHECK_GOOD] = "good", [NETCHECK_FAIR] = "fair", [NETCHECK_POOR] = "poor"};

	return names[r];
}

unsigned netcheck_paying(const struct netcheck_rate *rates, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (rates[i].mbit >= NETCHECK_GAIN * rates[best].mbit)
			best = i;
	return n ? rates[best].connections : 1;
}

unsigned netcheck_feeding(unsigned disks, double mbit, double disk_mbit)
{
	unsigned n = 1;

	if (mbit < NETCHECK_ONE_PROCESS_MBIT)
		return 1;
	while (n < NETCHECK_PROCESSES_MAX && n < disks && n * disk_mbit < mbit)
		n++;
	return n;
}

double netcheck_limited(const struct conf *c, double mbit)
{
	double sum = 0;

	if (!c->transfer.window_count)
		return mbit;
	for (unsigned m = 0; m < CONF_WEEK_MINUTES; m++) {
		uint64_t rate = conf_bandwidth_at(c, m);
		double allowed = (double)rate * 8e-6;

		sum += rate && allowed < mbit ? allowed : mbit;
	}
	return sum / CONF_WEEK_MINUTES;
}

double netcheck_hours(uint64_t bytes, double mbit, double use)
{
	return mbit > 0 ? (double)bytes * 1e-9 * 8000 / (mbit * 3600 * use) : 0;
}
