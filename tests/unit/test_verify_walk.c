/* Where verify goes: large directories, hostile names, rules, mounts, single paths; and how it ends. */
#include "base/ownname.h"
#include "verify_fixture.h"

/* Beyond the bound of a slice on the target, and more on the source. */
static void test_large_directory(void **state)
{
	struct fixture *f = *state;
	const unsigned many = VERIFY_SLICE_ENTRIES + 5000;
	char name[300];

	f->o.mode = VERIFY_QUICK;
	make_dir(f, 'b', "d");
	for (unsigned i = 0; i < many; i++) {
		snprintf(name, sizeof(name), "d/name-%u", i);
		for (const char *side = "st"; *side; side++) {
			char p[PATH_MAX];

			path_of(f, *side, name, p);
			assert_int_equal(symlink(i % 1000 == 999 && *side == 't' ? "y" : "x", p), 0);
			if (i >= many - 10 && *side == 's')
				assert_int_equal(unlink(p), 0);
		}
	}
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	f->o.metadata = false;
	run_from(f, NULL);
	assert_string_equal(buf_cstr(&f->diags), "");
	assert_int_equal(f->counts.files_examined, many - 10 + 2);
	for (unsigned i = 0, n = 0; i < f->said.len; i++) {
		n += f->said.data[i] == '\n';
		if (i + 1 == f->said.len)
			assert_int_equal(n, 37 + 10);
	}
}

/* Any bytes, the longest names, and a path longer than PATH_MAX. */
static void test_hostile_names(void **state)
{
	struct fixture *f = *state;
	char longest[256], part[201];

	memset(longest, 'n', 255);
	longest[255] = '\0';
	put(f, 'b', longest, "x");
	put(f, 'b', "\xff\xfe", "x");
	put(f, 's', "new\nline\x1b[31m", "x");
	put(f, 't', "new\nline\x1b[31m", "y");
	put(f, 'b', "...", "x");
	put(f, 'b', " ", "x");
	memset(part, 'p', 200);
	part[200] = '\0';
	for (const char *side = "st"; *side; side++) {
		int fd = open(*side == 's' ? f->source : f->target, O_RDONLY | O_DIRECTORY);

		for (int i = 0; i < 50; i++) {
			int next;

			assert_int_equal(mkdirat(fd, part, 0755), 0);
			next = openat(fd, part, O_RDONLY | O_DIRECTORY);
			assert_true(next >= 0);
			close(fd);
			fd = next;
		}
		assert_int_equal(mkdirat(fd, *side == 's' ? "bottom-s" : "bottom-t", 0755), 0);
		close(fd);
	}
	f->o.fields &= ~(uint32_t)VERIFY_F_MTIME;
	run_from(f, NULL);
	assert_string_equal(buf_cstr(&f->diags), "");
	assert_non_null(strstr(buf_cstr(&f->said), "content new\\nline\\x1b[31m content\n"));
	assert_non_null(strstr(buf_cstr(&f->said), "/bottom-s\n"));
	assert_non_null(strstr(buf_cstr(&f->said), "/bottom-t\n"));
	assert_true(strlen(strstr(buf_cstr(&f->said), "ppp")) > 10000);
}

/* A link to elsewhere where the source has a directory, or on the way to one, is never followed. */
static void test_links_are_not_followed(void **state)
{
	struct fixture *f = *state;

	make_dir(f, 's', "d");
	put(f, 's', "d/x", "1");
	sym(f, 't', "d", "/etc");
	run(f, "type d type\n");
	run_from(f, &(struct start){.path = "d/x"});
	expect(f, "missing d/x\n");
	assert_int_equal(verify_tree_open(AT_FDCWD, "/tmp", false) >= 0, false);
}

static struct rules *rules_of(const char *list, const char *value)
{
	struct conf c = {.source = {.root = (char *)"/"}};
	struct conf_item item = {.value = (char *)value, .file = (char *)"test", .line = 1};
	struct rules *r = NULL;
	AUTO_DIAG d = DIAG_INIT;

	if (str_eq(list, "exclude"))
		c.rules.exclude = (struct conf_list){.items = &item, .len = 1};
	else
		c.rules.sync_only = (struct conf_list){.items = &item, .len = 1};
	assert_true(rules_new(&c, RULES_SYNC, &r, &d));
	return r;
}

