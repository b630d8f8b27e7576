/* The receiver's session: directories, listings, small entries, links, deletion, and what hostile peers send.
 */
#include "receiver_world.h"

#include "conf/origins.h"
#include "rules/rules.h"

#include "receiver/below.h"
#include "receiver/state.h"

#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void rules_text(const char *text, struct buf *out)
{
	struct conf_errors errors = {0};
	struct conf *c = conf_load_text(text, strlen(text), "test.conf", NULL, 0, &errors);
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r;

	assert_non_null(c);
	assert_true(rules_new(c, RULES_SYNC, &r, &d));
	rules_pack(r, out);
	rules_free(r);
	conf_free(c);
	conf_errors_release(&errors);
}

/* ---- the greeting ---- */

static bool root_empty(const struct msg_hello_ok *ok)
{
	struct rd r = rd_init(ok->places.p, ok->places.len);
	struct msg_place p;

	return msg_place_get(&r, &p) && p.empty;
}

static void test_hello(void **state)
{
	struct world w;
	struct frame f;
	struct msg_hello_ok ok;
	char inner[64];
	struct buf b = BUF_INIT;
	struct stat st;

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	f = world_reply(&w, MSG_HELLO_OK);
	assert_true(msg_hello_ok_get(&f, &ok));
	assert_int_equal(fstat(w.root, &st), 0);
	assert_int_equal(ok.root_ino, st.st_ino);
	assert_true(root_empty(&ok));
	assert_int_equal(ok.fields & META_F_MTIME, META_F_MTIME);
	world_run(&w, "mkdir %s && touch %s/x", w.tmp, w.tmp);
	world_hello(&w, 0, NULL, NULL);
	f = world_reply(&w, MSG_HELLO_OK);
	assert_true(msg_hello_ok_get(&f, &ok) && root_empty(&ok));
	snprintf(inner, sizeof(inner), "%s/x", w.tmp);
	assert_true(world_has(&w, inner));
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	assert_false(world_has(&w, inner));
	world_run(&w, "mkdir -p a/b lost+found/c"); /* no files */
	world_hello(&w, 0, NULL, NULL);
	f = world_reply(&w, MSG_HELLO_OK);
	assert_true(msg_hello_ok_get(&f, &ok) && root_empty(&ok));
	world_run(&w, "ln -s x a/b/c");
	world_hello(&w, 0, NULL, NULL);
	assert_false(world_has(&w, w.tmp)); /* it was empty, and went with the session */
	f = world_reply(&w, MSG_HELLO_OK);
	assert_true(msg_hello_ok_get(&f, &ok) && !root_empty(&ok));
	/* a second one */
	msg_hello_put(&b, &(struct msg_hello){.protocol = WIRE_PROTOCOL});
	world_send(&w, MSG_HELLO, 2, &b);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	world_close(&w);
}

static void new_session(struct world *w)
{
	struct session_config c = {.root_fd = fcntl(w->root, F_DUPFD_CLOEXEC, 0), .version = "0.0"};

	world_end_session(w);
	w->s = session_new(&c);
}

static void test_greeting_refused(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;

	world_open(&w);
	new_session(&w);
	msg_hello_put(&b, &(struct msg_hello){.protocol = WIRE_PROTOCOL + 1, .version = str_bytes("9.9")});
	world_send(&w, MSG_HELLO, 2, &b);
	world_error(&w, DIAG_RECEIVER_VERSION);
	assert_non_null(memmem(w.replies[0].payload.data, w.replies[0].payload.len, "9.9", 3));
	new_session(&w);
	wr_u8(&b, 0);
	world_send(&w, MSG_SYNC, 2, &b);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	new_session(&w);
	wr_u32(&b, WIRE_PROTOCOL);
	world_send(&w, MSG_HELLO, 2, &b);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	world_hello(&w, 0, NULL, NULL);
	world_send(&w, 250, 2, NULL);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	world_close(&w);
}

/* ---- a new tree ---- */

static void put_tree(struct world *w)
{
	struct meta m = a_meta(META_LNK, 0, 0), fifo = a_meta(META_FIFO, 0640, 0), dir = a_meta(META_DIR, 0, 0);
	struct put_done p;
	struct msg_dir_done done;
	struct msg_dir_diff diff;
	struct frame f;

	world_dir(w, 10, "", (struct dir_args){.digest = {.lo = 1, .count = 1}});
	f = world_reply(w, MSG_DIR_DIFF);
	assert_true(msg_dir_diff_get(&f, &diff) && diff.empty);
	world_put_file(w, 10, "file", "hello");
	world_put_file(w, 10, "empty", "");
	buf_append_str(&m.link, "to/nowhere");
	world_put(w, 10, 0, "link", &m, NULL, &p);
	assert_false(p.failed);
	buf_release(&m.link);
	world_put(w, 10, ENTRY_WANT_INO, "fifo", &fifo, NULL, &p);
	assert_int_equal(p.ino, world_stat(w, "fifo").st_ino);
	world_put(w, 10, 0, "sub", &dir, NULL, &p);
	assert_true(p.made && !p.failed);
	world_dir(w, 11, "sub", (struct dir_args){.flags = DIR_NEW});
	world_no_reply(w);
	world_put_file(w, 11, "inner", "deep");
	world_dir_end(w, 11, &done);
	assert_int_equal(done.failed, 0);
	world_dir_end(w, 10, &done);
	assert_int_equal(done.failed, 0);
}

static void is_time(struct world *w, const char *name)
{
	struct stat st = world_stat(w, name);

	assert_int_equal(st.st_mtim.tv_sec, T0);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
}

static void test_new_tree(void **state)
{
	struct world w;

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	put_tree(&w);
	world_is(&w, "file", "hello");
	world_is(&w, "empty", "");
	world_is(&w, "sub/inner", "deep");
	assert_int_equal(world_stat(&w, "file").st_mode, S_IFREG | 0644);
	assert_int_equal(world_stat(&w, "fifo").st_mode, S_IFIFO | 0640);
	assert_int_equal(world_stat(&w, "sub").st_mode, S_IFDIR | 0750);
	world_run(&w, "test \"$(readlink link)\" = to/nowhere");
	is_time(&w, "file");
	is_time(&w, "link");
	is_time(&w, "fifo");
	is_time(&w, "sub");
	is_time(&w, ".");
	/* a replacement goes through the temporary directory, which leaves no trace, in the root's time
	 * neither */
	world_dir(&w, 12, "sub", (struct dir_args){});
	world_put_file(&w, 12, "inner", "other");
	assert_true(world_has(&w, w.tmp));
	is_time(&w, ".");
	world_end_session(&w);
	world_is(&w, "sub/inner", "other");
	assert_false(world_has(&w, w.tmp));
	is_time(&w, ".");
	world_close(&w);
}

/* What put_tree() makes, as the mover hashes it. */
static struct digest tree_digest(struct world *w)
{
	struct meta file = a_meta(META_REG, 0644, 5), empty = a_meta(META_REG, 0644, 0), link = a_meta(META_LNK, 0, 0),
		    fifo = a_meta(META_FIFO, 0640, 0);
	struct digest sum = {}, e;

