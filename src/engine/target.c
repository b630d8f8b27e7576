#include "engine/target.h"
#include "base/clock.h"
#include "base/bootid.h"
#include "engine/coordinator.h"
#include "engine/since.h"
#include "engine/places.h"
#include "engine/known.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_host(const struct ipc_ready *r)
{
	uint8_t id[16];

	return boot_id_read(id) && memcmp(id, r->boot_id, sizeof(id)) == 0;
}

/* Walks up from the source root: is the target root it, or one of its parents? */
static bool source_within(const struct engine *e, const struct ipc_ready *r, bool *out_same)
{
	AUTO_CLOSE int fd = open(e->job->conf->source.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, last = {};

	*out_same = true;
	while (fd >= 0 && fstat(fd, &st) == 0) {
		int up;
		if (st.st_dev == r->root_dev && st.st_ino == r->root_ino)
			return true;
		if (st.st_dev == last.st_dev && st.st_ino == last.st_ino)
			return false;
		*out_same = false;
		last = st;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
	}
	return false;
}

static void leave_out(struct engine *e, uint64_t dev, uint64_t ino)
{
	wr_u64(&e->workers.skips, dev);
	wr_u64(&e->workers.skips, ino);
}

static bool check(struct engine *e, const struct ipc_ready *r, struct diag *d)
{
	const struct job *job = e->job;
	bool same;

	if (same_host(r) && r->root_ino) {
		if (source_within(e, r, &same) && job->kind != JOB_VERIFY) {
			diag_set(d, DIAG_ENGINE_INTO_ITSELF, 0, job->conf->target.root,
				same ? "source and target are the same directory"
				     : "the source lies within the target root");
			return false;
		}
		e->workers.skip_dev = r->root_dev;
		e->workers.skip_ino = r->root_ino;
		leave_out(e, r->root_dev, r->root_ino);
	}
	if (job->kind == JOB_VERIFY)
		return true;
	if (!places_check(e, r, d))
		return false;
	e->state.skip_dev = e->workers.skip_dev; /* a verify of this target leaves out the same */
	e->state.skip_ino = e->workers.skip_ino;
	return true;
}

/* ---- is it still the same one ---- */

static void note_target(struct engine *e, const struct ipc_ready *r)
{
	memcpy(e->target.boot_id, r->boot_id, sizeof(e->target.boot_id));
	e->target.mount = r->root_mount;
	places_note(e, r);
}

static bool rebooted(const struct engine *e, const struct ipc_ready *r)
{
	static const uint8_t none[16];

	return memcmp(r->boot_id, e->target.boot_id, sizeof(none)) != 0 &&
		memcmp(r->boot_id, none, sizeof(none)) != 0 && memcmp(e->target.boot_id, none, sizeof(none)) != 0;
}

static bool remounted(struct engine *e, const struct worker *w, const struct ipc_ready *r)
{
	if (!r->root_mount || !e->target.mount || r->root_mount == e->target.mount)
		return false;
	for (const struct worker *o = e->workers.first; o; o = o->next)
		if (o != w && worker_works(o)) { /* each session sees mounts of its own: they tell nothing */
			e->target.mount = 0;
			return false;
		}
	return true;
}

static bool same_target(struct engine *e, struct worker *w, const struct ipc_ready *r, struct diag *d)
{
	if (!e->target.checked) {
		note_target(e, r);
		return true;
	}
	if (!places_same(e, r, d))
		return false;
	if (rebooted(e, r) || remounted(e, w, r)) {
		note_target(e, r);
		e->target.restart = w->serial;
		e->target.restart_now = r->now;
	}
	return true;
}

static bool begin(struct engine *e, struct diag *d)
{
	known_remember(e);
	since_begin(e);
	if (e->job->kind != JOB_VERIFY)
		doubt_begin(e);
	return e->job->kind == JOB_VERIFY || state_write(e->job, &e->state, d);
}

static bool target_begin(struct engine *e, struct worker *w, const struct ipc_ready *r, struct diag *d)
{
	if (!check(e, r, d))
		return false;
	if (e->job->kind != JOB_VERIFY) {
		same_target(e, w, r, d);
		durable_begin(e, r);
	}
	return e->job->dry_run || begin(e, d);
}

void on_ready(struct engine *e, struct worker *w, const struct ipc_ready *m)
{
	const bool mover = e->job->kind != JOB_VERIFY;
	AUTO_DIAG d = DIAG_INIT;

	if (w->state != WORKER_STARTING) {
		engine_malformed(e, "ready");
		return;
	}
	if (!e->target.checked) {
		if (!target_begin(e, w, m, &d)) {
			engine_fatal(e, &d);
			return;
		}
		e->target.checked = true;
	} else if (mover && !same_target(e, w, m, &w->no_root)) {
		w->discarded = true;
		kill(w->pid, SIGKILL);
		return;
	}
	worker_ready(e, w, m);
	if (mover)
		durable_ready(e, w, m);
}
