#include "pace/pace.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/pack.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#define LIMITS_BYTES 20 /* of its payload */
#define READ_BYTES (64u << 10)
#define NAP_MS 200 /* a rest is looked at anew so often */
#define PROCESSORS_MAX 8192

static unsigned count_processors(void)
{
	cpu_set_t set[PROCESSORS_MAX / CPU_SETSIZE];
	long n;

	if (sched_getaffinity(0, sizeof(set), set) == 0)
		return (unsigned)CPU_COUNT_S(sizeof(set), set);
	n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned)n : 1;
}

void pace_init(struct pace *p, int in_fd, int out_fd)
{
	*p = (struct pace){.in_fd = in_fd, .out_fd = out_fd, .processors = count_processors()};
}

void pace_release(struct pace *p)
{
	buf_release(&p->ahead);
	buf_release(&p->head);
}

/* ---- what was taken ---- */

static uint64_t cpu_ns(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 ? (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec
								: 0;
}

static void measure(struct pace *p, int64_t now)
{
	uint64_t cpu = cpu_ns();

	if (cpu > p->cpu.used)
		meter_charge(&p->cpu, cpu - p->cpu.used, now);
}

void pace_io(struct pace *p, uint64_t n)
{
	meter_charge(&p->io, n, p->io.rate ? clock_mono_ns() : 0);
}

static void tell(struct pace *p)
{
	struct pace_used m = {.token = p->token,
		.io = p->io.used,
		.cpu_rest_us = (uint64_t)p->cpu_rest_ns / 1000,
		.io_rest_us = (uint64_t)p->io_rest_ns / 1000};
	AUTO_BUF b = BUF_INIT;
	size_t start = frame_begin(&b, PACE_USED, p->seen);

	measure(p, clock_mono_ns());
	m.cpu_us = p->cpu.used / 1000 / p->processors;
	pace_used_put(&b, &m);
	frame_end(&b, start);
	if (p->out_fd >= 0)
		(void)fd_write_full(p->out_fd, b.data, b.len);
}

/* ---- the stream, looked through for PACE_LIMITS ---- */

static void take_limits(struct pace *p, const struct frame *f)
{
	struct pace_limits m;
	int64_t now = clock_mono_ns();

	if (!pace_limits_get(f, &m))
		return; /* it is refused in its turn */
	measure(p, now); /* at the old rate */
	meter_set(&p->cpu, (uint64_t)m.cpu * 1000 * p->processors, now);
	meter_set(&p->io, m.io, now);
	p->seen = f->id;
	tell(p);
}

/* A header, and of PACE_LIMITS the payload, are gathered; all else is passed over. */
static void look_through(struct pace *p, const uint8_t *data, size_t n)
{
	while (n) {
		size_t want = FRAME_HEADER, take;
		struct rd r;
		struct frame f;
		uint8_t flags;
		uint32_t len;

		if (p->skip) {
			take = MIN((uint64_t)n, p->skip);
			p->skip -= take;
			data += take;
			n -= take;
			continue;
		}
		if (p->head.len >= FRAME_HEADER)
			want += LIMITS_BYTES;
		take = MIN(n, want - p->head.len);
		buf_append(&p->head, data, take);
		data += take;
		n -= take;
		if (p->head.len < want)
			return;
		r = rd_init(p->head.data, p->head.len);
		f.type = rd_u8(&r);
		flags = rd_u8(&r);
		len = rd_u32(&r);
		f.id = rd_u32(&r);
		if (want == FRAME_HEADER && f.type == PACE_LIMITS && flags == 0 && len == LIMITS_BYTES)
			continue;
		if (want > FRAME_HEADER) {
			f.payload = p->head.data + FRAME_HEADER;
			f.len = LIMITS_BYTES;
			take_limits(p, &f);
		} else {
			p->skip = len;
		}
		buf_clear(&p->head);
	}
}

/* ---- reading ---- */

static ssize_t read_some(struct pace *p, void *buf, size_t n)
{
	ssize_t got = read(p->in_fd, buf, n);

	if (got > 0)
		look_through(p, buf, (size_t)got);
	else if (got == 0 || errno != EINTR)
		p->eof = true;
	return got;
}

ssize_t pace_read(struct pace *p, void *buf, size_t n)
{
	size_t waiting = p->ahead.len - p->ahead_pos;

	if (p->eof)
		return 0;
	if (!waiting)
		return read_some(p, buf, n);
	n = MIN(n, waiting);
	memcpy(buf, p->ahead.data + p->ahead_pos, n);
	p->ahead_pos += n;
	if (p->ahead_pos == p->ahead.len) {
		buf_release(&p->ahead);
		p->ahead_pos = 0;
	}
	return (ssize_t)n;
}

static void read_ahead(struct pace *p)
{
	ssize_t n;

	if (p->ahead_pos >= PACE_AHEAD / 2) {
		buf_consume(&p->ahead, p->ahead_pos);
		p->ahead_pos = 0;
	}
	n = read_some(p, buf_reserve(&p->ahead, READ_BYTES), READ_BYTES);
	if (n > 0)
		p->ahead.len += (size_t)n;
}

/* ---- resting ---- */

static int64_t owed(struct pace *p, int64_t now, int64_t *out_cpu, int64_t *out_io)
{
	measure(p, now);
	*out_cpu = meter_rest(&p->cpu, now);
	*out_io = meter_rest(&p->io, now);
	return MAX(*out_cpu, *out_io);
}

bool pace_due(struct pace *p)
{
	int64_t cpu, io;

	return pace_limited(p) && !p->eof && owed(p, clock_mono_ns(), &cpu, &io) > 0;
}

void pace_rest(struct pace *p)
{
	int64_t cpu, io, rest, before = clock_mono_ns(), after;

	while (pace_limited(p) && !p->eof && (rest = owed(p, before, &cpu, &io)) > 0) {
		bool room = p->ahead.len - p->ahead_pos < PACE_AHEAD;
		struct pollfd in = {.fd = room ? p->in_fd : -1, .events = POLLIN};

		/* What comes in a stream is gathered, and not each time a reason to wake. */
		if (rest > 2 * METER_REST_NS && room)
			poll(NULL, 0, (int)(METER_REST_NS / NS_PER_MS));
		if (poll(&in, 1, (int)MIN(rest / NS_PER_MS, (int64_t)NAP_MS)) > 0)
			read_ahead(p);
		after = clock_mono_ns();
		p->cpu_rest_ns += cpu ? after - before : 0;
		p->io_rest_ns += io ? after - before : 0;
		before = after;
	}
}

bool pace_turn(struct pace *p, const struct frame *f)
{
	struct pace_limits m;

	if (!pace_limits_get(f, &m))
		return false;
	p->token = m.token;
	tell(p);
	return true;
}
