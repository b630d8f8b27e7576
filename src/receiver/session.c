/* The session: HELLO, the order of requests, answers on their way out, SYNC and BYE. */
#include "base/fd.h"
#include "base/text.h"
#include "receiver/private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PUSH_BYTES (64u << 10)
#define READ_BYTES (256u << 10)
#define ROOT_ONLY (META_F_OWNER | META_F_FLAGS_PRIV | META_F_XATTR_TRUSTED | META_F_XATTR_SECURITY)

/* ---- saying what went wrong ---- */

char *path_join(const char *dir, const char *name)
{
	return *dir ? xasprintf("%s/%s", dir, name) : xstrdup(name);
}

/* Some errors say the same wherever they come from. */
static enum diag_code code_for(enum diag_code code, int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
		return DIAG_RECEIVER_FULL;
	case EROFS:
		return DIAG_RECEIVER_READ_ONLY;
	case EFBIG:
	case ENAMETOOLONG:
	case EMLINK:
	case EILSEQ:
		return DIAG_RECEIVER_FS_LIMIT;
	}
	return code;
}

void target_fail(
	struct diag *d, enum diag_code code, int err, const struct tdir *dir, const char *name, const char *what)
{
	const char *src_dir = dir ? dir->src : "", *dst_dir = dir ? dir->dst : "";
	AUTO_FREE char *src = name ? path_join(src_dir, name) : xstrdup(src_dir);
	AUTO_FREE char *dst = name ? path_join(dst_dir, name) : xstrdup(*dst_dir ? dst_dir : ".");
	AUTO_FREE char *shown = text_escaped(dst);

	diag_set(d, code_for(code, err), err, src, "%s '%s' at the target", what, shown);
}

bool session_error(struct session *s, enum diag_code code, const char *fmt, ...)
{
	AUTO_DIAG d = DIAG_INIT;
	AUTO_FREE char *text = NULL;
	va_list ap;
	size_t start;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diag_set(&d, code, 0, NULL, "%s", text);
	start = frame_begin(&s->out, MSG_ERROR, 0);
	wr_diag(&s->out, &d);
	frame_end(&s->out, start);
	s->error = true;
	return false;
}

bool session_malformed(struct session *s, const char *what)
{
	return session_error(s, DIAG_RECEIVER_PROTOCOL, "malformed %s", what);
}

/* ---- file systems written to ---- */

void session_wrote_fs(struct session *s, int fd, uint64_t dev)
{
	s->epoch.dirty = true;
	for (size_t i = s->fs_n; i-- > 0;) {
		if (s->fs[i].dev == dev)
			return;
	}
	if (s->fs_n == TARGET_FS_MAX) { /* the oldest is brought to the disk now, and makes room */
		if (syncfs(s->fs[0].fd) < 0)
			s->sync_errno = errno;
		close(s->fs[0].fd);
		memmove(&s->fs[0], &s->fs[1], --s->fs_n * sizeof(s->fs[0]));
	}
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd >= 0)
		s->fs[s->fs_n++] = (struct fsref){.dev = dev, .fd = fd};
	else
		s->sync_errno = errno;
}

static bool sync_handle(struct session *s, const struct frame *f)
{
	struct msg_op_done done = {};
	size_t start;
	int err;

	if (f->len > 1 || (f->len && f->payload[0] > 1))
		return session_malformed(s, "request to sync");
	if (s->files_n == 0) { /* everything has been answered, everywhere: what is left is of one that was killed */
		tmp_empty(s);
		tmp_end(s); /* now, so that it is gone on the disk too */
	}
	epoch_wait(s);
	err = s->sync_errno;
	for (size_t i = 0; i < s->fs_n; i++) {
		if (syncfs(s->fs[i].fd) < 0)
			err = errno;
	}
	if (!s->dry && f->len && f->payload[0] && !below_sync(s->below, s->root_fd, &err))
		sync(); /* another receiver was lost: nobody here knows what it has written to */
	if (!s->dry && syncfs(s->root_fd) < 0)
		err = errno;
	s->sync_errno = 0;
	if (err) {
		target_fail(&done.diag, DIAG_RECEIVER_SYNC, err, NULL, NULL, "cannot bring to the disk");
		done.diag.code = DIAG_RECEIVER_SYNC;
		done.failed = 1;
	}
	start = frame_begin(&s->out, MSG_OP_DONE, f->id);
	msg_op_done_put(&s->out, &done);
	frame_end(&s->out, start);
	diag_release(&done.diag);
	return true;
}

/* ---- HELLO ---- */

