/* The command line's grammar, and that the manual knows every command and option. */
#include "cli/options.h"
#include "base/fd.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define ARGV_MAX 32

/* Splits at blanks; "rehost" comes before. */
static bool parse(const char *line, struct options *o, struct usage_error *e, char **out_words)
{
	char *argv[ARGV_MAX] = {"rehost"}, *save;
	int argc = 1;

	*out_words = xstrdup(line);
	*e = (struct usage_error){0};
	for (char *w = strtok_r(*out_words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return options_parse(argc, argv, o, e);
}

#define WITH(line)                        \
	struct options o;                 \
	struct usage_error e;             \
	AUTO_FREE char *words = NULL;     \
	if (!parse(line, &o, &e, &words)) \
		fail_msg("'%s' was refused: %s", line, e.diag.detail);

static void refuse(const char *line, enum diag_code code, const char *in_text, const char *in_hint)
{
	struct options o;
	struct usage_error e;
	AUTO_FREE char *words = NULL;

	if (parse(line, &o, &e, &words))
		fail_msg("'%s' was taken", line);
	assert_int_equal(e.diag.code, code);
	assert_int_equal(diag_info(code)->exit_class, EXIT_USAGE_ERROR);
	if (in_text && !strstr(e.diag.detail, in_text))
		fail_msg("'%s': '%s' lacks '%s'", line, e.diag.detail, in_text);
	if (in_hint && (!e.hint || !strstr(e.hint, in_hint)))
		fail_msg("'%s': the hint '%s' lacks '%s'", line, e.hint ? e.hint : "", in_hint);
	usage_release(&e);
	options_release(&o);
}

static void test_places(void **state)
{
	{
		WITH("-n --json sync -v a b --exclude=x --include y");
		assert_int_equal(o.id, CMD_SYNC);
		assert_true(o.given[OPT_DRY_RUN] && o.given[OPT_JSON] && o.verbose && !o.quiet);
		assert_int_equal(o.operand_count, 2);
		assert_string_equal(o.operands[0], "a");
		assert_string_equal(o.operands[1], "b");
		assert_int_equal(o.filter_count, 2);
		assert_int_equal(o.filters[0].id, OPT_EXCLUDE);
		assert_string_equal(o.filters[0].value, "x");
		assert_int_equal(o.filters[1].id, OPT_INCLUDE);
		assert_string_equal(o.filters[1].value, "y");
		options_release(&o);
	}
	{
		WITH("sync -- -a --json");
		assert_int_equal(o.operand_count, 2);
		assert_string_equal(o.operands[1], "--json");
		assert_false(o.given[OPT_JSON]);
		options_release(&o);
	}
	{
		WITH("-vq sync -nix a b");
		assert_true(o.quiet && !o.verbose && o.given[OPT_DRY_RUN] && o.given[OPT_ITEMIZE] &&
			o.given[OPT_ONE_FILE_SYSTEM]);
		options_release(&o);
	}
}

static void test_letter_c(void **state)
{
	{
		WITH("-c file sync -c");
		assert_string_equal(o.config, "file");
		assert_true(o.given[OPT_CHECKSUM]);
		options_release(&o);
	}
	{
		WITH("-cfile sync");
		assert_string_equal(o.config, "file");
		assert_false(o.given[OPT_CHECKSUM]);
		options_release(&o);
	}
	{
		WITH("sync --config=file");
		assert_string_equal(o.config, "file");
		options_release(&o);
	}
	refuse("status -c file", DIAG_CLI_OPTION_PLACE, "checksum", "before the command");
	refuse("verify -c", DIAG_CLI_OPTION_PLACE, "checksum", "--mode crc64");
	refuse("-c", DIAG_CLI_OPTION_VALUE, "-c", "FILE");
}

static void test_values(void **state)
{
	WITH("--set a.b=c run --bwlimit=20M --processes 4 --set=d.e=f --progress never");
	assert_int_equal(o.set_count, 5);
	assert_string_equal(o.sets[0], "a.b=c");
	assert_string_equal(o.sets[1], "d.e=f");
	assert_string_equal(o.sets[2], "transfer.bandwidth=20M");
	assert_string_equal(o.sets[3], "transfer.processes=4");
	assert_string_equal(o.sets[4], "transfer.sync_processes=4");
	assert_int_equal(o.progress, PROGRESS_NEVER);
	options_release(&o);

	refuse("run --bwlimit=fast", DIAG_CLI_OPTION_VALUE, "fast", "20M");
	refuse("run --processes 17", DIAG_CLI_OPTION_VALUE, "17", "16");
	refuse("run --processes 0", DIAG_CLI_OPTION_VALUE, "'0'", NULL);
	refuse("run --progress=yes", DIAG_CLI_OPTION_VALUE, "yes", "always");
	refuse("verify --mode off", DIAG_CLI_OPTION_VALUE, "off", "crc64");
	refuse("status --check --max-age soon", DIAG_CLI_OPTION_VALUE, "soon", "26h");
	refuse("run --json=yes", DIAG_CLI_OPTION_VALUE, "takes no value", NULL);
	refuse("run --bwlimit", DIAG_CLI_OPTION_VALUE, "needs a value", "RATE");
}

static void test_unlimited(void **state)
{
	WITH("run --bwlimit 0");
	assert_string_equal(o.sets[0], "transfer.bandwidth=off");
	options_release(&o);
}

static void test_status(void **state)
{
	{
		WITH("status --check");
		assert_int_equal(o.max_age, 26 * 3600);
		options_release(&o);
	}
	{
		WITH("status --check --max-age 2h");
		assert_int_equal(o.max_age, 7200);
		options_release(&o);
	}
	refuse("status --max-age 2h", DIAG_CLI_OPTION_PLACE, NULL, "--check");
}

static void test_unknown(void **state)
{
	static const char *const later[] = {"bootcheck", "adapt"};

	refuse("", DIAG_CLI_COMMAND, "no command", NULL);
	refuse("synk", DIAG_CLI_COMMAND, "synk", "'sync'");
	refuse("chek-config", DIAG_CLI_COMMAND, NULL, "'check-config'");
	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		refuse(later[i], DIAG_CLI_COMMAND, later[i], NULL);
	refuse("sync --detele", DIAG_CLI_OPTION, "--detele", "--delete");
	refuse("sync --excl=x", DIAG_CLI_OPTION, "--excl", NULL);
	refuse("sync -a", DIAG_CLI_OPTION, "-a", "always kept");
	refuse("sync -k", DIAG_CLI_OPTION, "-k", NULL);
	refuse("run --delete", DIAG_CLI_OPTION_PLACE, "delete", "rehost help run");
	refuse("show-config --json", DIAG_CLI_OPTION_PLACE, "json", NULL);
}

static void test_help(void **state)
{
	{
		WITH("--help");
		assert_null(o.command);
		options_release(&o);
	}
	{
		WITH("sync --help");
		assert_int_equal(o.id, CMD_SYNC);
		options_release(&o);
	}
	{
		WITH("--version");
		options_release(&o);
	}
}

/* rehost(8) writes an option as ".Fl -name" and a command as ".Ic name". */
static void test_manual(void **state)
{
	AUTO_FREE char *text = NULL;
	size_t len;

	assert_int_equal(fd_read_file(AT_FDCWD, MANUAL, 1 << 20, &text, &len), 0);
	for (size_t i = 0; i < OPT_COUNT; i++) {
		AUTO_FREE char *want = xasprintf("Fl -%s", option_defs[i].name);
		AUTO_FREE char *letter = xasprintf("It Fl %c ", option_defs[i].letter ? option_defs[i].letter : ' ');

		if (!strstr(text, want))
			fail_msg("the manual does not know --%s", option_defs[i].name);
		if (option_defs[i].letter && !strstr(text, letter))
			fail_msg("the manual does not know -%c", option_defs[i].letter);
	}
	for (size_t i = 0; i < CMD_COUNT; i++) {
		AUTO_FREE char *want = xasprintf("It Ic %s", commands[i].name);

		if (!strstr(text, want))
			fail_msg("the manual does not know '%s'", commands[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_letter_c),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_unlimited),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