	buf_append_str(&link.link, "to/nowhere");
	e = entry_digest(w, DIGEST_PLAIN, "file", &file);
	digest_add(&sum, &e);
	e = entry_digest(w, DIGEST_PLAIN, "empty", &empty);
	digest_add(&sum, &e);
	e = entry_digest(w, DIGEST_PLAIN, "link", &link);
	digest_add(&sum, &e);
	e = entry_digest(w, DIGEST_PLAIN, "fifo", &fifo);
	digest_add(&sum, &e);
	e = entry_digest(w, DIGEST_DIR, "sub", &fifo);
	digest_add(&sum, &e);
	buf_release(&link.link);
	return sum;
}

static void test_equal(void **state)
{
	struct world w;
	struct frame f;
	struct digest sum;
	struct rd r;

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	put_tree(&w);
	sum = tree_digest(&w);
	world_hello(&w, 0, NULL, NULL);
	world_dir(&w, 20, "", (struct dir_args){.digest = sum, .buckets = 7});
	f = world_reply(&w, MSG_DIR_EQUAL);
	r = rd_init(f.payload, f.len);
	assert_int_equal(rd_u32(&r), 0);
	/* its own metadata */
	world_run(&w, "chmod 700 .");
	world_dir(&w, 21, "", (struct dir_args){.digest = sum, .buckets = 7});
	f = world_reply(&w, MSG_DIR_EQUAL);
	r = rd_init(f.payload, f.len);
	assert_int_equal(rd_u32(&r), META_D_MODE);
	assert_int_equal(world_stat(&w, ".").st_mode & 07777, 0750);
	/* a passage's are nobody's business */
	world_run(&w, "chmod 711 .");
	world_dir(&w, 22, "", (struct dir_args){.digest = sum, .flags = DIR_PASSAGE});
	world_reply(&w, MSG_DIR_EQUAL);
	assert_int_equal(world_stat(&w, ".").st_mode & 07777, 0711);
	/* one nanosecond */
	world_run(&w, "touch -h -d @%d.123456788 link", T0);
	world_dir(&w, 23, "", (struct dir_args){.digest = sum, .buckets = 7});
	f = world_reply(&w, MSG_DIR_DIFF);
	assert_int_equal(f.len, 1 + 7 * 8);
	world_close(&w);
}

/* ---- LIST and NEED ---- */

static size_t world_list(struct world *w, uint32_t id, struct buf *entries, struct need *out, size_t max)
{
	struct buf b = BUF_INIT;
	struct frame f;
	struct rd r;
	size_t n = 0;

	msg_list_head_put(&b, true, (const uint8_t *)"\xff", 1);
	buf_append(&b, entries->data, entries->len);
	buf_release(entries);
	world_send(w, MSG_LIST, id, &b);
	f = world_reply(w, MSG_NEED);
	r = rd_init(f.payload, f.len);
	assert_int_equal(rd_u8(&r), MSG_LAST);
	while (n < max && msg_need_get(&r, &out[n]))
		diag_release(&out[n++].diag);
	assert_true(rd_done(&r));
	return n;
}

static void suspect(struct world *w, int64_t from, int64_t to)
{
	struct buf b = BUF_INIT;

	msg_suspect_put(&b, &(struct suspect){1, 2});
	msg_suspect_put(&b, &(struct suspect){from, to});
	world_send(w, MSG_SUSPECT, 0, &b);
	world_no_reply(w);
}

/* An entry that is doubted is asked for though it looks equal. */
static void test_doubts(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	struct need n[4];
	struct meta file = a_meta(META_REG, 0644, 5), empty = a_meta(META_REG, 0644, 0);
	struct digest sum;

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	put_tree(&w);
	sum = tree_digest(&w);
	file.size = (uint64_t)world_stat(&w, "file").st_size;
	sum.lo++;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t doubt = i ? ENTRY_DOUBT : 0;

		world_dir(&w, 40 + i, "", (struct dir_args){.digest = sum});
		world_reply(&w, MSG_DIR_DIFF);
		entry_add(&b, doubt, "file", &file, NULL, false);
		entry_add(&b, doubt | ENTRY_LINKED, "empty", &empty, NULL, false);
		assert_int_equal(world_list(&w, 40 + i, &b, n, ARRAY_LEN(n)), 1 + i);
		if (i)
			assert_true(n[0].index == 0 && n[0].op == NEED_UPDATE && !(n[0].why & META_D_MTIME));
		assert_true(n[i].op == NEED_LINK_STATE && n[i].exists && n[i].doubt == i);
	}
	world_close(&w);
}

/* What was written while an earlier run ended badly is never equal by its looks. */
static void test_suspects(void **state)
{
	struct world w;
	struct digest sum;
	struct stat st;
	int64_t ctime;
	struct buf b = BUF_INIT;
	struct need n[4];
	struct meta file = a_meta(META_REG, 0644, 5), empty = a_meta(META_REG, 0644, 0);

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	put_tree(&w);
	sum = tree_digest(&w);
	st = world_stat(&w, "file");
	ctime = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	file.size = (uint64_t)st.st_size;
	world_hello(&w, 0, NULL, NULL);
	suspect(&w, ctime + 1, ctime + 1000000000000);
	suspect(&w, 0, ctime); /* up to then, and all there is */
	world_dir(&w, 40, "", (struct dir_args){.digest = sum});
	world_reply(&w, MSG_DIR_EQUAL);
	suspect(&w, ctime, WIRE_TIME_MAX);
	world_dir(&w, 41, "", (struct dir_args){.digest = sum});
	world_reply(&w, MSG_DIR_DIFF);
	world_run(&w, "ln file file2");
	world_dir(&w, 42, "", (struct dir_args){.digest = sum});
	entry_add(&b, 0, "file", &file, NULL, false);
	entry_add(&b, 0, "empty", &empty, NULL, false); /* there is nothing to compare */
	entry_add(&b, ENTRY_LINKED, "file2", &file, NULL, false);
	assert_int_equal(world_list(&w, 42, &b, n, ARRAY_LEN(n)), 2);
	assert_int_equal(n[0].index, 0);
	assert_int_equal(n[0].op, NEED_UPDATE);
	assert_int_equal(n[0].why, META_D_HARDLINK);
	assert_true(n[1].op == NEED_LINK_STATE && n[1].exists && n[1].doubt);
	for (unsigned i = 0; i <= WIRE_SUSPECTS_MAX; i++)
		msg_suspect_put(&b, &(struct suspect){1, 2});
	world_send(&w, MSG_SUSPECT, 0, &b);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	world_close(&w);
}

