/*
 * A receiver's session on a directory of its own, driven with hand-made frames. For test programs: whatever
 * goes wrong fails the test. REHOST_RECORD=DIR writes every request stream to DIR (the seed corpus of
 * fuzz_receiver).
 */
#pragma once

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/ownname.h"
#include "delta/delta.h"
#include "receiver/session.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 1600000000 /* mtime of what the "source" has */

struct reply {
	uint8_t type;
	uint32_t id;
	struct buf payload;
};

struct world {
	char path[64]; /* of the target root */
	char tmp[OWN_NAME_SIZE]; /* of the temporary directory in it */
	int root;
	struct session *s;
	struct digest_key digest;
	struct delta_key delta;
	struct reply replies[64];
	size_t n;
	bool over;
	struct buf record;
};

/* The profile of the session: what an ordinary user cannot give is not in it. */
static inline unsigned world_fields(void)
{
	const unsigned root_only = META_F_OWNER | META_F_FLAGS_PRIV | META_F_XATTR_TRUSTED;

	return META_F_ALL & ~META_F_XATTR_SECURITY & ~(geteuid() == 0 ? 0 : root_only);
}
#define WORLD_FIELDS world_fields()

static const uint8_t world_seed[16] = "0123456789abcdef";

static inline void world_run(struct world *w, const char *fmt, ...)
{
	char cmd[4096], full[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "cd '%s' && %s", w->path, cmd);
	assert_int_equal(system(full), 0);
}

