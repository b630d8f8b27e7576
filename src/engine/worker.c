#include "base/clock.h"
#include "base/fd.h"
#include "ipc/role.h"
#include "base/text.h"
#include "engine/private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Worker processes: this program again with a role, a socket to us, a stream to its receiver, and the mounts. */

#define SEGMENTS_EACH 2 /* segments of large files one worker holds: the others are for the others */
#define KILLED_NS (1500 * NS_PER_MS) /* what waits for a disk may take longer to die, and is left to do so */

/* This program in the role of a worker; its descriptors are those of struct worker_fds, in that order. */
static pid_t start_role(const struct engine *e, int ipc, int wire, int helper)
{
	size_t n = 0;
	int *fds = xcalloc(e->plan.chosen_count + 4, sizeof(*fds));
	pid_t pid;

	fds[n++] = ipc;
	fds[n++] = wire;
	fds[n++] = helper;
	fds[n++] = e->throttle_fd;
	for (size_t i = 0; i < e->plan.chosen_count; i++)
		fds[n++] = e->plan.chosen[i].fd;
	pid = role_start(e->job->kind == JOB_VERIFY ? "verifier" : "mover", fds, n);
	free(fds);
	return pid;
}

static struct transport_receiver receiver(const struct engine *e)
{
	const struct conf *c = e->job->conf;
	bool verify = e->job->kind == JOB_VERIFY;

	return (struct transport_receiver){.root = c->target.root,
		.create = !verify && !e->job->dry_run && !e->target_checked,
		.read_only = verify || e->job->dry_run,
		.prove = verify,
		.sudo = c->target.sudo,
		.helper = c->target.helper};
}

static void send_config(struct engine *e, struct worker *w)
{
	const struct job *job = e->job;
	const struct conf *c = job->conf;
	AUTO_BUF rules = BUF_INIT;
	AUTO_BUF hidden = BUF_INIT;
	AUTO_BUF bootstrap = BUF_INIT;
	AUTO_BUF msg = BUF_INIT;
	struct transport_receiver r = receiver(e);
	struct ipc_config cfg = {.mount_count = (uint32_t)e->plan.chosen_count, .changed_since = e->changed_since};
	bool deletes = job->kind == JOB_SYNC && c->rules.delete_when != CONF_DELETE_NO;

	rules_pack(e->rules, &rules);
	transport_bootstrap_pack(e->transport, &r, &bootstrap);
	cfg.mounts = xcalloc(e->plan.chosen_count, sizeof(*cfg.mounts));
	for (size_t i = 0; i < e->plan.chosen_count; i++) {
		const struct mount *m = &e->plan.chosen[i];
		cfg.mounts[i].rel = (struct bytes){(uint8_t *)m->rel, strlen(m->rel)};
		cfg.mounts[i].target_rel = (struct bytes){(uint8_t *)m->target_rel, strlen(m->target_rel)};
		if (!str_eq(m->rel, m->target_rel))
			wr_str(&hidden, m->target_rel);
	}
	cfg.flags = (job->dry_run ? IPC_DRY_RUN : 0) | (job->checksum ? IPC_CHECKSUM : 0) | (deletes ? IPC_DELETE : 0) |
		(deletes && c->rules.delete_when == CONF_DELETE_AFTER ? IPC_DELETE_AFTER : 0) |
		(c->rules.max_delete >= 0 ? IPC_MAX_DELETE : 0) | (job->want_items ? IPC_ITEMS : 0) |
		(w->serial == 1 ? IPC_FIRST : 0) | (c->transfer.update == CONF_UPDATE_REPLACE ? IPC_REPLACE : 0) |
		(c->transfer.update == CONF_UPDATE_INPLACE ? IPC_INPLACE : 0) | (c->transfer.delta ? 0 : IPC_NO_DELTA) |
		(c->source.page_cache == CONF_PAGE_CACHE_LEAVE ? IPC_LEAVE_CACHE : 0) |
		(c->transfer.compression == CONF_COMPRESSION_AUTO ? IPC_ZSTD_AUTO : 0) |
		(e->plan.clones ? IPC_CLONES : 0) | (e->worker_max > 1 ? IPC_SHARING : 0) |
		(job->verify_mode == CONF_VERIFY_CRC64 ? IPC_CRC64 : 0) |
		(job->kind == JOB_VERIFY && !c->verify.metadata ? IPC_NO_METADATA : 0);
	memcpy(cfg.seed, e->seed, sizeof(cfg.seed));
	cfg.rules = (struct bytes){rules.data, rules.len};
	cfg.hidden = (struct bytes){hidden.data, hidden.len};
	cfg.bootstrap = (struct bytes){bootstrap.data, bootstrap.len};
	cfg.shared_dir = (struct bytes){(uint8_t *)e->shared_dir, strlen(e->shared_dir)};
	cfg.empty_dir = (struct bytes){(uint8_t *)e->empty_dir, strlen(e->empty_dir)};
	cfg.skip = (struct bytes){e->skips.data, e->skips.len};
	cfg.zstd_level = c->transfer.compression == CONF_COMPRESSION_ZSTD ? (uint8_t)c->transfer.zstd_level : 0;
	ipc_config_put(&msg, &cfg);
	free(cfg.mounts);
	worker_send(w, IPC_CONFIG, &msg);
}

