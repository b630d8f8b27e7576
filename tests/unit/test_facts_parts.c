/* What sections are made with: values as JSON, tables of fields, looks that hang, and the directory that a copy goes to. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/jsontext.h"
#include "facts/apart.h"
#include "facts/facts.h"
#include "facts/fields.h"
#include "facts/mountinfo.h"
#include "facts/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char *printed(struct value *v)
{
	struct buf b = BUF_INIT;

	value_print(&b, v);
	value_free(v);
	return buf_detach(&b);
}

static void test_values(void **state)
{
	struct value *o = value_object(), *list = put_array(o, "list"), *in = add_object(list);
	AUTO_FREE char *text = NULL;

	put_text(in, "quote\"", "a\\b\n\x01");
	put_text(in, "bytes", "\xff\\");
	put_text(in, "none", NULL);
	add_text(list, "x");
	put_u64(o, "whole", UINT64_C(1) << 53);
	put_u64(o, "more", UINT64_MAX);
	value_put(o, "part", value_number(0.25));
	value_put(o, "infinite", value_number(1e308 * 10));
	put_bool(o, "yes", true);
	put_null(o, "null");
	value_put(o, "raw", value_raw(xstrdup("{\"a\":[1]}")));
	assert_null(value_raw(xstrdup("{\"a\":[1]")));
	put_unknown(o, "this", "why", ENOENT);
	put_unknown(o, "that", NULL, EACCES);
	text = printed(o);
	assert_string_equal(text,
		"{\"list\":[{\"quote\\\"\":\"a\\\\b\\n\\u0001\",\"bytes\":\"\\\\xff\\\\\\\\\",\"none\":null},\"x\"],"
		"\"whole\":9007199254740992,\"more\":\"18446744073709551615\",\"part\":0.25,\"infinite\":null,\"yes\":"
		"true,"
		"\"null\":null,\"raw\":{\"a\":[1]},\"unknown\":[{\"what\":\"this\",\"why\":\"why: No such file or "
		"directory\"},"
		"{\"what\":\"that\",\"why\":\"Permission denied\"}]}");
	assert_true(jsontext_valid(text, strlen(text), 64, 100));
}

static void test_replace(void **state)
{
	struct value *o = value_object();
	AUTO_FREE char *text = NULL;

	for (int i = 0; i < 3; i++)
		put_null(o, (const char *[]){"a", "b", "c"}[i]);
	value_replace(o, "a", value_number(1));
	value_replace(o, "c", value_number(3));
	value_replace(o, "d", value_number(4));
	put_null(o, "e");
	value_count(value_find(o, "c"));
	assert_null(value_find(o, "f"));
	assert_true(value_has_items(o));
	text = printed(o);
	assert_string_equal(text, "{\"a\":1,\"b\":null,\"c\":4,\"d\":4,\"e\":null}");
}

static void test_fields(void **state)
{
	char text[] = "a\\040b\tc\\134\\  \\000\\400\\09 \r\n\n  d\n a  b";
	char *at = text, *line, *none = NULL;

	line = fields_line(&at);
	assert_string_equal(fields_word(&line), "a b");
	assert_string_equal(fields_word(&line), "c\\\\");
	assert_string_equal(fields_word(&line), "\\000\\400\\09");
	assert_null(fields_word(&line));
	assert_null(fields_word(&line));
	line = fields_line(&at);
	assert_null(fields_word(&line));
	line = fields_line(&at);
	assert_string_equal(fields_word(&line), "d");
	line = fields_line(&at);
	assert_string_equal(fields_cell(&line), "");
	assert_string_equal(fields_cell(&line), "a");
	assert_string_equal(fields_cell(&line), "");
	assert_string_equal(fields_cell(&line), "b");
	assert_null(fields_cell(&line));
	assert_null(fields_line(&at));
	assert_null(fields_line(&none));
}

/* ---- a host in a directory ---- */

static char top[64];

static void put(const char *path, const char *text)
{
	AUTO_FREE char *whole = xasprintf("%s%s", top, path);
	AUTO_FREE char *dir = xstrdup(whole);

	*strrchr(dir, '/') = '\0';
	assert_int_equal(fd_mkdir_p(dir, 0755), 0);
	assert_int_equal(fd_write_file_mode(AT_FDCWD, whole, 0644, text, strlen(text)), 0);
}

static int make_host(void **state)
{
	strcpy(top, "/tmp/rehost-facts.XXXXXX");
	assert_non_null(mkdtemp(top));
	return 0;
}

