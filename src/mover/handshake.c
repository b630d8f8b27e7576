#include "mover/handshake.h"
#include "base/fd.h"
#include "confine/confine.h"
#include "ipc/role.h"
#include "mover/leave.h"
#include "mover/state.h"
#include "mover/tell.h"
#include "transport/transport.h"
#include "wire/msg.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define HELLO_TIMEOUT_MS 60000
/* Of files whose pages may not have been written back a mover looks at no more, in the order of its walk. */
#define DOUBT_FILES 32
#define DOUBT_BYTES (UINT64_C(1) << 30)

static char *copy(const struct bytes *b)
{
	return xmemdup(b->p, b->len);
}

static void take_mounts(struct mover *m, const struct ipc_config *cfg, const int *fds)
{
	struct statfs fs;
	struct stat st;

	m->mount_count = cfg->mount_count;
	m->mounts = xcalloc(m->mount_count, sizeof(*m->mounts));
	for (uint32_t i = 0; i < m->mount_count; i++) {
		m->mounts[i].rel = copy(&cfg->mounts[i].rel);
		m->mounts[i].target_rel = copy(&cfg->mounts[i].target_rel);
		m->mounts[i].fd = fds[i];
		fd_set_cloexec(fds[i], true);
		if (fstat(fds[i], &st) == 0)
			m->mounts[i].dev = st.st_dev;
		m->mounts[i].btrfs = fstatfs(fds[i], &fs) == 0 && fs.f_type == BTRFS_SUPER_MAGIC;
	}
}

static void take_config(struct mover *m, const struct ipc_config *cfg)
{
	struct rd r = rd_init(cfg->skip.p, cfg->skip.len);

	m->flags = cfg->flags;
	m->dry_run = cfg->flags & IPC_DRY_RUN;
	m->checksum = cfg->flags & IPC_CHECKSUM;
	m->doubt.from = cfg->doubt_from;
	m->doubt.exact = cfg->doubt_exact;
	m->doubt.to = cfg->doubt_to;
	m->doubt.files = DOUBT_FILES;
	m->doubt.bytes = DOUBT_BYTES;
	m->zstd.fixed = cfg->zstd_level;
	digest_key_init(&m->digest_key, cfg->seed);
	delta_key_init(&m->delta_key, cfg->seed);
	if (!path_set_read(&m->fenced, cfg->fenced) || !path_set_read(&m->opened, cfg->opened) ||
		!path_set_read(&m->missing, cfg->lost))
		_exit(ROLE_FATAL);
	m->skip_count = cfg->skip.len / 16;
	m->skips = xcalloc(m->skip_count, sizeof(*m->skips));
	for (size_t i = 0; i < m->skip_count; i++) {
		m->skips[i].dev = rd_u64(&r);
		m->skips[i].ino = rd_u64(&r);
	}
}

static void send_hello(struct mover *m, const struct ipc_config *cfg)
{
	struct msg_hello hello = {
		.protocol = WIRE_PROTOCOL, .rules = cfg->rules, .hidden = cfg->hidden, .kept = cfg->kept};
	AUTO_BUF b = BUF_INIT;
	hello.version = (struct bytes){(const uint8_t *)REHOST_VERSION, strlen(REHOST_VERSION)};
	memcpy(hello.seed, cfg->seed, sizeof(hello.seed));
	hello.fields = meta_fields_possible(false);
	hello.flags = (cfg->flags & IPC_DRY_RUN ? HELLO_DRY_RUN : 0) | (cfg->flags & IPC_DELETE ? HELLO_DELETE : 0) |
		(cfg->flags & IPC_FIRST ? HELLO_FIRST : 0) | (cfg->flags & IPC_ITEMS ? HELLO_ITEMIZE : 0) |
		(cfg->flags & IPC_CHECKSUM ? HELLO_CHECKSUM : 0) | (cfg->flags & IPC_REPLACE ? HELLO_REPLACE : 0) |
		(cfg->flags & IPC_INPLACE ? HELLO_INPLACE : 0);
	msg_hello_put(&b, &hello);
	chan_send_buf(&m->wire, MSG_HELLO, 0, &b);
}

