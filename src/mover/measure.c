#include "mover/measure.h"
#include "mover/dir.h"
#include "mover/send.h"
#include "mover/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEASURE_STEP 1024u

static uint64_t taken(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512 / (S_ISDIR(st->st_mode) ? 1 : MAX((uint64_t)st->st_nlink, UINT64_C(1)));
}

static void give(struct mover *m, const struct dir *d, const char *name)
{
	const struct ipc_given g = {.flags = UNIT_MEASURE, .name = bytes_of(name)};

	buf_clear(&m->msg);
	ipc_given_put(&m->msg, &g);
	ipc_give_send(&m->ipc, &(struct ipc_give){.unit = d->unit, .records = {m->msg.data, m->msg.len}});
}

void measure_left_out(struct mover *m, struct dir *d, const char *name, bool is_dir)
{
	struct stat st;

	if (!(m->flags & IPC_SPACE) || d->counted)
		return;
	if (is_dir)
		give(m, d, name);
	else if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		d->space.left_out += taken(&st);
}

enum step dir_measure_open(struct mover *m, struct dir *d)
{
	struct stat st;

	d->fd = names_open_path(&m->way, m->mounts[d->mount].fd, dir_below_mount(m, d));
	if (d->fd < 0 || fstat(d->fd, &st) < 0) {
		dir_finish(m, d, true);
		return STEP_WAIT;
	}
	d->dev = st.st_dev;
	d->space.left_out = taken(&st);
	d->state = DIR_STATE_MEASURE;
	return STEP_MORE;
}

static void measure_entry(struct mover *m, struct dir *d, const struct name *n)
{
	const char *name = (const char *)d->names.arena.data + n->off;
	struct stat st;

	if (fstatat(d->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != d->dev)
		return;
	if (S_ISDIR(st.st_mode))
		give(m, d, name);
	else
		d->space.left_out += taken(&st);
}

enum step dir_measure_step(struct mover *m, struct dir *d)
{
	for (uint32_t i = 0; i < MEASURE_STEP; i++) {
		if (d->names.next == d->names.len) {
			if (d->names.eof)
				break;
			names_read(&d->names, d->fd, 4096);
			continue;
		}
		measure_entry(m, d, &d->names.names[d->names.next++]);
	}
	if (!d->names.eof || d->names.next < d->names.len)
		return STEP_MORE;
	dir_finish(m, d, true);
	return STEP_WAIT;
}
