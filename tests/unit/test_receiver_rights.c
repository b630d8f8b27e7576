/* Who may do what with an inode while the receiver works on it: what is there is tightened before new contents or
 * entries come, and what is given is given at the end; devices are never opened. As root. */
#include "receiver_world.h"

#include <sys/inotify.h>

#define USER 54321

static void file_frame(struct world *w, uint8_t flags, const char *name, const struct meta *m)
{
	struct msg_file f = {.flags = flags, .dir = 5, .name = str_bytes(name), .size = m->size};
	AUTO_BUF packed = BUF_INIT;
	struct buf b = BUF_INIT;

	meta_pack(&packed, m, WORLD_FIELDS);
	f.meta = (struct bytes){packed.data, packed.len};
	msg_file_put(&b, &f);
	world_send(w, MSG_FILE, 1, &b);
}

static void data_frame(struct world *w, const char *text)
{
	struct buf b = BUF_INIT;

	msg_data_head_put(&b, 0);
	buf_append_str(&b, text);
	world_send(w, MSG_DATA, 1, &b);
	world_no_reply(w);
}

static struct msg_file_done end_frame(struct world *w, const struct meta *m)
{
	struct msg_file_end e = {};
	AUTO_BUF packed = BUF_INIT;
	struct msg_file_done done;
	struct buf b = BUF_INIT;
	struct frame f;

	meta_pack(&packed, m, WORLD_FIELDS);
	e.meta = (struct bytes){packed.data, packed.len};
	msg_file_end_put(&b, &e);
	world_send(w, MSG_FILE_END, 1, &b);
	f = world_reply(w, MSG_FILE_DONE);
	assert_true(msg_file_done_get(&f, &done));
	diag_release(&done.diag);
	return done;
}

static void must_be_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("skipped: needs root\n");
	skip();
}

struct change {
	mode_t mode, new_mode;
	uid_t uid, new_uid;
	gid_t gid, new_gid;
	const char *acl; /* setfacl's words for what it has, or NULL */
	mode_t meanwhile;
	uid_t owner_meanwhile;
};

/* What it has, what it shall have, and what it has in between: never more than both. */
static const struct change file_changes[] = {
	{04755, 0755, 0, USER, 0, 0, NULL, 0755, 0}, /* set-id for root, and another's now */
	{04755, 04755, 0, 0, 0, 0, NULL, 04755, 0},
	{0644, 0600, 0, 0, 0, 0, NULL, 0600, 0}, /* a secret now */
	{0600, 0644, 0, 0, 0, 0, NULL, 0600, 0},
	{0664, 0646, 0, 0, 0, 0, NULL, 0644, 0},
	{0640, 0640, 0, 0, 10, 20, NULL, 0600, 0}, /* another group */
	{0600, 0600, USER, 0, 0, 0, NULL, 0600, 0}, /* not his any more: he could give himself back what he lost */
	{0640, 0640, 0, 0, 0, 0, "u:54321:r", 0600, 0}, /* the ACL goes */
	{0444, 0400, 0, 0, 0, 0, NULL, 0600, 0},
};
static const struct change dir_changes[] = {
	{0755, 0700, 0, 0, 0, 0, NULL, 0700, 0},
	{0700, 0755, 0, 0, 0, 0, NULL, 0700, 0},
	{01777, 0770, 0, 0, 0, 0, NULL, 01770, 0},
	{02775, 02750, 0, 0, 10, 20, NULL, 02700, 0},
	{0755, 0755, USER, 0, 0, 0, NULL, 0755, 0},
	{0755, 0755, 0, USER, 0, 0, NULL, 0755, 0},
	{0750, 0750, 0, 0, 0, 0, "u:54321:rx", 0700, 0},
	{0755, 0755, 0, 0, 0, 0, NULL, 0755, 0},
};

static void has(struct world *w, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	const struct stat st = world_stat(w, name);

	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_gid, gid);
}

static struct meta wanted(const struct change *c, uint8_t type, uint64_t size)
{
	struct meta m = a_meta(type, (uint16_t)c->new_mode, size);

	m.uid = c->new_uid;
	m.gid = c->new_gid;
	return m;
}

static void prepare(struct world *w, const char *name, const struct change *c)
{
	world_run(w, "chown %u:%u %s && chmod %o %s", c->uid, c->gid, name, c->mode, name);
	if (c->acl)
		world_run(w, "setfacl -m %s %s", c->acl, name);
}

static void test_in_place(void **state)
{
	(void)state;
	must_be_root();
	for (size_t i = 0; i < ARRAY_LEN(file_changes); i++) {
		const struct change *c = &file_changes[i];
		const struct meta m = wanted(c, META_REG, 6);
		struct world w;

		world_open(&w);
		world_run(&w, "printf old--- >f");
		prepare(&w, "f", c);
		world_hello(&w, HELLO_FIRST | HELLO_INPLACE, NULL, NULL);
		world_dir(&w, 5, "", (struct dir_args){.buckets = 1});
		file_frame(&w, FILE_UPDATE, "f", &m);
		has(&w, "f", c->meanwhile, c->owner_meanwhile, c->gid);
		world_is(&w, "f", "old---");
		data_frame(&w, "secret");
		world_is(&w, "f", "secret");
		has(&w, "f", c->meanwhile, c->owner_meanwhile, c->gid);
		assert_int_equal(end_frame(&w, &m).status, FILE_COMMITTED);
		has(&w, "f", c->new_mode, c->new_uid, c->new_gid);
		world_run(&w, "! getfacl -c f 2>/dev/null | grep -q 54321");
		world_close(&w);
	}
}

