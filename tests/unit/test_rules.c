/*
 * Rules: the path lists by example, the filter rules by example and against the real rsync on random trees
 * (when there is one), packing both ways.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/origins.h"
#include "rules/rules.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct conf *load(const char *text)
{
	struct conf_errors errors = {0};
	struct conf *c = conf_load_text(text, strlen(text), "test.conf", NULL, 0, &errors);

	if (!c)
		print_message("%s\n", buf_cstr(&errors.text));
	assert_non_null(c);
	conf_errors_release(&errors);
	return c;
}

static struct rules *compile(const char *text, enum rules_phase phase)
{
	struct conf *c = load(text);
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r;

	assert_true(rules_new(c, phase, &r, &d));
	conf_free(c);
	return r;
}

/* "h" hidden, "p" protected, "t" passage, all that hold; "" nothing. */
static const char *ask(const struct rules *r, const char *path, bool is_dir)
{
	static const char *const answers[] = {"", "h", "p", "hp", "t", "ht", "pt", "hpt"};
	struct rules_verdict v, again;
	AUTO_BUF b = BUF_INIT;
	struct rules *copy;

	rules_match_path(r, path, is_dir, &v);
	rules_pack(r, &b);
	assert_true(rules_unpack(b.data, b.len, &copy));
	rules_match_path(copy, path, is_dir, &again);
	assert_int_equal(again.hide, v.hide);
	assert_int_equal(again.protect, v.protect);
	assert_int_equal(again.passage, v.passage);
	assert_null(again.rule);
	rules_free(copy);
	return answers[v.hide + 2 * v.protect + 4 * v.passage];
}

static void lists_hide_and_protect(void **state)
{
	struct rules *r = compile(
		"[rules]\nexclude = /var//cache/, /home/./x\ncopy_exclude = /tmp\nsync_exclude = /etc\n", RULES_COPY);

	assert_string_equal(ask(r, "var", true), "");
	assert_string_equal(ask(r, "var/cache", true), "hp");
	assert_string_equal(ask(r, "var/cache", false), "hp");
	assert_string_equal(ask(r, "var/cache/deep/file", false), "hp");
	assert_string_equal(ask(r, "var/cachefile", false), "");
	assert_string_equal(ask(r, "home/x", false), "hp");
	assert_string_equal(ask(r, "tmp", true), "hp");
	assert_string_equal(ask(r, "etc", true), "");
	assert_string_equal(ask(r, "", true), "");
	rules_free(r);
	r = compile("[rules]\ncopy_exclude = /tmp\nsync_exclude = /etc\n", RULES_SYNC);
	assert_string_equal(ask(r, "tmp", true), "");
	assert_string_equal(ask(r, "etc", true), "hp");
	rules_free(r);
	r = compile("[rules]\ncopy_exclude = /tmp\n", RULES_SYNC);
	assert_true(rules_empty(r));
	rules_free(r);
}

static void contents_keep_the_directory(void **state)
{
	struct rules *r = compile("[rules]\nexclude = /proc/*, /a//b//*, /x*\n", RULES_SYNC);

	assert_string_equal(ask(r, "proc", true), "");
	assert_string_equal(ask(r, "proc/1", true), "hp");
	assert_string_equal(ask(r, "proc/1/stat", false), "hp");
	assert_string_equal(ask(r, "a/b", true), "");
	assert_string_equal(ask(r, "a/b/c", false), "hp");
	assert_string_equal(ask(r, "xy", false), "");
	assert_string_equal(ask(r, "x*", false), "hp");
	rules_free(r);
	r = compile("[rules]\nexclude = /*\n", RULES_SYNC);
	assert_string_equal(ask(r, "anything", false), "hp");
	rules_free(r);
	r = compile("[rules]\nexclude = /\n", RULES_SYNC);
	assert_string_equal(ask(r, "anything", false), "hp");
	rules_free(r);
}

