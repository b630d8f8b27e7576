#include "cli/work.h"
#include "cli/adhoc.h"
#include "cli/supervise.h"
#include "cli/unattended.h"
#include "base/clock.h"
#include "base/text.h"
#include "rules/rules.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int work_refuse(const struct options *o, const struct usage_error *e)
{
	int code = usage_print(e);

	if (o->given[OPT_JSON]) {
		struct report_options ro = {
			.out = stdout,
			.err = stderr,
			.json = true,
			.command = o->command ? o->command->name : "",
		};
		struct report *r = report_new(&ro);

		report_exit_error(r, &e->diag);
		report_free(r);
	}
	return code;
}

static struct conf_sources sources_of(const struct options *o, bool no_files)
{
	return (struct conf_sources){
		.path = o->config,
		.no_files = no_files,
		.sets = o->sets,
		.set_count = o->set_count,
	};
}

struct conf *work_load_conf(const struct options *o, bool no_files, struct usage_error *e)
{
	struct conf_sources from = sources_of(o, no_files);
	struct conf_errors errors = {0};
	struct conf *c = conf_load(&from, &errors);

	bool ok = c && rules_check_files(c, &errors, &e->diag);

	if (errors.count) {
		fputs(buf_cstr(&errors.text), stderr);
		conf_errors_diag(&errors, &e->diag);
		ok = false;
	}
	conf_errors_release(&errors);
	if (ok)
		return c;
	conf_free(c);
	return NULL;
}

struct conf *work_load_conf_name(const struct options *o, struct usage_error *e)
{
	struct conf_sources from = sources_of(o, false);
	struct conf_errors errors = {0};
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;
	struct conf *c;

	from.only_name = true;
	c = conf_load(&from, &errors);
	fputs(buf_cstr(&errors.text), stderr);
	if (!c) {
		conf_errors_diag(&errors, &e->diag);
	} else if (errors.count) {
		diag_set(&d, DIAG_CONF_NAME_ONLY, 0, NULL,
			"%u error%s in the configuration: only the job's name, '%s', is taken from it", errors.count,
			errors.count == 1 ? "" : "s", work_job_name(c));
		diag_format(&b, &d);
		fprintf(stderr, "rehost: warning: %s\n", buf_cstr(&b));
	}
	conf_errors_release(&errors);
	return c;
}

bool work_check_target(const struct conf *c, struct usage_error *e)
{
	if (c->target.address && c->target.root)
		return true;
	diag_set(&e->diag, DIAG_CLI_NO_TARGET, 0, NULL, "[target] %s is not set",
		c->target.address ? "root" : "address");
	return false;
}

const char *work_job_name(const struct conf *c)
{
	return c->job.name ? c->job.name : "default";
}

char *work_target_text(const struct conf *c)
{
	const char *address = c->target.address ? c->target.address : "";
	AUTO_BUF b = BUF_INIT;

	if (c->target.user && !strchr(address, '@') && !str_eq(address, "local:"))
		buf_printf(&b, "%s@", c->target.user);
	buf_append_str(&b, address);
	if (c->target.port)
		buf_printf(&b, ":%u", c->target.port);
	if (!str_eq(address, "local:"))
		buf_append_u8(&b, ':');
	buf_append_str(&b, c->target.root ? c->target.root : "");
	return text_escaped(buf_cstr(&b));
}

/* Options that only mean something with SRC DST; a configured job has keys for them. */
static bool check_operand_options(const struct options *o, bool adhoc, struct usage_error *e)
{
	static const enum option_id only_adhoc[] = {OPT_DELETE, OPT_EXCLUDE, OPT_INCLUDE, OPT_FILTER, OPT_EXCLUDE_FROM,
		OPT_INCLUDE_FROM, OPT_ONE_FILE_SYSTEM};

	if (adhoc && o->given[OPT_CONFIG]) {
		usage_set(e, DIAG_CLI_OPTION_PLACE,
			xstrdup("leave '--config' out; single values can be given by '--set'"),
			"with SRC and DST no configuration file is read");
		return false;
	}
	for (size_t i = 0; !adhoc && i < ARRAY_LEN(only_adhoc); i++) {
		if (!o->given[only_adhoc[i]])
			continue;
		usage_set(e, DIAG_CLI_OPTION_PLACE,
			xstrdup("the rules of a configured job stand in [rules] and [source]; or name SRC "
				"and DST"),
			"'--%s' needs SRC and DST", option_defs[only_adhoc[i]].name);
		return false;
	}
	return true;
}

