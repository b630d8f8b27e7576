/* A descriptor for each chosen mount: the best way that this kernel and these rights allow. */
#include "mounts/private.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Whatever the way, it must lead where the table said: the mount may be gone, or another be on top of it. */
static bool is_where_it_was(const struct mount *m, struct diag *d)
{
	struct stat st;

	if (fstat(m->fd, &st) == 0 && st.st_dev == m->dev)
		return true;
	diag_set(d, DIAG_MOUNTS_CHANGED, 0, m->path, "the mount at '%s' has changed meanwhile", m->path);
	return false;
}

static bool open_real(struct mount *m, struct diag *d)
{
	m->fd = open(m->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->fd >= 0)
		return true;
	diag_set(d, DIAG_MOUNTS_OPEN, errno, m->path, "cannot open '%s'", m->path);
	return false;
}

static void say_real(struct buf *warn, const struct mount *m, int err)
{
	AUTO_FREE char *shown = text_escaped(m->path);

	buf_printf(warn, "'%s' is read where it is mounted, not through a read-only clone: %s\n", shown, strerror(err));
}

static void try_clones(struct mount_plan *p, unsigned ways, int *errs)
{
	bool missing = false;

	for (size_t k = 0; k < p->chosen_count; k++) {
		errs[k] = ENOSYS;
		if (ways & OPEN_DETACHED) {
			p->chosen[k].fd = clone_detached(p->chosen[k].path);
			errs[k] = errno;
		}
		/* Without the privilege the other way is closed as well. */
		missing = missing || (p->chosen[k].fd < 0 && errs[k] != EPERM);
	}
	if (missing && (ways & OPEN_NAMESPACE))
		clone_in_namespace(p, errs);
}

bool mounts_open_by(struct mount_plan *p, unsigned ways, struct buf *warn, struct diag *d)
{
	AUTO_FREE int *errs = xcalloc(p->chosen_count, sizeof(*errs));

	p->clones = ways != 0;
	if (ways)
		try_clones(p, ways, errs);
	for (size_t k = 0; k < p->chosen_count; k++) {
		struct mount *m = &p->chosen[k];
		if (m->fd < 0) {
			if (!open_real(m, d))
				return false;
			if (ways)
				say_real(warn, m, errs[k]);
			p->clones = false;
		}
		if (!is_where_it_was(m, d))
			return false;
	}
	return true;
}

bool mounts_open(struct mount_plan *p, bool allow_clones, struct buf *warn, struct diag *d)
{
	return mounts_open_by(p, allow_clones ? OPEN_DETACHED | OPEN_NAMESPACE : 0, warn, d);
}