static void sync_only_leaves_passages(void **state)
{
	struct rules *r = compile("[rules]\nsync_only = /srv/data/web, /opt/*\nsync_exclude = /srv/data/web/cache\n"
				  "exclude = /srv/data/web/tmp\n",
		RULES_SYNC);

	assert_string_equal(ask(r, "srv", true), "t");
	assert_string_equal(ask(r, "srv", false), "hp");
	assert_string_equal(ask(r, "srv/other", true), "hp");
	assert_string_equal(ask(r, "srv/data", true), "t");
	assert_string_equal(ask(r, "srv/data/web", true), "");
	assert_string_equal(ask(r, "srv/data/web", false), "");
	assert_string_equal(ask(r, "srv/data/web/a/b", false), "");
	assert_string_equal(ask(r, "srv/data/web/cache", true), "hp");
	assert_string_equal(ask(r, "srv/data/web/tmp/x", true), "hp");
	assert_string_equal(ask(r, "srv/data/webs", true), "hp");
	assert_string_equal(ask(r, "opt", true), "t");
	assert_string_equal(ask(r, "opt/x", false), "");
	assert_string_equal(ask(r, "etc", true), "hp");
	rules_free(r);
	/* Exclusion wins above as well as beneath. */
	r = compile("[rules]\nsync_only = /srv/data\nsync_exclude = /srv\n", RULES_SYNC);
	assert_string_equal(ask(r, "srv", true), "hp");
	assert_string_equal(ask(r, "srv/data/x", true), "hp");
	rules_free(r);
	/* Of an exclusion's ancestors nothing is a passage. */
	r = compile("[rules]\nsync_only = /a\nexclude = /b/c\n", RULES_SYNC);
	assert_string_equal(ask(r, "b", true), "hp");
	rules_free(r);
	r = compile("[rules]\nsync_only = /a\n", RULES_COPY);
	assert_true(rules_empty(r));
	rules_free(r);
}

static void lists_are_absolute_on_the_host(void **state)
{
	struct rules *r =
		compile("[source]\nroot = /srv/data\n[rules]\nexclude = /srv/data/x, /srv/database, /y, /srv/*\n"
			"sync_only=/z\n",
			RULES_COPY);

	/* The contents of /srv hold the whole root. */
	assert_string_equal(ask(r, "other", false), "hp");
	rules_free(r);
	r = compile("[source]\nroot = /srv/data\n[rules]\nexclude = /srv/data/x, /srv/database, /y\n", RULES_COPY);
	assert_string_equal(ask(r, "x", false), "hp");
	assert_string_equal(ask(r, "y", false), "");
	assert_string_equal(ask(r, "base", false), "");
	rules_free(r);
	r = compile("[source]\nroot = /srv/data\n[rules]\nexclude = /elsewhere\n", RULES_SYNC);
	assert_true(rules_empty(r));
	rules_free(r);
	r = compile("[source]\nroot = /srv/data\n[rules]\nsync_only = /elsewhere\n", RULES_SYNC);
	assert_false(rules_empty(r));
	assert_string_equal(ask(r, "x", true), "hp");
	rules_free(r);
	r = compile("[source]\nroot = /srv/data\n[rules]\nsync_only = /srv\n", RULES_SYNC);
	assert_string_equal(ask(r, "x", true), "");
	rules_free(r);
}

static void count_path(void *arg, const struct conf_item *item)
{
	assert_string_equal(item->file, "test.conf");
	++*(int *)arg;
}

static void verdicts_name_their_rule(void **state)
{
	struct conf *c = load("[rules]\nexclude = /a\n\nsync_exclude = /b\nsync_only = /c\n");
	struct rules_verdict v;
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r;
	int n = 0;

	conf_add_filter(c, "- *.o", "--filter");
	conf_add_filter(c, "P keep", "--filter");
	conf_add_filter(c, "+ keep", "--filter");
	assert_true(rules_new(c, RULES_SYNC, &r, &d));
	conf_free(c);
	rules_match_path(r, "a/x", false, &v);
	assert_string_equal(v.rule->value, "/a");
	assert_int_equal(v.rule->line, 2);
	assert_string_equal(v.list, "exclude");
	rules_match_path(r, "b", false, &v);
	assert_string_equal(v.list, "sync_exclude");
	rules_match_path(r, "d", false, &v);
	assert_string_equal(v.list, "sync_only");
	rules_match_path(r, "c/x.o", false, &v);
	assert_string_equal(v.rule->value, "- *.o");
	assert_string_equal(v.list, "filter");
	rules_match_path(r, "c/keep", false, &v);
	assert_true(v.protect && !v.hide);
	assert_string_equal(v.rule->value, "P keep");
	rules_each_path(r, count_path, &n);
	assert_int_equal(n, 3);
	rules_free(r);
}

static struct rules *compile_filters(
	const char *root, const char *target, const char *const *filters, size_t n, struct diag *d)
{
	AUTO_FREE char *text = xasprintf("[source]\nroot = %s\n[target]\nroot = %s\n", root, target);
	struct conf *c = load(text);
	struct rules *r = NULL;

	for (size_t i = 0; i < n; i++)
		conf_add_filter(c, filters[i], "--filter");
	if (!rules_new(c, RULES_SYNC, &r, d))
		r = NULL;
	conf_free(c);
	return r;
}

