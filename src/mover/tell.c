#include "mover/tell.h"
#include "base/path.h"
#include "base/clock.h"
#include "base/text.h"
#include "mover/dir.h"
#include "mover/state.h"
#include "wire/msg.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define FLAG_NOT_COMPRESSED 0x400u /* FS_NOCOMP_FL */
#define COUNT_EVERY_NS (100 * NS_PER_MS)

void tell_item(struct mover *m, uint8_t op, const char *dir, const char *name, uint8_t type, uint32_t why,
	uint64_t bytes, const char *link)
{
	AUTO_FREE char *path = NULL;
	struct ipc_item item = {.op = op, .type = type, .why = why, .bytes = bytes};

	if (!(m->flags & IPC_ITEMS))
		return;
	path = path_join(dir, name);
	if (!*path) {
		free(path);
		path = xstrdup(".");
	}
	item.path = bytes_of(path);
	item.link = bytes_of(link);
	ipc_item_send(&m->ipc, &item);
}

static void send_diag(struct mover *m, const struct diag *d, bool failed)
{
	ipc_diag_send(&m->ipc, &(struct ipc_diag){.failed = failed, .diag = *d});
}

void tell_diag(struct mover *m, const struct diag *d)
{
	send_diag(m, d, false);
}

void tell_failed(struct mover *m, const struct diag *d)
{
	m->count.files_failed++;
	send_diag(m, d, true);
}

void tell_source_error(struct mover *m, const char *dir, const char *name, int err, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;
	AUTO_FREE char *path = path_join(dir, name);

	if (err == ENOENT) {
		m->count.files_vanished++;
		return;
	}
	diag_set(&d, err == EACCES || err == EPERM ? DIAG_MOVER_DENIED : DIAG_MOVER_READ, err, path, "cannot %s '%s'",
		what, *path ? path : ".");
	tell_failed(m, &d);
}

void tell_unkept(struct mover *m, const struct dir *d, const char *name, const struct meta *meta)
{
	/* btrfs sets m by itself, on what it has found not worth compressing. */
	const uint32_t flags = meta->flags_lost & ~(m->mounts[d->mount].btrfs ? FLAG_NOT_COMPRESSED : 0);
	AUTO_FREE char *path = NULL;
	AUTO_DIAG diag = DIAG_INIT;

	if (d->counted)
		return; /* said before */
	lost_add_flags(&m->lost, LOST_UNKNOWN, flags, d->src, name);
	if (!meta->partial)
		return;
	path = path_join(d->src, name);
	diag_set(&diag, DIAG_MOVER_ATTRIBUTES, meta->xattrs_err, path, "cannot read all attributes of '%s'",
		*path ? path : ".");
	tell_failed(m, &diag);
}

static void tell_lost(struct mover *m)
{
	for (size_t i = 0; i < m->lost.n; i++) {
		const struct lost_kind *k = &m->lost.all[i];

		ipc_lost_send(&m->ipc,
			&(struct ipc_lost){.why = (uint8_t)k->why,
				.files = k->files,
				.what = bytes_of(k->what),
				.path = bytes_of(k->first)});
	}
	lost_clear(&m->lost);
}

void tell_odd_time(struct mover *m, const char *dir, const char *name)
{
	tell_note(m, "damaged: the modification time of '%s%s%s' has impossible nanoseconds; 999999999 stands for them",
		dir, *dir && *name ? "/" : "", name);
}

void tell_note(struct mover *m, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	AUTO_BUF safe = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	text_escape(&safe, text, strlen(text));
	ipc_note_send(&m->ipc, &(struct ipc_note){.text = {safe.data, safe.len}});
}

void tell_changed(struct mover *m, const char *dir, const char *name)
{
	AUTO_FREE char *path = path_join(dir, name);

	m->count.files_vanished++;
	tell_note(m, "changed while it was read: '%s'; the next sync sees to it", path);
}

void tell_counts(struct mover *m, bool now)
{
	static const struct counts none;
	int64_t t = clock_mono_ns();

	if (!now && t - m->counted_ns < COUNT_EVERY_NS)
		return;
	m->counted_ns = t;
	tell_lost(m);
	m->count.bytes_sent = m->wire.sent;
	m->count.bytes_received = m->wire.received;
	m->wire.sent = m->wire.received = 0;
	if (memcmp(&m->count, &none, sizeof(none)) == 0)
		return;
	ipc_count_send(&m->ipc, &(struct ipc_count){.counts = m->count});
	m->count = none;
}