static void test_rules(void **state)
{
	struct fixture *f = *state;
	struct rules *r = rules_of("exclude", "/out");

	make_dir(f, 's', "out");
	put(f, 's', "out/x", "1");
	make_dir(f, 't', "out");
	put(f, 't', "out/y", "2");
	put(f, 'b', "in", "1");
	f->o.rules = r;
	run(f, "");
	assert_int_equal(f->counts.files_examined, 2);
	rules_free(r);
	r = rules_of("only", "/srv/app");
	make_dir(f, 'b', "srv");
	make_dir(f, 'b', "srv/app");
	put(f, 's', "srv/app/x", "1");
	put(f, 't', "srv/other", "1");
	put(f, 't', "loose", "1");
	chmod(f->target, 0755);
	f->o.rules = r;
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	{
		char p[PATH_MAX];

		path_of(f, 't', "srv", p); /* a passage: its own metadata do not matter */
		assert_int_equal(chmod(p, 0700), 0);
	}
	run_from(f, NULL);
	expect(f, "missing srv/app/x\n");
	rules_free(r);
}

/* A directory that only the target has, and that stays for what is protected in it. */
static void test_extra_above_protected(void **state)
{
	struct fixture *f = *state;
	struct rules *r = rules_of("exclude", "/three/sub/kept");

	f->o.rules = r;
	make_dir(f, 't', "three");
	make_dir(f, 't', "three/sub");
	put(f, 't', "three/sub/kept", "1");
	make_dir(f, 't', "four");
	run(f, "extra four\n");
	assert_int_equal(f->counts.files_vanished, 0);
	put(f, 't', "three/sub/other", "1");
	make_dir(f, 't', "three/more");
	put(f, 't', "three/more/x", "1");
	run(f, "extra four\nextra three/more\nextra three/sub/other\n");
	run_from(f, &(struct start){.path = "three"});
	expect(f, "");
	run_from(f, &(struct start){.path = "three", .recurse = true});
	expect(f, "extra three/more\nextra three/sub/other\n");
	/* It went after the last sync. */
	f->o.changed_since_ns = 0;
	{
		struct stat st;

		assert_int_equal(stat(f->source, &st), 0);
		f->o.changed_since_ns = st.st_ctim.tv_sec * NS_PER_S + st.st_ctim.tv_nsec;
	}
	run_from(f, NULL);
	expect(f, "changed four extra\nchanged three/more extra\nchanged three/sub/other extra\n");
	rules_free(r);
	/* A path list of what only is wanted protects all else. */
	f->o.changed_since_ns = clock_real_ns() + 3600 * NS_PER_S;
	r = rules_of("only", "/three/sub");
	f->o.rules = r;
	run(f, "extra three/sub\n");
	rules_free(r);
}

static void test_skip_and_temporaries(void **state)
{
	struct fixture *f = *state;
	struct verifier_inode skip;
	char p[PATH_MAX], own[OWN_NAME_SIZE];
	struct stat st;

	make_dir(f, 's', "state");
	put(f, 's', "state/x", "1");
	path_of(f, 't', ".", p);
	assert_int_equal(stat(p, &st), 0);
	own_name_dir(own, st.st_ino);
	make_dir(f, 't', own);
	make_dir(f, 'b', "d");
	make_dir(f, 't', ".rehost.tmp"); /* the user's, as any other */
	path_of(f, 's', "state", p);
	assert_int_equal(stat(p, &st), 0);
	skip = (struct verifier_inode){st.st_dev, st.st_ino};
	f->o.skip = &skip;
	f->o.skip_count = 1;
	run(f, "extra .rehost.tmp\n");
}

/* Another mount's root within the first, mapped elsewhere. */
static void test_mapped_mount(void **state)
{
	struct fixture *f = *state;
	char p[PATH_MAX];

	make_dir(f, 's', "data");
	put(f, 's', "data/x", "1");
	make_dir(f, 't', "data");
	make_dir(f, 't', "disk");
	make_dir(f, 't', "disk/two");
	put(f, 't', "disk/two/x", "2");
	path_of(f, 's', "data", p);
	f->mounts[1] =
		(struct verifier_mount){.fd = open(p, O_RDONLY | O_DIRECTORY), .rel = "data", .target_rel = "disk/two"};
	f->o.mount_count = 2;
	run(f, "content data/x content\n");
	assert_int_equal(f->counts.files_examined, 3);
	assert_int_equal(rmdir((path_of(f, 't', "data", p), p)), 0);
	run(f, "content data/x content\nmissing data\n");
	close(f->mounts[1].fd);
}