/* What mkfs puts into a new file system: with nothing in it, it is nobody's file. */
static bool is_fresh_lost_found(int fd, const char *name)
{
	AUTO_CLOSE int sub = -1;
	char raw[256] __attribute__((aligned(8)));
	size_t used = 0;
	ssize_t n;

	if (!str_eq(name, "lost+found"))
		return false;
	sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	while (sub >= 0 && (n = listing_getdents(sub, raw, sizeof(raw))) > 0)
		for (ssize_t pos = 0; pos < n; pos += ((const struct dirent_raw *)(const void *)(raw + pos))->reclen)
			used++;
	return sub >= 0 && used <= 2;
}

static bool root_is_empty(struct session *s)
{
	AUTO_CLOSE int fd = resolve_dir(s, "");
	char raw[4096] __attribute__((aligned(8)));
	ssize_t n;

	if (fd < 0)
		return true;
	while ((n = listing_getdents(fd, raw, sizeof(raw))) > 0) {
		for (ssize_t pos = 0; pos < n;) {
			const struct dirent_raw *e = (const void *)(raw + pos);

			pos += e->reclen;
			if (!str_eq(e->name, ".") && !str_eq(e->name, "..") && !str_eq(e->name, TMP_DIR) &&
				!is_fresh_lost_found(fd, e->name))
				return false;
		}
	}
	return n == 0;
}

static bool take_hidden(struct session *s, const struct bytes *records)
{
	struct rd r = rd_init(records->p, records->len);

	while (rd_left(&r)) {
		char *path = rd_path(&r, WIRE_PATH_MAX);

		if (!path || s->hidden_n == TARGET_HIDDEN_MAX) {
			free(path);
			return false;
		}
		s->hidden = xrealloc(s->hidden, (s->hidden_n + 1) * sizeof(*s->hidden));
		s->hidden[s->hidden_n++] = path;
	}
	return true;
}

static void answer_hello(struct session *s, const struct frame *f)
{
	struct msg_hello_ok m = {.protocol = WIRE_PROTOCOL,
		.version = {(const uint8_t *)s->version, strlen(s->version)},
		.fields = s->fields,
		.root_uid = s->is_root,
		.root_dev = s->root_dev,
		.root_ino = s->root_ino,
		.root_mount = s->root_mount,
		.root_empty = root_is_empty(s),
		.now = epoch_clock()};
	size_t start = frame_begin(&s->out, MSG_HELLO_OK, f->id);

	memcpy(m.boot_id, s->boot_id, sizeof(m.boot_id));
	msg_hello_ok_put(&s->out, &m);
	frame_end(&s->out, start);
}

static bool hello_handle(struct session *s, const struct frame *f)
{
	struct msg_hello m;

	if (s->ready)
		return session_error(s, DIAG_RECEIVER_PROTOCOL, "second greeting");
	if (!msg_hello_get(f, &m))
		return session_malformed(s, "greeting");
	if (m.protocol != WIRE_PROTOCOL) {
		AUTO_BUF theirs = BUF_INIT;
		text_escape(&theirs, m.version.p, m.version.len);
		return session_error(s, DIAG_RECEIVER_VERSION,
			"the source has version %s (protocol %u), the target %s (protocol %u)", buf_cstr(&theirs),
			m.protocol, s->version, WIRE_PROTOCOL);
	}
	if (m.rules.len && !rules_unpack(m.rules.p, m.rules.len, &s->rules))
		return session_malformed(s, "rules");
	if (!take_hidden(s, &m.hidden))
		return session_malformed(s, "paths of other units");
	s->has_rules = s->rules && !rules_empty(s->rules);
	s->fields = s->is_root ? m.fields : m.fields & ~(uint32_t)ROOT_ONLY;
	s->flags = m.flags;
	s->dry = s->read_only || (m.flags & HELLO_DRY_RUN);
	digest_key_init(&s->digest, m.seed);
	delta_key_init(&s->delta, m.seed);
	if (!epoch_init(s))
		return session_error(s, DIAG_RECEIVER_SYNC, "cannot make a pipe: %s", strerror(errno));
	tmp_start(s, m.flags & HELLO_FIRST);
	s->ready = true;
	answer_hello(s, f);
	return true;
}

static bool limits_handle(struct session *s, const struct frame *f)
{
	return pace_turn(&s->pace, f) || session_malformed(s, "limits");
}

static bool bye_handle(struct session *s, const struct frame *f)
{
	(void)f;
	s->bye = true;
	return false;
}

/* ---- the requests ---- */

