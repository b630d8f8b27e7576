#include "engine/prepare.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "engine/coordinator.h"
#include "engine/since.h"
#include "engine/control.h"
#include "engine/linking.h"
#include "engine/known.h"
#include "engine/sources.h"
#include "engine/space.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static void warn_missing_path(void *arg, const struct conf_item *item)
{
	struct engine *e = arg;
	size_t n = strlen(item->value);
	/* What lies beneath a directory, of an empty one as well. */
	bool contents = n >= 2 && str_eq(item->value + n - 2, "/*");
	AUTO_FREE char *path = xmemdup(item->value, contents ? n - 1 : n);
	AUTO_DIAG d = DIAG_INIT;
	struct stat st;

	if (lstat(path, &st) == 0 || errno != ENOENT)
		return;
	diag_set(&d, DIAG_ENGINE_NO_PATH, 0, item->value, "'%s' does not exist (%s:%u)", item->value, item->file,
		item->line);
	engine_diag(e, &d);
}

static void warn_recovered(struct engine *e, const char *dir)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_ENGINE_STATE_OLD, 0, dir, "cannot read '%s/state.json': its copy beside it is taken", dir);
	engine_diag(e, &d);
}

static void skip_own_dir(struct engine *e, const char *dir)
{
	struct stat st;

	if (dir && stat(dir, &st) == 0 && S_ISDIR(st.st_mode)) {
		wr_u64(&e->workers.skips, st.st_dev);
		wr_u64(&e->workers.skips, st.st_ino);
	}
}

static bool open_source(struct engine *e, struct diag *d)
{
	const struct job *job = e->job;
	struct mounts_options o = {
		.one_file_system = job->one_file_system,
		.root_always = job->adhoc,
		.excluded = sources_excluded,
		.arg = e->rules,
	};
	struct stat st;
	AUTO_BUF warn = BUF_INIT;

	if (stat(job->conf->source.root, &st) < 0 || !S_ISDIR(st.st_mode)) {
		diag_set(d, DIAG_ENGINE_SOURCE_ROOT, errno ? errno : ENOTDIR, job->conf->source.root,
			"cannot use source root '%s'", job->conf->source.root);
		return false;
	}
	known_enter(e);
	if (!mounts_select(job->conf, &o, &e->plan, d) || !known_compare(e, d) || !sources_make_room(e, d))
		return false;
	if (!mounts_open(&e->plan, geteuid() == 0, &warn, d))
		return false;
	for (char *line = buf_cstr(&warn), *end; *line; line = end + 1) {
		end = strchrnul(line, '\n');
		engine_note(e, "%.*s", (int)(end - line), line);
		if (!*end)
			break;
	}
	sources_say(e);
	space_begin(e);
	e->walk.mount_given = xcalloc(e->plan.chosen_count, sizeof(*e->walk.mount_given));
	return true;
}

static void forecast(struct engine *e)
{
	if (e->state.files && state_matches(e->job, &e->state)) {
		e->progress.now.files_expected = e->state.files;
		e->progress.now.bytes_expected = e->state.bytes;
		e->progress.forecast = true;
		return;
	}
	if (e->job->adhoc ||
		!mounts_whole(e->job->conf->source.root)) /* what the whole file system holds says nothing */
		return;
	for (size_t i = 0; i < e->plan.chosen_count; i++) {
		e->progress.now.files_expected += e->plan.chosen[i].used_inodes;
		e->progress.now.bytes_expected += e->plan.chosen[i].used_bytes;
	}
	e->progress.forecast = true;
}

bool prepare(struct engine *e, struct diag *d)
{
	const struct job *job = e->job;
	AUTO_FREE char *job_dir = xasprintf("%s/%s", job->state_dir, job->name);

	if (!job->dry_run) {
		control_open(e);
		if (fd_mkdir_p(job_dir, 0700) < 0) {
			diag_set(d, DIAG_JOB_STATE, errno, job_dir, "cannot make directory '%s'", job_dir);
			return false;
		}
	}
	if (!state_load(job->state_dir, job->name, &e->state, d))
		return false;
	if (e->state.recovered)
		warn_recovered(e, job_dir);
	if (!verifyjob_begin(e, d))
		return false;
	if (!rules_new(job->conf, job->kind == JOB_COPY ? RULES_COPY : RULES_SYNC, &e->rules, d))
		return false;
	if (!open_source(e, d))
		return false;
	rules_each_path(e->rules, warn_missing_path, e);
	if (!transport_resolve(job->conf, job->batch, &e->transport, d))
		return false;
	if (!transport_helper_path() && !job->conf->target.helper) {
		diag_set(d, DIAG_ENGINE_NO_HELPER, 0, NULL, "cannot find 'rehost-receiver'");
		return false;
	}
	e->limits.throttle = throttle_new(&e->limits.throttle_fd);
	if (!e->limits.throttle || getrandom(e->workers.seed, sizeof(e->workers.seed), 0) != sizeof(e->workers.seed)) {
		diag_set(d, DIAG_ENGINE_WORKER, errno, NULL, "cannot get random bytes, or a page of memory to share");
		return false;
	}
	if (job->kept->paused) /* in the step before */
		engine_hold(e, HOLD_USER, true);
	if (!limits_apply(e, &job->conf->limits, d))
		return false;
	digest_key_init(&e->walk.name_key, e->workers.seed);
	e->workers.empty_dir = xasprintf("%s/empty", job->run_dir);
	e->workers.run_dir_made = access(job->run_dir, F_OK) < 0;
	e->workers.empty_made = access(e->workers.empty_dir, F_OK) < 0;
	skip_own_dir(e, job->state_dir);
	skip_own_dir(e, job->run_dir);
	skip_own_dir(e, job->log_dir);
	if (job->kind == JOB_VERIFY) {
		if (state_matches(job, &e->state)) {
			since_find(e);
			if (e->state.skip_ino) {
				wr_u64(&e->workers.skips, e->state.skip_dev);
				wr_u64(&e->workers.skips, e->state.skip_ino);
			}
		}
		e->verify.links = verify_links_new(16u << 20, open(job_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	} else if (!linking_begin(e, d)) {
		return false;
	}
	doubt_prepare(e);
	budget_begin(e);
	forecast(e);
	return true;
}
