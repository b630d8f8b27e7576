/* The process around the verifier: it talks with the coordinator (room ipc) and turns the loop. */
#include "verify/role.h"
#include "verify/verifier.h"
#include "base/clock.h"
#include "confine/confine.h"
#include "ipc/chan.h"
#include "ipc/ipc.h"
#include "ipc/role.h"
#include "pace/pacer.h"
#include "transport/transport.h"
#include "wire/msg.h"

#include <poll.h>
#include <unistd.h>

#define FIELDS_MAX 256
#define TEXT_MAX (64u << 10) /* of each side: it is for people */

struct role {
	struct chan ipc;
	struct throttle *throttle;
	struct verifier *v;
	bool paced; /* the prover has limits: it is asked for what it uses */
	struct buf msg;
};

static void on_give(void *arg, const struct verifier_give *g)
{
	struct role *r = arg;

	buf_clear(&r->msg);
	ipc_given_put(&r->msg,
		&(struct ipc_given){.other_mount = g->mount_root,
			.mount = g->mount,
			.name = bytes_of(g->name),
			.dst = bytes_of(g->dst)});
	ipc_give_send(&r->ipc, &(struct ipc_give){.unit = g->unit, .records = {r->msg.data, r->msg.len}});
}

static struct bytes shortened(const char *text)
{
	struct bytes b = bytes_of(text);

	b.len = MIN(b.len, (size_t)TEXT_MAX);
	return b;
}

static void on_difference(void *arg, const struct verifier_difference *d)
{
	struct role *r = arg;

	buf_clear(&r->msg);
	for (size_t i = 0; i < d->field_count && i < FIELDS_MAX; i++)
		wr_str(&r->msg, d->fields[i]);
	ipc_difference_send(&r->ipc,
		&(struct ipc_difference){.kind = (uint8_t)d->kind,
			.path = bytes_of(d->path),
			.source = shortened(d->source),
			.target = shortened(d->target),
			.fields = {r->msg.data, r->msg.len}});
}

static void on_pair(void *arg, const struct verifier_pair *p)
{
	struct role *r = arg;

	ipc_pair_send(&r->ipc,
		&(struct ipc_pair){.dev = p->source_dev,
			.ino = p->source_ino,
			.tdev = p->target_dev,
			.tino = p->target_ino,
			.changed = p->changed,
			.path = bytes_of(p->path)});
}

static void on_counts(void *arg, const struct verifier_counts *c)
{
	struct role *r = arg;

	throttle_charge(r->throttle, THROTTLE_READ, c->bytes_read, clock_mono_ns());
	ipc_count_send(&r->ipc,
		&(struct ipc_count){.counts.files_examined = c->files_examined,
			.counts.bytes_total = c->bytes_total,
			.counts.files_vanished = c->files_vanished,
			.counts.files_failed = c->files_failed,
			.counts.bytes_hashed = c->bytes_hashed});
}

static void on_lost(void *arg, const struct lost_kind *k)
{
	struct role *r = arg;

	ipc_lost_send(&r->ipc,
		&(struct ipc_lost){.why = (uint8_t)k->why,
			.files = k->files,
			.what = bytes_of(k->what),
			.path = bytes_of(k->first)});
}

static void on_used(void *arg, const struct pace_used *u)
{
	struct role *r = arg;

	ipc_used_send(&r->ipc, &(struct ipc_used){.used = *u});
}

static void on_diag(void *arg, const struct diag *d)
{
	struct role *r = arg;

	ipc_diag_send(&r->ipc, &(struct ipc_diag){.failed = true, .diag = *d});
}

static void on_warning(void *arg, const struct diag *d)
{
	struct role *r = arg;

	ipc_diag_send(&r->ipc, &(struct ipc_diag){.diag = *d});
}

static void on_unit_done(void *arg, uint32_t unit)
{
	struct role *r = arg;

	ipc_unit_done_send(&r->ipc, &(struct ipc_unit_done){.unit = unit, .ok = true});
}

NORETURN static void role_leave(struct role *r, int code)
{
	(void)chan_drain(&r->ipc);
	_exit(code);
}

NORETURN static void role_die(struct role *r, struct diag *d)
{
	ipc_diag_send(&r->ipc, &(struct ipc_diag){.fatal = true, .diag = *d});
	role_leave(r, ROLE_FATAL);
}

/* ---- what the coordinator says ---- */