bool worker_start(struct engine *e, struct diag *d)
{
	struct transport_receiver r = receiver(e);
	struct worker *w = xcalloc(1, sizeof(*w));
	const char *path = transport_helper_path();
	int pair[2] = {-1, -1}, helper = -1;

	if (!transport_start(e->transport, &r, &w->conn, d))
		goto fail;
	if (transport_kind(e->transport) != TRANSPORT_LOCAL && path)
		helper = open(path, O_RDONLY | O_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
		(w->pid = start_role(e, pair[1], w->conn.fd, helper)) < 0) {
		diag_set(d, DIAG_ENGINE_WORKER, errno, NULL, "cannot start a process");
		transport_conn_release(&w->conn);
		goto fail;
	}
	close(pair[1]);
	if (helper >= 0)
		close(helper);
	close(w->conn.fd); /* the mover's alone from here on: its end must be seen by the process behind it */
	w->conn.fd = -1;
	chan_init(&w->ipc, pair[0]);
	w->serial = e->next_serial++;
	send_config(e, w);
	w->next = e->workers;
	e->workers = w;
	e->worker_count++;
	e->out->movers = MAX(e->out->movers, e->worker_count);
	return true;
fail:
	if (pair[0] >= 0) {
		close(pair[0]);
		close(pair[1]);
	}
	if (helper >= 0)
		close(helper);
	free(w);
	return false;
}

void worker_send(struct worker *w, uint8_t type, const struct buf *payload)
{
	int64_t wait;

	chan_send(&w->ipc, type, 0, payload ? payload->data : NULL, payload ? payload->len : 0);
	if (chan_unsent(&w->ipc) > 65536)
		chan_flush(&w->ipc, &wait);
}

struct worker *worker_by_serial(struct engine *e, uint32_t serial)
{
	struct worker *w = e->workers;

	while (w && (w->serial != serial || w->state == WORKER_GONE))
		w = w->next;
	return w;
}

/* ---- units ---- */

struct unit *worker_unit(struct worker *w, uint32_t id)
{
	struct unit *u = w->units;

	while (u && u->id != id)
		u = u->next;
	return u;
}

void worker_unit_done(struct engine *e, struct worker *w, struct unit *u)
{
	struct unit **p = &w->units;

	while (*p != u)
		p = &(*p)->next;
	*p = u->next;
	u->next = NULL;
	w->unit_count--;
	if (u->kind == UNIT_SEGMENT)
		w->segment_count--;
}

/*
 * Directories may wait for the shared files in them, and those for their segments: so segments have places of their own,
 * and come first.
 */
static struct unit *next_unit(struct engine *e, const struct worker *w)
{
	struct unit *u = NULL;

	if (w->segment_count < SEGMENTS_EACH)
		u = queue_pop(&e->segments);
	if (!u && !(e->holds & HOLD_MEMORY) && w->unit_count - w->segment_count < IPC_UNITS_MAX)
		u = queue_pop(&e->queue);
	return u;
}

static void send_unit(struct engine *e, struct worker *w, struct unit *u)
{
	AUTO_BUF msg = BUF_INIT;
	struct ipc_unit m = {.kind = u->kind,
		.flags = u->flags,
		.mount = u->mount,
		.size = u->size,
		.off = u->off,
		.len = u->len,
		.basis = u->basis,
		.ino = u->ino,
		.mtime_ns = u->mtime_ns};

	if (!u->id)
		u->id = e->next_unit++;
	m.id = u->id;
	m.src = (struct bytes){(uint8_t *)u->src, strlen(u->src)};
	m.dst = (struct bytes){(uint8_t *)u->dst, strlen(u->dst)};
	if (u->kind == UNIT_SEGMENT) {
		m.path = (struct bytes){(uint8_t *)u->path, strlen(u->path)};
		m.basis_path = (struct bytes){(uint8_t *)u->basis_path, strlen(u->basis_path)};
		w->segment_count++;
	}
	ipc_unit_put(&msg, &m);
	worker_send(w, IPC_UNIT, &msg);
	u->next = w->units;
	w->units = u;
	w->unit_count++;
}

