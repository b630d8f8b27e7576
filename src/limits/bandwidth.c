#include "limits/bandwidth.h"
#include "base/util.h"

#define NS INT64_C(1000000000)
#define RATE_MAX (UINT64_C(1) << 60) /* more is no limit either, and all sums stay in their types */

static int64_t burst(const struct bandwidth *b)
{
	int64_t eighth = (int64_t)(b->rate / 8);

	return eighth > 16384 ? eighth : 16384;
}

/* Whole bytes only: the time that makes no whole byte is left for the next call, however often calls come. */
static void refill(struct bandwidth *b, int64_t now_ns)
{
	int64_t elapsed = now_ns - b->last_ns, room = burst(b) - b->tokens;
	double added = (double)b->rate * (double)elapsed / (double)NS;

	if (elapsed <= 0)
		return;
	if (!b->rate || added >= (double)room) {
		b->tokens += b->rate ? room : 0;
		b->last_ns = now_ns;
		return;
	}
	b->tokens += (int64_t)added;
	b->last_ns += MIN(elapsed, (int64_t)((double)(int64_t)added * (double)NS / (double)b->rate + 1));
}

void bandwidth_init(struct bandwidth *b, uint64_t rate, int64_t now_ns)
{
	*b = (struct bandwidth){.rate = MIN(rate, RATE_MAX), .last_ns = now_ns};
}

void bandwidth_set_rate(struct bandwidth *b, uint64_t rate, int64_t now_ns)
{
	refill(b, now_ns);
	b->rate = MIN(rate, RATE_MAX);
	b->tokens = MIN(b->tokens, burst(b));
}

uint64_t bandwidth_allow(struct bandwidth *b, uint64_t want, int64_t now_ns)
{
	int64_t least;

	if (!b->rate)
		return want;
	refill(b, now_ns);
	/* Small dribbles cost a system call each: wait until a part of the burst is there. */
	least = burst(b) / 4;
	if ((uint64_t)least > want)
		least = (int64_t)want;
	if (b->tokens < least)
		return 0;
	return want < (uint64_t)b->tokens ? want : (uint64_t)b->tokens;
}

void bandwidth_spend(struct bandwidth *b, uint64_t n)
{
	if (b->rate)
		b->tokens -= (int64_t)n;
}

int64_t bandwidth_wait_ns(const struct bandwidth *b)
{
	int64_t missing = burst(b) / 4 - b->tokens;

	if (!b->rate || missing <= 0)
		return 0;
	return (int64_t)((double)missing * (double)NS / (double)b->rate) + 1000000;
}