/* Said, so that the run ends with it at once: a verifier that ends without a word is started again and again. */
NORETURN static void nonsense(struct role *r, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_INTERNAL, 0, NULL, "the coordinator sent %s", what);
	role_die(r, &d);
}

static void on_config(struct role *r, const struct ipc_config *m)
{
	nonsense(r, "a configuration that is not the first message");
}

static void on_unit(struct role *r, const struct ipc_unit *m)
{
	AUTO_FREE char *src = xmemdup(m->src.p, m->src.len);
	AUTO_FREE char *dst = xmemdup(m->dst.p, m->dst.len);

	if (m->kind == UNIT_PATH)
		verifier_add_path(r->v, m->id, m->mount, src, dst, m->flags & UNIT_RECURSE);
	else
		verifier_add_dir(r->v, m->id, m->mount, src, dst);
	if (!verifier_doubt(r->v, m->flags & UNIT_DOUBT, m->doubts.p, m->doubts.len))
		_exit(ROLE_FATAL);
}

static void on_finish(struct role *r, const struct ipc_finish *m)
{
	role_leave(r, ROLE_DONE);
}

static void on_limits(struct role *r, const struct ipc_limits *m)
{
	r->paced = m->cpu || m->io;
	verifier_pace(r->v, m->cpu, m->io);
}