void worker_feed(struct engine *e, struct worker *w)
{
	struct unit *u;

	while (w->state == WORKER_READY && (u = next_unit(e, w))) {
		/* Its file begins anew with another mover, or is given up. */
		if (u->share && (u->share->orphan || u->share->failed)) {
			share_segment_done(e, STEAL(u->share), false);
			queue_unit_free(u);
			continue;
		}
		send_unit(e, w, u);
	}
}

void worker_ready(struct engine *e, struct worker *w, const struct ipc_ready *r)
{
	AUTO_BUF msg = BUF_INIT;

	w->state = WORKER_READY;
	w->ready_ns = clock_mono_ns();
	e->ever_linked = true;
	diag_release(&e->lost);
	e->out->bytes_helper += r->helper_bytes;
	if (r->shared_dir.len && r->shared_dir.len < sizeof(e->shared_dir)) {
		memcpy(e->shared_dir, r->shared_dir.p, r->shared_dir.len);
		e->shared_dir[r->shared_dir.len] = '\0';
	}
	if (e->skip_ino) { /* known only since the first receiver was ready */
		wr_u64(&msg, e->skip_dev);
		wr_u64(&msg, e->skip_ino);
		if (e->job->kind != JOB_VERIFY)
			worker_send(w, IPC_SKIP, &msg);
	}
}

/* ---- the end of a worker ---- */

void worker_frames(struct engine *e, struct worker *w)
{
	struct frame f;
	enum frame_status s;

	while (!e->stop && (s = frame_decode(&w->ipc.in, &f)) == FRAME_READY)
		if (!w->discarded)
			dispatch_frame(e, w, &f);
	if (!e->stop && s == FRAME_BAD)
		dispatch_malformed(e, "frame");
}

static void requeue(struct engine *e, struct worker *w)
{
	struct unit *u;

	if (w->units && e->job->kind != JOB_VERIFY)
		dispatch_uncount(e, w);
	while ((u = w->units)) {
		w->units = u->next;
		if (u->share && u->share->orphan) {
			share_segment_done(e, u->share, false);
			queue_unit_free(u);
			continue;
		}
		queue_unit_redo(u);
		u->flags &= (uint8_t)~UNIT_NEW; /* part of it may be there */
		queue_push(u->kind == UNIT_SEGMENT ? &e->segments : &e->queue, u);
	}
	w->unit_count = w->segment_count = 0;
}

void worker_gone(struct engine *e, struct worker *w)
{
	struct worker **p = &e->workers;

	w->state = WORKER_GONE;
	for (struct share *s = e->shares; s; s = s->next)
		if (s->worker == w->serial)
			s->orphan = true;
	requeue(e, w);
	budget_worker_gone(e, w->serial);
	if (e->links)
		links_worker_gone(e->links, w->serial, links_wake, e);
	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	e->worker_count--;
	chan_release(&w->ipc);
	transport_conn_release(&w->conn);
	diag_release(&w->no_root);
	free(w);
}

static void reap(pid_t pid, int64_t deadline)
{
	const struct timespec soon = {.tv_nsec = 2 * NS_PER_MS};

	while (waitpid(pid, NULL, WNOHANG) == 0 && clock_mono_ns() < deadline)
		nanosleep(&soon, NULL);
}

void worker_kill_but(struct engine *e, const struct worker *keep)
{
	int64_t deadline = clock_mono_ns() + KILLED_NS;

	/* All at once, so that a slow end of one does not add to that of the next. */
	for (struct worker *w = e->workers; w; w = w->next) {
		if (w == keep)
			continue;
		kill(w->pid, SIGKILL);
		if (w->conn.pid > 0)
			kill(w->conn.pid, SIGTERM);
	}
	for (struct worker *w = e->workers, *next; w; w = next) {
		next = w->next;
		if (w == keep)
			continue;
		reap(w->pid, deadline);
		transport_abandon(&w->conn, deadline);
		worker_gone(e, w);
	}
}
