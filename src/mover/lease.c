#include "mover/lease.h"
#include "base/path.h"
#include "mover/dir.h"
#include "mover/state.h"
#include "mover/tell.h"

#include <errno.h>

#define LEASE_WAIT_NS (60 * NS_PER_S)

bool lease_waits(struct lease *l)
{
	int64_t now = clock_mono_ns();

	if (!l->until_ns) {
		l->until_ns = now + LEASE_WAIT_NS;
		l->next_ns = now + LEASE_EVERY_NS;
	}
	return now < l->until_ns;
}

bool lease_due(struct lease *l)
{
	int64_t now = clock_mono_ns();

	if (now < l->next_ns)
		return false;
	l->next_ns = now + LEASE_EVERY_NS;
	return true;
}

void lease_tell(struct mover *m, const char *dir, const char *name)
{
	AUTO_FREE char *path = path_join(dir, name);
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_MOVER_LEASE, 0, path, "cannot open '%s': another program holds a lease on it", path);
	tell_failed(m, &d);
}

bool lease_keep(struct mover *m, struct dir *d, const struct name *n)
{
	const char *name = (const char *)d->names.arena.data + n->off;

	if (lease_waits(&d->lease)) {
		names_add(&d->late, name, n->dtype, n->ino);
		return true;
	}
	lease_tell(m, d->src, name);
	return false;
}

enum step lease_step(struct dir *d)
{
	struct names late = d->late;

	if (!late.len) {
		d->lease = (struct lease){};
		return STEP_WAIT;
	}
	if (!lease_due(&d->lease))
		return STEP_BLOCKED;
	late.eof = true;
	late.error = d->names.error;
	names_release(&d->names);
	d->names = late;
	d->late = (struct names){};
	return STEP_MORE;
}