/* A closed terminal ends what was started there; a daemon's job takes SIGHUP as daemons do. nohup(1) has it ignored. */
static enum hangup hangup_of(const struct job *job)
{
	AUTO_CLOSE int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct sigaction now;
	bool ignored = sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler == SIG_IGN;

	if (job->adhoc)
		return ignored ? HANGUP_IGNORED : HANGUP_ENDS;
	return terminal >= 0 && !ignored ? HANGUP_ENDS : HANGUP_RELOADS;
}

static bool make_job(struct work *w, const struct work_operands *operands, struct usage_error *e)
{
	const struct options *o = w->o;
	struct job *job = &w->job;

	job->adhoc = operands->source != NULL;
	if (!check_operand_options(o, job->adhoc, e))
		return false;
	w->conf = work_load_conf(o, job->adhoc, e);
	if (!w->conf)
		return false;
	if (job->adhoc) {
		if (!adhoc_apply(w, operands->source, operands->target, e))
			return false;
	} else {
		job->name = xstrdup(work_job_name(w->conf));
		if (o->id == CMD_LAYOUT && !w->conf->target.root)
			w->conf->target.root = xasprintf("/run/rehost/%s/root", job->name);
		if (!work_check_target(w->conf, e))
			return false;
	}
	job->conf = w->conf;
	job->kept = &w->kept;
	/* these write nothing anywhere */
	job->dry_run = o->given[OPT_DRY_RUN] || o->id == CMD_NETCHECK || o->id == CMD_CHECK || o->id == CMD_FACTS ||
		o->id == CMD_LAYOUT;
	job->checksum = o->given[OPT_CHECKSUM];
	job->repair = o->given[OPT_REPAIR];
	job->one_file_system = o->given[OPT_ONE_FILE_SYSTEM];
	job->adopt = o->given[OPT_ADOPT];
	job->batch = o->quiet || o->given[OPT_JSON] || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO);
	job->retry = !job->adhoc;
	job->first_connection_retries = o->id == CMD_RUN;
	job->hangup = hangup_of(job);
	w->sources = sources_of(o, job->adhoc);
	job->sources = &w->sources;
	return true;
}

static bool is_colour_wanted(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDERR_FILENO) && !(no_color && *no_color) && term && !str_eq(term, "dumb");
}

static void open_report(struct work *w)
{
	const struct options *o = w->o;
	AUTO_FREE char *from = text_escaped(w->conf->source.root);
	struct report_options ro = {
		.out = stdout,
		.err = stderr,
		.json = o->given[OPT_JSON],
		.quiet = o->quiet,
		.verbose = o->verbose,
		.items = o->given[OPT_ITEMIZE] || o->verbose || o->given[OPT_DRY_RUN],
		.dry_run = o->given[OPT_DRY_RUN],
		.progress = o->progress,
		.err_is_terminal = isatty(STDERR_FILENO),
		.colour = is_colour_wanted(),
		.command = o->command->name,
		.source = from,
		.target = w->to,
	};

	w->report = report_new(&ro);
}

/* Of the log itself: the report hears of it, the log cannot. */
static void log_complain(void *arg, const struct diag *d)
{
	struct work *w = arg;

	report_diag(w->report, d);
}

static enum log_level level_of(const struct conf *c)
{
	static const enum log_level levels[] = {
		[CONF_LOG_ERROR] = LOG_LEVEL_ERROR,
		[CONF_LOG_WARNING] = LOG_LEVEL_WARNING,
		[CONF_LOG_INFO] = LOG_LEVEL_INFO,
		[CONF_LOG_DEBUG] = LOG_LEVEL_DEBUG,
	};

	return levels[c->log.level];
}

