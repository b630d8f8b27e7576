#include "base/counters.h"

const struct count_def count_defs[COUNTER_COUNT] = {
#define X(name, whose, help) {#name, help, COUNT_##whose},
	COUNTERS(X)
#undef X
};

_Static_assert(sizeof(struct counts) == COUNTER_COUNT * sizeof(uint64_t), "nothing but counters");

void counts_add(struct counts *to, const struct counts *from)
{
	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		*counts_at(to, i) += counts_get(from, i);
}
