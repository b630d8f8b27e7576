/* META: metadata of one entry. */
#include "receiver/answer.h"
#include "receiver/dir.h"
#include "receiver/entry.h"
#include "receiver/fail.h"
#include "receiver/handlers.h"
#include "receiver/lease.h"
#include "receiver/place.h"
#include "receiver/state.h"

#include <dirent.h>
#include <errno.h>

static void set_meta(struct session *s, struct place *at, const char *name, struct meta *want, bool own_inode,
	struct msg_op_done *done)
{
	struct meta have = META_INIT;
	struct held held;
	AUTO_CLOSE int fd = -1;
	int ret;

	do
		ret = place_enter(s, at->fd) < 0 ? -1
						 : meta_read(at->fd, name, DT_UNKNOWN, s->fields, &have,
							   want->type == META_REG && !s->dry ? &fd : NULL);
	while (ret < 0 && lease_pause(s));
	if (ret < 0) {
		fail_entry(&done->diag, DIAG_RECEIVER_LIST, errno, at, name, "cannot read the metadata of");
		done->failed = 1;
		goto out;
	}
	if (have.type != want->type || have.type == META_DIR) {
		fail_entry(&done->diag, DIAG_RECEIVER_CHANGED, 0, at, name, "unexpected type of");
		done->failed = 1;
		goto out;
	}
	own_inode = own_inode && have.nlink > 1;
	hold_fit(s, at, want, &have, &held);
	done->why = meta_diff(&have, want, s->fields) | (own_inode ? META_D_HARDLINK : 0);
	done->changed = done->why != 0;
	if (done->changed && !s->dry) {
		if (own_inode)
			done->failed = entry_break(s, at, name, want, &done->diag) < 0;
		else
			done->failed = entry_apply(s, at, name, fd, want, &have, &held, &done->diag) < 0;
	}
	if (!(done->why & ~hold_beyond(&held)))
		done->changed = false;
	hold_say(s, at, name, &held);
	if (own_inode && !done->failed && !s->dry)
		(void)meta_stat(at->fd, name, &have);
	done->dev = have.dev;
	done->ino = have.ino;
out:
	meta_release(&have);
}

bool on_meta(struct session *s, const struct frame *f)
{
	struct msg_op_done done = {};
	struct meta want = META_INIT;
	struct msg_meta m;
	struct dir *d;
	size_t start;
	bool ok = msg_meta_get(f, &m);

	if (ok) {
		AUTO_FREE char *name = xmemdup(m.name.p, m.name.len);

		d = dir_find(s, m.dir);
		if (d && meta_unpack(m.meta.p, m.meta.len, s->fields, &want) != m.meta.len) {
			fail_entry(&done.diag, DIAG_RECEIVER_ENTRY, 0, &d->at, name, "no metadata for");
			done.failed = 1;
		} else if (d && d->at.fd >= 0) {
			set_meta(s, &d->at, name, &want, m.flags & ENTRY_BREAK, &done);
		} else if (!d) {
			fail_entry(&done.diag, DIAG_RECEIVER_DIR, 0, NULL, name, "no directory for");
			done.failed = 1;
		}
		start = frame_begin(&s->out, MSG_OP_DONE, f->id);
		msg_op_done_put(&s->out, &done);
		frame_end(&s->out, start);
		diag_release(&done.diag);
	}
	meta_release(&want);
	return ok || answer_malformed(s, "metadata");
}
