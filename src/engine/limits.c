/* What a run may take of its host: [limits]. */
#include "engine/private.h"

void limits_set_bandwidth(struct engine *e, uint64_t rate)
{
	/* With 'local:' what is sent is what is written on this host. */
	if (transport_kind(e->transport) == TRANSPORT_LOCAL && e->limits.io_write)
		rate = rate ? MIN(rate, e->limits.io_write) : e->limits.io_write;
	throttle_set_rate(e->throttle, THROTTLE_SEND, rate);
}

bool limits_apply(struct engine *e, const struct conf_limits *wanted, struct diag *d)
{
	e->limits = *wanted;
	throttle_set_rate(e->throttle, THROTTLE_READ, wanted->io_read);
	return true;
}