static void absolute_patterns_know_each_side(void **state)
{
	static const char *const filters[] = {"-/ /srv/a", "-/ /mnt/b", "-/ c/d"};
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r = compile_filters("/srv", "/mnt", filters, ARRAY_LEN(filters), &d);

	assert_string_equal(ask(r, "a", false), "h");
	assert_string_equal(ask(r, "b", false), "p");
	assert_string_equal(ask(r, "c/d", false), "hp");
	rules_free(r);
}

static void filter_syntax(void **state)
{
	static const struct {
		const char *rule;
		enum diag_code code;
	} cases[] = {
		{"- foo", DIAG_NONE},
		{"-,/!sr foo", DIAG_NONE},
		{"exclude,s foo", DIAG_NONE},
		{"hide foo", DIAG_NONE},
		{"!", DIAG_NONE},
		{"clear", DIAG_NONE},
		{"clear,", DIAG_NONE},
		{"-_foo", DIAG_NONE},
		{"R foo", DIAG_NONE},
		{"show_foo", DIAG_NONE},
		{"", DIAG_NONE},
		{"foo", DIAG_RULES_FILTER},
		{"-", DIAG_RULES_FILTER},
		{"- ", DIAG_RULES_FILTER},
		{"! ", DIAG_RULES_FILTER},
		{"-q foo", DIAG_RULES_FILTER},
		{"-foo", DIAG_RULES_FILTER},
		{"Hs foo", DIAG_RULES_FILTER},
		{"excluded foo", DIAG_RULES_FILTER},
		{".! x", DIAG_RULES_FILTER},
		{".+- x", DIAG_RULES_FILTER},
		{"merge", DIAG_RULES_FILTER},
		{"-w x", DIAG_RULES_FILTER},
		{": .rsync-filter", DIAG_RULES_UNSUPPORTED},
		{"-C", DIAG_RULES_UNSUPPORTED},
		{":C", DIAG_RULES_UNSUPPORTED},
		{"-p x", DIAG_NONE},
		{"Pp x", DIAG_NONE},
		{"!p", DIAG_RULES_FILTER},
		{"-x x", DIAG_RULES_UNSUPPORTED},
		{"dir-merge,e x", DIAG_RULES_UNSUPPORTED},
		{". -", DIAG_RULES_UNSUPPORTED},
		{". /nonexistent/file", DIAG_RULES_FILE},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_DIAG d = DIAG_INIT;
		struct rules *r = compile_filters("/", "/t", &cases[i].rule, 1, &d);

		if (d.code != cases[i].code || !r != (cases[i].code != DIAG_NONE))
			fail_msg(
				"'%s' gives %s (%s)", cases[i].rule, diag_info(d.code)->name, d.detail ? d.detail : "");
		rules_free(r);
	}
}

static void filter_sides(void **state)
{
	static const char *const filters[] = {"H h1", "S h1",
		"- h1", /* shown by nothing before the hide; protected by the third */
		"P p1", "+ p1", "-s s1", "-r r1", "-! */", "R x"};
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r = compile_filters("/", "/t", filters, 7, &d);

	assert_string_equal(ask(r, "h1", false), "hp");
	assert_string_equal(ask(r, "p1", false), "p");
	assert_string_equal(ask(r, "s1", false), "h");
	assert_string_equal(ask(r, "a/r1", false), "p");
	assert_string_equal(ask(r, "other", false), "");
	/* Beneath what is hidden nothing is asked again. */
	assert_string_equal(ask(r, "s1/p1", false), "h");
	rules_free(r);
	r = compile_filters("/", "/t", filters, 8, &d);
	assert_string_equal(ask(r, "other", false), "hp");
	assert_string_equal(ask(r, "other", true), "");
	rules_free(r);
}

static bool protect_dying(const struct rules *r, const char *dir, const char *name, bool is_dir)
{
	AUTO_BUF b = BUF_INIT;
	struct rules *copy;
	bool answer = rules_protect_dying(r, dir, name, is_dir);

	rules_pack(r, &b);
	assert_true(rules_unpack(b.data, b.len, &copy));
	assert_int_equal(rules_protect_dying(copy, dir, name, is_dir), answer);
	rules_free(copy);
	return answer;
}

static void perishable_rules(void **state)
{
	static const char *const filters[] = {"-p *.o", "- b.*", "+p c.h", "- c.*"};
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r = compile_filters("/", "/t", filters, ARRAY_LEN(filters), &d);

	assert_string_equal(ask(r, "d/a.o", false), "hp");
	assert_string_equal(ask(r, "d/b.o", false), "hp");
	assert_false(protect_dying(r, "d", "a.o", false));
	assert_true(protect_dying(r, "d", "b.o", false));
	assert_string_equal(ask(r, "d/c.h", false), "");
	assert_true(protect_dying(r, "d", "c.h", false)); /* without the first rule for it */
	assert_true(protect_dying(r, "d", "c.c", false));
	rules_free(r);
	r = compile("[rules]\nexclude = /d/a\n", RULES_SYNC);
	assert_true(protect_dying(r, "d", "a", true));
	assert_false(protect_dying(r, "d", "b", true));
	rules_free(r);
}