/* A dry run writes nothing anywhere; SRC DST has a log only when one is named. */
static void open_log(struct work *w)
{
	const struct conf *c = w->conf;
	AUTO_FREE char *own = w->job.adhoc ? NULL : xasprintf("%s/%s.log", w->dirs.log, w->job.name);
	struct log_options lo = {
		.job = w->job.name,
		.file = c->log.file ? c->log.file : own,
		.json_file = c->log.json_file,
		.system = c->log.syslog,
		.level = level_of(c),
		.complain = log_complain,
		.arg = w,
	};

	if (!w->job.dry_run)
		w->log = log_open(&lo);
	w->recorded = log_wants(w->log, LOG_LEVEL_DEBUG);
}

int work_begin(struct work *w, const struct options *o, const struct work_operands *operands)
{
	struct usage_error e = {0};
	int code = 0;

	*w = (struct work){.o = o, .locks = JOB_LOCKS_NONE};
	if (!make_job(w, operands, &e) || !dirs_find(&w->dirs, &e.diag) ||
		(!w->job.dry_run && !dirs_make(&w->dirs, &e.diag))) {
		code = work_refuse(o, &e);
		goto out;
	}
	w->job.pid = supervise(w->job.hangup);
	w->job.state_dir = w->dirs.state;
	w->job.run_dir = w->dirs.run;
	w->job.log_dir = w->dirs.log;
	/* A reader of our output that goes away must not end the run: report_lost() tells. */
	signal(SIGPIPE, SIG_IGN);
	w->to = work_target_text(w->conf);
	open_report(w);
	open_log(w);
	w->job.want_space = o->verbose || o->given[OPT_JSON];
	w->job.want_items =
		w->recorded || o->given[OPT_ITEMIZE] || o->verbose || o->given[OPT_DRY_RUN] || o->given[OPT_JSON];
out:
	usage_release(&e);
	return code;
}

/* ---- the observer: each event goes to the report and to the log ---- */

static void on_diag(void *arg, const struct diag *d)
{
	struct work *w = arg;

	report_diag(w->report, d);
	log_diag(w->log, d);
}

static void on_note(void *arg, const char *text)
{
	struct work *w = arg;

	report_note(w->report, text);
	log_record(w->log, LOG_LEVEL_INFO, NULL, text, NULL, 0);
}

static void on_source(void *arg, const struct source_fs *f)
{
	struct work *w = arg;
	AUTO_BUF b = BUF_INIT;

	report_source(w->report, f);
	report_source_text(&b, f);
	log_record(w->log, LOG_LEVEL_INFO, NULL, buf_cstr(&b), NULL, 0);
}

static void on_item(void *arg, const struct item *i)
{
	struct work *w = arg;

	report_item(w->report, i);
	if (w->recorded) {
		struct log_field fields[] = {
			{"path", i->path, 0},
			{"op", report_op_name(i->op), 0},
			{"bytes", NULL, i->bytes},
		};
		AUTO_BUF b = BUF_INIT;

		buf_printf(&b, "%s ", report_op_name(i->op));
		text_escape(&b, i->path, strlen(i->path));
		log_record(w->log, LOG_LEVEL_DEBUG, NULL, buf_cstr(&b), fields, ARRAY_LEN(fields));
	}
}

static void on_difference(void *arg, const struct difference *d)
{
	struct work *w = arg;
	struct log_field fields[] = {
		{"path", d->path, 0},
		{"kind", report_kind_name(d->kind), 0},
	};
	AUTO_BUF b = BUF_INIT;

	report_difference(w->report, d);
	if (!log_wants(w->log, LOG_LEVEL_INFO))
		return;
	buf_printf(&b, "difference: %s ", report_kind_name(d->kind));
	text_escape(&b, d->path, strlen(d->path));
	for (size_t i = 0; i < d->field_count; i++) {
		buf_append_str(&b, i ? ", " : ": ");
		text_escape(&b, d->fields[i], strlen(d->fields[i]));
	}
	log_record(w->log, LOG_LEVEL_INFO, NULL, buf_cstr(&b), fields, ARRAY_LEN(fields));
}

static void on_progress(void *arg, const struct progress *p)
{
	report_progress(((struct work *)arg)->report, p, false);
}

static void on_progress_now(void *arg, const struct progress *p)
{
	report_progress(((struct work *)arg)->report, p, true);
}

static void on_reloaded(void *arg)
{
	struct work *w = arg;

	log_set_level(w->log, level_of(w->conf));
}

