/* The session: which request is whose, the loop around them, and its beginning and end. */
#include "base/fd.h"
#include "receiver/answer.h"
#include "receiver/dir.h"
#include "receiver/epoch.h"
#include "receiver/file.h"
#include "receiver/handlers.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/tmp.h"
#include "receiver/written.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (256u << 10)

static bool on_limits(struct session *s, const struct frame *f)
{
	return pace_turn(&s->pace, f) || answer_malformed(s, "limits");
}

static bool on_bye(struct session *s, const struct frame *f)
{
	(void)f;
	s->bye = true;
	return false;
}

/* ---- the requests ---- */

static const struct {
	uint8_t type;
	bool (*handle)(struct session *, const struct frame *);
	bool writes; /* of the others, those that do say so by written_note() or place_modify() */
} handlers[] = {
	{MSG_PUT, on_put, true},
	{MSG_DATA, on_data, true},
	{MSG_DIR, on_dir, false},
	{MSG_LIST, on_list, false},
	{MSG_DIR_END, on_dir_end, true},
	{MSG_FILE, on_file, true},
	{MSG_HOLE, on_hole, true},
	{MSG_SEG_HASH, on_seg_hash, true},
	{MSG_SEG_ZERO, on_seg_zero, true},
	{MSG_RUN, on_run, true},
	{MSG_FILE_END, on_file_end, true},
	{MSG_META, on_meta, true},
	{MSG_LINK, on_link, true},
	{MSG_DELETE, on_delete, true},
	{MSG_SUSPECT, on_suspect, false},
	{MSG_FLUSH, on_flush, false},
	{MSG_SYNC, on_sync, false},
	{PACE_LIMITS, on_limits, false},
	{MSG_BYE, on_bye, false},
	{MSG_FILL, on_fill, false},
	{MSG_PING, on_ping, false},
	{MSG_LOAD, on_load, false},
	{MSG_HELLO, on_hello, false},
};

bool session_handle(struct session *s, const struct frame *f)
{
	bool ok;

	if (s->bye || s->error)
		return false;
	if (!s->ready && f->type != MSG_HELLO)
		return answer_error(s, DIAG_RECEIVER_PROTOCOL, "request %u before the greeting", f->type);
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		if (handlers[i].type != f->type)
			continue;
		s->written.dirty = s->written.dirty || handlers[i].writes;
		ok = handlers[i].handle(s, f);
		hold_tell(s);
		return ok;
	}
	return answer_error(s, DIAG_RECEIVER_PROTOCOL, "unknown request %u", f->type);
}

struct buf *session_out(struct session *s)
{
	return &s->out;
}

struct session *session_new(const struct session_config *c)
{
	struct session *s = xcalloc(1, sizeof(*s));
	struct timespec now;
	struct stat st;

	s->root.fd = c->root_fd;
	s->read_only = s->dry = c->read_only || c->root_fd < 0;
	s->is_root = geteuid() == 0;
	s->uid = geteuid();
	s->version = c->version;
	s->measure.load = c->load;
	s->below = c->below;
	s->mounts = c->mounts;
	s->out_fd = s->cwd = s->tmp.fd = s->epoch.wake[0] = s->epoch.wake[1] = -1;
	s->root.mount = c->root_mount;
	s->root.live = c->root_live;
	s->root.made = c->root_made;
	pace_init(&s->pace, -1, -1);
	memcpy(s->boot_id, c->boot_id, sizeof(s->boot_id));
	if (s->root.fd >= 0 && fstat(s->root.fd, &st) == 0) {
		s->root.dev = st.st_dev;
		s->root.ino = st.st_ino;
		own_name_dir(s->tmp.dir, s->root.ino);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	s->started_s = now.tv_sec;
	return s;
}

void session_free(struct session *s)
{
	file_abandon_all(s);
	dir_abandon_all(s);
	epoch_release(s);
	if (s->ready)
		tmp_end(s);
	if (s->tmp.fd >= 0)
		close(s->tmp.fd);
	written_release(&s->written);
	lost_clear(&s->holds.lost);
	if (s->root.fd >= 0)
		close(s->root.fd);
	scope_release(&s->scope);
	buf_release(&s->out);
	buf_release(&s->scratch.window);
	buf_release(&s->scratch.result);
	pace_release(&s->pace);
	free(s);
}

/* ---- the loop ---- */

/* Executes what is complete in the decoder. False: the session is over. */
static bool execute(struct session *s, struct frame_decoder *in)
{
	for (;;) {
		struct frame f;

		switch (frame_decode(in, &f)) {
		case FRAME_NEED_MORE:
			return true;
		case FRAME_BAD:
			return answer_malformed(s, "frame");
		case FRAME_READY:
			if (!session_handle(s, &f))
				return false;
			answer_push(s);
			if (pace_due(&s->pace)) {
				answer_flush(s);
				pace_rest(&s->pace);
			}
			if (s->pace.eof)
				return false;
		}
	}
}

/* False: it is time for epoch_tick() instead. */
static bool await_input(const struct session *s, int in_fd)
{
	struct pollfd p[2] = {
		{.fd = in_fd, .events = POLLIN}, {.fd = s->epoch.running ? s->epoch.wake[0] : -1, .events = POLLIN}};

	return poll(p, 2, epoch_timeout_ms(s)) > 0 && p[0].revents;
}

int session_serve(struct session *s, int in_fd, int out_fd)
{
	struct frame_decoder in;

	frame_decoder_init(&in);
	s->out_fd = out_fd;
	pace_init(&s->pace, in_fd, out_fd);
	while (!s->lost) {
		ssize_t n;

		if (!execute(s, &in))
			break;
		epoch_tick(s);
		answer_flush(s); /* nothing more to do: let the mover have what there is */
		if (!pace_waiting(&s->pace) && !await_input(s, in_fd))
			continue;
		n = pace_read(&s->pace, frame_decoder_space(&in, READ_BYTES), READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		frame_decoder_filled(&in, (size_t)n);
	}
	answer_flush(s);
	frame_decoder_release(&in);
	return s->error ? 1 : 0;
}
