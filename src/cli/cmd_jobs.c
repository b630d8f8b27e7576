/* jobs: which jobs have state here; and forgetting one. */
#include "cli/commands.h"
#include "cli/dirs.h"
#include "cli/json.h"
#include "cli/work.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "job/lock.h"
#include "job/runs.h"
#include "job/status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct listed {
	char *name;
	struct job_state state;
	pid_t pid; /* 0: not running */
	bool damaged; /* its state cannot be read */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->name, ((const struct listed *)b)->name);
}

/* The last command that ended, also of a job that was never sure of its target. */
static void add_last_run(const char *state_dir, struct listed *l)
{
	struct run_record runs[RUN_COMMANDS];

	runs_read(state_dir, l->name, runs);
	for (int c = 0; c < RUN_COMMANDS; c++) {
		if (runs[c].ended <= l->state.last_ended)
			continue;
		l->state.last_ended = runs[c].ended;
		l->state.last_exit_code = runs[c].exit_code;
		free(l->state.last_command);
		l->state.last_command = xstrdup(run_command_name((enum run_command)c));
	}
}

/* False: it is a directory of something else. */
static bool read_job(const struct dirs *dirs, const char *name, struct listed *out)
{
	AUTO_DIAG d = DIAG_INIT;

	*out = (struct listed){.name = xstrdup(name)};
	if (!job_state_read(dirs->state, dirs->run, name, &out->state, &out->pid, &d))
		out->damaged = true;
	add_last_run(dirs->state, out);
	return out->state.exists || out->state.last_command || out->pid || out->damaged;
}

static void release(struct listed *l)
{
	job_state_release(&l->state);
	free(l->name);
}

static struct listed *read_jobs(const struct dirs *dirs, size_t *out_count)
{
	struct listed *all = NULL;
	DIR *dir = opendir(dirs->state);
	struct dirent *entry;
	size_t n = 0;

	while (dir && (entry = readdir(dir))) {
		struct listed l;
		struct stat st;

		if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISDIR(st.st_mode))
			continue;
		if (!read_job(dirs, entry->d_name, &l)) {
			release(&l);
			continue;
		}
		all = xrealloc(all, (n + 1) * sizeof(*all));
		all[n++] = l;
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(all, n, sizeof(*all), by_name);
	*out_count = n;
	return all;
}

static void append_target(struct buf *b, const struct job_state *s)
{
	AUTO_FREE char *whole =
		s->target ? xasprintf("%s%s", s->target, s->target_root ? s->target_root : "") : xstrdup("-");

	text_escape(b, whole, strlen(whole));
}

static void append_result(struct buf *b, const struct listed *l)
{
	char when[64] = "";
	time_t t = (time_t)(l->state.last_ended / NS_PER_S);
	struct tm tm;

	if (l->pid)
		buf_printf(b, "running, process %d; ", (int)l->pid);
	if (l->damaged)
		buf_append_str(b, "its state cannot be read; ");
	if (!l->state.last_command) {
		buf_append_str(b, "no command has ended");
		return;
	}
	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	buf_printf(b, "%s, exit code %d, %s", l->state.last_command, l->state.last_exit_code, when);
}

static void print_text(const struct listed *l)
{
	AUTO_BUF b = BUF_INIT;

	text_escape(&b, l->name, strlen(l->name));
	buf_append_str(&b, "\n  target:  ");
	append_target(&b, &l->state);
	buf_append_str(&b, "\n  last:    ");
	append_result(&b, l);
	buf_append_u8(&b, '\n');
	fwrite(b.data, 1, b.len, stdout);
}

static void print_json(const struct listed *l)
{
	const struct job_state *s = &l->state;
	struct json j = {0};

	json_begin(&j, "job");
	json_path(&j, "job", l->name);
	if (s->target) {
		json_path(&j, "source_root", s->source_root ? s->source_root : "");
		json_str(&j, "target", s->target);
		json_path(&j, "target_root", s->target_root ? s->target_root : "");
		json_bool(&j, "copy_completed", s->copy_completed);
	}
	json_bool(&j, "running", l->pid != 0);
	if (l->pid)
		json_i64(&j, "pid", l->pid);
	json_bool(&j, "damaged", l->damaged);
	if (s->last_command) {
		json_str(&j, "last_command", s->last_command);
		json_i64(&j, "last_exit_code", s->last_exit_code);
		json_time(&j, "last_ended", s->last_ended);
	}
	json_end(&j);
	fwrite(j.text.data, 1, j.text.len, stdout);
	json_release(&j);
}

static int list(const struct options *o, const struct dirs *dirs)
{
	size_t n;
	struct listed *all = read_jobs(dirs, &n);

	for (size_t i = 0; i < n; i++) {
		if (o->given[OPT_JSON])
			print_json(&all[i]);
		else
			print_text(&all[i]);
		release(&all[i]);
	}
	if (!n && !o->given[OPT_JSON])
		puts("No job has state here.");
	free(all);
	return EXIT_DONE;
}

/* ---- removing ---- */

/* What a job keeps, and nothing else: files right in its directory, then the directory. */
static bool empty(int dirfd_)
{
	int copy = fcntl(dirfd_, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	bool ok = dir != NULL;

	if (!dir && copy >= 0)
		close(copy);
	while (ok && (entry = readdir(dir)))
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			ok = unlinkat(dirfd_, entry->d_name, 0) == 0;
	if (dir) {
		int err = errno;

		closedir(dir);
		errno = err;
	}
	return ok;
}

static bool remove_job(const struct dirs *dirs, const char *name, struct usage_error *e)
{
	struct job job = {.name = (char *)name, .state_dir = dirs->state, .run_dir = dirs->run};
	AUTO_FREE char *path = xasprintf("%s/%s", dirs->state, name);
	struct job_locks locks = JOB_LOCKS_NONE;
	AUTO_CLOSE int fd = -1;
	bool ok;

	if (!*name || strchr(name, '/') || str_eq(name, ".") || str_eq(name, "..") ||
		(fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0) {
		usage_set(e, DIAG_CLI_NO_JOB, NULL, "no job '%s' has state in '%s'", name, dirs->state);
		return false;
	}
	if (!job_lock(&job, &locks, &e->diag)) /* it is running */
		return false;
	ok = empty(fd) && rmdir(path) == 0;
	if (!ok)
		diag_set(&e->diag, DIAG_JOB_STATE, errno, path, "cannot remove '%s'", path);
	job_unlock(&locks);
	return ok;
}

int cmd_jobs(const struct options *o)
{
	struct usage_error e = {0};
	struct dirs dirs = {0};
	int code = EXIT_DONE;
	bool ok = false;

	if (o->operand_count)
		usage_set(&e, DIAG_CLI_OPERANDS, xstrdup("'rehost jobs --remove NAME' forgets one"),
			"'jobs' takes no arguments");
	else
		ok = dirs_find(&dirs, &e.diag);
	if (ok && o->remove)
		ok = remove_job(&dirs, o->remove, &e);
	else if (ok)
		code = list(o, &dirs);
	if (!ok)
		code = work_refuse(o, &e);
	else if (o->remove)
		printf("job %s is forgotten\n", o->remove);
	dirs_release(&dirs);
	usage_release(&e);
	return code;
}
