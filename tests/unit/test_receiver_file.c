/* The receiver's large files: new, replaced, in place, shared, by delta, wrong deltas, and files that are
 * given up. */
#include "receiver_world.h"

#include <sched.h>
#include <sys/mount.h>

#define CHUNK WIRE_CHUNK

/* ---- the mover's side ---- */

static struct buf noise(size_t n, uint32_t seed)
{
	struct buf b = BUF_INIT;
	uint8_t *p = buf_extend(&b, n);

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
	return b;
}

static struct meta file_meta(size_t size)
{
	struct meta m = a_meta(META_REG, 0640, size);

	m.mtime_s = T0 + 1;
	return m;
}

static void world_file(struct world *w, uint32_t id, uint8_t flags, const char *name, const struct meta *m)
{
	struct msg_file f = {.flags = flags, .dir = 5, .name = str_bytes(name), .size = m->size};
	AUTO_BUF packed = BUF_INIT;
	struct buf b = BUF_INIT;

	meta_pack(&packed, m, WORLD_FIELDS);
	f.meta = (struct bytes){packed.data, packed.len};
	msg_file_put(&b, &f);
	world_send(w, MSG_FILE, id, &b);
}

static void world_data(struct world *w, uint32_t id, uint64_t off, const void *p, size_t n)
{
	struct buf b = BUF_INIT;

	msg_data_head_put(&b, off);
	buf_append(&b, p, n);
	world_send(w, MSG_DATA, id, &b);
	world_no_reply(w);
}

static void world_hole(struct world *w, uint32_t id, uint64_t off, uint64_t len)
{
	struct buf b = BUF_INIT;

	msg_hole_put(&b, off, len);
	world_send(w, MSG_HOLE, id, &b);
	world_no_reply(w);
}

static struct msg_file_done world_file_end(struct world *w, uint32_t id, uint8_t flags, const struct meta *m)
{
	struct msg_file_end e = {.flags = flags};
	AUTO_BUF packed = BUF_INIT;
	struct msg_file_done done;
	struct buf b = BUF_INIT;
	struct frame f;

	if (m)
		meta_pack(&packed, m, WORLD_FIELDS);
	e.meta = (struct bytes){packed.data, packed.len};
	msg_file_end_put(&b, &e);
	world_send(w, MSG_FILE_END, id, &b);
	f = world_reply(w, MSG_FILE_DONE);
	assert_true(msg_file_done_get(&f, &done));
	diag_release(&done.diag);
	return done;
}

/* Hashes of all of it; the runs that differ come back in w->replies. */
static size_t world_hash(struct world *w, uint32_t id, const struct buf *data, struct seg_run *runs, size_t max)
{
	struct msg_seg_hash m = {.len = (uint32_t)data->len, .chunk = CHUNK};
	AUTO_BUF hashes = BUF_INIT;
	struct buf b = BUF_INIT;
	struct frame f;
	struct rd r;
	size_t n = 0;

	for (size_t off = 0; off < data->len; off += CHUNK) {
		struct delta_hash h = delta_hash(&w->delta, data->data + off, MIN((size_t)CHUNK, data->len - off));
		wr_u64(&hashes, h.lo);
		wr_u64(&hashes, h.hi);
	}
	m.hashes = (struct bytes){hashes.data, hashes.len};
	msg_seg_hash_put(&b, &m);
	world_send(w, MSG_SEG_HASH, id, &b);
	f = world_reply(w, MSG_SEG_NEED);
	r = rd_init(f.payload, f.len);
	assert_int_equal(rd_u64(&r), 0);
	assert_int_equal(rd_u8(&r), MSG_LAST);
	while (n < max && msg_seg_run_get(&r, &runs[n]))
		n++;
	assert_true(rd_done(&r));
	return n;
}

/* Answers one run as a delta; returns its bytes. spoil: of another content. */
static size_t world_send_run(struct world *w, uint32_t id, const struct buf *data, struct seg_run run, bool spoil)
{
	struct msg_run m = {.off = run.off, .len = run.len, .window_off = run.window_off, .window_len = run.window_len};
	struct delta_hash h = delta_hash(&w->delta, data->data + run.off, run.len);
	AUTO_BUF delta = BUF_INIT;
	AUTO_BUF hash = BUF_INIT;
	AUTO_BUF sig = BUF_INIT;
	struct buf b = BUF_INIT;
	uint64_t matched = 0;

	buf_append(&sig, run.sig.p, run.sig.len); /* the answer it points into goes with the next request */
	assert_true(delta_make(sig.data, sig.len, run.window_len, data->data + run.off, run.len, &delta, &matched));
	wr_u64(&hash, h.lo ^ spoil);
	wr_u64(&hash, h.hi);
	memcpy(m.hash, hash.data, 16);
	m.delta = (struct bytes){delta.data, delta.len};
	msg_run_put(&b, &m);
	world_send(w, MSG_RUN, id, &b);
	world_no_reply(w);
	return delta.len;
}