/* ---- steps ---- */

static void log_begin(struct work *w)
{
	AUTO_BUF b = BUF_INIT;

	buf_printf(&b, "%s begins: ", job_kind_name(w->job.kind));
	text_escape(&b, w->conf->source.root, strlen(w->conf->source.root));
	buf_printf(&b, " to %s, rehost " REHOST_VERSION, w->to);
	log_record(w->log, LOG_LEVEL_INFO, NULL, buf_cstr(&b), NULL, 0);
}

static void log_end(struct work *w, const struct summary *s)
{
	const char *command = job_kind_name(w->job.kind);
	struct log_field fields[4 + COUNTER_COUNT] = {{"command", command, 0},
		{"exit_code", NULL, (uint64_t)s->exit_code},
		{"duration_s", NULL, (uint64_t)(s->duration_ns / NS_PER_S)}};
	const size_t of_counts = 3;
	size_t count = of_counts;
	AUTO_BUF b = BUF_INIT;

	for (unsigned i = 0; i < COUNTER_COUNT; i++)
		if (!(count_defs[i].whose & COUNT_PROGRESS))
			fields[count++] = (struct log_field){count_defs[i].name, NULL, counts_get(&s->counts, i)};
	fields[count++] = (struct log_field){"differences", NULL, s->differences};
	buf_printf(&b, "%s ends with exit code %d after ", command, s->exit_code);
	text_duration(&b, (uint64_t)(s->duration_ns / NS_PER_S));
	/* What does not concern the command would only be zeroes. */
	for (size_t i = of_counts, n = 0; i < count; i++)
		if (fields[i].number)
			buf_printf(
				&b, "%s %s=%llu", n++ ? "" : ":", fields[i].name, (unsigned long long)fields[i].number);
	log_record(w->log, s->exit_code ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, NULL, buf_cstr(&b), fields, count);
}

/* A run ended by a signal says so, also when nothing else went wrong. */
static void name_signal(struct summary *s)
{
	if (s->signal && !diag_is_set(&s->fatal))
		diag_set(&s->fatal, DIAG_SIGNAL, 0, NULL, "ended by signal %d (%s)", s->signal, strsignal(s->signal));
}

bool work_start(struct work *w, struct summary *s)
{
	bool ok = unattended_begin(w, s);

	if (!ok) {
		name_signal(s);
		log_diag(w->log, &s->fatal);
	}
	return ok;
}

void work_step(struct work *w, enum job_kind kind, struct summary *out)
{
	int64_t started = clock_real_ns();
	struct observer observer = {
		.arg = w,
		.diag = on_diag,
		.note = on_note,
		.source = on_source,
		.item = on_item,
		.difference = on_difference,
		.progress = on_progress,
		.progress_now = on_progress_now,
		.reloaded = on_reloaded,
	};

	w->job.kind = kind;
	*out = (struct summary){0};
	log_begin(w);
	engine_run(&w->job, &observer, out);
	name_signal(out);
	if (diag_is_set(&out->fatal) && !report_said(w->report, &out->fatal))
		log_diag(w->log, &out->fatal);
	log_end(w, out);
	if (w->o->id == CMD_RUN)
		unattended_note(w, (enum run_command)kind, out, started);
}

int work_end(struct work *w, const struct summary *s, bool transferred, bool verified)
{
	int code = s->exit_code;

	unattended_end(w, s, transferred, verified);
	report_end(w->report, s, transferred, verified);
	if (report_lost(w->report)) {
		AUTO_DIAG d = DIAG_INIT;

		diag_set(&d, DIAG_CLI_OUTPUT, 0, NULL, "cannot write all of standard output");
		log_diag(w->log, &d);
		if (!w->o->given[OPT_JSON])
			report_diag(w->report, &d);
		if (code == EXIT_DONE)
			code = diag_info(d.code)->exit_class;
	}
	return code;
}

void work_release(struct work *w)
{
	job_unlock(&w->locks);
	log_close(w->log);
	report_free(w->report);
	conf_free(w->conf);
	dirs_release(&w->dirs);
	free(w->job.name);
	free(w->to);
	free(w->paths);
	free(w->kept.sources_said);
	*w = (struct work){0};
}