static void test_list(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	struct need n[16];
	struct meta file = a_meta(META_REG, 0644, 5), link = a_meta(META_LNK, 0, 0), dir = a_meta(META_DIR, 0, 0),
		    sock = a_meta(META_SOCK, 0600, 0), mode = file, empty = a_meta(META_REG, 0644, 0), linked = file;
	struct frame f;
	char name[256];
	struct rd r;
	size_t count, extra = 0;

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	put_tree(&w);
	world_run(&w, "ln empty empty2; touch extra1; mkdir extra2");
	world_hello(&w, HELLO_DELETE, NULL, NULL);
	world_dir(&w, 30, "", (struct dir_args){.buckets = 1});
	world_reply(&w, MSG_DIR_DIFF);
	mode.mode = 0600;
	buf_append_str(&link.link, "elsewhere");
	entry_add(&b, 0, "file", &mode, NULL, false); /* 0: metadata */
	entry_add(&b, 0, "link", &link, NULL, false); /* 1: another target */
	entry_add(&b, 0, "sub", &dir, NULL, false); /* 2: equal */
	entry_add(&b, 0, "fifo", &dir, NULL, false); /* 3: a directory now */
	entry_add(&b, 0, "sock", &sock, NULL, false); /* 4: new */
	entry_add(&b, 0, "newfile", &file, NULL, false); /* 5: content */
	entry_add(&b, 0, "empty", &empty, NULL, false); /* 6: a link to be broken */
	entry_add(&b, ENTRY_LINKED, "empty2", &linked, NULL, false); /* 7: state */
	entry_add(&b, 0, "newdir", &dir, NULL, false); /* 8 */
	count = world_list(&w, 30, &b, n, ARRAY_LEN(n));
	assert_int_equal(count, 8);
	assert_int_equal(n[0].op, NEED_METADATA);
	assert_int_equal(n[0].why, META_D_MODE);
	assert_int_equal(n[1].op, NEED_UPDATED);
	assert_int_equal(n[1].why, META_D_LINK);
	assert_int_equal(n[2].index, 3);
	assert_int_equal(n[2].op, NEED_UPDATED);
	assert_int_equal(n[3].op, NEED_CREATED);
	assert_int_equal(n[4].op, NEED_NEW);
	assert_int_equal(n[5].op, NEED_METADATA);
	assert_int_equal(n[5].why, META_D_HARDLINK);
	assert_int_equal(n[6].op, NEED_LINK_STATE);
	assert_true(n[6].exists);
	assert_int_equal(n[6].nlink, 1); /* its other name has just got an inode of its own */
	assert_int_equal(n[6].ino, world_stat(&w, "empty2").st_ino);
	assert_int_equal(n[6].why & META_D_SIZE, META_D_SIZE);
	assert_int_equal(n[7].op, NEED_CREATED);
	assert_int_equal(world_stat(&w, "empty").st_nlink, 1);
	is_time(&w, "empty");
	is_time(&w, "link");
	world_run(&w, "test \"$(readlink link)\" = elsewhere && test -d fifo && test -S sock && test -d newdir");
	f = world_reply(&w, MSG_EXTRA);
	r = rd_init(f.payload, f.len);
	assert_int_equal(rd_u8(&r), MSG_LAST);
	while (rd_left(&r)) {
		uint8_t type = rd_u8(&r);
		assert_true(rd_name(&r, name, 255));
		assert_true(
			(str_eq(name, "extra1") && type == META_REG) || (str_eq(name, "extra2") && type == META_DIR));
		extra++;
	}
	assert_int_equal(extra, 2);
	assert_true(world_has(&w, "extra1"));
	buf_release(&link.link);
	world_close(&w);
}

static void test_update_needed(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	struct need n[8];
	struct meta file = a_meta(META_REG, 0644, 5), later = file;

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	put_tree(&w);
	world_dir(&w, 30, "", (struct dir_args){.buckets = 1});
	later.mtime_s++;
	entry_add(&b, 0, "file", &later, NULL, false);
	assert_int_equal(world_list(&w, 30, &b, n, 8), 1);
	assert_int_equal(n[0].op, NEED_UPDATE);
	assert_int_equal(n[0].basis, 5);
	assert_int_equal(n[0].why, META_D_MTIME);
	/* compared by content: always */
	world_hello(&w, HELLO_CHECKSUM, NULL, NULL);
	world_dir(&w, 30, "", (struct dir_args){.digest = tree_digest(&w)});
	world_reply(&w, MSG_DIR_DIFF);
	entry_add(&b, 0, "file", &file, NULL, false);
	assert_int_equal(world_list(&w, 30, &b, n, 8), 1);
	assert_int_equal(n[0].op, NEED_UPDATE);
	assert_int_equal(n[0].why, 0);
	world_close(&w);
}

/* What is wrong with one entry is that entry's failure: the session goes on. */
static void test_entry_that_is_none(void **state)
{
	static const uint8_t nonsense[] = {META_REG, 0xff, 0xff};
	const struct bytes none = {nonsense, sizeof(nonsense)};
	const struct entry bad = {.name = str_bytes("bad"), .meta = none};
	struct meta file = a_meta(META_REG, 0644, 5);
	struct buf b = BUF_INIT;
	struct msg_op_done op;
	struct need n[8];
	struct put_done p;
	struct frame f;
	struct rd r;

	struct world w;
	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	put_tree(&w);
	world_dir(&w, 31, "", (struct dir_args){.buckets = 1});
	entry_add(&b, 0, "file", &file, NULL, false);
	entry_add(&b, 0, "file", &file, NULL, false); /* twice */
	msg_entry_put(&b, &bad, false);
	assert_int_equal(world_list(&w, 31, &b, n, 8), 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(n[i].op, NEED_FAILED);
		assert_int_equal(n[i].index, i + 1);
	}
	wr_u32(&b, 31);
	msg_entry_put(&b, &bad, true);
	entry_add(&b, 0, "good", &file, "hello", true);
	world_send(&w, MSG_PUT, 32, &b);
	f = world_reply(&w, MSG_PUT_DONE);
	r = rd_init(f.payload, f.len);
	assert_true(msg_put_done_get(&r, &p));
	assert_true(p.failed && p.index == 0 && p.diag.code == DIAG_RECEIVER_ENTRY);
	assert_true(rd_done(&r));
	diag_release(&p.diag);
	world_is(&w, "good", "hello");
	assert_false(world_has(&w, "bad"));
	msg_meta_put(&b, &(struct msg_meta){.dir = 31, .name = str_bytes("good"), .meta = none});
	world_send(&w, MSG_META, 33, &b);
	f = world_reply(&w, MSG_OP_DONE);
	assert_true(msg_op_done_get(&f, &op));
	assert_true(op.failed && op.diag.code == DIAG_RECEIVER_ENTRY);
	diag_release(&op.diag);
	msg_dir_put(&b,
		&(struct msg_dir){
			.src = str_bytes("d"), .dst = str_bytes("d"), .slices = 1, .buckets = 1, .meta = none});
	world_send(&w, MSG_DIR, 34, &b);
	world_reply(&w, MSG_DIR_FAIL);
	assert_false(w.over);
	world_close(&w);
}