static void write_file(struct world *w, const char *name, const struct buf *b)
{
	int fd = openat(w->root, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, b->data, b->len), 0);
	close(fd);
}

static void is_file(struct world *w, const char *name, const struct buf *b)
{
	AUTO_FREE char *path = xasprintf("%s/%s", w->path, name);
	AUTO_FREE char *data = NULL;
	size_t n;

	assert_int_equal(fd_read_file(AT_FDCWD, path, 64u << 20, &data, &n), 0);
	assert_int_equal(n, b->len);
	assert_memory_equal(data, b->data, n);
}

static void is_finished(struct world *w, const char *name)
{
	struct stat st = world_stat(w, name);

	assert_int_equal(st.st_mtim.tv_sec, T0 + 1);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
}

static void start(struct world *w, uint32_t flags)
{
	world_hello(w, flags, NULL, NULL);
	world_dir(w, 5, "", (struct dir_args){.flags = DIR_NEW});
	world_no_reply(w);
}

/* ---- tests ---- */

static void test_new(void **state)
{
	struct meta m = file_meta(3 << 20);
	struct msg_file_done done;
	struct world w;

	world_open(&w);
	start(&w, 0);
	world_file(&w, 1, 0, "f", &m);
	world_data(&w, 1, 0, "begin", 5);
	world_hole(&w, 1, 5, (3 << 20) - 8);
	assert_true(world_has(&w, "f")); /* under its own name: a resumed run finds it */
	assert_int_not_equal(world_stat(&w, "f").st_mtim.tv_sec, T0 + 1);
	world_data(&w, 1, (3 << 20) - 3, "end", 3);
	done = world_file_end(&w, 1, 0, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	assert_int_equal(done.ino, world_stat(&w, "f").st_ino);
	assert_int_equal(world_stat(&w, "f").st_size, 3 << 20);
	assert_true(world_stat(&w, "f").st_blocks < 100); /* the hole is one */
	is_finished(&w, "f");
	world_run(&w, "test \"$(head -c5 f)\" = begin && test \"$(tail -c3 f)\" = end");
	/* it became shorter while it was sent */
	m.size = 3;
	world_file(&w, 2, 0, "g", &m);
	world_data(&w, 2, 0, "begin", 5);
	world_file_end(&w, 2, 0, &m);
	world_is(&w, "g", "beg");
	/* a name that is taken is replaced when all is there */
	world_file(&w, 3, 0, "g", &m);
	world_data(&w, 3, 0, "new", 3);
	world_is(&w, "g", "beg");
	world_file_end(&w, 3, 0, &m);
	world_is(&w, "g", "new");
	world_close(&w);
}

/* A change in the middle, bytes inserted near the end. */
static struct buf edited(const struct buf *old)
{
	struct buf b = BUF_INIT;

	buf_append(&b, old->data, old->len);
	memcpy(b.data + 10 * CHUNK + 100, "changed", 7);
	b.len = 0;
	buf_append(&b, b.data, 20 * CHUNK);
	buf_append(&b, "inserted", 8);
	buf_append(&b, old->data + 20 * CHUNK, old->len - 20 * CHUNK);
	return b;
}

static void update(uint32_t flags, bool inplace, bool spoil)
{
	struct buf old = noise(30 * CHUNK + 777, 1), data = edited(&old);
	struct meta m = file_meta(data.len);
	struct seg_run runs[64];
	struct msg_file_done done;
	struct world w;
	size_t n, literal = 0, delta = 0;
	uint64_t ino;

	world_open(&w);
	write_file(&w, "f", &old);
	ino = world_stat(&w, "f").st_ino;
	start(&w, flags);
	world_file(&w, 1, FILE_UPDATE, "f", &m);
	n = world_hash(&w, 1, &data, runs, 64);
	assert_in_range(n, 2, 3);
	assert_int_equal(runs[0].off, 10 * CHUNK);
	assert_int_equal(runs[0].len, CHUNK);
	assert_true(runs[0].sig.len > 0);
	{
		struct reply kept = w.replies[0];
		w.replies[0].payload = (struct buf)BUF_INIT; /* runs point into it */
		for (size_t i = 0; i < n; i++) {
			if (runs[i].sig.len) {
				delta += world_send_run(&w, 1, &data, runs[i], spoil);
			} else {
				world_data(&w, 1, runs[i].off, data.data + runs[i].off, runs[i].len);
				literal += runs[i].len;
			}
		}
		buf_release(&kept.payload);
	}
	assert_true(literal <= 8 + CHUNK);
	assert_true(delta < 20000);
	done = world_file_end(&w, 1, 0, &m);
	if (done.status == FILE_AGAIN) {
		struct rd r = rd_init(done.runs.p, done.runs.len);
		AUTO_BUF copy = BUF_INIT;
		uint64_t off;
		uint32_t len;

		buf_append(&copy, done.runs.p, done.runs.len);
		r = rd_init(copy.data, copy.len);
		while (msg_again_get(&r, &off, &len))
			world_data(&w, 1, off, data.data + off, len);
		assert_true(rd_done(&r));
		done = world_file_end(&w, 1, 0, &m);
	} else {
		assert_false(spoil);
	}
	assert_int_equal(done.status, FILE_COMMITTED);
	assert_true(done.why & META_D_CONTENT);
	is_file(&w, "f", &data);
	is_finished(&w, "f");
	if (inplace)
		assert_int_equal(world_stat(&w, "f").st_ino, ino);
	else
		assert_int_not_equal(world_stat(&w, "f").st_ino, ino);
	assert_int_equal(done.ino, world_stat(&w, "f").st_ino);
	world_end_session(&w);
	world_run(&w, "test \"$(ls -A)\" = f");
	world_close(&w);
	buf_release(&old);
	buf_release(&data);
}

static void test_replace(void **state)
{
	update(HELLO_REPLACE, false, false);
	update(0, false, false); /* small: as replace */
}

static void test_inplace(void **state)
{
	update(HELLO_INPLACE, true, false);
}

static void test_again(void **state)
{
	update(HELLO_REPLACE, false, true);
	update(HELLO_INPLACE, true, true);
}

static void test_unchanged(void **state)
{
	struct buf old = noise(5 * CHUNK + 1, 1);
	struct meta m = file_meta(old.len);
	struct seg_run runs[4];
	struct msg_file_done done;
	struct world w;
	uint64_t ino;

	world_open(&w);
	write_file(&w, "f", &old);
	ino = world_stat(&w, "f").st_ino;
	start(&w, 0);
	world_file(&w, 1, FILE_UPDATE, "f", &m);
	assert_int_equal(world_hash(&w, 1, &old, runs, 4), 0);
	done = world_file_end(&w, 1, FILE_END_UNCHANGED, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	assert_int_equal(done.why, META_D_MTIME | META_D_MODE);
	assert_int_equal(world_stat(&w, "f").st_ino, ino);
	is_finished(&w, "f");
	/* the same with a second name: it gets an inode of its own */
	world_run(&w, "ln f g && touch f");
	world_file(&w, 2, FILE_UPDATE, "f", &m);
	assert_int_equal(world_hash(&w, 2, &old, runs, 4), 0);
	done = world_file_end(&w, 2, FILE_END_UNCHANGED, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	assert_int_not_equal(world_stat(&w, "f").st_ino, ino);
	assert_int_equal(world_stat(&w, "g").st_ino, ino);
	is_file(&w, "f", &old);
	is_finished(&w, "f");
	/* it became shorter, and what is left is equal */
	m.size = old.len = 2 * CHUNK;
	world_file(&w, 3, FILE_UPDATE, "f", &m);
	assert_int_equal(world_hash(&w, 3, &old, runs, 4), 0);
	done = world_file_end(&w, 3, 0, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	is_file(&w, "f", &old);
	/* and empty */
	m.size = old.len = 0;
	world_file(&w, 4, FILE_UPDATE, "f", &m);
	done = world_file_end(&w, 4, 0, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	is_file(&w, "f", &old);
	world_close(&w);
	buf_release(&old);
}

/* Never in place when there is another name, whatever was asked for. */
static void test_links_broken(void **state)
{
	struct buf old = noise(3 * CHUNK, 1), data = noise(3 * CHUNK, 2);
	struct meta m = file_meta(data.len);
	struct world w;

	world_open(&w);
	write_file(&w, "f", &old);
	world_run(&w, "ln f g");
	start(&w, HELLO_INPLACE);
	world_file(&w, 1, FILE_UPDATE, "f", &m);
	world_data(&w, 1, 0, data.data, data.len);
	assert_int_equal(world_file_end(&w, 1, 0, &m).status, FILE_COMMITTED);
	is_file(&w, "f", &data);
	is_file(&w, "g", &old);
	world_close(&w);
	buf_release(&old);
	buf_release(&data);
}

static void test_sparse_update(void **state)
{
	struct buf data = noise(CHUNK, 7);
	struct meta m = file_meta(64u << 20);
	struct world w;
	struct stat before;

	world_open(&w);
	write_file(&w, "f", &data);
	world_run(&w,
		"truncate -s 64M f && dd if=/dev/urandom of=f bs=64k seek=100 count=1 conv=notrunc "
		"status=none");
	before = world_stat(&w, "f");
	start(&w, HELLO_REPLACE);
	world_file(&w, 1, FILE_UPDATE, "f", &m);
	world_hole(&w, 1, CHUNK, 99 * CHUNK); /* is one already */
	assert_false(world_has(&w, w.tmp));
	world_hole(&w, 1, 100 * CHUNK, (64u << 20) - 100 * CHUNK);
	world_data(&w, 1, 0, data.data, data.len);
	assert_int_equal(world_file_end(&w, 1, 0, &m).status, FILE_COMMITTED);
	assert_int_not_equal(world_stat(&w, "f").st_ino, before.st_ino);
	assert_int_equal(world_stat(&w, "f").st_size, 64u << 20);
	assert_true(world_stat(&w, "f").st_blocks <= 256);
	world_run(&w, "test \"$(tail -c +%u f | tr -d '\\0' | wc -c)\" = 0", CHUNK + 1);
	world_close(&w);
	buf_release(&data);
}

static void test_abandon(void **state)
{
	struct buf old = noise(2 * CHUNK, 1);
	struct meta m = file_meta(3 * CHUNK);
	struct msg_file_done done;
	struct world w;

	world_open(&w);
	write_file(&w, "f", &old);
	start(&w, HELLO_REPLACE);
	world_file(&w, 1, FILE_UPDATE, "f", &m);
	world_data(&w, 1, 0, "x", 1);
	done = world_file_end(&w, 1, FILE_END_ABANDON, NULL);
	assert_int_equal(done.status, FILE_FAILED);
	is_file(&w, "f", &old);
	world_file(&w, 2, 0, "new", &m);
	world_data(&w, 2, 0, "x", 1);
	done = world_file_end(&w, 2, FILE_END_ABANDON, &m);
	assert_int_equal(done.status, FILE_FAILED);
	assert_true(world_has(&w, "new"));
	assert_int_not_equal(world_stat(&w, "new").st_mtim.tv_sec, T0 + 1);
	/* the link is lost in the middle */
	world_file(&w, 3, FILE_UPDATE, "f", &m);
	world_data(&w, 3, 0, "x", 1);
	assert_true(world_has(&w, w.tmp));
	world_end_session(&w);
	is_file(&w, "f", &old);
	world_run(&w, "test \"$(ls -A | tr '\\n' ' ')\" = 'f new '");
	world_close(&w);
	buf_release(&old);
}

/* Two receivers write one file. */
static void share(uint32_t flags, bool update_it)
{
	struct buf old = noise(4 * CHUNK, 1), data = noise(4 * CHUNK, 2);
	struct meta m = file_meta(data.len);
	struct session *owner;
	struct msg_file_ok ok;
	struct msg_file seg = {
		.flags = FILE_SEGMENT | (update_it ? FILE_UPDATE : 0), .len = data.len, .size = data.len};
	struct buf b = BUF_INIT;
	struct frame f;
	struct world w;

	world_open(&w);
	memcpy(data.data, old.data, CHUNK);
	if (update_it)
		write_file(&w, "f", &old);
	start(&w, flags);
	world_file(&w, 1, FILE_SHARED | (update_it ? FILE_UPDATE : 0), "f", &m);
	f = world_reply(&w, MSG_FILE_OK);
	assert_true(msg_file_ok_get(&f, &ok));
	seg.path = ok.path;
	seg.basis_path = ok.basis_path;
	assert_int_equal(ok.inplace, flags == HELLO_INPLACE);
	msg_file_put(&b, &seg);
	owner = STEAL(w.s);
	world_hello(&w, flags, NULL, NULL);
	world_send(&w, MSG_FILE, 9, &b);
	world_no_reply(&w);
	if (update_it) {
		struct seg_run runs[4];
		assert_int_equal(world_hash(&w, 9, &data, runs, 4), 1);
		assert_int_equal(runs[0].off, CHUNK);
		world_data(&w, 9, CHUNK, data.data + CHUNK, 3 * CHUNK);
	} else {
		world_data(&w, 9, 0, data.data, data.len);
	}
	assert_int_equal(world_file_end(&w, 9, 0, NULL).status, FILE_COMMITTED);
	world_end_session(&w);
	w.s = owner;
	assert_int_equal(world_file_end(&w, 1, 0, &m).status, FILE_COMMITTED);
	is_file(&w, "f", &data);
	is_finished(&w, "f");
	world_end_session(&w);
	world_run(&w, "test \"$(ls -A)\" = f");
	world_close(&w);
	buf_release(&old);
	buf_release(&data);
}

static void test_shared(void **state)
{
	share(0, false);
	share(HELLO_REPLACE, true);
	share(HELLO_INPLACE, true);
}

/*
 * A receiver whose link was lost goes on with a file in place while another begins it anew: the latter writes beside, without
 * believing what the former may still change, and what that writes afterwards is not seen.
 */
static void test_fence(void **state)
{
	struct buf old = noise(4 * CHUNK, 1), stale = noise(4 * CHUNK, 2), data = noise(4 * CHUNK, 3);
	struct meta m = file_meta(data.len);
	struct seg_run runs[4];
	struct session *lost;
	struct world w;

	world_open(&w);
	memcpy(data.data, old.data, CHUNK); /* equal, until the other one writes */
	write_file(&w, "f", &old);
	start(&w, HELLO_INPLACE);
	world_file(&w, 1, FILE_UPDATE, "f", &m);
	world_no_reply(&w);
	lost = STEAL(w.s);
	start(&w, HELLO_INPLACE);
	world_file(&w, 2, FILE_UPDATE, "f", &m);
	world_no_reply(&w);
	assert_int_equal(world_hash(&w, 2, &data, runs, 4), 1);
	assert_true(runs[0].off == 0 && runs[0].len == data.len); /* all of it: there is no previous version */
	world_data(&w, 2, 0, data.data, data.len);
	assert_int_equal(world_file_end(&w, 2, 0, &m).status, FILE_COMMITTED);
	world_end_session(&w);
	w.s = lost;
	world_data(&w, 1, 0, stale.data, stale.len);
	is_file(&w, "f", &data);
	world_end_session(&w);
	is_file(&w, "f", &data);
	is_finished(&w, "f");
	world_close(&w);
	buf_release(&old);
	buf_release(&stale);
	buf_release(&data);
}

/* A segment is not written by two. */
static void test_fence_segment(void **state)
{
	struct buf data = noise(4 * CHUNK, 2);
	struct meta m = file_meta(data.len);
	struct msg_file seg = {.flags = FILE_SEGMENT, .off = CHUNK, .len = CHUNK, .size = data.len};
	struct session *owner, *lost;
	struct msg_file_ok ok;
	struct frame f;
	struct world w;

	world_open(&w);
	start(&w, 0);
	world_file(&w, 1, FILE_SHARED, "f", &m);
	f = world_reply(&w, MSG_FILE_OK);
	assert_true(msg_file_ok_get(&f, &ok));
	seg.path = (struct bytes){(const uint8_t *)"f", 1};
	owner = STEAL(w.s);
	world_hello(&w, 0, NULL, NULL);
	{
		struct buf b = BUF_INIT;
		msg_file_put(&b, &seg);
		world_send(&w, MSG_FILE, 9, &b);
	}
	world_no_reply(&w);
	lost = STEAL(w.s);
	world_hello(&w, 0, NULL, NULL);
	for (int other = 0; other < 2; other++) { /* the same bytes: refused; others: not */
		struct buf b = BUF_INIT;
		seg.off = other ? 2 * CHUNK : CHUNK;
		msg_file_put(&b, &seg);
		world_send(&w, MSG_FILE, 10 + (uint32_t)other, &b);
		world_no_reply(&w);
		assert_int_equal(
			world_file_end(&w, 10 + (uint32_t)other, 0, NULL).status, other ? FILE_COMMITTED : FILE_FAILED);
	}
	world_end_session(&w);
	w.s = lost;
	world_end_session(&w);
	w.s = owner;
	world_end_session(&w);
	world_close(&w);
	buf_release(&data);
}

static void test_compare_only(void **state)
{
	struct buf old = noise(3 * CHUNK, 1), data = noise(3 * CHUNK, 1);
	struct meta m = file_meta(data.len);
	struct seg_run runs[4];
	struct world w;
	struct stat before;

	world_open(&w);
	write_file(&w, "f", &old);
	data.data[CHUNK] ^= 1;
	before = world_stat(&w, "f");
	start(&w, HELLO_DRY_RUN | HELLO_CHECKSUM);
	world_file(&w, 1, FILE_UPDATE | FILE_COMPARE, "f", &m);
	assert_int_equal(world_hash(&w, 1, &data, runs, 4), 1);
	assert_int_equal(runs[0].off, CHUNK);
	assert_int_equal(runs[0].sig.len, 0);
	world_data(&w, 1, 0, "x", 1);
	assert_int_equal(world_file_end(&w, 1, 0, &m).status, FILE_COMMITTED);
	is_file(&w, "f", &old);
	assert_int_equal(world_stat(&w, "f").st_ctim.tv_nsec, before.st_ctim.tv_nsec);
	world_close(&w);
	buf_release(&old);
	buf_release(&data);
}

/* A symbolic link, a device, a directory where the basis should be; frames for files that are not there. */
static void test_hostile(void **state)
{
	struct meta m = file_meta(3);
	struct msg_file_done done;
	struct seg_run runs[4];
	struct buf data = noise(3, 1), b = BUF_INIT;
	struct msg_file seg = {.flags = FILE_SEGMENT, .path = str_bytes("evil/passwd"), .len = 3, .size = 3};
	struct world w;

	world_open(&w);
	world_run(&w,
		"ln -s /etc/passwd l && mknod n c 1 3 2>/dev/null || touch n; mkdir -p d && touch d/x "
		"&& ln -s /etc evil");
	start(&w, HELLO_INPLACE);
	world_file(&w, 1, FILE_UPDATE, "l", &m);
	assert_int_equal(world_hash(&w, 1, &data, runs, 4), 1);
	world_data(&w, 1, 0, "new", 3);
	done = world_file_end(&w, 1, 0, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	world_is(&w, "l", "new");
	is_finished(&w, "l");
	world_file(&w, 2, FILE_UPDATE, "n", &m);
	world_data(&w, 2, 0, "new", 3);
	assert_int_equal(world_file_end(&w, 2, 0, &m).status, FILE_COMMITTED);
	world_is(&w, "n", "new");
	world_file(&w, 3, 0, "d", &m);
	assert_int_equal(world_file_end(&w, 3, 0, &m).status, FILE_FAILED);
	assert_true(world_has(&w, "d/x"));
	msg_file_put(&b, &seg);
	world_send(&w, MSG_FILE, 4, &b);
	world_data(&w, 4, 0, "new", 3);
	assert_int_equal(world_file_end(&w, 4, 0, NULL).status, FILE_FAILED);
	world_data(&w, 77, 0, "new", 3);
	world_hole(&w, 77, 0, 3);
	/* a directory that ends with a file open */
	world_file(&w, 5, 0, "open", &m);
	wr_u8(&b, 0);
	world_send(&w, MSG_DIR_END, 5, &b);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	start(&w, 0);
	for (uint32_t i = 0; i < 64; i++) {
		world_file(&w, 100 + i, 0, "same", &m);
		world_no_reply(&w);
	}
	world_file(&w, 200, 0, "same", &m);
	world_error(&w, DIAG_RECEIVER_LIMIT);
	world_close(&w);
	buf_release(&data);
}

/* The temporary directory cannot be renamed from, which only the rename tells. */
static void test_bind_mount(void **state)
{
	struct buf old = noise(3 * CHUNK, 1), data = noise(3 * CHUNK, 2);
	struct meta m = file_meta(data.len);
	struct msg_file_done done;
	struct world w;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return; /* no rights to mount: this cannot be met either */
	world_open(&w);
	world_run(&w, "mkdir a b && mount --bind a b");
	write_file(&w, "a/f", &old);
	world_hello(&w, HELLO_REPLACE, NULL, NULL);
	world_dir(&w, 5, "b", (struct dir_args){.flags = DIR_NEW});
	world_file(&w, 1, FILE_UPDATE, "f", &m);
	world_data(&w, 1, 0, data.data, data.len);
	done = world_file_end(&w, 1, 0, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	assert_int_equal(done.ino, world_stat(&w, "a/f").st_ino);
	is_file(&w, "a/f", &data);
	is_finished(&w, "a/f");
	world_end_session(&w);
	world_run(&w, "test \"$(ls -A a)\" = f && test ! -e %s && umount b", w.tmp);
	world_close(&w);
	buf_release(&old);
	buf_release(&data);
}

/* A segment that is a hole at the source: the first run that is wanted, if any. */
static size_t world_zero(struct world *w, uint32_t id, uint64_t off, uint64_t len, struct seg_run *out)
{
	struct buf b = BUF_INIT;
	struct frame f;
	struct rd r;
	size_t n = 0;

	msg_hole_put(&b, off, len);
	world_send(w, MSG_SEG_ZERO, id, &b);
	f = world_reply(w, MSG_SEG_NEED);
	r = rd_init(f.payload, f.len);
	assert_true(rd_u64(&r) == off);
	assert_int_equal(rd_u8(&r), MSG_LAST);
	for (struct seg_run run; msg_seg_run_get(&r, &run);)
		out[n++] = run;
	assert_true(rd_done(&r));
	return n;
}

/* Zeros are compared with what is no hole here, wherever that is in a very long file. */
static void test_zeros(void **state)
{
	const uint64_t size = UINT64_C(1) << 40, rest = size - 2 * WIRE_ZERO_MAX;
	struct meta m = file_meta(size);
	struct msg_file_done done;
	struct seg_run runs[600];
	struct stat before;
	struct world w;

	world_open(&w);
	world_run(&w, "truncate -s %llu f && cp f g", (unsigned long long)size);
	before = world_stat(&w, "f");
	start(&w, 0);
	world_file(&w, 1, FILE_UPDATE, "f", &m);
	for (uint64_t off = 0; off < size; off += WIRE_ZERO_MAX)
		assert_int_equal(world_zero(&w, 1, off, WIRE_ZERO_MAX, runs), 0);
	done = world_file_end(&w, 1, FILE_END_UNCHANGED, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	assert_int_equal(done.ino, before.st_ino);
	is_finished(&w, "f");
	/* Something is there: named to the end of its block, once, and zeros that take room are no difference. */
	world_run(&w,
		"printf x | dd of=g bs=1 seek=%llu conv=notrunc status=none && "
		"dd if=/dev/zero of=g bs=64k count=4 seek=100 conv=notrunc status=none",
		(unsigned long long)rest);
	world_file(&w, 2, FILE_UPDATE, "g", &m);
	assert_int_equal(world_zero(&w, 2, 0, WIRE_ZERO_MAX, runs), 0);
	assert_int_equal(world_zero(&w, 2, rest - 1, WIRE_ZERO_MAX, runs), 1);
	assert_true(runs[0].off <= rest && runs[0].off + runs[0].len > rest && runs[0].len <= WIRE_RUN_MAX);
	assert_int_equal(runs[0].sig.len, 0);
	world_hole(&w, 2, runs[0].off, runs[0].len);
	done = world_file_end(&w, 2, 0, &m);
	assert_int_equal(done.status, FILE_COMMITTED);
	assert_true((uint64_t)world_stat(&w, "g").st_size == size);
	world_run(&w, "test \"$(dd if=g bs=1 count=1 skip=%llu status=none | od -An -tx1)\" = ' 00'",
		(unsigned long long)rest);
	/* Too long, and beyond the end of what is there. */
	world_file(&w, 3, FILE_UPDATE, "g", &m);
	assert_int_equal(world_zero(&w, 3, size, WIRE_ZERO_MAX, runs), 0);
	{
		struct buf b = BUF_INIT;
		msg_hole_put(&b, 0, WIRE_ZERO_MAX + 1);
		world_send(&w, MSG_SEG_ZERO, 3, &b);
	}
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_inplace),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_links_broken),
		cmocka_unit_test(test_sparse_update),
		cmocka_unit_test(test_zeros),
		cmocka_unit_test(test_abandon),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_fence),
		cmocka_unit_test(test_fence_segment),
		cmocka_unit_test(test_compare_only),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_bind_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
