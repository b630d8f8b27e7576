#include "receiver/lease.h"
#include "base/clock.h"
#include "receiver/state.h"

#include <errno.h>

#define PAUSE_NS (50 * NS_PER_MS)
#define WAIT_NS (60 * NS_PER_S)

bool lease_pause(struct session *s)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	if (errno != EAGAIN || s->leased_ns >= WAIT_NS)
		return false;
	s->leased_ns += PAUSE_NS;
	nanosleep(&pause, NULL);
	return true;
}