static int remove_host(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -rf %s", top);

	return system(command);
}

static void test_mountinfo(void **state)
{
	static const struct mounted want[] = {
		{"/", "/", "8:1", "ext4", "/dev/sda1", "ro,relatime,errors=remount-ro"},
		{"/a b", "/sub\n", "0:31", "tmpfs", "", "rw,nosuid,size=1k"},
		{"/x", "/", "0:5", "fuse.x", "with space", "rw"},
		{"/gone", "/", "0:6", "tmpfs", "t", "rw"},
	};
	AUTO_FREE char *sys = xasprintf("%s/sys/dev/block", top);
	AUTO_FREE char *link = xasprintf("%s/8:1", sys);
	struct mountinfo info;
	struct mounted m;
	struct tree t;

	put("/proc/self/mountinfo",
		"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root ro,errors=remount-ro\n"
		"nonsense\n1 2 3:4 / /cut rw\n1 2 3:4 / /cut rw - ext4\n"
		"22 21 0:31 /sub\\012 /a\\040b rw,nosuid shared:2 master:1 - tmpfs  rw,size=1k\n"
		"23 21 0:5 / /x rw - fuse.x with\\040space rw\n"
		"24 21 0:6 / /gone\\040(deleted) rw - tmpfs t rw");
	assert_int_equal(fd_mkdir_p(sys, 0755), 0);
	assert_int_equal(symlink("../../devices/virtual/block/sda/sda1", link), 0);
	assert_true(tree_open(&t, top));
	assert_true(mountinfo_open(&info, &t));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(mountinfo_next(&info, &m));
		assert_string_equal(m.path, want[i].path);
		assert_string_equal(m.root, want[i].root);
		assert_string_equal(m.dev, want[i].dev);
		assert_string_equal(m.type, want[i].type);
		assert_string_equal(m.source, want[i].source);
		assert_string_equal(m.options, want[i].options);
	}
	assert_false(mountinfo_next(&info, &m));
	mountinfo_release(&info);
	tree_close(&t);
}

static void test_fstab(void **state)
{
	struct value *s = value_object();
	AUTO_FREE char *text = NULL;
	struct tree t;

	put("/etc/fstab",
		"# a comment\n\n  # another\nUUID=1-2 /\text4 defaults 0 1\n/dev/b /with\\040space xfs\n//s/share /s "
		"cifs "
		"user=x,\\054 0 x\nshort /short\nLABEL=swap none swap sw\r\n");
	assert_true(tree_open(&t, top));
	probe_mounts(&t, s);
	tree_close(&t);
	text = printed(s);
	assert_non_null(strstr(text,
		"\"fstab\":[{\"path\":\"/"
		"\",\"type\":\"ext4\",\"source\":\"UUID=1-2\",\"options\":\"defaults\",\"pass\":1},"
		"{\"path\":\"/with space\",\"type\":\"xfs\",\"source\":\"/dev/b\",\"options\":null,\"pass\":0},"
		"{\"path\":\"/s\",\"type\":\"cifs\",\"source\":\"//s/share\",\"options\":\"user=x,,\",\"pass\":0},"
		"{\"path\":\"none\",\"type\":\"swap\",\"source\":\"LABEL=swap\",\"options\":\"sw\",\"pass\":0}]"));
}

/* ---- the directory that a copy goes to ---- */

static char *target_of(const char *path)
{
	AUTO_FREE char *whole = xasprintf("%s%s", top, path);
	struct value *s = value_object();
	struct tree t;

	assert_true(tree_open(&t, "/"));
	t.target = whole;
	probe_target(&t, s);
	tree_close(&t);
	return printed(s);
}

static void says(const char *path, const char *want)
{
	AUTO_FREE char *text = target_of(path);

	if (!strstr(text, want))
		fail_msg("%s: no %s in %s", path, want, text);
}