static void test_paths(void **state)
{
	struct fixture *f = *state;

	make_dir(f, 'b', "d");
	make_dir(f, 'b', "d/e");
	put(f, 's', "d/e/f", "1");
	put(f, 't', "d/e/f", "2");
	put(f, 't', "d/extra", "2");
	put(f, 's', "d/missing", "2");
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	run_from(f, &(struct start){.path = "d/e/f"});
	expect(f, "content d/e/f content\n");
	assert_int_equal(f->counts.files_examined, 1);
	run_from(f, &(struct start){.path = "d/extra"});
	expect(f, "extra d/extra\n");
	run_from(f, &(struct start){.path = "d/missing"});
	expect(f, "missing d/missing\n");
	run_from(f, &(struct start){.path = "d/nowhere"});
	expect(f, "");
	run_from(f, &(struct start){.path = "no/where/at/all"});
	expect(f, "");
	assert_int_equal(f->counts.files_examined, 0);
	run_from(f, &(struct start){.path = "d"});
	expect(f, "");
	assert_int_equal(f->counts.files_examined, 1);
	run_from(f, &(struct start){.path = "d", .recurse = true});
	expect(f, "content d/e/f content\nextra d/extra\nmissing d/missing\n");
	run_from(f, &(struct start){.path = ""});
	expect(f, "");
	run_from(f, &(struct start){.path = "", .recurse = true});
	expect(f, "content d/e/f content\nextra d/extra\nmissing d/missing\n");
}

/* As an ordinary user: what cannot be read is said, and is no difference. */
static void test_unreadable(void **state)
{
	struct fixture *f = *state;
	char p[PATH_MAX];

	put(f, 's', "x", "1");
	put(f, 't', "x", "2");
	put(f, 's', "y", "1");
	put(f, 't', "y", "2");
	make_dir(f, 'b', "d");
	path_of(f, 't', "x", p);
	assert_int_equal(chmod(p, 0), 0);
	path_of(f, 's', "x", p);
	assert_int_equal(chmod(p, 0), 0);
	path_of(f, 't', "d", p);
	assert_int_equal(chmod(p, 0), 0);
	path_of(f, 's', "d", p);
	assert_int_equal(chmod(p, 0), 0);
	chmod(f->top, 0755);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	run_from(f, NULL);
	assert_int_equal(seteuid(getuid()), 0);
	assert_int_equal(f->counts.files_failed, 2);
	assert_non_null(strstr(buf_cstr(&f->diags), "'x' at the source"));
	assert_non_null(strstr(buf_cstr(&f->diags), "'d' at the source"));
	assert_non_null(strstr(buf_cstr(&f->said), "content y content"));
	assert_null(strstr(buf_cstr(&f->said), "content x"));
	path_of(f, 't', "d", p);
	chmod(p, 0700);
	path_of(f, 's', "d", p);
	chmod(p, 0700);
}

/* The other end goes away, or is of another version, or talks nonsense. */
static void test_link_ends(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint8_t type;
		uint8_t payload[12];
		size_t len;
		enum result want;
		enum diag_code code;
	} cases[] = {
		{0, {}, 0, RES_RETRY, DIAG_VERIFY_LINK_LOST},
		{V_ERROR, {9}, 4, RES_FATAL, DIAG_VERIFY_VERSION},
		{V_ERROR, {9}, 3, RES_FATAL, DIAG_VERIFY_PROTOCOL},
		{V_RECORDS, {1, 2, 3}, 3, RES_FATAL, DIAG_VERIFY_PROTOCOL},
		{V_HELLO_OK, {1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0}, 12, RES_FATAL, DIAG_VERIFY_PROTOCOL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_DIAG d = DIAG_INIT;
		AUTO_BUF out = BUF_INIT;
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		f->mounts[0].fd = open(f->source, O_RDONLY | O_DIRECTORY);
		f->o.wire_fd = pair[0];
		f->o.callbacks = (struct verifier_callbacks){
			f, on_give, on_difference, on_pair, on_counts, on_diag, on_diag, on_done};
		f->v = verifier_new(&f->o);
		verifier_add_dir(f->v, 0, 0, "", "");
		assert_int_equal(verifier_step(f->v, &d), RES_OK);
		if (cases[i].type) {
			frame_encode(&out, cases[i].type, 0, cases[i].payload, cases[i].len);
			assert_int_equal(fd_write_full(pair[1], out.data, out.len), 0);
		} else {
			close(pair[1]);
		}
		assert_int_equal(verifier_step(f->v, &d), cases[i].want);
		assert_int_equal(d.code, cases[i].code);
		verifier_free(f->v);
		close(f->mounts[0].fd);
		close(pair[0]);
		if (cases[i].type)
			close(pair[1]);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_large_directory),
		T(test_hostile_names),
		T(test_links_are_not_followed),
		T(test_rules),
		T(test_extra_above_protected),
		T(test_skip_and_temporaries),
		T(test_mapped_mount),
		T(test_paths),
		T(test_unreadable),
		T(test_link_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
