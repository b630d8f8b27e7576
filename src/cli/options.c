#include "cli/options.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#define BIT(cmd) (1u << (cmd))
#define ALL ((1u << CMD_COUNT) - 1)
#define WORK (BIT(CMD_RUN) | BIT(CMD_COPY) | BIT(CMD_SYNC) | BIT(CMD_VERIFY) | BIT(CMD_NETCHECK))
#define WRITE (BIT(CMD_RUN) | BIT(CMD_COPY) | BIT(CMD_SYNC))
#define AD_HOC (BIT(CMD_COPY) | BIT(CMD_SYNC))
#define SELECT (AD_HOC | BIT(CMD_VERIFY))
#define CONTROL (BIT(CMD_STATUS) | BIT(CMD_PAUSE) | BIT(CMD_RESUME) | BIT(CMD_STOP) | BIT(CMD_LIMITS))
#define CONFIGURED                                                                                            \
	(WORK | CONTROL | BIT(CMD_CHECK) | BIT(CMD_FACTS) | BIT(CMD_LAYOUT) | BIT(CMD_LOG) | BIT(CMD_RULES) | \
		BIT(CMD_CHECK_CONFIG) | BIT(CMD_SHOW_CONFIG))

#define DEFAULT_LINES 20
#define DEFAULT_MAX_AGE (UINT64_C(26) * 3600)

const struct command commands[CMD_COUNT] = {
	[CMD_RUN] = {"run", "the whole job: full copy if none has completed, sync, verify", ""},
	[CMD_COPY] = {"copy", "the full copy", "[SRC DST]"},
	[CMD_SYNC] = {"sync", "one incremental sync", "[SRC DST]"},
	[CMD_VERIFY] = {"verify", "prove that both sides hold the same", "[PATH... | SRC DST]"},
	[CMD_CHECK] = {"check", "can this host be moved to the target, and what will be missing", "[ID...]"},
	[CMD_NETCHECK] = {"netcheck", "how good the network is, and how long the copy will take", "[[SRC] DST]"},
	[CMD_STATUS] = {"status", "state of the job, running or not", ""},
	[CMD_PAUSE] = {"pause", "hold the running job where it is", ""},
	[CMD_RESUME] = {"resume", "let a paused job go on", ""},
	[CMD_STOP] = {"stop", "end the running job and wait until it has ended", ""},
	[CMD_LIMITS] = {"limits", "show, or change, the limits of the running job", "[KEY=VALUE...]"},
	[CMD_FACTS] = {"facts", "what is known of this host, or of the target, as JSON", "[--target [DST]]"},
	[CMD_LAYOUT] = {"layout", "the disk that the copy needs: its plan, and the commands that make it", ""},
	[CMD_JOBS] = {"jobs", "the jobs that have state here, and how they last ended", ""},
	[CMD_LOG] = {"log", "the end of the job's log", ""},
	[CMD_RULES] = {"rules", "what would become of a path, and which rule says so", "PATH..."},
	[CMD_CHECK_CONFIG] = {"check-config", "validate the configuration", ""},
	[CMD_SHOW_CONFIG] = {"show-config", "print the configuration in force, and where each value is from", ""},
	[CMD_IMPORT] = {"import", "the configuration of another service as one of ours", "FILE..."},
	[CMD_EXPLAIN] = {"explain", "what a diagnostic means, its cause and its remedy", "CODE..."},
	[CMD_HELP] = {"help", "this list, or the help of one command", "[COMMAND]"},
};

