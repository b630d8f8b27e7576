/*
 * The queue of steps. Work is done in small steps by two kinds of objects, directories and large files, which stand in one
 * queue while they have something to do, and wait for an answer otherwise. What a step is: steps.c.
 *
 * Tasks are parts of their objects and not owned. One that is freed must be in no list: a step that runs is not.
 */
#pragma once

#include "base/util.h"

enum task_kind { TASK_DIR, TASK_FILE };

/* What a step says of its task: more to do, waits for an answer, or waits for resources that others hold. */
enum step { STEP_MORE, STEP_WAIT, STEP_BLOCKED };

struct task {
	enum task_kind kind;
	bool queued;
	struct task *prev, *next;
};

struct tasks {
	struct task *head, *tail; /* runnable */
	struct task *blocked; /* singly linked through next */
};

/* Puts it at the end, if it does not stand there already. */
void tasks_queue(struct tasks *q, struct task *t);
void tasks_queue_first(struct tasks *q, struct task *t);
void tasks_block(struct tasks *q, struct task *t);
/* What was blocked may go on. */
void tasks_unblock(struct tasks *q);
/* Takes it from whatever list it stands in. */
void tasks_unlist(struct tasks *q, struct task *t);