/* Which file systems are brought to the disk for a receiver that was lost: those beneath the root, and no automatic one. */
static void test_below(void **state)
{
	static const char *const dirs[] = {"a b", "auto", "topelse", "top"};
	struct world w;
	struct below b = {.root = "/top"};
	int seen = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), watches[ARRAY_LEN(dirs)], err = 0;
	AUTO_FREE char *table = NULL;
	struct inotify_event e;

	world_open(&w);
	world_run(&w,
		"mkdir 'a b' auto topelse top; printf '%%s\\n' '1 0 8:1 / /top rw - ext4 /dev/x rw'"
		" '2 1 8:2 / /top/a\\040b rw shared:1 - xfs /dev/y rw' '3 1 0:9 / /top/auto rw - autofs systemd-1 rw'"
		" '4 0 8:3 / /topelse rw - ext4 /dev/z rw' '5 1 8:4 / /top/gone rw - ext4 /dev/g rw' 'short line' '' "
		">table");
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", w.path, dirs[i]);
		watches[i] = inotify_add_watch(seen, path, IN_OPEN);
		assert_true(watches[i] >= 0);
	}
	b.fd = -1;
	assert_false(below_sync(&b, w.root, &err));
	table = xasprintf("%s/table", w.path);
	b.fd = open(table, O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 2; i++) { /* as often as it is needed */
		assert_true(below_sync(&b, w.root, &err));
		assert_int_equal(err, 0);
		assert_int_equal(read(seen, &e, sizeof(e)), sizeof(e));
		assert_int_equal(e.wd, watches[0]);
		assert_int_equal(read(seen, &e, sizeof(e)), -1);
	}
	close(b.fd);
	close(seen);
	below_open(&b, w.root);
	assert_string_equal(b.root, w.path);
	assert_true(below_sync(&b, w.root, &err));
	below_close(&b);
	world_close(&w);
}

/* ---- deletion ---- */

static uint64_t world_delete_with(
	struct world *w, uint32_t dir, uint8_t flags, uint64_t budget, const char *name, bool *out_failed)
{
	struct buf b = BUF_INIT;
	struct msg_delete_done done;
	struct delete_record rec;
	struct frame f;
	size_t records = 0;

	msg_delete_head_put(&b, &(struct msg_delete_head){.dir = dir, .flags = flags, .budget = budget});
	wr_str(&b, name);
	world_send(w, MSG_DELETE, 700, &b);
	f = world_reply(w, MSG_DELETE_DONE);
	assert_true(msg_delete_done_get(&f, &done));
	assert_int_equal(done.flags, MSG_LAST);
	*out_failed = false;
	while (msg_delete_record_get(&done.records, &rec)) {
		if (rec.type == META_NONE)
			*out_failed = true;
		else
			records++;
		diag_release(&rec.diag);
	}
	assert_true(rd_done(&done.records));
	assert_int_equal(records, done.deleted);
	return done.deleted;
}

static uint64_t world_delete(struct world *w, uint32_t dir, uint64_t budget, const char *name, bool *out_failed)
{
	return world_delete_with(w, dir, 0, budget, name, out_failed);
}

static uint64_t world_way(struct world *w, uint64_t budget, const char *name, bool *out_failed)
{
	return world_delete_with(w, 5, DELETE_WAY, budget, name, out_failed);
}

static void test_delete(void **state)
{
	AUTO_BUF rules = BUF_INIT;
	struct world w;
	bool failed;
	struct buf b = BUF_INIT;

	world_open(&w);
	rules_text("[rules]\nexclude = /d/keep/secret\n", &rules);
	world_run(&w,
		"mkdir -p d/keep d/gone/x/y && touch d/gone/x/f d/keep/secret d/keep/other && ln -s "
		"/etc d/gone/link"
		" && mkdir -p d/mapped && touch d/f");
	world_hello(&w, HELLO_DELETE | HELLO_ITEMIZE, "d/mapped", &rules);
	world_dir(&w, 5, "d", (struct dir_args){});
	assert_int_equal(world_delete(&w, 5, 2, "gone", &failed), 2); /* the budget */
	assert_true(world_has(&w, "d/gone"));
	assert_int_equal(world_delete(&w, 5, UINT64_MAX, "gone", &failed), 3);
	assert_false(failed);
	assert_false(world_has(&w, "d/gone"));
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	assert_int_equal(world_delete(&w, 5, UINT64_MAX, "keep", &failed), 1);
	assert_true(failed);
	assert_true(world_has(&w, "d/keep/secret"));
	assert_false(world_has(&w, "d/keep/other"));
	assert_int_equal(world_delete(&w, 5, UINT64_MAX, "mapped", &failed), 0);
	assert_true(failed && world_has(&w, "d/mapped"));
	assert_int_equal(world_delete(&w, 5, UINT64_MAX, "nothing", &failed), 0);
	assert_false(failed);
	/* hostile: nothing of a request goes when a part of it is not a name */
	msg_delete_head_put(&b, &(struct msg_delete_head){.dir = 5, .budget = UINT64_MAX});
	wr_str(&b, "f");
	wr_str(&b, "../etc");
	world_send(&w, MSG_DELETE, 1, &b);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	assert_true(world_has(&w, "d/f"));
	/* and nothing in a session without deletion */
	world_hello(&w, 0, NULL, NULL);
	world_dir(&w, 5, "d", (struct dir_args){});
	msg_delete_head_put(&b, &(struct msg_delete_head){.dir = 5, .budget = UINT64_MAX});
	wr_str(&b, "f");
	world_send(&w, MSG_DELETE, 1, &b);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	assert_true(world_has(&w, "d/f"));
	world_close(&w);
}

/* A name that goes gives its inode a new ctime, by which its other names must not look equal. */
static void test_suspect_unnamed(void **state)
{
	static const char *const names[] = {"other1", "other2", "other3", "other4", "other5"};
	struct meta dir = a_meta(META_DIR, 0755, 0);
	struct put_done p;
	struct world w;
	bool failed;

	world_open(&w);
	world_run(&w,
		"for i in 1 2 3 4 5; do echo $i >gone$i; touch -d @1000 gone$i; ln gone$i other$i; done;"
		"mkdir -m 700 %s; ln other4 %s/left",
		w.tmp, w.tmp);
	world_hello(&w, HELLO_DELETE | HELLO_ITEMIZE | HELLO_FIRST, NULL, NULL);
	assert_int_equal(world_stat(&w, "other4").st_mtim.tv_sec, 999); /* nobody knew yet what is suspect */
	world_run(&w, "touch -d @1000 other4");
	world_dir(&w, 5, "", (struct dir_args){});
	assert_int_equal(world_delete(&w, 5, UINT64_MAX, "gone1", &failed), 1);
	suspect(&w, 1, WIRE_TIME_MAX);
	assert_int_equal(world_delete(&w, 5, UINT64_MAX, "gone2", &failed), 1);
	world_put_file(&w, 5, "gone3", "12345");
	world_put(&w, 5, 0, "gone4", &dir, NULL, &p);
	assert_true(p.made);
	suspect(&w, 1, 3);
	assert_int_equal(world_delete(&w, 5, UINT64_MAX, "gone5", &failed), 1);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(world_stat(&w, names[i]).st_mtim.tv_sec, i >= 1 && i <= 3 ? 999 : 1000);
	world_close(&w);
}

static void test_delete_deep(void **state)
{
	struct world w;
	bool failed;

	world_open(&w);
	world_run(&w,
		"python3 -c 'import os\nfor i in range(300):\n os.mkdir(\"x\"*200); open(\"f\",\"w\"); "
		"os.chdir(\"x\"*200)'");
	world_hello(&w, HELLO_DELETE, NULL, NULL);
	world_dir(&w, 5, "", (struct dir_args){});
	{
		struct buf b = BUF_INIT;
		struct msg_delete_done done;
		struct frame f;
		AUTO_FREE char *name = xcalloc(201, 1);
		memset(name, 'x', 200);
		msg_delete_head_put(&b, &(struct msg_delete_head){.dir = 5, .budget = UINT64_MAX});
		wr_str(&b, name);
		world_send(&w, MSG_DELETE, 700, &b);
		f = world_reply(&w, MSG_DELETE_DONE);
		assert_true(msg_delete_done_get(&f, &done));
		assert_int_equal(done.deleted, 599);
		assert_false(world_has(&w, name));
	}
	world_run(&w, "test \"$(ls -A)\" = f");
	(void)failed;
	world_close(&w);
}

