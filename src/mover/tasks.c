#include "mover/tasks.h"

void tasks_queue(struct tasks *q, struct task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	t->next = NULL;
	t->prev = q->tail;
	if (q->tail)
		q->tail->next = t;
	else
		q->head = t;
	q->tail = t;
}

void tasks_unlist(struct tasks *q, struct task *t)
{
	for (struct task **p = &q->blocked; *p; p = &(*p)->next)
		if (*p == t) {
			*p = t->next;
			return;
		}
	if (!t->queued)
		return;
	t->queued = false;
	if (t->prev)
		t->prev->next = t->next;
	else
		q->head = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		q->tail = t->prev;
}

void tasks_queue_first(struct tasks *q, struct task *t)
{
	tasks_queue(q, t);
	if (q->head == t)
		return;
	tasks_unlist(q, t);
	t->queued = true;
	t->prev = NULL;
	t->next = q->head;
	q->head->prev = t;
	q->head = t;
}

void tasks_block(struct tasks *q, struct task *t)
{
	t->next = q->blocked;
	q->blocked = t;
}

void tasks_unblock(struct tasks *q)
{
	while (q->blocked) {
		struct task *t = q->blocked;
		q->blocked = t->next;
		tasks_queue(q, t);
	}
}
