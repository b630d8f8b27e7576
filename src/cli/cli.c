#include "cli/commands.h"
#include "cli/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* A program started without one of the three would give its number to the next file it opens. */
static void fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static int dispatch(const struct options *o)
{
	static int (*const functions[CMD_COUNT])(const struct options *o) = {
		[CMD_RUN] = cmd_run,
		[CMD_COPY] = cmd_copy_sync,
		[CMD_SYNC] = cmd_copy_sync,
		[CMD_VERIFY] = cmd_verify,
		[CMD_CHECK] = cmd_check,
		[CMD_NETCHECK] = cmd_netcheck,
		[CMD_STATUS] = cmd_status,
		[CMD_PAUSE] = cmd_pause,
		[CMD_RESUME] = cmd_pause,
		[CMD_STOP] = cmd_stop,
		[CMD_LIMITS] = cmd_limits,
		[CMD_FACTS] = cmd_facts,
		[CMD_LAYOUT] = cmd_layout,
		[CMD_JOBS] = cmd_jobs,
		[CMD_LOG] = cmd_log,
		[CMD_RULES] = cmd_rules,
		[CMD_CHECK_CONFIG] = cmd_check_config,
		[CMD_SHOW_CONFIG] = cmd_show_config,
		[CMD_IMPORT] = cmd_import,
		[CMD_EXPLAIN] = cmd_explain,
		[CMD_HELP] = cmd_help,
	};

	if (o->given[OPT_HELP])
		return cmd_help(o);
	if (o->given[OPT_VERSION])
		return cmd_version();
	return functions[o->id](o);
}

/* The output of commands that only print: those that work have their report see to it. */
static int flush_output(int code)
{
	struct usage_error e = {0};

	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	diag_set(&e.diag, DIAG_CLI_OUTPUT, errno, NULL, "cannot write standard output");
	if (code == EXIT_DONE)
		code = usage_print(&e);
	usage_release(&e);
	return code;
}

/* Monitoring asks in its own terms, also when it asks wrongly; the mistake may stand before or behind --check. */
static bool is_check(const struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc && o->command && o->id == CMD_STATUS; i++)
		if (str_eq(argv[i], "--check"))
			return true;
	return false;
}

int cli_without_stack(void)
{
	struct usage_error e = {0};
	int code;

	usage_set(&e, DIAG_CLI_STACK, NULL, "the limit of the stack is too low, and may not be raised");
	code = usage_print(&e);
	usage_release(&e);
	return code;
}

int cli_main(int argc, char **argv)
{
	struct usage_error e = {0};
	struct options o;
	int code;

	fill_standard_descriptors();
	if (options_parse(argc, argv, &o, &e))
		code = flush_output(dispatch(&o));
	else if (is_check(&o, argc, argv))
		code = flush_output(cmd_status_misused(&o, &e));
	else
		code = work_refuse(&o, &e);
	usage_release(&e);
	options_release(&o);
	return code;
}