/* ---- what is in the way ---- */

/* A directory where the source has a file goes by DELETE_WAY, as a whole or not at all; by nothing else when it is not empty. */
static void test_obstruction(void **state)
{
	AUTO_BUF rules = BUF_INIT;
	struct meta m = a_meta(META_REG, 0644, 3), dir = a_meta(META_DIR, 0, 0);
	struct world w;
	struct put_done p;
	bool failed;

	world_open(&w);
	rules_text("[rules]\nexclude = /full/secret, /file, /rule\n", &rules);
	world_run(&w, "mkdir -p empty bare full/x other rule && touch full/secret full/x/y other/z file");
	world_hello(&w, HELLO_ITEMIZE, NULL, &rules);
	world_dir(&w, 5, "", (struct dir_args){});
	world_put_file(&w, 5, "empty", "new");
	world_is(&w, "empty", "new");
	world_put(&w, 5, 0, "other", &m, "new", &p);
	assert_true(p.failed);
	assert_int_equal(world_way(&w, UINT64_MAX, "other", &failed), 0);
	assert_true(failed && world_has(&w, "other/z"));
	assert_int_equal(world_way(&w, UINT64_MAX, "bare", &failed), 1);
	assert_false(failed || world_has(&w, "bare"));
	assert_int_equal(world_way(&w, UINT64_MAX, "file", &failed), 0); /* no directory: it is replaced by a rename */
	assert_true(!failed && world_has(&w, "file"));
	world_hello(&w, HELLO_DELETE | HELLO_ITEMIZE, NULL, &rules);
	world_dir(&w, 5, "", (struct dir_args){});
	world_put(&w, 5, 0, "other", &m, "new", &p);
	assert_true(p.failed); /* not counted, not within a budget */
	assert_int_equal(world_way(&w, UINT64_MAX, "full", &failed), 0);
	assert_true(failed && world_has(&w, "full/secret") && world_has(&w, "full/x/y")); /* all or nothing */
	assert_int_equal(world_way(&w, 1, "other", &failed), 0);
	assert_true(failed && world_has(&w, "other/z"));
	assert_int_equal(world_way(&w, 2, "other", &failed), 2);
	world_put_file(&w, 5, "other", "new");
	world_is(&w, "other", "new");
	assert_int_equal(world_way(&w, UINT64_MAX, "rule", &failed), 1); /* a rule that names it does not hold it */
	assert_false(failed || world_has(&w, "rule"));
	world_put(&w, 5, 0, "file", &dir, NULL, &p); /* nor one that names a file where the source has a directory */
	assert_true(p.made && !p.failed);
	assert_true(S_ISDIR(world_stat(&w, "file").st_mode));
	world_put(&w, 5, 0, w.tmp, &m, "new", &p);
	assert_true(p.failed);
	world_run(&w, "test ! -e %s || rmdir %s", w.tmp, w.tmp);
	world_close(&w);
}

static void test_locked(void **state)
{
	struct world w;
	struct msg_dir_done done;
	struct meta m = a_meta(META_REG, 0644, 3), dir = a_meta(META_DIR, 0750, 0);
	struct put_done p;
	bool failed;

	world_open(&w);
	world_run(&w, "mkdir d && touch d/f d/g");
	if (system("true") || geteuid() != 0 ||
		(world_run(&w, "{ chattr +i d/f d/g && chattr +i d; } 2>/dev/null || touch refused"),
			world_has(&w, "refused"))) {
		world_close(&w);
		return; /* the file system of /tmp has no such flags: others do */
	}
	world_hello(&w, HELLO_DELETE | HELLO_ITEMIZE, NULL, NULL);
	m.flags = FS_IMMUTABLE_FL;
	dir.flags = FS_IMMUTABLE_FL;
	world_dir(&w, 5, "d", (struct dir_args){.meta = dir});
	world_put(&w, 5, 0, "f", &m, "new", &p);
	assert_false(p.failed || diag_is_set(&p.diag));
	world_put_file(&w, 5, "h", "created");
	world_delete(&w, 5, UINT64_MAX, "g", &failed);
	assert_false(failed || world_has(&w, "d/g"));
	world_dir_end(&w, 5, &done);
	assert_int_equal(done.failed, 0);
	world_is(&w, "d/f", "new");
	world_run(&w, "lsattr -d d | grep -q -- '----i' && lsattr d/f | grep -q -- '----i'");
	is_time(&w, "d");
	world_close(&w);
}

/* ---- links ---- */

static struct msg_op_done world_link(
	struct world *w, uint32_t dir, const char *name, const char *existing, uint64_t ino)
{
	struct msg_link m = {.dir = dir,
		.name = str_bytes(name),
		.existing = str_bytes(existing),
		.dev = world_stat(w, ".").st_dev,
		.ino = ino};
	struct msg_op_done done;
	struct buf b = BUF_INIT;
	struct frame f;

	msg_link_put(&b, &m);
	world_send(w, MSG_LINK, 800, &b);
	f = world_reply(w, MSG_OP_DONE);
	assert_true(msg_op_done_get(&f, &done));
	diag_release(&done.diag);
	return done;
}

static void test_link(void **state)
{
	struct world w;
	struct msg_op_done done;
	uint64_t ino;

	world_open(&w);
	world_run(&w,
		"mkdir a b out && echo 1 > a/one && touch b/there && mkdir b/full && touch b/full/x && "
		"ln -s ../a b/ln"
		" && ln -s target a/sym");
	ino = world_stat(&w, "a/one").st_ino;
	world_hello(&w, 0, NULL, NULL);
	world_dir(&w, 5, "b", (struct dir_args){});
	done = world_link(&w, 5, "two", "a/one", ino);
	assert_true(!done.failed && done.changed);
	assert_int_equal(world_stat(&w, "b/two").st_ino, ino);
	done = world_link(&w, 5, "two", "a/one", ino);
	assert_true(!done.failed && !done.changed);
	done = world_link(&w, 5, "there", "a/one", ino);
	assert_true(!done.failed && done.changed);
	assert_int_equal(world_stat(&w, "b/there").st_ino, ino);
	assert_int_equal(world_stat(&w, "a/one").st_nlink, 3); /* no temporary name is left */
	assert_true(world_link(&w, 5, "three", "a/one", ino + 1).failed);
	assert_false(world_has(&w, "b/three"));
	assert_true(world_link(&w, 5, "full", "a/one", ino).failed);
	assert_true(world_has(&w, "b/full/x"));
	assert_true(world_link(&w, 5, "three", "b/ln/one", ino).failed); /* through a symbolic link */
	assert_true(world_link(&w, 5, "three", "a", world_stat(&w, "a").st_ino).failed);
	done = world_link(&w, 5, "sym", "a/sym", world_stat(&w, "a/sym").st_ino);
	assert_true(!done.failed && S_ISLNK(world_stat(&w, "b/sym").st_mode));
	assert_true(world_link(&w, 77, "three", "a/one", ino).failed); /* no such directory */
	world_close(&w);
}