static bool beneath(const struct rules *r, const char *path)
{
	AUTO_BUF b = BUF_INIT;
	struct rules *copy;
	bool answer = rules_protect_beneath(r, path);

	rules_pack(r, &b);
	assert_true(rules_unpack(b.data, b.len, &copy));
	assert_int_equal(rules_protect_beneath(copy, path), answer);
	rules_free(copy);
	return answer;
}

static void protected_beneath(void **state)
{
	struct rules *r =
		compile("[source]\nroot = /srv\n[rules]\nexclude = /srv/a/b/c, /srv/e/*, /elsewhere\n", RULES_SYNC);

	assert_true(beneath(r, ""));
	assert_true(beneath(r, "a"));
	assert_true(beneath(r, "a/b"));
	assert_false(beneath(r, "a/b/c"));
	assert_false(beneath(r, "a/b/c/d"));
	assert_false(beneath(r, "a/x"));
	assert_false(beneath(r, "ab"));
	assert_true(beneath(r, "e"));
	assert_false(beneath(r, "e/f"));
	rules_free(r);
	r = compile("[rules]\nsync_only = /a/b, /e/*\nsync_exclude = /a/b/x\n", RULES_SYNC);
	assert_true(beneath(r, ""));
	assert_true(beneath(r, "a"));
	assert_true(beneath(r, "a/b"));
	assert_false(beneath(r, "a/b/y"));
	assert_false(beneath(r, "a/c")); /* protected itself */
	assert_false(beneath(r, "e"));
	rules_free(r);
	r = compile("[source]\nroot = /srv\n[rules]\nsync_only = /other\n", RULES_SYNC);
	assert_true(beneath(r, ""));
	assert_false(beneath(r, "a"));
	rules_free(r);
	r = compile("", RULES_SYNC);
	assert_false(beneath(r, ""));
	assert_false(beneath(r, "a"));
	rules_free(r);
}

/* ---- with files ---- */

static char tmp[] = "/tmp/test-rules-XXXXXX";
static char *work;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	return remove(path);
}

