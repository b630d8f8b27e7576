#include "cli/dirs.h"
#include "base/fd.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

/* A relative name counts from the working directory; NULL when it cannot be found out. */
static char *from_environment(const char *variable, bool *out_failed)
{
	const char *value = getenv(variable);
	AUTO_FREE char *cwd = NULL;

	if (!value || !*value)
		return NULL;
	if (value[0] == '/')
		return xstrdup(value);
	cwd = getcwd(NULL, 0);
	if (!cwd) {
		*out_failed = true;
		return NULL;
	}
	return xasprintf("%s/%s", cwd, value);
}

/* The XDG specification has relative values ignored. */
static const char *xdg(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] == '/' ? value : NULL;
}

static char *home_dir(void)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home && home[0] == '/')
		return xstrdup(home);
	pw = getpwuid(geteuid());
	return pw && pw->pw_dir[0] == '/' ? xstrdup(pw->pw_dir) : NULL;
}

static char *user_state_dir(void)
{
	AUTO_FREE char *home = NULL;

	if (xdg("XDG_STATE_HOME"))
		return xasprintf("%s/rehost", xdg("XDG_STATE_HOME"));
	home = home_dir();
	return home ? xasprintf("%s/.local/state/rehost", home) : NULL;
}

bool dirs_find(struct dirs *out, struct diag *d)
{
	bool root = geteuid() == 0, failed = false;
	AUTO_FREE char *base = root ? NULL : user_state_dir();

	*out = (struct dirs){
		.state = from_environment("REHOST_STATE_DIR", &failed),
		.run = from_environment("REHOST_RUN_DIR", &failed),
		.log = from_environment("REHOST_LOG_DIR", &failed),
	};
	if (!out->state)
		out->state = root ? xstrdup("/var/lib/rehost") : base ? xstrdup(base) : NULL;
	if (!out->run && root)
		out->run = xstrdup("/run/rehost");
	if (!out->run && xdg("XDG_RUNTIME_DIR"))
		out->run = xasprintf("%s/rehost", xdg("XDG_RUNTIME_DIR"));
	if (!out->run && base)
		out->run = xasprintf("%s/run", base);
	if (!out->log)
		out->log = root ? xstrdup("/var/log/rehost") : base ? xasprintf("%s/log", base) : NULL;
	if (!failed && out->state && out->run && out->log)
		return true;
	diag_set(d, DIAG_CLI_DIRECTORY, 0, NULL,
		"cannot find a place for state and logs: neither a home directory nor "
		"a working directory is known");
	dirs_release(out);
	return false;
}

bool dirs_make(const struct dirs *dirs, struct diag *d)
{
	const char *const all[] = {dirs->state, dirs->run, dirs->log};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (fd_mkdir_p(all[i], 0700) == 0)
			continue;
		diag_set(d, DIAG_CLI_DIRECTORY, errno, all[i], "cannot make the directory '%s'", all[i]);
		return false;
	}
	return true;
}

void dirs_release(struct dirs *dirs)
{
	free(dirs->state);
	free(dirs->run);
	free(dirs->log);
	*dirs = (struct dirs){0};
}