static void role_frame(struct role *r, const struct frame *f)
{
	switch (f->type) {
#define FOR_MOVER(NAME, name)
#define FOR_WORKER(NAME, name)                             \
	case IPC_##NAME: {                                 \
		struct ipc_##name m;                       \
		if (!ipc_##name##_get(f, &m))              \
			nonsense(r, "a malformed " #NAME); \
		on_##name(r, &m);                          \
		return;                                    \
	}
#define X(NAME, name, role) FOR_##role(NAME, name)
		IPC_TO_WORKERS(X)
#undef X
	default:
		nonsense(r, "an unknown message");
	}
}

static void role_ipc(struct role *r)
{
	enum frame_status s;
	struct frame f;
	bool ok = chan_fill(&r->ipc);

	while ((s = frame_decode(&r->ipc.in, &f)) == FRAME_READY)
		role_frame(r, &f);
	if (s == FRAME_BAD)
		nonsense(r, "something that is no frame");
	if (!ok)
		_exit(ROLE_FATAL);
}

static bool first_frame(struct role *r, struct frame *f)
{
	return chan_await(&r->ipc, f, -1) && f->type == IPC_CONFIG;
}

static struct verifier *make_verifier(struct role *r, const struct ipc_config *cfg, int wire_fd, const int *mount_fds,
	const struct rules *rules, bool privileged)
{
	struct verifier_mount *mounts = xcalloc(cfg->mount_count, sizeof(*mounts));
	size_t skips = cfg->skip.len / 16;
	struct verifier_inode *skip = xcalloc(skips, sizeof(*skip));
	struct rd rd = rd_init(cfg->skip.p, cfg->skip.len);
	struct rd seed = rd_init(cfg->seed, sizeof(cfg->seed));
	struct verifier_options o = {.wire_fd = wire_fd,
		.mode = cfg->flags & IPC_CRC64 ? VERIFY_CRC64 : VERIFY_QUICK,
		.metadata = !(cfg->flags & IPC_NO_METADATA),
		.fields = privileged ? VERIFY_F_ALL : VERIFY_F_USER,
		.mounts = mounts,
		.mount_count = cfg->mount_count,
		.skip = skip,
		.skip_count = skips,
		.rules = rules,
		.changed_since_ns = cfg->changed_since,
		.leave_cache = cfg->flags & IPC_LEAVE_CACHE,
		.noatime = !(cfg->flags & IPC_CLONES),
		.seed = rd_u64(&seed),
		.callbacks = {.arg = r,
			.give = on_give,
			.difference = on_difference,
			.pair = on_pair,
			.lost = on_lost,
			.counts = on_counts,
			.diag = on_diag,
			.warning = on_warning,
			.used = on_used,
			.unit_done = on_unit_done}};
	AUTO_BUF fenced = BUF_INIT;
	struct verifier *v;

	buf_append(&fenced, cfg->fenced.p, cfg->fenced.len);
	buf_append(&fenced, cfg->lost.p, cfg->lost.len);
	if (!path_set_read(&o.fenced, (struct bytes){fenced.data, fenced.len}) ||
		!path_set_read(&o.opened, cfg->opened) || !path_set_read(&o.kept, cfg->kept))
		_exit(ROLE_FATAL);
	for (size_t i = 0; i < skips; i++) {
		skip[i].dev = rd_u64(&rd);
		skip[i].ino = rd_u64(&rd);
	}
	for (uint32_t i = 0; i < cfg->mount_count; i++)
		mounts[i] = (struct verifier_mount){mount_fds[i], xmemdup(cfg->mounts[i].rel.p, cfg->mounts[i].rel.len),
			xmemdup(cfg->mounts[i].target_rel.p, cfg->mounts[i].target_rel.len)};
	v = verifier_new(&o);
	for (uint32_t i = 0; i < cfg->mount_count; i++) {
		free((char *)mounts[i].rel);
		free((char *)mounts[i].target_rel);
	}
	free(mounts);
	free(skip);
	return v;
}

static void role_begin(struct role *r, const struct worker_fds *fds)
{
	struct ipc_ready ready = {};
	struct ipc_config cfg;
	struct rules *rules = NULL;
	struct frame f;
	char shared[256] = "";
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF note = BUF_INIT;
	bool privileged = geteuid() == 0; /* before the uid is given up; the capability to read trusted.* is kept */

	if (!first_frame(r, &f) || !ipc_config_get(&f, &cfg) || cfg.mount_count != (uint32_t)fds->mount_count ||
		cfg.shared_dir.len >= sizeof(shared))
		_exit(ROLE_FATAL);
	memcpy(shared, cfg.shared_dir.p, cfg.shared_dir.len);
	if (!transport_bootstrap(
		    fds->wire, cfg.bootstrap.p, cfg.bootstrap.len, fds->helper, shared, &ready.helper_bytes, &d)) {
		if (!diag_is_set(&d))
			_exit(ready.helper_bytes ? ROLE_LOST : ROLE_UNCONNECTED);
		role_die(r, &d);
	}
	if (fds->helper >= 0)
		close(fds->helper);
	AUTO_FREE char *empty = xmemdup(cfg.empty_dir.p, cfg.empty_dir.len);
	if (!rules_unpack(cfg.rules.p, cfg.rules.len, &rules))
		_exit(ROLE_FATAL);
	if (!confine_reader(empty, true, &note, &d))
		role_die(r, &d);
	r->v = make_verifier(r, &cfg, fds->wire, fds->mounts, rules, privileged);
	free(cfg.mounts);
	ready.shared_dir = (struct bytes){(uint8_t *)shared, strlen(shared)};
	ipc_ready_send(&r->ipc, &ready);
}

/* How long to wait for I/O. */
static int role_patience_ms(const struct role *r, int64_t read_wait)
{
	if (read_wait)
		return (int)(read_wait / NS_PER_MS) + 1;
	return r->paced ? (int)(PACER_EVERY_NS / NS_PER_MS) + 1 : -1;
}

void verifier_role_main(const struct worker_fds *fds)
{
	struct role *r = xcalloc(1, sizeof(*r));

	chan_init(&r->ipc, fds->ipc);
	r->throttle = throttle_map(fds->throttle);
	close(fds->throttle);
	if (!r->throttle)
		_exit(ROLE_FATAL);
	role_begin(r, fds);
	for (;;) {
		AUTO_DIAG d = DIAG_INIT;
		int64_t wait, read_wait = 0;
		uint64_t allowed;
		bool held;
		struct pollfd p[2] = {{.fd = r->ipc.fd, .events = POLLIN}};
		enum result result;

		if (!chan_flush(&r->ipc, &wait))
			_exit(ROLE_FATAL);
		/* The coordinator is behind, or more was read than may be, or the run is held: wait for it. */
		allowed = throttle_allow(r->throttle, THROTTLE_READ, UINT64_MAX, clock_mono_ns(), &read_wait);
		held = chan_full(&r->ipc) || !allowed;
		p[1] = (struct pollfd){.fd = held ? -1 : verifier_fd(r->v), .events = verifier_events(r->v)};
		if (chan_unsent(&r->ipc))
			p[0].events |= POLLOUT;
		poll(p, 2, verifier_busy(r->v) && !held ? 0 : role_patience_ms(r, read_wait));
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
			role_ipc(r);
		if (held && (read_wait || chan_full(&r->ipc)))
			continue;
		verifier_allow(r->v, allowed);
		result = verifier_step(r->v, &d);
		if (result == RES_RETRY)
			role_leave(r, ROLE_LOST);
		if (result == RES_FATAL)
			role_die(r, &d);
	}
}