static void put_bytes(const char *name, const void *p, size_t n)
{
	AUTO_FREE char *path = xasprintf("%s/%s", work, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fwrite(p, 1, n, f);
	fclose(f);
}

static void put_file(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static void merge_files(void **state)
{
	AUTO_FREE char *rule = xasprintf(".e %s/one", work);
	AUTO_FREE char *excludes = xasprintf("merge,-s %s/plain", work);
	AUTO_FREE char *words = xasprintf(".w %s/words", work);
	AUTO_FREE char *loop = xasprintf(". %s/loop", work);
	AUTO_FREE char *two = xasprintf("# comment\n; comment\n\n+ keep\r\n- *.o\n. %s/two", work);
	AUTO_FREE char *self = xasprintf(". %s/loop\n", work);
	AUTO_FREE char *bad = xasprintf(". %s/bad", work);
	const char *const filters[] = {rule, excludes, words};
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r;

	put_file("one", two);
	put_file("two", "- from two");
	put_file("plain", "+ x\n! y\n#no\n");
	put_file("words", "- w1\t- w2\n#w3\n");
	put_file("loop", self);
	put_file("bad", "- x\n\nnonsense\n");
	r = compile_filters("/", "/t", filters, 2, &d);
	assert_non_null(r);
	assert_string_equal(ask(r, "one", false), "hp");
	assert_string_equal(ask(r, "keep", false), "");
	assert_string_equal(ask(r, "a.o", false), "hp");
	assert_string_equal(ask(r, "from two", false), "hp");
	assert_string_equal(ask(r, "+ x", false), "h");
	assert_string_equal(ask(r, "x", false), "");
	assert_string_equal(ask(r, "#no", false), "");
	rules_free(r);
	/* Split at blanks, a hash begins no comment, and "#w3" is no rule. */
	assert_null(compile_filters("/", "/t", filters, 3, &d));
	assert_int_equal(d.code, DIAG_RULES_FILTER);
	put_file("words", "- w1\t- w2\n");
	r = compile_filters("/", "/t", filters, 3, &d);
	assert_non_null(r);
	assert_string_equal(ask(r, "w1", false), "hp");
	assert_string_equal(ask(r, "w2", false), "hp");
	rules_free(r);
	assert_null(compile_filters("/", "/t", (const char *const *)&loop, 1, &d));
	assert_non_null(strstr(d.detail, "too many files"));
	assert_null(compile_filters("/", "/t", (const char *const *)&bad, 1, &d));
	assert_non_null(strstr(d.detail, "/bad:3: "));
}

static struct rules *compile_files(const char *root, const char *items)
{
	AUTO_FREE char *text =
		xasprintf("[source]\nroot = %s\n[rules]\nfilter_file = %s\nexclude = /srv/top\n", root, items);

	return compile(text, RULES_SYNC);
}

static void filter_files_know_their_mount(void **state)
{
	AUTO_FREE char *items = xasprintf("/srv/data=%s/data, %s/all", work, work);
	AUTO_FREE char *other = xasprintf("/srv/d=%s/data, /srv/data=%s/clear, /srv/d=%s/more", work, work, work);
	struct rules *r;
	struct rules_verdict v;

	put_file("data", "# of data\n+ /keep/*.bak\n- *.bak\n-p /dying\n- /a/b\n-! /*\n-/ /srv/data/sub/abs\n+ top\n");
	put_file("all", "- *.o\n- /data/at\n");
	put_file("clear", "- gone\n!\n- stays\n");
	put_file("more", ". sub/inner");
	r = compile_files("/srv", items);
	assert_string_equal(ask(r, "x.bak", false), "");
	assert_string_equal(ask(r, "data", true), "");
	assert_string_equal(ask(r, "database", true), "");
	assert_string_equal(ask(r, "database/x.bak", true), "");
	assert_string_equal(ask(r, "data/x.bak", false), "hp");
	assert_string_equal(ask(r, "data/keep/x.bak", false), "");
	assert_string_equal(ask(r, "data/keep", true), "");
	assert_string_equal(ask(r, "data/dying", false), "hp");
	assert_false(rules_protect_dying(r, "data", "dying", false));
	assert_string_equal(ask(r, "a/b", false), "");
	assert_string_equal(ask(r, "data/a/b", false), "hp");
	/* Lists come first, and the file of the root holds everywhere. */
	assert_string_equal(ask(r, "top", false), "hp");
	assert_string_equal(ask(r, "x.o", false), "hp");
	assert_string_equal(ask(r, "data/at", false), "hp");
	rules_match_path(r, "data/x.bak", false, &v);
	assert_string_equal(v.rule->value, "- *.bak");
	assert_non_null(strstr(v.rule->file, "/data"));
	assert_int_equal(v.rule->line, 3);
	rules_free(r);
	/* What clears the list clears that of its own mount; merged names are below the directory of their file. */
	put_file("inner", "- inner\n");
	put_file("more", ". inner\n");
	r = compile_files("/srv", other);
	assert_string_equal(ask(r, "d/x.bak", false), "hp");
	assert_string_equal(ask(r, "d/a/b", false), "hp");
	assert_string_equal(ask(r, "data/gone", false), "");
	assert_string_equal(ask(r, "data/stays", false), "hp");
	assert_string_equal(ask(r, "data/inner", false), "");
	rules_free(r);
}

static void all_errors_of_filter_files_are_told(void **state)
{
	AUTO_FREE char *text = xasprintf("[source]\nroot = /srv\n[rules]\nfilter_file = /srv=%s/bad1, /else=%s/bad1\n"
					 "filter_file = %s/bad2, %s/missing\n",
		work, work, work, work);
	AUTO_FREE char *wanted =
		xasprintf("%s/bad1:2: bad filter rule 'nonsense': it does not begin with a rule's name such "
			  "as '+' or '-'\n"
			  "%s/bad1:3: filter rule ': .rules' needs rules in files of the directories "
			  "themselves (dir-merge)\n"
			  "%s/bad1:5: bad filter rule ' - blank': it does not begin with a rule's name such "
			  "as '+' or '-'\n"
			  "test.conf:4: '/else' of filter_file is not the source root nor below it\n"
			  "%s/bad2:1: cannot read the filter file '%s/none': No such file or directory\n"
			  "%s/bad2:2: bad filter rule '- a': the line holds a NUL byte\n"
			  "test.conf:5: cannot read the filter file '%s/missing': No such file or directory\n",
			work, work, work, work, work, work, work);
	static const char bad2[] = ". none\n- a\0b\n";
	struct conf_errors errors = {0};
	struct conf *c = load(text);
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r;

	put_file("bad1", "- good\nnonsense\n: .rules\n;\n - blank\n");
	put_bytes("bad2", bad2, sizeof(bad2) - 1);
	assert_true(rules_check_files(c, &errors, &d));
	assert_string_equal(buf_cstr(&errors.text), wanted);
	assert_int_equal(errors.count, 7);
	assert_false(rules_new(c, RULES_COPY, &r, &d));
	assert_non_null(strstr(d.detail, "/bad1:2: "));
	conf_errors_release(&errors);
	conf_free(c);
}

static void pattern_files(void **state)
{
	AUTO_FREE char *file = xasprintf("%s/patterns", work);
	struct conf *c = load("");
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r;

	put_file("patterns", "lost\n!\n# comment\n;comment\n\na b\n+ kept\n- gone\n!not\r\nlast");
	assert_true(rules_read_patterns(file, false, c, &d));
	assert_int_equal(c->rules.filters.len, 7);
	assert_string_equal(c->rules.filters.items[2].value, "- a b");
	assert_int_equal(c->rules.filters.items[2].line, 6);
	conf_add_pattern(c, "incl", true, "--include", 0);
	conf_add_pattern(c, "", false, "--exclude", 0);
	assert_true(rules_new(c, RULES_COPY, &r, &d));
	assert_string_equal(ask(r, "lost", false), "");
	assert_string_equal(ask(r, "a b", false), "hp");
	assert_string_equal(ask(r, "gone", false), "hp");
	assert_string_equal(ask(r, "!not", false), "hp");
	assert_string_equal(ask(r, "last", false), "hp");
	rules_free(r);
	assert_false(rules_read_patterns("/nonexistent/patterns", false, c, &d));
	assert_int_equal(d.code, DIAG_RULES_FILE);
	conf_free(c);
}

/* ---- against rsync ---- */

static const char *const names[] = {"a", "b", "ab", "foo", "bar", "a.o", "x]", "b-c", "*", "é", "A1", "a\\b", "[a]"};
static const char *const bits[] = {"a", "b", "foo", "bar", "*", "*", "**", "***", "?", "[ab]", "[!a]", "[^b]x", "[]x]",
	"[a-c]", "[[:alpha:]]", "[[:upper:]]?", "/", "/", "/", ".o", "\\", "\\*", "\\[a]", "[", "[[:bad:]]", "[[:x]",
	"é", "[a/b]", "[\\]x]", "[b-]", "a\\b", "[+--]", "**/"};
static const char *const prefixes[] = {
	"- ", "- ", "-p ", "+ ", "+ ", "-! ", "-/ ", "+/ ", "H ", "S ", "P ", "R ", "-s ", "+r ", "exclude ", "-/! "};

static unsigned seed;

static unsigned roll(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

static void make_tree(const char *dir, int depth)
{
	for (int i = 0; i < 5; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, names[roll(ARRAY_LEN(names))]);

		if (depth < 4 && roll(2)) {
			if (mkdir(path, 0700) == 0)
				make_tree(path, depth + 1);
		} else {
			int fd = open(path, O_WRONLY | O_CREAT, 0600);
			if (fd >= 0)
				close(fd);
		}
	}
}

/* Every path that the rules leave, "PATH\n", directories with a slash; in byte order of each directory. */
static void walk(const struct rules *r, const char *top, const char *dir, struct buf *out)
{
	AUTO_FREE char *path = xasprintf("%s/%s", top, dir);
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		bool is_dir = entries[i]->d_type == DT_DIR;
		struct rules_verdict v;

		if (!str_eq(name, ".") && !str_eq(name, "..")) {
			rules_match(r, dir, name, is_dir, &v);
			if (!v.hide) {
				AUTO_FREE char *sub = xasprintf("%s%s%s", dir, *dir ? "/" : "", name);
				buf_printf(out, "%s%s\n", sub, is_dir ? "/" : "");
				if (is_dir)
					walk(r, top, sub, out);
			}
		}
		free(entries[i]);
	}
	free(entries);
}

/* Which files would go if the source had nothing: "deleting PATH\n". */
static void walk_deleting(const struct rules *r, const char *top, const char *dir, struct buf *out)
{
	AUTO_FREE char *path = xasprintf("%s/%s", top, dir);
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		bool is_dir = entries[i]->d_type == DT_DIR;

		if (!str_eq(name, ".") && !str_eq(name, "..")) {
			AUTO_FREE char *sub = xasprintf("%s%s%s", dir, *dir ? "/" : "", name);
			struct rules_verdict v;

			rules_match(r, dir, name, is_dir, &v);
			if (*dir) /* which is being deleted too */
				v.protect = rules_protect_dying(r, dir, name, is_dir);
			if (!v.protect && is_dir)
				walk_deleting(r, top, sub, out);
			else if (!v.protect)
				buf_printf(out, "deleting %s\n", sub);
		}
		free(entries[i]);
	}
	free(entries);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/*
 * The lines of text, sorted; without the top itself, which no rule reaches, and without what rsync says of deleted
 * directories: in a dry run it does not know of protected files in them.
 */
static char *sorted(char *text)
{
	char *lines[4096], *save = NULL;
	AUTO_BUF out = BUF_INIT;
	size_t n = 0;

	for (char *s = strtok_r(text, "\n", &save); s && n < ARRAY_LEN(lines); s = strtok_r(NULL, "\n", &save))
		if (!str_eq(s, "./") && strncmp(s, "cannot delete ", 14) != 0 &&
			(strncmp(s, "deleting ", 9) != 0 || s[strlen(s) - 1] != '/'))
			lines[n++] = s;
	qsort(lines, n, sizeof(*lines), by_line);
	for (size_t i = 0; i < n; i++)
		buf_printf(&out, "%s\n", lines[i]);
	return buf_detach(&out);
}

/*
 * What rsync would send, or, with an empty source and the tree as the target, what it would delete ("deleting PATH"):
 * a line an entry.
 */
static char *ask_rsync(const char *top, char *const *filters, size_t n, bool delete)
{
	const char *argv[32] = {"rsync", "-an", "-8", "--out-format=%n", delete ? "--delete" : "-r"};
	AUTO_FREE char *tree = xasprintf("%s/", top);
	AUTO_FREE char *none = xasprintf("%s/none/", work);
	AUTO_BUF out = BUF_INIT;
	size_t argc = 5;
	int fds[2], status;
	pid_t pid;

	for (size_t i = 0; i < n; i++) {
		argv[argc++] = "-f";
		argv[argc++] = filters[i];
	}
	argv[argc++] = delete ? none : tree;
	argv[argc++] = delete ? tree : none;
	argv[argc] = NULL;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		setenv("LC_ALL", "C", 1);
		execvp("rsync", (char *const *)argv);
		_exit(127);
	}
	close(fds[1]);
	for (;;) {
		ssize_t r = read(fds[0], buf_reserve(&out, 4096), 4096);
		if (r <= 0)
			break;
		out.len += (size_t)r;
	}
	close(fds[0]);
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return NULL;
	return buf_detach(&out);
}