static const struct {
	uint8_t type;
	bool (*handle)(struct session *, const struct frame *);
	bool writes; /* of the others, those that do say so by session_wrote_fs() or dir_modify() */
} handlers[] = {
	{MSG_PUT, put_handle, true},
	{MSG_DATA, data_handle, true},
	{MSG_DIR, dir_handle, false},
	{MSG_LIST, list_handle, false},
	{MSG_DIR_END, dir_end_handle, true},
	{MSG_FILE, file_handle, true},
	{MSG_HOLE, hole_handle, true},
	{MSG_SEG_HASH, seg_hash_handle, true},
	{MSG_RUN, run_handle, true},
	{MSG_FILE_END, file_end_handle, true},
	{MSG_META, meta_handle, true},
	{MSG_LINK, link_handle, true},
	{MSG_DELETE, delete_handle, true},
	{MSG_SUSPECT, suspect_handle, false},
	{MSG_FLUSH, flush_handle, false},
	{MSG_SYNC, sync_handle, false},
	{PACE_LIMITS, limits_handle, false},
	{MSG_BYE, bye_handle, false},
	{MSG_FILL, fill_handle, false},
	{MSG_PING, ping_handle, false},
	{MSG_LOAD, load_handle, false},
	{MSG_HELLO, hello_handle, false},
};

bool session_handle(struct session *s, const struct frame *f)
{
	if (s->bye || s->error)
		return false;
	if (!s->ready && f->type != MSG_HELLO)
		return session_error(s, DIAG_RECEIVER_PROTOCOL, "request %u before the greeting", f->type);
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		if (handlers[i].type != f->type)
			continue;
		s->epoch.dirty = s->epoch.dirty || handlers[i].writes;
		return handlers[i].handle(s, f);
	}
	return session_error(s, DIAG_RECEIVER_PROTOCOL, "unknown request %u", f->type);
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

	s->root_fd = c->root_fd;
	s->read_only = s->dry = c->read_only || c->root_fd < 0;
	s->is_root = geteuid() == 0;
	s->uid = geteuid();
	s->version = c->version;
	s->load = c->load;
	s->below = c->below;
	s->out_fd = s->cwd = s->tmp_fd = s->epoch.wake[0] = s->epoch.wake[1] = -1;
	s->root_mount = c->root_mount;
	pace_init(&s->pace, -1, -1);
	memcpy(s->boot_id, c->boot_id, sizeof(s->boot_id));
	if (s->root_fd >= 0 && fstat(s->root_fd, &st) == 0) {
		s->root_dev = st.st_dev;
		s->root_ino = st.st_ino;
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
	if (s->tmp_fd >= 0)
		close(s->tmp_fd);
	for (size_t i = 0; i < s->fs_n; i++)
		close(s->fs[i].fd);
	if (s->root_fd >= 0)
		close(s->root_fd);
	for (size_t i = 0; i < s->hidden_n; i++)
		free(s->hidden[i]);
	free(s->hidden);
	rules_free(s->rules);
	buf_release(&s->out);
	buf_release(&s->window);
	buf_release(&s->result);
	pace_release(&s->pace);
	free(s);
}

/* ---- the loop ---- */

static void flush(struct session *s)
{
	if (s->out.len && !s->lost && fd_write_full(s->out_fd, s->out.data, s->out.len) < 0)
		s->lost = true;
	buf_clear(&s->out);
	if (s->out.cap > 4 * PUSH_BYTES)
		buf_release(&s->out);
}

void session_push(struct session *s)
{
	if (s->out_fd >= 0 && s->out.len >= PUSH_BYTES)
		flush(s);
}

/* Executes what is complete in the decoder. False: the session is over. */
static bool execute(struct session *s, struct frame_decoder *in)
{
	for (;;) {
		struct frame f;

		switch (frame_decode(in, &f)) {
		case FRAME_NEED_MORE:
			return true;
		case FRAME_BAD:
			return session_malformed(s, "frame");
		case FRAME_READY:
			if (!session_handle(s, &f))
				return false;
			session_push(s);
			if (pace_due(&s->pace)) {
				flush(s);
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
		flush(s); /* nothing more to do: let the mover have what there is */
		if (!pace_waiting(&s->pace) && !await_input(s, in_fd))
			continue;
		n = pace_read(&s->pace, frame_decoder_space(&in, READ_BYTES), READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		frame_decoder_filled(&in, (size_t)n);
	}
	flush(s);
	frame_decoder_release(&in);
	return s->error ? 1 : 0;
}
