/*
 * Epochs: while the session works, a thread beside it makes durable what has been written, every few seconds, and the
 * mover is told up to when. What a power failure can take is then no older than that.
 *
 * A time says which changes are meant: it is read from the clock that the kernel gives inodes their times by, between
 * two requests, so that every change that was made before is older and every later one is not.
 */
#include "base/clock.h"
#include "receiver/answer.h"
#include "receiver/below.h"
#include "receiver/epoch.h"
#include "receiver/handlers.h"
#include "receiver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define EPOCH_NS (5 * NS_PER_S)

int64_t epoch_clock(void)
{
	int64_t now = clock_ns(CLOCK_REALTIME_COARSE);

	return now < 0 ? 0 : MIN(now, WIRE_TIME_MAX);
}

static void *sync_thread(void *arg)
{
	struct session *s = arg;
	struct epoch *e = &s->epoch;

	for (size_t i = 0; i < e->fds_n; i++) {
		if (syncfs(e->fds[i]) < 0)
			e->err = errno;
	}
	if (e->all && !below_sync(s->below, s->root.fd, &e->err))
		sync();
	(void)!write(e->wake[1], "", 1);
	return NULL;
}

static void answer(struct session *s, const struct msg_epoch *m)
{
	size_t start = frame_begin(&s->out, MSG_EPOCH, 0);

	msg_epoch_put(&s->out, m);
	frame_end(&s->out, start);
}

static void start(struct session *s)
{
	struct epoch *e = &s->epoch;

	e->all = e->all_wanted;
	s->written.dirty = e->all_wanted = false;
	e->err = 0;
	for (e->fds_n = 0; e->fds_n < s->written.fs_n; e->fds_n++) {
		e->fds[e->fds_n] = fcntl(s->written.fs[e->fds_n].fd, F_DUPFD_CLOEXEC, 0);
		if (e->fds[e->fds_n] < 0)
			break;
	}
	e->running = e->fds_n == s->written.fs_n && pthread_create(&e->thread, NULL, sync_thread, s) == 0;
	if (e->running)
		return;
	while (e->fds_n) /* no descriptors or no thread left: later */
		close(e->fds[--e->fds_n]);
	s->written.dirty = true;
	e->all_wanted = e->all;
}

void epoch_wait(struct session *s)
{
	struct epoch *e = &s->epoch;
	char byte;

	if (!e->running)
		return;
	pthread_join(e->thread, NULL);
	e->running = false;
	(void)!read(e->wake[0], &byte, 1);
	while (e->fds_n)
		close(e->fds[--e->fds_n]);
	if (e->err) /* told when the mover asks for everything; until then nothing is durable any more */
		s->written.err = e->err;
}

void epoch_tick(struct session *s)
{
	struct epoch *e = &s->epoch;
	struct pollfd done = {.fd = e->wake[0], .events = POLLIN};
	int64_t now;

	if (s->dry || !s->ready)
		return;
	if (e->running && poll(&done, 1, 0) == 1) {
		epoch_wait(s);
		if (!s->written.err)
			answer(s, &(struct msg_epoch){.time = e->time, .all = e->all});
	}
	now = clock_mono_ns();
	if (e->running || now < e->next_ns || s->written.err)
		return;
	e->next_ns = now + EPOCH_NS;
	e->time = epoch_clock();
	if (s->written.dirty || e->all_wanted)
		start(s);
	else
		answer(s, &(struct msg_epoch){.time = e->time});
}

int epoch_timeout_ms(const struct session *s)
{
	const struct epoch *e = &s->epoch;
	int64_t left = e->next_ns - clock_mono_ns();

	if (s->dry || !s->ready || e->running || s->written.err)
		return -1;
	return left <= 0 ? 0 : (int)(left / NS_PER_MS) + 1;
}

bool epoch_init(struct session *s)
{
	s->epoch.next_ns = clock_mono_ns() + EPOCH_NS;
	return s->dry || pipe2(s->epoch.wake, O_CLOEXEC) == 0;
}

void epoch_release(struct session *s)
{
	epoch_wait(s);
	for (int i = 0; i < 2; i++) {
		if (s->epoch.wake[i] >= 0)
			close(s->epoch.wake[i]);
	}
}

bool on_flush(struct session *s, const struct frame *f)
{
	if (f->len)
		return answer_malformed(s, "request to flush");
	s->epoch.all_wanted = true;
	return true;
}
