#include "limits/bandwidth.h"

#define NS INT64_C(1000000000)

static int64_t burst(const struct bandwidth *b)
{
	int64_t eighth = (int64_t)(b->rate / 8);

	return eighth > 16384 ? eighth : 16384;
}

static void refill(struct bandwidth *b, int64_t now_ns)
{
	int64_t elapsed = now_ns - b->last_ns;
	int64_t max = burst(b);

	if (elapsed <= 0)
		return;
	b->last_ns = now_ns;
	if (elapsed > NS)
		elapsed = NS;
	b->tokens += (int64_t)((double)b->rate * (double)elapsed / (double)NS);
	if (b->tokens > max)
		b->tokens = max;
}

void bandwidth_init(struct bandwidth *b, uint64_t rate, int64_t now_ns)
{
	*b = (struct bandwidth){.rate = rate, .last_ns = now_ns};
}

void bandwidth_set_rate(struct bandwidth *b, uint64_t rate, int64_t now_ns)
{
	refill(b, now_ns);
	b->rate = rate;
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