static struct msg_op_done world_meta(
	struct world *w, uint32_t dir, uint8_t flags, const char *name, const struct meta *m)
{
	struct msg_meta msg = {.dir = dir, .flags = flags, .name = str_bytes(name)};
	AUTO_BUF packed = BUF_INIT;
	struct msg_op_done done;
	struct buf b = BUF_INIT;
	struct frame f;

	meta_pack(&packed, m, WORLD_FIELDS);
	msg.meta = (struct bytes){packed.data, packed.len};
	msg_meta_put(&b, &msg);
	world_send(w, MSG_META, 801, &b);
	f = world_reply(w, MSG_OP_DONE);
	assert_true(msg_op_done_get(&f, &done));
	diag_release(&done.diag);
	return done;
}

static void test_meta(void **state)
{
	struct meta m = a_meta(META_REG, 0604, 4);
	struct world w;
	struct msg_op_done done;

	world_open(&w);
	world_run(&w, "printf text > a && ln a b && ln -s a s");
	world_hello(&w, 0, NULL, NULL);
	world_dir(&w, 5, "", (struct dir_args){});
	done = world_meta(&w, 5, ENTRY_BREAK, "a", &m);
	assert_true(!done.failed && done.changed && (done.why & META_D_HARDLINK));
	assert_int_equal(done.ino, world_stat(&w, "a").st_ino);
	assert_int_not_equal(done.ino, world_stat(&w, "b").st_ino);
	world_is(&w, "a", "text");
	is_time(&w, "a");
	assert_int_equal(world_stat(&w, "a").st_mode & 07777, 0604);
	done = world_meta(&w, 5, 0, "a", &m);
	assert_true(!done.failed && !done.changed);
	assert_true(world_meta(&w, 5, 0, "s", &m).failed); /* not what it was said to be */
	assert_true(world_meta(&w, 5, 0, "gone", &m).failed);
	world_close(&w);
}

/* ---- hostile trees and peers ---- */

static void symlinks(bool old_kernel)
{
	AUTO_FREE char *out = xstrdup("/tmp/rehost-outside-XXXXXX");
	struct meta m = a_meta(META_REG, 0644, 3);
	struct world w;
	struct put_done p;
	struct buf b = BUF_INIT;
	struct need n[4];

	world_open(&w);
	assert_non_null(mkdtemp(out));
	world_run(&w, "echo precious > %s/file && ln -s %s evil && mkdir d && ln -s %s/file d/f && ln -s %s d/dir", out,
		out, out, out);
	world_hello(&w, HELLO_DELETE | HELLO_INPLACE, NULL, NULL);
	w.s->root.no_openat2 = old_kernel;
	/* in the middle of a path, and as the last component of one that is not to be made */
	world_dir(&w, 5, "evil/sub", (struct dir_args){.flags = DIR_NEW});
	world_reply(&w, MSG_DIR_FAIL);
	world_dir(&w, 5, "evil/sub", (struct dir_args){.flags = DIR_NEW | DIR_PARENTS});
	world_reply(&w, MSG_DIR_FAIL);
	world_run(&w, "test ! -e %s/sub", out);
	/* what comes for a directory that has failed is refused, entry by entry */
	world_put(&w, 5, 0, "x", &m, "new", &p);
	assert_true(p.failed);
	/* as a name: replaced, never followed */
	world_dir(&w, 6, "d", (struct dir_args){});
	world_put_file(&w, 6, "f", "new");
	world_is(&w, "d/f", "new");
	entry_add(&b, 0, "dir", &(struct meta){.type = META_DIR}, NULL, false);
	assert_int_equal(world_list(&w, 6, &b, n, 4), 1);
	assert_int_equal(n[0].op, NEED_UPDATED);
	assert_true(S_ISDIR(world_stat(&w, "d/dir").st_mode));
	/* a directory that is a symbolic link becomes one of its own */
	world_dir(&w, 7, "evil", (struct dir_args){.flags = DIR_NEW});
	world_no_reply(&w);
	world_put_file(&w, 7, "file", "mine");
	world_is(&w, "evil/file", "mine");
	/* one that is swapped under an open descriptor keeps the descriptor */
	world_run(&w, "mv d d2 && ln -s %s d", out);
	world_put_file(&w, 6, "late", "late");
	world_is(&w, "d2/late", "late");
	world_run(&w, "test \"$(cat %s/file)\" = precious && test \"$(ls -A %s)\" = file && rm -r %s", out, out, out);
	world_close(&w);
}

static void test_symlinks(void **state)
{
	symlinks(false);
	symlinks(true);
}

static void raw_dir(struct world *w, const char *dst)
{
	struct buf b = BUF_INIT;
	struct meta m = a_meta(META_DIR, 0755, 0);

	wr_u8(&b, DIR_NEW | DIR_PARENTS);
	wr_u8(&b, 0);
	wr_str(&b, "");
	wr_str(&b, dst);
	wr_varint(&b, 0);
	wr_varint(&b, 1);
	meta_pack(&b, &m, WORLD_FIELDS);
	world_send(w, MSG_DIR, 5, &b);
}

static void test_hostile_names(void **state)
{
	static const char *const paths[] = {
		"..", "../rehost-x", "a/../../rehost-x", "/etc", "a//b", "a/", ".", "a/./b", "/"};
	static const char *const names[] = {"..", ".", "a/b", "/", ""};
	struct meta m = a_meta(META_REG, 0644, 1);
	struct world w;

	world_open(&w);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		world_hello(&w, 0, NULL, NULL);
		raw_dir(&w, paths[i]);
		world_error(&w, DIAG_RECEIVER_PROTOCOL);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct buf b = BUF_INIT;
		world_hello(&w, 0, NULL, NULL);
		world_dir(&w, 5, "", (struct dir_args){});
		wr_u32(&b, 5);
		entry_add(&b, 0, names[i], &m, "x", true);
		world_send(&w, MSG_PUT, 6, &b);
		world_error(&w, DIAG_RECEIVER_PROTOCOL);
	}
	world_run(&w, "test -z \"$(ls -A)\" && test ! -e ../rehost-x");
	world_close(&w);
}

static void test_limits(void **state)
{
	struct world w;

	world_open(&w);
	world_hello(&w, 0, NULL, NULL);
	for (uint32_t i = 0; i < 256; i++) {
		AUTO_FREE char *name = xasprintf("d%u", i);
		world_dir(&w, i, name, (struct dir_args){.flags = DIR_NEW});
		world_no_reply(&w);
	}
	world_dir(&w, 256, "", (struct dir_args){});
	world_error(&w, DIAG_RECEIVER_LIMIT);
	world_hello(&w, 0, NULL, NULL);
	world_dir(&w, 1, "", (struct dir_args){.buckets = 3});
	world_dir(&w, 1, "", (struct dir_args){});
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	world_close(&w);
}