static void take_hello_ok(struct mover *m, struct buf *places, struct ipc_ready *ready)
{
	struct msg_hello_ok ok;
	struct frame f;
	AUTO_DIAG d = DIAG_INIT;

	if (!chan_await(&m->wire, &f, HELLO_TIMEOUT_MS))
		_exit(ROLE_LOST);
	if (f.type == MSG_ERROR) {
		struct rd r = rd_init(f.payload, f.len);
		if (rd_diag(&r, &d) && diag_is_set(&d))
			mover_die(m, &d);
	}
	if (f.type != MSG_HELLO_OK || !msg_hello_ok_get(&f, &ok))
		mover_protocol_error(m, "no answer to the greeting");
	if (ok.protocol != WIRE_PROTOCOL) {
		diag_set(&d, DIAG_MOVER_VERSION, 0, NULL, "rehost %s speaks protocol %d, the receiver '%.*s' speaks %u",
			REHOST_VERSION, WIRE_PROTOCOL, (int)ok.version.len, (const char *)ok.version.p, ok.protocol);
		mover_die(m, &d);
	}
	m->fields = ok.fields;
	memcpy(ready->boot_id, ok.boot_id, sizeof(ready->boot_id));
	ready->root_dev = ok.root_dev;
	ready->root_ino = ok.root_ino;
	ready->root_mount = ok.root_mount;
	ready->now = ok.now;
	ready->root_live = ok.root_live;
	buf_append(places, ok.places.p, ok.places.len);
	ready->places = (struct bytes){places->data, places->len};
	ready->root_uid = ok.root_uid;
}

void handshake(struct mover *m, const struct worker_fds *fds)
{
	struct ipc_config cfg;
	struct ipc_ready ready = {};
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF note = BUF_INIT;
	AUTO_BUF places = BUF_INIT;
	AUTO_FREE char *empty = NULL;
	char shared[256] = "";
	struct frame f;
	int64_t wait;

	if (!chan_await(&m->ipc, &f, -1) || f.type != IPC_CONFIG || !ipc_config_get(&f, &cfg) ||
		cfg.mount_count != (uint32_t)fds->mount_count || cfg.shared_dir.len >= sizeof(shared))
		_exit(ROLE_FATAL);
	take_config(m, &cfg);
	take_mounts(m, &cfg, fds->mounts);
	empty = copy(&cfg.empty_dir);
	memcpy(shared, cfg.shared_dir.p, cfg.shared_dir.len);
	if (!transport_bootstrap(
		    fds->wire, cfg.bootstrap.p, cfg.bootstrap.len, fds->helper, shared, &ready.helper_bytes, &d)) {
		if (!diag_is_set(&d))
			_exit(ready.helper_bytes ? ROLE_LOST : ROLE_UNCONNECTED);
		mover_die(m, &d);
	}
	if (fds->helper >= 0)
		close(fds->helper);
	/* From here on the process can read and nothing else, before the first byte of the protocol is looked at. */
	if (!confine_reader(empty, true, &note, &d) || !rules_unpack(cfg.rules.p, cfg.rules.len, &m->rules)) {
		if (!diag_is_set(&d))
			diag_set(&d, DIAG_MOVER_PROTOCOL, 0, NULL, "the coordinator sent rules that are none");
		mover_die(m, &d);
	}
	if (note.len)
		tell_note(m, "hardening that this kernel does not grant: %.*s", (int)note.len - 2, buf_cstr(&note));
	chan_init(&m->wire, fds->wire);
	send_hello(m, &cfg);
	take_hello_ok(m, &places, &ready);
	m->wire.limit =
		m->throttle; /* not before: chan_await() would not wait for a rate, or the end of a hold, but spin */
	ready.shared_dir = bytes_of(shared);
	ipc_ready_send(&m->ipc, &ready);
	chan_flush(&m->ipc, &wait);
	free(cfg.mounts);
}