static inline void world_open(struct world *w)
{
	struct stat st;

	*w = (struct world){};
	snprintf(w->path, sizeof(w->path), "/tmp/rehost-target-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	w->root = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->root >= 0);
	assert_int_equal(fstat(w->root, &st), 0);
	own_name_dir(w->tmp, st.st_ino);
	digest_key_init(&w->digest, world_seed);
	delta_key_init(&w->delta, world_seed);
	umask(0);
}

static inline void world_forget(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		buf_release(&w->replies[i].payload);
	w->n = 0;
}

static inline void world_end_session(struct world *w)
{
	const char *dir = getenv("REHOST_RECORD");
	static unsigned count;

	if (w->s)
		session_free(w->s);
	w->s = NULL;
	if (dir && w->record.len && w->record.len < 40000) {
		AUTO_FREE char *path = xasprintf("%s/%s-%u", dir, program_invocation_short_name, count++);
		assert_int_equal(fd_write_file_atomic(AT_FDCWD, path, w->record.data, w->record.len), 0);
	}
	buf_release(&w->record);
	world_forget(w);
	assert_int_equal(chdir("/"), 0);
}

static inline void world_close(struct world *w)
{
	world_end_session(w);
	close(w->root);
	world_run(w, "{ chattr -R -ia . 2>/dev/null; rm -rf '%s'; }", w->path);
}

/* One request; the answers are in w->replies. */
static inline void world_send(struct world *w, uint8_t type, uint32_t id, struct buf *payload)
{
	struct frame_decoder d;
	struct frame f = {
		.type = type, .id = id, .payload = payload ? payload->data : NULL, .len = payload ? payload->len : 0};
	struct buf *out = session_out(w->s);

	world_forget(w);
	frame_encode(&w->record, type, id, f.payload, f.len);
	w->over = !session_handle(w->s, &f);
	frame_decoder_init(&d);
	memcpy(frame_decoder_space(&d, out->len + 1), out->data, out->len);
	frame_decoder_filled(&d, out->len);
	buf_clear(out);
	while (frame_decode(&d, &f) == FRAME_READY) {
		struct reply *r = &w->replies[w->n++];
		assert_true(w->n < 64);
		r->type = f.type;
		r->id = f.id;
		buf_append(&r->payload, f.payload, f.len);
	}
	assert_int_equal(d.in.len, d.pos);
	frame_decoder_release(&d);
	if (payload)
		buf_release(payload);
}

static inline struct frame world_reply(struct world *w, uint8_t type)
{
	for (size_t i = 0; i < w->n; i++) {
		struct reply *r = &w->replies[i];
		if (r->type == type)
			return (struct frame){
				.type = type, .id = r->id, .payload = r->payload.data, .len = r->payload.len};
	}
	fail_msg("no answer of type %u among %zu (first: %d)", type, w->n, w->n ? w->replies[0].type : -1);
	return (struct frame){};
}

static inline void world_no_reply(struct world *w)
{
	assert_int_equal(w->n, 0);
}

/* The session was ended by an error of this code. */
static inline void world_error(struct world *w, enum diag_code code)
{
	struct frame f = world_reply(w, MSG_ERROR);
	struct rd r = rd_init(f.payload, f.len);
	AUTO_DIAG d = DIAG_INIT;

	assert_true(rd_diag(&r, &d));
	assert_string_equal(diag_info(d.code)->name, diag_info(code)->name);
	assert_true(w->over);
}

static inline struct bytes str_bytes(const char *s)
{
	return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* A new session with a greeting of these flags. */
static inline void world_hello(struct world *w, uint32_t flags, const char *hidden, const struct buf *rules)
{
	struct session_config c = {.root_fd = fcntl(w->root, F_DUPFD_CLOEXEC, 0), .version = "0.0"};
	struct msg_hello m = {
		.protocol = WIRE_PROTOCOL, .version = str_bytes("0.0"), .fields = WORLD_FIELDS, .flags = flags};
	AUTO_BUF paths = BUF_INIT;
	struct buf b = BUF_INIT;

	world_end_session(w);
	w->s = session_new(&c);
	memcpy(m.seed, world_seed, 16);
	if (hidden)
		wr_str(&paths, hidden);
	m.hidden = (struct bytes){paths.data, paths.len};
	if (rules)
		m.rules = (struct bytes){rules->data, rules->len};
	msg_hello_put(&b, &m);
	world_send(w, MSG_HELLO, 1, &b);
	(void)world_reply(w, MSG_HELLO_OK);
}

static inline struct meta a_meta(uint8_t type, uint16_t mode, uint64_t size)
{
	return (struct meta){.type = type, .mode = mode, .mtime_s = T0, .mtime_ns = 123456789, .size = size};
}

struct dir_args {
	uint8_t flags;
	struct digest digest;
	uint32_t buckets;
	struct meta meta;
	const char *src;
};

static inline void world_dir(struct world *w, uint32_t id, const char *path, struct dir_args a)
{
	struct msg_dir m = {.flags = a.flags,
		.src = str_bytes(a.src ? a.src : path),
		.dst = str_bytes(path),
		.slices = 1,
		.buckets = a.buckets ? a.buckets : 1,
		.digest = a.digest};
	AUTO_BUF packed = BUF_INIT;
	struct buf b = BUF_INIT;

	if (a.meta.type == META_NONE)
		a.meta = a_meta(META_DIR, 0750, 0);
	meta_pack(&packed, &a.meta, WORLD_FIELDS);
	m.meta = (struct bytes){packed.data, packed.len};
	msg_dir_put(&b, &m);
	world_send(w, MSG_DIR, id, &b);
}

static inline void world_dir_end(struct world *w, uint32_t id, struct msg_dir_done *out)
{
	struct buf b = BUF_INIT;
	struct frame f;

	wr_u8(&b, 0);
	world_send(w, MSG_DIR_END, id, &b);
	f = world_reply(w, MSG_DIR_DONE);
	assert_true(msg_dir_done_get(&f, out));
	diag_release(&out->diag);
}

static inline void entry_add(
	struct buf *b, uint8_t flags, const char *name, const struct meta *m, const char *content, bool with_content)
{
	AUTO_BUF packed = BUF_INIT;
	struct entry e = {.flags = flags, .name = str_bytes(name)};

	if (m->type == META_DIR)
		wr_u8(&packed, META_DIR);
	else
		meta_pack(&packed, m, WORLD_FIELDS);
	e.meta = (struct bytes){packed.data, packed.len};
	if (content)
		e.content = str_bytes(content);
	msg_entry_put(b, &e, with_content);
}

/* One entry put; the record of PUT_DONE in out (zeros when there is none). */
static inline void world_put(struct world *w, uint32_t dir, uint8_t flags, const char *name, const struct meta *m,
	const char *content, struct put_done *out)
{
	struct buf b = BUF_INIT;
	struct frame f;
	struct rd r;

	wr_u32(&b, dir);
	entry_add(&b, flags, name, m, content, true);
	world_send(w, MSG_PUT, 900, &b);
	f = world_reply(w, MSG_PUT_DONE);
	r = rd_init(f.payload, f.len);
	if (!msg_put_done_get(&r, out))
		*out = (struct put_done){};
	assert_true(rd_done(&r));
	free(STEAL(out->diag.path)); /* the code stays, for diag_is_set() */
	free(STEAL(out->diag.detail));
}

static inline void world_put_file(struct world *w, uint32_t dir, const char *name, const char *content)
{
	struct meta m = a_meta(META_REG, 0644, strlen(content));
	struct put_done p;

	world_put(w, dir, 0, name, &m, content, &p);
	assert_false(p.failed);
	assert_false(diag_is_set(&p.diag));
}

static inline struct digest entry_digest(struct world *w, enum digest_kind kind, const char *name, const struct meta *m)
{
	AUTO_BUF packed = BUF_INIT;

	meta_pack(&packed, m, WORLD_FIELDS);
	return digest_entry(&w->digest, kind, name, strlen(name), packed.data, packed.len);
}

static inline void world_is(struct world *w, const char *name, const char *content)
{
	AUTO_FREE char *path = xasprintf("%s/%s", w->path, name);
	AUTO_FREE char *data = NULL;
	size_t n;

	assert_int_equal(fd_read_file(AT_FDCWD, path, 64u << 20, &data, &n), 0);
	assert_string_equal(data, content);
}

static inline struct stat world_stat(struct world *w, const char *name)
{
	struct stat st = {};

	if (fstatat(w->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		st.st_nlink = 0;
	return st;
}

static inline bool world_has(struct world *w, const char *name)
{
	return world_stat(w, name).st_nlink > 0;
}