static void long_path(bool old_kernel)
{
	AUTO_BUF path = BUF_INIT;
	struct world w;
	struct msg_dir_done done;

	world_open(&w);
	world_hello(&w, 0, NULL, NULL);
	w.s->root.no_openat2 = old_kernel;
	world_run(&w, "touch -d @%d .", T0);
	for (int i = 0; i < 60; i++)
		buf_printf(&path, "%s%0200d", i ? "/" : "", i);
	world_dir(&w, 5, buf_cstr(&path), (struct dir_args){.flags = DIR_NEW | DIR_PARENTS});
	world_no_reply(&w);
	world_put_file(&w, 5, "deep", "x");
	world_dir_end(&w, 5, &done);
	assert_int_equal(done.failed, 0);
	world_dir(&w, 6, buf_cstr(&path), (struct dir_args){});
	world_reply(&w, MSG_DIR_DIFF);
	world_run(&w, "test \"$(find . -name deep | wc -l)\" = 1");
	assert_int_equal(world_stat(&w, ".").st_mtim.tv_sec, T0);
	world_close(&w);
}

static void test_long_path(void **state)
{
	long_path(false);
	long_path(true);
}

/* ---- mounts beneath the root ---- */

static void test_mounts(void **state)
{
	struct meta m = a_meta(META_REG, 0644, 3), link = a_meta(META_LNK, 0, 0);
	struct world w;
	struct put_done p;
	bool failed;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return; /* no rights to mount: nothing of this can be met either */
	world_open(&w);
	world_run(&w,
		"mkdir -p x/m d x/b && mount -t tmpfs none x/m && touch x/m/f d/f d/g && mount --bind d x/b"
		" && mkdir x/m/dir && ln -s a x/m/l");
	world_hello(&w, HELLO_DELETE | HELLO_ITEMIZE, NULL, NULL);
	world_dir(&w, 5, "", (struct dir_args){});
	/* deletion stops at both, also where the device number is the same */
	assert_int_equal(world_delete(&w, 5, UINT64_MAX, "x", &failed), 0);
	assert_true(failed && world_has(&w, "d/f") && world_has(&w, "x/m/f") && world_has(&w, "x/b/g"));
	world_put(&w, 5, 0, "x", &m, "new", &p);
	assert_true(p.failed && world_has(&w, "d/f"));
	/* temporary names: beside on another file system, and where renaming says so only when it is tried */
	world_dir(&w, 6, "x/m", (struct dir_args){});
	world_put_file(&w, 6, "f", "new");
	world_is(&w, "x/m/f", "new");
	buf_append_str(&link.link, "b");
	world_put(&w, 6, 0, "l", &link, NULL, &p);
	assert_false(p.failed);
	world_dir(&w, 7, "x/b", (struct dir_args){});
	world_put_file(&w, 7, "f", "bound");
	world_is(&w, "d/f", "bound");
	is_time(&w, "d/f");
	world_dir(&w, 8, "x/b", (struct dir_args){});
	world_put(&w, 8, 0, "g", &link, NULL, &p);
	assert_false(p.failed || !S_ISLNK(world_stat(&w, "d/g").st_mode));
	world_send(&w, MSG_SYNC, 9, NULL);
	world_end_session(&w);
	world_run(&w,
		"test \"$(ls -A x/m | tr '\\n' ' ')\" = 'dir f l ' && test \"$(ls -A d | tr '\\n' ' "
		"')\" = 'f g ' && umount x/b x/m");
	buf_release(&link.link);
	world_close(&w);
}

/* ---- dry run, slices, leftovers ---- */

static void test_dry_run(void **state)
{
	struct world w;
	struct buf b = BUF_INIT;
	struct need n[8];
	struct meta file = a_meta(META_REG, 0600, 5), link = a_meta(META_LNK, 0, 0), dir = a_meta(META_DIR, 0700, 0);
	struct msg_dir_done done;
	struct msg_dir_diff diff;
	struct frame f;
	struct put_done p;
	bool failed;

	world_open(&w);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	put_tree(&w);
	world_hello(&w, HELLO_DRY_RUN | HELLO_DELETE | HELLO_ITEMIZE | HELLO_FIRST, NULL, NULL);
	world_run(&w, "find . -printf '%%p %%m %%T@ %%l\\n' | sort > /tmp/rehost-before.$PPID");
	world_dir(&w, 30, "", (struct dir_args){.buckets = 1, .meta = dir});
	world_reply(&w, MSG_DIR_DIFF);
	buf_append_str(&link.link, "elsewhere");
	entry_add(&b, 0, "file", &file, NULL, false);
	entry_add(&b, 0, "link", &link, NULL, false);
	entry_add(&b, 0, "nn", &dir, NULL, false);
	entry_add(&b, 0, "fifo", &dir, NULL, false);
	assert_int_equal(world_list(&w, 30, &b, n, 8), 4);
	assert_int_equal(n[0].op, NEED_METADATA);
	assert_int_equal(n[1].op, NEED_UPDATED);
	assert_int_equal(n[2].op, NEED_CREATED);
	assert_int_equal(n[3].op, NEED_UPDATED);
	world_put(&w, 30, 0, "put", &file, "hello", &p);
	world_put(&w, 30, 0, "putdir", &dir, NULL, &p);
	assert_true(p.made);
	assert_int_equal(world_delete(&w, 30, UINT64_MAX, "sub", &failed), 2);
	world_dir(&w, 31, "nn/below", (struct dir_args){});
	f = world_reply(&w, MSG_DIR_DIFF);
	assert_true(msg_dir_diff_get(&f, &diff) && diff.empty);
	world_put(&w, 31, 0, "put", &file, "hello", &p);
	world_dir_end(&w, 31, &done);
	world_dir_end(&w, 30, &done);
	assert_int_equal(done.set, META_D_MODE);
	world_run(&w,
		"find . -printf '%%p %%m %%T@ %%l\\n' | sort | cmp - /tmp/rehost-before.$PPID && rm "
		"/tmp/rehost-before.$PPID");
	buf_release(&link.link);
	world_close(&w);
}

static void test_no_root(void **state)
{
	struct session_config c = {.root_fd = -1, .read_only = true, .version = "0.0"};
	struct msg_hello m = {.protocol = WIRE_PROTOCOL, .fields = WORLD_FIELDS, .flags = HELLO_DELETE | HELLO_FIRST};
	struct msg_dir_diff diff;
	struct buf b = BUF_INIT;
	struct frame f;
	struct world w;

	world_open(&w);
	w.s = session_new(&c);
	memcpy(m.seed, world_seed, 16);
	msg_hello_put(&b, &m);
	world_send(&w, MSG_HELLO, 1, &b);
	world_reply(&w, MSG_HELLO_OK);
	world_dir(&w, 5, "", (struct dir_args){});
	f = world_reply(&w, MSG_DIR_DIFF);
	assert_true(msg_dir_diff_get(&f, &diff) && diff.empty);
	world_send(&w, MSG_SYNC, 6, NULL);
	world_reply(&w, MSG_OP_DONE);
	world_close(&w);
}