const struct option_def option_defs[OPT_COUNT] = {
	[OPT_CONFIG] = {"config", 'c', "FILE", CONFIGURED,
		"read this file instead of /etc/rehost (-c only before COMMAND)"},
	[OPT_SET] = {"set", 0, "SECTION.KEY=VALUE", CONFIGURED, "set a value of the configuration; repeatable"},
	[OPT_DRY_RUN] = {"dry-run", 'n', NULL, WORK | BIT(CMD_LAYOUT),
		"write nothing anywhere, list what would be done"},
	[OPT_VERBOSE] = {"verbose", 'v', NULL, WORK | BIT(CMD_CHECK), "print notes and every change, or finding"},
	[OPT_QUIET] = {"quiet", 'q', NULL, WORK | BIT(CMD_CHECK) | BIT(CMD_LAYOUT) | BIT(CMD_CHECK_CONFIG),
		"print nothing but warnings and errors"},
	[OPT_JSON] = {"json", 0, NULL,
		WORK | BIT(CMD_CHECK) | BIT(CMD_LAYOUT) | BIT(CMD_STATUS) | BIT(CMD_LIMITS) | BIT(CMD_JOBS) |
			BIT(CMD_RULES),
		"one JSON object a line on standard output"},
	[OPT_PROGRESS] = {"progress", 0, "auto|always|never", WORK, "the progress line; auto: on a terminal"},
	[OPT_ITEMIZE] = {"itemize-changes", 'i', NULL, WORK, "print one line a change"},
	[OPT_BWLIMIT] = {"bwlimit", 0, "RATE", WORK, "bytes a second, with K, M or G; 0 or off: unlimited"},
	[OPT_PROCESSES] = {"processes", 0, "N", WORK, "how many processes move data, 1 to 16, or auto"},
	[OPT_ADOPT] = {"adopt", 0, NULL, WRITE, "take source and target as they are, and allow deletion there"},
	[OPT_DELETE] = {"delete", 0, NULL, AD_HOC, "with SRC DST: delete at DST what SRC does not have"},
	[OPT_EXCLUDE] = {"exclude", 0, "PATTERN", SELECT, "with SRC DST: leave out what matches"},
	[OPT_INCLUDE] = {"include", 0, "PATTERN", SELECT, "with SRC DST: do not leave out what matches"},
	[OPT_FILTER] = {"filter", 0, "RULE", SELECT, "with SRC DST: an rsync filter rule"},
	[OPT_EXCLUDE_FROM] = {"exclude-from", 0, "FILE", SELECT, "with SRC DST: exclude patterns, one a line"},
	[OPT_INCLUDE_FROM] = {"include-from", 0, "FILE", SELECT, "with SRC DST: include patterns, one a line"},
	[OPT_ONE_FILE_SYSTEM] = {"one-file-system", 'x', NULL, SELECT | BIT(CMD_NETCHECK),
		"with SRC DST: do not enter other file systems"},
	[OPT_CHECKSUM] = {"checksum", 'c', NULL, AD_HOC,
		"compare contents, not sizes and times (-c only after COMMAND)"},
	[OPT_REPAIR] = {"repair", 0, NULL, BIT(CMD_SYNC), "compare by contents what the last verify found different"},
	[OPT_MODE] = {"mode", 0, "quick|crc64", BIT(CMD_VERIFY), "compare sizes and times, or every byte"},
	[OPT_RECHECK] = {"recheck", 0, NULL, BIT(CMD_VERIFY), "look only at what differed last time"},
	[OPT_CHECK] = {"check", 0, NULL, BIT(CMD_STATUS), "one line and exit code 0 to 3, for monitoring"},
	[OPT_MAX_AGE] = {"max-age", 0, "DURATION", BIT(CMD_STATUS), "with --check: how old the last sync may be (26h)"},
	[OPT_STRICT] = {"strict", 0, NULL, BIT(CMD_CHECK), "warnings fail too"},
	[OPT_NO_NETWORK] = {"no-network", 0, NULL, BIT(CMD_CHECK), "do not measure the network"},
	[OPT_ROOT] = {"root", 0, "DIR", BIT(CMD_FACTS), "of the host below this directory"},
	[OPT_TARGET] = {"target", 0, NULL, BIT(CMD_FACTS), "of the target: the configured one, or DST"},
	[OPT_ANONYMIZE] = {"anonymize", 0, NULL, BIT(CMD_FACTS),
		"with substitutes for names, addresses, UUIDs and serial numbers"},
	[OPT_APPLY] = {"apply", 0, NULL, BIT(CMD_LAYOUT), "make the image at the target, unless it is there"},
	[OPT_FOLLOW] = {"follow", 'f', NULL, BIT(CMD_LOG), "go on with what is added"},
	[OPT_LINES] = {"lines", 0, "N", BIT(CMD_LOG), "so many of its last lines (20); '-n N' with this command"},
	[OPT_REMOVE] = {"remove", 0, "NAME", BIT(CMD_JOBS), "forget this job"},
	[OPT_HELP] = {"help", 'h', NULL, ALL, "print help"},
	[OPT_VERSION] = {"version", 0, NULL, ALL, "print the version, the libraries and the back ends"},
};

