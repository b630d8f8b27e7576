/*
 * The command line: the table of commands, the table of options, and the parser.
 *
 * Help, and whatever else lists commands or options, comes from these two tables. The parser knows no
 * permutation and no abbreviations: an option may stand before or after COMMAND, `--opt=value` and `--opt
 * value` are the same, `--` ends the options. The single letter that means two things is -c: --config before
 * COMMAND, --checksum after it; of `log`, -n is --lines.
 *
 * Ownership: struct options points into argv and owns only its arrays; options_release().
 */
#pragma once

#include "conf/conf.h"
#include "diag/diag.h"

enum command_id {
	CMD_RUN,
	CMD_COPY,
	CMD_SYNC,
	CMD_VERIFY,
	CMD_CHECK,
	CMD_NETCHECK,
	CMD_STATUS,
	CMD_PAUSE,
	CMD_RESUME,
	CMD_STOP,
	CMD_LIMITS,
	CMD_FACTS,
	CMD_LAYOUT,
	CMD_JOBS,
	CMD_LOG,
	CMD_RULES,
	CMD_CHECK_CONFIG,
	CMD_SHOW_CONFIG,
	CMD_IMPORT,
	CMD_EXPLAIN,
	CMD_HELP,
	CMD_COUNT
};

enum option_id {
	OPT_CONFIG,
	OPT_SET,
	OPT_DRY_RUN,
	OPT_VERBOSE,
	OPT_QUIET,
	OPT_JSON,
	OPT_PROGRESS,
	OPT_ITEMIZE,
	OPT_BWLIMIT,
	OPT_PROCESSES,
	OPT_ADOPT,
	OPT_DELETE,
	OPT_EXCLUDE,
	OPT_INCLUDE,
	OPT_FILTER,
	OPT_EXCLUDE_FROM,
	OPT_INCLUDE_FROM,
	OPT_ONE_FILE_SYSTEM,
	OPT_CHECKSUM,
	OPT_REPAIR,
	OPT_MODE,
	OPT_RECHECK,
	OPT_CHECK,
	OPT_MAX_AGE,
	OPT_STRICT,
	OPT_NO_NETWORK,
	OPT_ROOT,
	OPT_TARGET,
	OPT_ANONYMIZE,
	OPT_APPLY,
	OPT_FOLLOW,
	OPT_LINES,
	OPT_REMOVE,
	OPT_HELP,
	OPT_VERSION,
	OPT_COUNT
};

struct command {
	const char *name;
	const char *summary; /* one line, lower case */
	const char *usage; /* the operands, or "" */
};

struct option_def {
	const char *name; /* without its dashes */
	char letter; /* 0: none */
	const char *arg; /* what its value is called, or NULL */
	unsigned commands; /* bits 1 << CMD_*: the commands that take it */
	const char *help;
};

/* Indexed by command_id and option_id. */
extern const struct command commands[CMD_COUNT];
extern const struct option_def option_defs[OPT_COUNT];

enum progress_mode { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };

/* One of --exclude, --include, --filter, --exclude-from, --include-from; their order matters. */
struct filter_arg {
	enum option_id id;
	const char *value;
};

struct options {
	const struct command *command; /* NULL with --help or --version alone */
	enum command_id id;
	bool given[OPT_COUNT];
	const char *config;
	const char **sets; /* those of --set, then those that stand for --bwlimit and --processes */
	size_t set_count;
	char *own_sets[3]; /* storage of the latter */
	bool quiet, verbose; /* the last of -q and -v holds */
	enum progress_mode progress;
	struct filter_arg *filters;
	size_t filter_count;
	enum conf_verify_mode verify_mode; /* when given[OPT_MODE] */
	uint64_t max_age; /* seconds */
	uint64_t lines; /* of log */
	const char *remove; /* of jobs: a name, or NULL */
	const char *root; /* of facts; NULL: / */
	const char *const *operands; /* those after COMMAND */
	size_t operand_count;
	const char **operand_store;
};

/* A mistake in the command line, with a hint of its own; NULL: the remedy of its code. */
struct usage_error {
	struct diag diag;
	char *hint;
};

void usage_set(struct usage_error *e, enum diag_code code, char *own_hint, const char *fmt, ...) PRINTF_LIKE(4, 5);
void usage_release(struct usage_error *e);
/* Writes it to stderr as every error is written. Returns its exit code. */
int usage_print(const struct usage_error *e);

/* Which command a word names; CMD_COUNT with out_error set when it names none. */
size_t command_find(const char *word, struct usage_error *out_error);

/* False with out_error set. out is to be released in both cases. */
bool options_parse(int argc, char **argv, struct options *out, struct usage_error *out_error);
void options_release(struct options *o);