/* What a killed run has left goes; what only has such a name is the user's. */
static void test_leftovers(void **state)
{
	char old[OWN_NAME_SIZE], young[OWN_NAME_SIZE], elsewhere[OWN_NAME_SIZE], in_d[64];
	struct world w;
	uint64_t d;

	world_open(&w);
	world_run(&w, "mkdir d %s .rehost.tmp && touch %s/old .rehost.tmp/users", w.tmp, w.tmp);
	d = world_stat(&w, "d").st_ino;
	own_name_file(old, d, 0x01234567);
	own_name_file(young, d, 0xfe);
	own_name_file(elsewhere, d + 1, 0x01234567);
	world_run(&w, "touch d/%s d/%s d/.rehost.0123456789abcdef", old, elsewhere);
	sleep(2);
	world_run(&w, "touch -d @%d d; chmod 750 d", T0);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	world_run(&w, "touch d/%s; touch -d @%d.123456789 d", young, T0);
	world_dir(&w, 5, "d", (struct dir_args){});
	world_reply(&w, MSG_DIR_DIFF);
	snprintf(in_d, sizeof(in_d), "d/%s", old);
	assert_false(world_has(&w, in_d));
	snprintf(in_d, sizeof(in_d), "d/%s", elsewhere);
	assert_true(world_has(&w, in_d));
	assert_true(world_has(&w, "d/.rehost.0123456789abcdef") && world_has(&w, ".rehost.tmp/users"));
	snprintf(in_d, sizeof(in_d), "d/%s", young);
	assert_true(world_has(&w, in_d)); /* younger than the session: it may be in use */
	world_end_session(&w);
	is_time(&w, "d");
	assert_true(world_has(&w, ".rehost.tmp/users"));
	world_run(&w, "test ! -e %s", w.tmp);
	world_close(&w);
}

/* A root that has got i or a meanwhile is not left with our directory in it, and keeps its flag and its time. */
static void test_tmp_in_locked_root(void **state)
{
	struct world w;

	if (geteuid() != 0)
		skip();
	world_open(&w);
	world_run(&w, "mkdir sub && touch sub/inner");
	world_hello(&w, 0, NULL, NULL);
	world_dir(&w, 12, "sub", (struct dir_args){});
	world_put_file(&w, 12, "inner", "other");
	assert_true(world_has(&w, w.tmp));
	world_run(&w, "touch -d @%d.123456789 . && { chattr +i . 2>/dev/null || touch no-flags; }", T0);
	if (world_has(&w, "no-flags")) {
		world_close(&w);
		skip();
	}
	world_end_session(&w);
	assert_false(world_has(&w, w.tmp));
	is_time(&w, ".");
	world_run(&w, "lsattr -d . | grep -q '^[^ ]*i'");
	world_close(&w);
}

static void test_sync_and_bye(void **state)
{
	struct world w;
	struct msg_op_done done;
	struct frame f;

	world_open(&w);
	world_hello(&w, 0, NULL, NULL);
	world_dir(&w, 5, "", (struct dir_args){.flags = DIR_NEW});
	world_put_file(&w, 5, "f", "x");
	world_send(&w, MSG_SYNC, 9, NULL);
	f = world_reply(&w, MSG_OP_DONE);
	assert_true(msg_op_done_get(&f, &done) && !done.failed);
	assert_int_equal(f.id, 9);
	world_send(&w, MSG_BYE, 10, NULL);
	assert_true(w.over);
	world_no_reply(&w);
	world_close(&w);
}

/* The loop: everything in one write, the answers, the end. */
/* What netcheck asks for: bytes are counted and leave no trace; what the host does not tell is zeros. */
static void test_measuring(void **state)
{
	struct world w;
	struct msg_pong first, second;
	struct sysload load;
	AUTO_BUF bytes = BUF_INIT;
	struct frame f = {};

	world_open(&w);
	world_hello(&w, HELLO_DRY_RUN, NULL, NULL);
	memset(buf_extend(&bytes, 4000), 'x', 4000);
	buf_append(&bytes, "end", 3);
	world_send(&w, MSG_PING, 7, NULL);
	assert_int_equal(w.n, 1);
	assert_int_equal(w.replies[0].type, MSG_PONG);
	assert_int_equal(w.replies[0].id, 7);
	f = (struct frame){.payload = w.replies[0].payload.data, .len = w.replies[0].payload.len};
	assert_true(msg_pong_get(&f, &first));
	assert_int_equal(first.filled, 0);
	world_forget(&w);
	world_send(&w, MSG_FILL, 0, &bytes);
	world_no_reply(&w);
	world_send(&w, MSG_FILL, 0, NULL);
	world_no_reply(&w);
	world_send(&w, MSG_PING, 8, NULL);
	f = (struct frame){.payload = w.replies[0].payload.data, .len = w.replies[0].payload.len};
	assert_true(msg_pong_get(&f, &second));
	assert_int_equal(second.filled, 4003);
	assert_true(second.clock_ns >= first.clock_ns);
	world_forget(&w);
	world_send(&w, MSG_LOAD, 9, NULL);
	assert_int_equal(w.replies[0].type, MSG_LOAD_OK);
	f = (struct frame){.payload = w.replies[0].payload.data, .len = w.replies[0].payload.len};
	assert_true(msg_load_get(&f, &load));
	assert_int_equal(load.cpus, 0);
	world_forget(&w);
	world_run(&w, "[ -z \"$(ls -A)\" ]");
	buf_append_u8(&bytes, 0);
	world_send(&w, MSG_PING, 10, &bytes);
	world_error(&w, DIAG_RECEIVER_PROTOCOL);
	world_close(&w);
}

static void test_serve(void **state)
{
	struct world w;
	struct msg_hello m = {.protocol = WIRE_PROTOCOL, .fields = WORLD_FIELDS};
	AUTO_BUF out = BUF_INIT;
	AUTO_BUF b = BUF_INIT;
	char answer[512];
	int sock[2], status;
	pid_t pid;

	world_open(&w);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	pid = fork();
	if (pid == 0) {
		struct session_config c = {.root_fd = w.root, .version = "0.0"};
		struct session *s = session_new(&c);
		int ret;
		close(sock[0]);
		ret = session_serve(s, sock[1], sock[1]);
		session_free(s);
		_exit(ret);
	}
	close(sock[1]);
	memcpy(m.seed, world_seed, 16);
	msg_hello_put(&b, &m);
	frame_encode(&out, MSG_HELLO, 1, b.data, b.len);
	frame_encode(&out, MSG_SYNC, 2, NULL, 0);
	frame_encode(&out, MSG_BYE, 3, NULL, 0);
	assert_int_equal(fd_write_full(sock[0], out.data, out.len), 0);
	assert_true(fd_read_full(sock[0], answer, sizeof(answer)) > 2 * FRAME_HEADER);
	assert_int_equal(answer[0], MSG_HELLO_OK);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(sock[0]);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_greeting_refused),
		cmocka_unit_test(test_new_tree),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_suspects),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_suspect_unnamed),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_update_needed),
		cmocka_unit_test(test_entry_that_is_none),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_delete_deep),
		cmocka_unit_test(test_obstruction),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_meta),
		cmocka_unit_test(test_symlinks),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_long_path),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_no_root),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_tmp_in_locked_root),
		cmocka_unit_test(test_sync_and_bye),
		cmocka_unit_test(test_measuring),
		cmocka_unit_test(test_serve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