void usage_set(struct usage_error *e, enum diag_code code, char *own_hint, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diag_set(&e->diag, code, 0, NULL, "%s", text);
	free(e->hint);
	e->hint = own_hint;
}

void usage_release(struct usage_error *e)
{
	diag_release(&e->diag);
	free(e->hint);
	e->hint = NULL;
}

int usage_print(const struct usage_error *e)
{
	const struct diag_info *info = diag_info(e->diag.code);
	AUTO_BUF b = BUF_INIT;

	diag_format(&b, &e->diag);
	fprintf(stderr, "rehost: error: %s\nrehost: hint: %s\n", buf_cstr(&b), e->hint ? e->hint : info->remedy);
	return info->exit_class;
}

static const char *nearest_option(const char *word, unsigned mask)
{
	const char *names[OPT_COUNT];
	size_t n = 0;

	for (size_t i = 0; i < OPT_COUNT; i++)
		if (option_defs[i].commands & mask)
			names[n++] = option_defs[i].name;
	return text_nearest(word, names, n);
}

static bool unknown_option(const struct options *o, const char *name, size_t len, struct usage_error *e)
{
	AUTO_FREE char *word = xmemdup(name, len);
	const char *near = nearest_option(word, o->command ? BIT(o->id) : ALL);

	usage_set(e, DIAG_CLI_OPTION, near ? xasprintf("did you mean '--%s'?", near) : NULL, "unknown option '--%s'",
		word);
	return false;
}

/* What rsync's users type from habit: there is nothing to switch on. */
static bool unknown_letter(char letter, struct usage_error *e)
{
	char *hint = NULL;

	if (strchr("arlptgoDHAXSNW", letter))
		hint = xasprintf("leave '-%c' out: everything rsync's -aHAXS keeps is always kept", letter);
	usage_set(e, DIAG_CLI_OPTION, hint, "unknown option '-%c'", letter);
	return false;
}

static bool bad_value(enum option_id id, const char *value, const char *wanted, struct usage_error *e)
{
	usage_set(e, DIAG_CLI_OPTION_VALUE, xasprintf("%s", wanted), "'%s' is no value of '--%s'", value,
		option_defs[id].name);
	return false;
}

static void add_set(struct options *o, const char *set)
{
	o->sets = xrealloc(o->sets, (o->set_count + 1) * sizeof(*o->sets));
	o->sets[o->set_count++] = set;
}

#define BWLIMIT_MIN 1024 /* of transfer.bandwidth */

/* Options that are keys are checked here, so that a mistake is one of usage, and go on as --set does. */
static bool take_bwlimit(struct options *o, const char *value, struct usage_error *e)
{
	uint64_t rate = 0;

	if (!str_eq(value, "off") && (!text_parse_size(value, &rate) || (rate && rate < BWLIMIT_MIN)))
		return bad_value(OPT_BWLIMIT, value, "give bytes a second, from 1K on, such as 20M, or off", e);
	free(o->own_sets[0]);
	o->own_sets[0] = rate ? xasprintf("transfer.bandwidth=%s", value) : xstrdup("transfer.bandwidth=off");
	return true;
}

static bool take_processes(struct options *o, const char *value, struct usage_error *e)
{
	uint64_t n;

	if (!str_eq(value, "auto") && (!text_parse_u64(value, 16, &n) || n == 0))
		return bad_value(OPT_PROCESSES, value, "give a number from 1 to 16, or auto", e);
	for (size_t i = 1; i <= 2; i++) {
		free(o->own_sets[i]);
		o->own_sets[i] = xasprintf("transfer.%sprocesses=%s", i == 1 ? "" : "sync_", value);
	}
	return true;
}

