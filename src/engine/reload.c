#include "engine/reload.h"
#include "conf/change.h"
#include "engine/coordinator.h"

/* A line each. */
static void each_line(struct engine *e, struct buf *lines, void (*fn)(struct engine *e, const char *line))
{
	for (char *line = buf_cstr(lines), *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		fn(e, line);
	}
}

static void say_error(struct engine *e, const char *line)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_ENGINE_RELOAD, 0, NULL, "%s", line);
	engine_diag(e, &d);
}

static void say_changed(struct engine *e, const char *line)
{
	engine_note(e, "the configuration has changed: %s", line);
}

static void say_kept(struct engine *e, const char *line)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_ENGINE_NEXT_RUN, 0, NULL, "'%s' has changed, but not for this run", line);
	engine_diag(e, &d);
}

void reload(struct engine *e)
{
	struct conf_errors errors = {0};
	struct conf *new = conf_load(e->job->sources, &errors);
	AUTO_BUF changed = BUF_INIT;
	AUTO_BUF kept = BUF_INIT;
	struct conf_limits wanted = new ? new->limits : e->limits.now;
	AUTO_DIAG d = DIAG_INIT;

	wanted.backend = e->limits.now.backend; /* what keeps them stays */
	wanted.require = e->limits.now.require;
	if (!new) {
		each_line(e, &errors.text, say_error);
	} else if (!limits_apply(e, &wanted, &d)) {
		engine_diag(e, &d);
	} else {
		conf_take_reloaded(e->job->conf, new, &changed, &kept);
		limits_bandwidth(e);
		if (e->observer->reloaded)
			e->observer->reloaded(e->observer->arg);
		engine_note(e, "the configuration was read again%s",
			changed.len ? "" : ": nothing that can change now has changed");
		each_line(e, &changed, say_changed);
		each_line(e, &kept, say_kept);
	}
	conf_free(new);
	conf_errors_release(&errors);
}
