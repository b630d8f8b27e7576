/* SYNC: all that was written, to the disk. */
#include "receiver/answer.h"
#include "receiver/below.h"
#include "receiver/epoch.h"
#include "receiver/fail.h"
#include "receiver/handlers.h"
#include "receiver/state.h"
#include "receiver/tmp.h"

#include <errno.h>
#include <unistd.h>

bool on_sync(struct session *s, const struct frame *f)
{
	struct msg_op_done done = {};
	size_t start;
	int err;

	if (f->len > 1 || (f->len && f->payload[0] > 1))
		return answer_malformed(s, "request to sync");
	if (s->files.n == 0) { /* everything has been answered, everywhere: what is left is of one that was killed */
		tmp_empty(s);
		tmp_end(s); /* now, so that it is gone on the disk too */
	}
	epoch_wait(s);
	err = s->written.err;
	for (size_t i = 0; i < s->written.fs_n; i++) {
		if (syncfs(s->written.fs[i].fd) < 0)
			err = errno;
	}
	if (!s->dry && f->len && f->payload[0] && !below_sync(s->below, s->root.fd, &err))
		sync(); /* another receiver was lost: nobody here knows what it has written to */
	if (!s->dry && syncfs(s->root.fd) < 0)
		err = errno;
	s->written.err = 0;
	if (err) {
		fail_entry(&done.diag, DIAG_RECEIVER_SYNC, err, NULL, NULL, "cannot bring to the disk");
		done.diag.code = DIAG_RECEIVER_SYNC;
		done.failed = 1;
	}
	start = frame_begin(&s->out, MSG_OP_DONE, f->id);
	msg_op_done_put(&s->out, &done);
	frame_end(&s->out, start);
	diag_release(&done.diag);
	return true;
}