static bool take_choice(struct options *o, enum option_id id, const char *value, struct usage_error *e)
{
	if (id == OPT_PROGRESS) {
		if (str_eq(value, "auto"))
			o->progress = PROGRESS_AUTO;
		else if (str_eq(value, "always"))
			o->progress = PROGRESS_ALWAYS;
		else if (str_eq(value, "never"))
			o->progress = PROGRESS_NEVER;
		else
			return bad_value(id, value, "give auto, always or never", e);
	} else {
		if (str_eq(value, "quick"))
			o->verify_mode = CONF_VERIFY_QUICK;
		else if (str_eq(value, "crc64"))
			o->verify_mode = CONF_VERIFY_CRC64;
		else
			return bad_value(id, value, "give quick or crc64", e);
	}
	return true;
}

static bool take(struct options *o, enum option_id id, const char *value, struct usage_error *e)
{
	o->given[id] = true;
	switch (id) {
	case OPT_CONFIG:
		o->config = value;
		return true;
	case OPT_SET:
		add_set(o, value);
		return true;
	case OPT_VERBOSE:
	case OPT_QUIET:
		o->verbose = id == OPT_VERBOSE;
		o->quiet = !o->verbose;
		return true;
	case OPT_BWLIMIT:
		return take_bwlimit(o, value, e);
	case OPT_PROCESSES:
		return take_processes(o, value, e);
	case OPT_PROGRESS:
	case OPT_MODE:
		return take_choice(o, id, value, e);
	case OPT_EXCLUDE:
	case OPT_INCLUDE:
	case OPT_FILTER:
	case OPT_EXCLUDE_FROM:
	case OPT_INCLUDE_FROM:
		o->filters = xrealloc(o->filters, (o->filter_count + 1) * sizeof(*o->filters));
		o->filters[o->filter_count++] = (struct filter_arg){id, value};
		return true;
	case OPT_MAX_AGE:
		if (!text_parse_duration(value, &o->max_age))
			return bad_value(id, value, "give a duration, such as 26h", e);
		return true;
	case OPT_LINES:
		if (!text_parse_u64(value, UINT32_MAX, &o->lines))
			return bad_value(id, value, "give a number of lines", e);
		return true;
	case OPT_ROOT:
		o->root = value;
		return true;
	case OPT_REMOVE:
		o->remove = value;
		return true;
	default: /* a flag: given[] says it all */
		return true;
	}
}

/* argv[*i] is --NAME, --NAME=VALUE or --NAME with VALUE as the next argument. */
static bool parse_long(struct options *o, int argc, char **argv, int *i, struct usage_error *e)
{
	const char *name = argv[*i] + 2, *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	size_t id;

	for (id = 0; id < OPT_COUNT; id++)
		if (strlen(option_defs[id].name) == len && memcmp(option_defs[id].name, name, len) == 0)
			break;
	if (id == OPT_COUNT)
		return unknown_option(o, name, len, e);
	if (!option_defs[id].arg) {
		if (value) {
			usage_set(e, DIAG_CLI_OPTION_VALUE, xasprintf("write '--%s' alone", option_defs[id].name),
				"option '--%s' takes no value", option_defs[id].name);
			return false;
		}
		return take(o, (enum option_id)id, NULL, e);
	}
	if (value)
		return take(o, (enum option_id)id, value + 1, e);
	if (*i + 1 >= argc) {
		usage_set(e, DIAG_CLI_OPTION_VALUE,
			xasprintf("write '--%s=%s'", option_defs[id].name, option_defs[id].arg),
			"option '--%s' needs a value", option_defs[id].name);
		return false;
	}
	return take(o, (enum option_id)id, argv[++*i], e);
}

static size_t find_letter(const struct options *o, char letter)
{
	if (letter == 'c')
		return o->command ? OPT_CHECKSUM : OPT_CONFIG;
	if (letter == 'n' && o->command && o->id == CMD_LOG)
		return OPT_LINES;
	for (size_t id = 0; id < OPT_COUNT; id++)
		if (option_defs[id].letter == letter)
			return id;
	return OPT_COUNT;
}