static void test_directory(void **state)
{
	(void)state;
	must_be_root();
	for (size_t i = 0; i < ARRAY_LEN(dir_changes); i++) {
		const struct change *c = &dir_changes[i];
		struct msg_dir_done done;
		struct world w;

		world_open(&w);
		world_run(&w, "mkdir d && touch d/old");
		prepare(&w, "d", c);
		world_hello(&w, HELLO_FIRST, NULL, NULL);
		world_dir(&w, 5, "d", (struct dir_args){.buckets = 1, .meta = wanted(c, META_DIR, 0)});
		has(&w, "d", c->meanwhile, c->owner_meanwhile, c->gid);
		world_put_file(&w, 5, "new", "secret");
		has(&w, "d", c->meanwhile, c->owner_meanwhile, c->gid);
		world_dir_end(&w, 5, &done);
		assert_false(done.failed);
		has(&w, "d", c->new_mode, c->new_uid, c->new_gid);
		world_close(&w);
	}
}

/* The link is lost: what has come stays hidden. */
static void test_directory_given_up(void **state)
{
	struct world w;

	(void)state;
	world_open(&w);
	world_run(&w, "mkdir -m 0755 d && touch d/old");
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	world_dir(&w, 5, "d", (struct dir_args){.buckets = 1, .meta = a_meta(META_DIR, 0700, 0)});
	world_put_file(&w, 5, "new", "secret");
	world_end_session(&w);
	assert_int_equal(world_stat(&w, "d").st_mode & 07777, 0700);
	world_close(&w);
}

/* What is new has nobody's rights but ours until it is finished, whatever it inherits. */
static void test_new(void **state)
{
	const struct meta m = a_meta(META_REG, 0666, 6);
	struct meta dir = a_meta(META_DIR, 0777, 0);
	struct put_done p;
	struct world w;

	(void)state;
	must_be_root();
	world_open(&w);
	world_run(&w, "touch old && chmod 0777 . && setfacl -d -m u:54321:rwx,m::rwx .");
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	world_dir(&w, 5, "", (struct dir_args){.buckets = 1, .meta = dir});
	file_frame(&w, 0, "f", &m);
	data_frame(&w, "secret");
	assert_int_equal(world_stat(&w, "f").st_mode & 07777, 0600);
	assert_int_equal(end_frame(&w, &m).status, FILE_COMMITTED);
	assert_int_equal(world_stat(&w, "f").st_mode & 07777, 0666);
	world_put(&w, 5, 0, "d", &dir, NULL, &p);
	assert_int_equal(world_stat(&w, "d").st_mode & 07777, 0700);
	world_close(&w);
}

/* ---- devices ---- */

static void not_opened(struct world *w, int notify)
{
	struct inotify_event event;

	assert_int_equal(read(notify, &event, sizeof(event)), -1);
	assert_int_equal(errno, EAGAIN);
}

static void test_device(void **state)
{
	const struct meta m = a_meta(META_REG, 0644, 6);
	const int notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct msg_file segment = {.flags = FILE_SEGMENT | FILE_UPDATE,
		.path = str_bytes("dev"),
		.basis_path = str_bytes("dev"),
		.size = 6};
	AUTO_FREE char *path = NULL;
	struct msg_op_done done;
	struct buf b = BUF_INIT;
	AUTO_BUF packed = BUF_INIT;
	struct world w;
	struct frame f;

	(void)state;
	must_be_root();
	world_open(&w);
	world_run(&w, "mknod dev c 1 3");
	path = xasprintf("%s/dev", w.path);
	assert_true(inotify_add_watch(notify, path, IN_OPEN) >= 0);
	world_hello(&w, HELLO_FIRST, NULL, NULL);
	world_dir(&w, 5, "", (struct dir_args){.buckets = 1});
	/* The peer calls it a file: in a listing, by its metadata, as what is updated, as what others write. */
	msg_list_head_put(&b, true, (const uint8_t *)"\xff", 1);
	entry_add(&b, 0, "dev", &m, NULL, false);
	world_send(&w, MSG_LIST, 5, &b);
	(void)world_reply(&w, MSG_NEED);
	not_opened(&w, notify);
	meta_pack(&packed, &m, WORLD_FIELDS);
	msg_meta_put(&b, &(struct msg_meta){.dir = 5, .name = str_bytes("dev"), .meta = {packed.data, packed.len}});
	world_send(&w, MSG_META, 7, &b);
	f = world_reply(&w, MSG_OP_DONE);
	assert_true(msg_op_done_get(&f, &done));
	assert_true(done.failed);
	diag_release(&done.diag);
	not_opened(&w, notify);
	file_frame(&w, FILE_UPDATE, "dev", &m);
	not_opened(&w, notify);
	msg_file_put(&b, &segment);
	world_send(&w, MSG_FILE, 2, &b);
	not_opened(&w, notify);
	close(notify);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_directory_given_up),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_device),
	};

	return cmocka_run_group_tests_name("receiver_rights", tests, NULL, NULL);
}