static char *random_rule(void)
{
	AUTO_BUF b = BUF_INIT;

	buf_append_str(&b, prefixes[roll(ARRAY_LEN(prefixes))]);
	if (roll(3) == 0)
		buf_append_u8(&b, '/');
	for (unsigned k = roll(4) + 1; k; k--)
		buf_append_str(&b, bits[roll(ARRAY_LEN(bits))]);
	if (roll(6) == 0)
		buf_append_u8(&b, '/');
	return buf_detach(&b);
}

static void print_difference(const char *ours, const char *theirs)
{
	while (*ours && *ours == *theirs) {
		ours++;
		theirs++;
	}
	print_message("ours goes on with '%.60s', rsync's with '%.60s'\n", ours, theirs);
}

static void compare_side(const struct rules *r, const char *top, char *const *filters, size_t n, bool delete)
{
	AUTO_FREE char *theirs = ask_rsync(top, filters, n, delete);
	AUTO_FREE char *ours = NULL;
	AUTO_FREE char *a = NULL;
	AUTO_FREE char *b = NULL;
	AUTO_BUF out = BUF_INIT;

	if (delete)
		walk_deleting(r, top, "", &out);
	else
		walk(r, top, "", &out);
	assert_non_null(theirs);
	ours = buf_detach(&out);
	a = sorted(ours);
	b = sorted(theirs);
	if (str_eq(a, b))
		return;
	for (size_t i = 0; i < n; i++)
		print_message("-f '%s'\n", filters[i]);
	print_difference(a, b);
	fail_msg("rsync sees it otherwise in %s (seed %u)", top, seed);
}