static void test_target(void **state)
{
	AUTO_FREE char *busy = xasprintf("%s/busy", top), *closed = xasprintf("%s/closed/in", top),
		       *dangling = xasprintf("%s/dangling", top);

	put("/held/a/b/file", "");
	put("/deep/a/b/c/file", "");
	put("/clean/lost+found/file", "");
	put("/clean/.rehost.tmp.12/file", "");
	assert_int_equal(fd_mkdir_p(busy, 0755), 0);
	for (int i = 0; i < 1100; i++) {
		AUTO_FREE char *name = xasprintf("%s/%d", busy, i);

		assert_int_equal(mkdir(name, 0700), 0);
	}
	says("/held", "\"entries\":1,\"others\":true,\"temporaries\":[]");
	says("/deep", "\"entries\":1,\"others\":false");
	says("/clean", "\"entries\":0,\"others\":false,\"temporaries\":[\".rehost.tmp.12\"]");
	says("/busy", "\"entries\":1000,\"others\":false");
	says("/clean/no/where", "\"exists\":false,\"parent\":\"");
	says("/clean/no/where", "/clean/no/where\",\"exists\":false");
	says("/held/a/b/file", "\"exists\":true,\"directory\":false,\"live\":false");
	assert_int_equal(symlink("/nowhere/at/all", dangling), 0);
	says("/dangling", "\"exists\":false");
	if (geteuid() == 0)
		return; /* may look into anything */
	assert_int_equal(fd_mkdir_p(closed, 0755), 0);
	assert_int_equal(chmod(closed, 0), 0);
	says("/closed", "\"others\":null");
}

/* ---- looks that hang ---- */

static int look_well(const void *arg, struct buf *out)
{
	buf_append_str(out, arg);
	return 0;
}

static int look_ill(const void *arg, struct buf *out)
{
	return ENOTCONN;
}

static int look_dead(const void *arg, struct buf *out)
{
	raise(SIGKILL);
	return 0;
}

/* One that cannot even be killed must not hold what its parent is awaited by. */
static int look_at_descriptors(const void *arg, struct buf *out)
{
	const int *held = arg;

	return fcntl(held[0], F_GETFD) < 0 && fcntl(held[1], F_GETFD) < 0 ? 0 : EBUSY;
}

static int look_for_ever(const void *arg, struct buf *out)
{
	while (pause())
		;
	return 0;
}

static void test_apart(void **state)
{
	AUTO_BUF b = BUF_INIT;
	int64_t began = clock_mono_ns();
	int held[2];

	assert_int_equal(apart(look_well, "x", &b), 0);
	assert_string_equal(buf_cstr(&b), "x");
	assert_int_equal(apart(look_ill, NULL, &b), ENOTCONN);
	assert_int_equal(apart(look_dead, NULL, &b), EIO);
	assert_true(clock_mono_ns() - began < NS_PER_S);
	assert_int_equal(pipe(held), 0);
	assert_int_equal(dup2(held[0], 70), 70);
	assert_int_equal(dup2(held[1], 71), 71);
	assert_int_equal(apart(look_at_descriptors, (const int[]){70, 71}, &b), 0);
	for (size_t i = 0; i < 2; i++) {
		close(held[i]);
		close(70 + (int)i);
	}
	began = clock_mono_ns();
	assert_int_equal(apart(look_for_ever, NULL, &b), ETIMEDOUT);
	assert_true(clock_mono_ns() - began < 5 * NS_PER_S);
}

/* ---- gathering for somebody who goes ---- */

static void test_peer(void **state)
{
	struct facts_sections *s = xcalloc(1, sizeof(*s));
	struct facts_options o = {.root = top, .has_peer = true};
	AUTO_DIAG d = DIAG_INIT;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	o.peer = pair[0];
	assert_int_equal(write(pair[1], "x", 1), 1); /* what waits to be read does not matter */
	assert_true(facts_gather_sections(&o, s, &d));
	assert_int_equal(s->count, 13);
	assert_false(s->live);
	for (size_t i = 0; i < s->count; i++)
		assert_true(!s->all[i].unknown &&
			jsontext_valid(s->all[i].text.data, s->all[i].text.len, FACTS_DEPTH, FACTS_VALUES));
	facts_sections_release(s);
	o.target = "/";
	assert_true(facts_gather_sections(&o, s, &d));
	assert_string_equal(s->all[s->count - 1].name, "target_root");
	facts_sections_release(s);
	close(pair[1]);
	assert_false(facts_gather_sections(&o, s, &d));
	assert_false(diag_is_set(&d));
	close(pair[0]);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_fields),
		cmocka_unit_test_setup_teardown(test_mountinfo, make_host, remove_host),
		cmocka_unit_test_setup_teardown(test_fstab, make_host, remove_host),
		cmocka_unit_test_setup_teardown(test_target, make_host, remove_host),
		cmocka_unit_test(test_apart),
		cmocka_unit_test_setup_teardown(test_peer, make_host, remove_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
