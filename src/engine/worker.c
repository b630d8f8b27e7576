#include "engine/worker.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "engine/coordinator.h"
#include "engine/queue.h"
#include "ipc/role.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(MOUNTS_MAX <= ROLE_MOUNTS_MAX, "all that are chosen fit into the message");

/* This program in the role of a worker; its descriptors are those of struct worker_fds, in that order. */
static pid_t start_role(const struct engine *e, int ipc, int wire, int helper)
{
	size_t n = 0;
	int *fds = xcalloc(e->plan.chosen_count + 4, sizeof(*fds));
	pid_t pid;

	fds[n++] = ipc;
	fds[n++] = wire;
	fds[n++] = helper;
	fds[n++] = e->limits.throttle_fd;
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
		.create = !verify && !e->job->dry_run && !e->target.checked,
		.read_only = verify || e->job->dry_run,
		.prove = verify,
		.sudo = c->target.sudo,
		.helper = c->target.helper};
}

/* What is not taken is not piled up here. */
static void flush(struct worker *w)
{
	int64_t wait;

	if (chan_unsent(&w->ipc) > 65536)
		chan_flush(&w->ipc, &wait);
}

#define X(NAME, name, role)                                                   \
	void worker_send_##name(struct worker *w, const struct ipc_##name *m) \
	{                                                                     \
		ipc_##name##_send(&w->ipc, m);                                \
		flush(w);                                                     \
	}
IPC_TO_WORKERS(X)
#undef X

struct fence_lists {
	struct buf fenced, opened, lost, kept;
};

/* What is hidden can only be seen in clones. */
static void list_fences(const struct engine *e, struct fence_lists *l)
{
	bool open = e->job->conf->source.copy_hidden && e->plan.clones;

	for (size_t i = 0; i < e->plan.fence_count; i++) {
		const struct mount_fence *f = &e->plan.fences[i];
		wr_str(f->lost ? &l->lost : open ? &l->opened : &l->fenced, f->rel);
		wr_str(&l->kept, f->target_rel);
	}
}

static void fence_lists_release(struct fence_lists *l)
{
	buf_release(&l->fenced);
	buf_release(&l->opened);
	buf_release(&l->lost);
	buf_release(&l->kept);
}

static void configure(struct engine *e, struct worker *w)
{
	const struct job *job = e->job;
	const struct conf *c = job->conf;
	AUTO_BUF rules = BUF_INIT;
	AUTO_BUF hidden = BUF_INIT;
	struct fence_lists fences = {};
	AUTO_BUF bootstrap = BUF_INIT;
	struct transport_receiver r = receiver(e);
	struct ipc_config cfg = {.mount_count = (uint32_t)e->plan.chosen_count,
		.changed_since = e->verify.changed_since,
		.doubt_from = e->doubt.from,
		.doubt_exact = e->doubt.exact,
		.doubt_to = e->doubt.to};
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
	list_fences(e, &fences);
	cfg.flags = (job->dry_run ? IPC_DRY_RUN : 0) | (job->checksum ? IPC_CHECKSUM : 0) | (deletes ? IPC_DELETE : 0) |
		(deletes && c->rules.delete_when == CONF_DELETE_AFTER ? IPC_DELETE_AFTER : 0) |
		(c->rules.max_delete >= 0 ? IPC_MAX_DELETE : 0) | (job->want_items ? IPC_ITEMS : 0) |
		(job->want_space && job->kind == JOB_COPY ? IPC_SPACE : 0) | (w->serial == 1 ? IPC_FIRST : 0) |
		(c->transfer.update == CONF_UPDATE_REPLACE ? IPC_REPLACE : 0) |
		(c->transfer.update == CONF_UPDATE_INPLACE ? IPC_INPLACE : 0) | (c->transfer.delta ? 0 : IPC_NO_DELTA) |
		(c->source.page_cache == CONF_PAGE_CACHE_LEAVE ? IPC_LEAVE_CACHE : 0) |
		(c->transfer.compression == CONF_COMPRESSION_AUTO ? IPC_ZSTD_AUTO : 0) |
		(e->plan.clones ? IPC_CLONES : 0) | (e->workers.max > 1 ? IPC_SHARING : 0) |
		(e->verify.deep ? IPC_CRC64 : 0) |
		(job->kind == JOB_VERIFY && !c->verify.metadata ? IPC_NO_METADATA : 0);
	memcpy(cfg.seed, e->workers.seed, sizeof(cfg.seed));
	cfg.rules = (struct bytes){rules.data, rules.len};
	cfg.hidden = (struct bytes){hidden.data, hidden.len};
	cfg.fenced = (struct bytes){fences.fenced.data, fences.fenced.len};
	cfg.opened = (struct bytes){fences.opened.data, fences.opened.len};
	cfg.lost = (struct bytes){fences.lost.data, fences.lost.len};
	cfg.kept = (struct bytes){fences.kept.data, fences.kept.len};
	cfg.bootstrap = (struct bytes){bootstrap.data, bootstrap.len};
	cfg.shared_dir = (struct bytes){(uint8_t *)e->workers.shared_dir, strlen(e->workers.shared_dir)};
	cfg.empty_dir = (struct bytes){(uint8_t *)e->workers.empty_dir, strlen(e->workers.empty_dir)};
	cfg.skip = (struct bytes){e->workers.skips.data, e->workers.skips.len};
	cfg.zstd_level = c->transfer.compression == CONF_COMPRESSION_ZSTD ? (uint8_t)c->transfer.zstd_level : 0;
	worker_send_config(w, &cfg);
	fence_lists_release(&fences);
	free(cfg.mounts);
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
	w->serial = e->workers.next_serial++;
	configure(e, w);
	w->next = e->workers.first;
	e->workers.first = w;
	e->workers.count++;
	e->out->processes = MAX(e->out->processes, e->workers.count);
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

bool worker_works(const struct worker *w)
{
	return w->state == WORKER_READY || w->state == WORKER_SYNCING || w->state == WORKER_SYNCED;
}

struct worker *worker_by_serial(struct engine *e, uint32_t serial)
{
	struct worker *w = e->workers.first;

	while (w && (w->serial != serial || w->state == WORKER_GONE))
		w = w->next;
	return w;
}

void worker_ready(struct engine *e, struct worker *w, const struct ipc_ready *r)
{
	w->state = WORKER_READY;
	w->ready_ns = clock_mono_ns();
	e->link.ever = true;
	diag_release(&e->link.lost);
	e->totals.counts.bytes_helper += r->helper_bytes;
	if (r->shared_dir.len && r->shared_dir.len < sizeof(e->workers.shared_dir)) {
		memcpy(e->workers.shared_dir, r->shared_dir.p, r->shared_dir.len);
		e->workers.shared_dir[r->shared_dir.len] = '\0';
	}
	if (e->workers.skip_ino && e->job->kind != JOB_VERIFY) /* known only since the first receiver was ready */
		worker_send_skip(w, &(struct ipc_skip){.dev = e->workers.skip_dev, .ino = e->workers.skip_ino});
}

/* ---- units ---- */

struct unit *worker_find_unit(struct worker *w, uint32_t id)
{
	struct unit *u = w->units;

	while (u && u->id != id)
		u = u->next;
	return u;
}

void worker_add_unit(struct worker *w, struct unit *u)
{
	u->next = w->units;
	w->units = u;
	w->unit_count++;
	if (u->kind == UNIT_SEGMENT)
		w->segment_count++;
}

void worker_take_unit(struct worker *w, struct unit *u)
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