static void compare_once(const char *top)
{
	char *filters[6];
	size_t n = roll(ARRAY_LEN(filters)) + 1;
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r;

	for (size_t i = 0; i < n; i++)
		filters[i] = random_rule();
	r = compile_filters(top, "/elsewhere", (const char *const *)filters, n, &d);
	assert_non_null(r);
	compare_side(r, top, filters, n, false);
	rules_free(r);
	r = compile_filters("/elsewhere", top, (const char *const *)filters, n, &d);
	assert_non_null(r);
	compare_side(r, top, filters, n, true);
	rules_free(r);
	for (size_t i = 0; i < n; i++)
		free(filters[i]);
}

static void same_as_rsync(void **state)
{
	const char *wanted = getenv("RULES_ROUNDS"), *start = getenv("RULES_SEED");
	unsigned rounds = wanted ? (unsigned)atoi(wanted) : 100;

	if (system("rsync --version >/dev/null 2>&1") != 0)
		skip();
	seed = start ? (unsigned)atoi(start) : 1;
	{
		AUTO_FREE char *none = xasprintf("%s/none", work);
		assert_int_equal(mkdir(none, 0700), 0);
	}
	for (unsigned i = 0; i < rounds; i++) {
		AUTO_FREE char *top = xasprintf("%s/tree%u", work, i / 25);

		if (i % 25 == 0) {
			assert_int_equal(mkdir(top, 0700), 0);
			make_tree(top, 0);
		}
		compare_once(top);
	}
}

