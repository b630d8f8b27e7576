#include "facts/inuse.h"
#include "base/path.h"

#include <ctype.h>
#include <unistd.h>

#define PROCESSES_MAX 8 /* that are named */

static bool leads_beneath(const struct tree *t, const char *link, const char *path)
{
	AUTO_FREE char *to = tree_link(t, link);
	const char *rest;

	return to && *to == '/' && path_within(path, to, &rest);
}

static bool works_in(const struct tree *t, const char *pid, const char *path)
{
	AUTO_FREE char *cwd = xasprintf("/proc/%s/cwd", pid), *root = xasprintf("/proc/%s/root", pid),
		       *fds = xasprintf("/proc/%s/fd", pid);
	bool found = leads_beneath(t, cwd, path) || leads_beneath(t, root, path);
	struct tree_names names = {0};

	if (found || !tree_list(t, fds, &names))
		return found;
	for (size_t i = 0; i < names.count && !found; i++) {
		AUTO_FREE char *fd = xasprintf("%s/%s", fds, names.names[i]);

		found = leads_beneath(t, fd, path);
	}
	tree_names_release(&names);
	return found;
}

void put_in_use(const struct tree *t, struct value *o, const char *path)
{
	struct value *list = put_array(o, "in_use");
	struct tree_names pids;
	unsigned n = 0;

	if (!tree_list(t, "/proc", &pids))
		return;
	for (size_t i = 0; i < pids.count && n < PROCESSES_MAX; i++) {
		AUTO_FREE char *comm = xasprintf("/proc/%s/comm", pids.names[i]);
		AUTO_FREE char *name = NULL, *shown = NULL;

		if (!isdigit((unsigned char)*pids.names[i]) || atol(pids.names[i]) == getpid() ||
			atol(pids.names[i]) == getppid() || !works_in(t, pids.names[i], path))
			continue;
		name = tree_line(t, comm);
		shown = xasprintf("%s (process %s)", name ? name : "?", pids.names[i]);
		add_text(list, shown);
		n++;
	}
	tree_names_release(&pids);
}
