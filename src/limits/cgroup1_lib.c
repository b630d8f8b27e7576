/*
 * Groups of version 1 by libcgroup. It passes names and values straight through; a group is that of one controller, for
 * where this process was may differ between hierarchies.
 */
#include "limits/private.h"

#include <errno.h>
#include <libcgroup.h>
#include <unistd.h>

bool cg_lib_usable(void)
{
	return cgroup_init() == 0;
}

/* The library's errors as an errno. */
static int why(int ret)
{
	switch (ret) {
	case 0:
		return 0;
	case ECGOTHER:
		return cgroup_get_last_errno();
	case ECGROUPNOTALLOWED:
		return EACCES;
	case ECGROUPNOTEXIST:
	case ECGROUPNOTCREATED:
		return ENOENT;
	case ECGINVAL:
	case ECGROUPVALUENOTEXIST:
		return EINVAL;
	case ECGROUPNOTMOUNTED:
		return ENOSYS;
	default:
		return EIO;
	}
}

static struct cgroup *group_of(const struct cg *c, const char *rel, struct cgroup_controller **out)
{
	struct cgroup *group = cgroup_new_cgroup(*rel ? rel + 1 : "/");

	*out = group ? cgroup_add_controller(group, c->controller) : NULL;
	if (*out)
		return group;
	cgroup_free(&group);
	return NULL;
}

static int lib_make(const struct cg *c)
{
	AUTO_FREE char *path = cg_path(c, c->rel, NULL);
	struct cgroup_controller *ctrl;
	struct cgroup *group;
	int err;

	if (access(path, F_OK) == 0)
		return EEXIST;
	group = group_of(c, c->rel, &ctrl);
	if (!group)
		return EIO;
	err = why(cgroup_create_cgroup(group, 1));
	cgroup_free(&group);
	return err;
}

static int lib_set(const struct cg *c, const char *file, const char *value)
{
	struct cgroup_controller *ctrl;
	struct cgroup *group = group_of(c, c->rel, &ctrl);
	int err = EIO;

	if (!group)
		return err;
	err = why(cgroup_add_value_string(ctrl, file, value));
	if (!err)
		err = why(cgroup_modify_cgroup(group));
	cgroup_free(&group);
	return err;
}

static int lib_attach(const struct cg *c, const char *rel, pid_t pid)
{
	struct cgroup_controller *ctrl;
	struct cgroup *group = group_of(c, rel, &ctrl);
	int err;

	if (!group)
		return EIO;
	err = why(cgroup_attach_task_pid(group, pid));
	cgroup_free(&group);
	return err;
}

/* cgroup_delete_cgroup() would first move what is left in it: whoever is, is about to end. */
static int lib_remove(const struct cg *c)
{
	return cg_files.remove(c);
}

const struct cg_ops cg_lib = {lib_make, lib_set, lib_attach, lib_remove};