/* ---- size and hostility ---- */

static void many_paths_are_cheap(void **state)
{
	AUTO_BUF text = BUF_INIT;
	struct rules_verdict v;
	unsigned hidden = 0;
	struct rules *r;

	buf_append_str(&text, "[rules]\n");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, "exclude = /srv/data/dir%d/file%d\n", i % 100, i);
	r = compile(buf_cstr(&text), RULES_SYNC);
	for (int i = 0; i < 1000000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file%d", i % 20000);
		rules_match(r, "srv/data/dir7", name, false, &v);
		hidden += v.hide;
	}
	assert_int_equal(hidden, 50 * 100);
	rules_free(r);
}

static void long_texts_stay_linear(void **state)
{
	static const char *const filters[] = {"- **a*b**a*b**a*b**a*b*c", "- *a*a*a*a*a*a*a*a*b"};
	AUTO_DIAG d = DIAG_INIT;
	struct rules *r = compile_filters("/", "/t", filters, 2, &d);
	char *dir = xmalloc(200001), *name = xmalloc(100001);
	struct rules_verdict v;

	for (int i = 0; i < 200000; i++)
		dir[i] = "aab/"[i % 4];
	dir[199999] = 'x';
	dir[200000] = '\0';
	memset(name, 'a', 100000);
	name[100000] = '\0';
	rules_match(r, dir, name, false, &v);
	assert_false(v.hide);
	free(dir);
	free(name);
	rules_free(r);
}

static void bad_bytes_are_refused(void **state)
{
	static const char *const filters[] = {"- foo", "+ b*r/", "-/ x**"};
	AUTO_FREE char *text = xasprintf("[source]\nroot=/s\n[rules]\nexclude = /s/a, /s/b/*\nsync_only = /s/c\n"
					 "filter_file = /s/m=%s/m, /s/n=%s/m\n",
		work, work);
	struct conf *c;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF again = BUF_INIT;
	struct rules *r, *copy = NULL;

	put_file("m", "- x\n+ y\n");
	c = load(text);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++)
		conf_add_filter(c, filters[i], "--filter");
	assert_true(rules_new(c, RULES_SYNC, &r, &d));
	rules_pack(r, &b);
	assert_true(rules_unpack(b.data, b.len, &copy));
	rules_pack(copy, &again);
	assert_int_equal(again.len, b.len);
	assert_memory_equal(again.data, b.data, b.len);
	rules_free(copy);
	for (size_t n = 0; n < b.len; n++)
		assert_false(rules_unpack(b.data, n, &copy));
	buf_append_u8(&b, 0);
	assert_false(rules_unpack(b.data, b.len, &copy));
	rules_free(r);
	conf_free(c);
}

static void too_many_rules_are_refused(void **state)
{
	struct conf *c = load("");
	AUTO_DIAG d = DIAG_INIT;
	AUTO_FREE char *pattern = xcalloc(1, 4000);
	struct rules *r;

	memset(pattern, 'x', 3999);
	for (int i = 0; i < 1100; i++)
		conf_add_pattern(c, pattern, false, "--exclude", 0);
	assert_false(rules_new(c, RULES_SYNC, &r, &d));
	assert_int_equal(d.code, DIAG_RULES_TOO_LARGE);
	conf_free(c);
}

static int setup(void **state)
{
	work = mkdtemp(tmp);
	return work ? 0 : -1;
}

static int teardown(void **state)
{
	return nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_hide_and_protect),
		cmocka_unit_test(contents_keep_the_directory),
		cmocka_unit_test(sync_only_leaves_passages),
		cmocka_unit_test(lists_are_absolute_on_the_host),
		cmocka_unit_test(verdicts_name_their_rule),
		cmocka_unit_test(absolute_patterns_know_each_side),
		cmocka_unit_test(filter_syntax),
		cmocka_unit_test(filter_sides),
		cmocka_unit_test(perishable_rules),
		cmocka_unit_test(protected_beneath),
		cmocka_unit_test(merge_files),
		cmocka_unit_test(filter_files_know_their_mount),
		cmocka_unit_test(all_errors_of_filter_files_are_told),
		cmocka_unit_test(pattern_files),
		cmocka_unit_test(same_as_rsync),
		cmocka_unit_test(many_paths_are_cheap),
		cmocka_unit_test(long_texts_stay_linear),
		cmocka_unit_test(bad_bytes_are_refused),
		cmocka_unit_test(too_many_rules_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
