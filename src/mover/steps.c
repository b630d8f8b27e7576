#include "mover/steps.h"
#include "mover/dir.h"
#include "mover/file.h"
#include "mover/list.h"
#include "mover/measure.h"
#include "mover/scan.h"
#include "mover/state.h"
#include "mover/stream.h"
#include "mover/transfer.h"
#include "mover/way.h"
#include "mover/work.h"

static enum step dir_step(struct mover *m, struct dir *d)
{
	switch (d->state) {
	case DIR_STATE_OPEN:
		return dir_open_step(m, d);
	case DIR_STATE_SCAN:
		return dir_scan_step(m, d);
	case DIR_STATE_MEASURE:
		return dir_measure_step(m, d);
	case DIR_STATE_LIST:
		return dir_list_step(m, d);
	case DIR_STATE_WAY:
		return dir_way_step(m, d);
	case DIR_STATE_WORK:
		return dir_work_step(m, d);
	case DIR_STATE_STREAM:
		return dir_stream_step(m, d);
	default:
		return STEP_WAIT;
	}
}

static enum step step(struct mover *m, struct task *t)
{
	return t->kind == TASK_DIR ? dir_step(m, (struct dir *)t) : file_step(m, (struct file *)t);
}

/*
 * One step of the first task. A step that says WAIT may have freed its task. While a step runs its task is not queued, so
 * that an answer handled within it cannot queue it twice.
 */
void mover_run_one(struct mover *m)
{
	struct task *t = m->tasks.head;

	tasks_unlist(&m->tasks, t);
	switch (step(m, t)) {
	case STEP_MORE:
		/* Large files take turns; a directory goes on until it waits, so that batches are not cut short. */
		if (t->kind == TASK_DIR)
			tasks_queue_first(&m->tasks, t);
		else
			tasks_queue(&m->tasks, t);
		break;
	case STEP_BLOCKED:
		tasks_block(&m->tasks, t);
		break;
	case STEP_WAIT:
		tasks_unblock(&m->tasks);
		break;
	}
}