/* argv[*i] is -abc: flags, of which the last may take a value: -cFILE or -c FILE. */
static bool parse_letters(struct options *o, int argc, char **argv, int *i, struct usage_error *e)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		size_t id = find_letter(o, *p);
		const char *value;

		if (id == OPT_COUNT)
			return unknown_letter(*p, e);
		if (!option_defs[id].arg) {
			if (!take(o, (enum option_id)id, NULL, e))
				return false;
			continue;
		}
		if (p[1])
			value = p + 1;
		else if (*i + 1 < argc)
			value = argv[++*i];
		else {
			usage_set(e, DIAG_CLI_OPTION_VALUE, xasprintf("write '-%c %s'", *p, option_defs[id].arg),
				"option '-%c' needs a value", *p);
			return false;
		}
		return take(o, (enum option_id)id, value, e);
	}
	return true;
}

size_t command_find(const char *word, struct usage_error *e)
{
	const char *names[CMD_COUNT], *near;

	for (size_t i = 0; i < CMD_COUNT; i++) {
		names[i] = commands[i].name;
		if (str_eq(word, names[i]))
			return i;
	}
	near = text_nearest(word, names, CMD_COUNT);
	usage_set(
		e, DIAG_CLI_COMMAND, near ? xasprintf("did you mean '%s'?", near) : NULL, "unknown command '%s'", word);
	return CMD_COUNT;
}

static bool take_command(struct options *o, const char *word, struct usage_error *e)
{
	size_t id = command_find(word, e);

	if (id == CMD_COUNT)
		return false;
	o->command = &commands[id];
	o->id = (enum command_id)id;
	return true;
}

/* After all is read: does the command take what was given? */
static bool check_given(const struct options *o, struct usage_error *e)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const char *hint = NULL;

		if (!o->given[i] || option_defs[i].commands & BIT(o->id))
			continue;
		if (i == OPT_CHECKSUM && o->id == CMD_VERIFY)
			hint = "write '--mode crc64'";
		else if (i == OPT_CHECKSUM)
			hint = "'-c' is '--config' only before the command";
		usage_set(e, DIAG_CLI_OPTION_PLACE,
			hint ? xstrdup(hint) : xasprintf("'rehost help %s' lists its options", o->command->name),
			"'%s' does not take the option '--%s'", o->command->name, option_defs[i].name);
		return false;
	}
	if (o->given[OPT_MAX_AGE] && !o->given[OPT_CHECK]) {
		usage_set(e, DIAG_CLI_OPTION_PLACE, xstrdup("add '--check'"),
			"'--max-age' means nothing without '--check'");
		return false;
	}
	return true;
}

bool options_parse(int argc, char **argv, struct options *o, struct usage_error *e)
{
	bool only_operands = false;

	*o = (struct options){.max_age = DEFAULT_MAX_AGE, .lines = DEFAULT_LINES};
	o->operand_store = xcalloc((size_t)argc + 1, sizeof(*o->operand_store));
	o->operands = (const char *const *)o->operand_store;
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];
		bool ok = true;

		if (!only_operands && str_eq(arg, "--"))
			only_operands = true;
		else if (!only_operands && arg[0] == '-' && arg[1] == '-')
			ok = parse_long(o, argc, argv, &i, e);
		else if (!only_operands && arg[0] == '-' && arg[1])
			ok = parse_letters(o, argc, argv, &i, e);
		else if (!o->command)
			ok = take_command(o, arg, e);
		else
			o->operand_store[o->operand_count++] = arg;
		if (!ok)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(o->own_sets); i++)
		if (o->own_sets[i])
			add_set(o, o->own_sets[i]);
	if (o->command)
		return check_given(o, e);
	if (o->given[OPT_HELP] || o->given[OPT_VERSION])
		return true;
	usage_set(e, DIAG_CLI_COMMAND, NULL, "no command is given");
	return false;
}

void options_release(struct options *o)
{
	free(o->sets);
	free(o->filters);
	free(o->operand_store);
	for (size_t i = 0; i < ARRAY_LEN(o->own_sets); i++)
		free(o->own_sets[i]);
	*o = (struct options){0};
}
