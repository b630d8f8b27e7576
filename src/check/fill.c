/*
 * Throughput: bytes that do not compress, as many as the stream takes, and counted where they arrive. Pings in between, each
 * answered with the receiver's clock and what it has got so far, so that neither buffers on the way nor our own clock are in
 * the figure. Of the time the beginning does not count, while TCP finds its speed.
 *
 * SSH delivers packets of 32 KiB whole, so what arrives comes in bursts; on a slow link they are far apart. The figure is from
 * the end of one burst to the end of another, and a slow link is given more time.
 */
#include "check/fill.h"
#include "base/clock.h"

#define CHUNK_MIN (4u << 10)
#define CHUNK_MAX (16u << 10)
#define MARKS 64 /* pings in a window */
#define AHEAD (256u << 10) /* written at once */
#define WINDOW_FIRST (128u << 10) /* on its way, unanswered, before the speed is known */
#define WINDOW_NS (750 * NS_PER_MS) /* later: what goes in this time, and in two round trips */
#define RATE_NS (250 * NS_PER_MS)
#define MARK_NS (20 * NS_PER_MS)
#define BURST_NS NS_PER_MS /* answers closer than that are of one burst */
#define ENOUGH (512u << 10) /* bytes; with less, more time is taken, */
#define EXTRA_NS (4 * NS_PER_S) /* so much at most */
#define POOL (1u << 20)

struct fill {
	struct probe *p;
	int64_t warm, end; /* when the time that counts begins and ends */
	int64_t rtt;
	const uint8_t *pool;
	size_t at;
	uint64_t window;
	struct msg_pong begun, anchor, seen; /* the first answer, an older one for the speed, the last */
	struct msg_pong first, last; /* of the time that counts */
	bool any, counts, opening; /* opening: first is of the burst that is arriving */
	uint64_t since_mark;
	int64_t marked;
	uint32_t marks; /* unanswered */
	int64_t heard; /* when the last answer came */
	bool over; /* nothing counts any more */
};

/* xorshift64*: nothing a compressor finds anything in. */
static uint8_t *make_pool(void)
{
	uint64_t x = (uint64_t)clock_mono_ns() | 1;
	uint8_t *pool = xmalloc(POOL);

	for (size_t i = 0; i < POOL; i += sizeof(x)) {
		uint64_t v;

		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		v = x * UINT64_C(0x2545F4914F6CDD1D);
		memcpy(pool + i, &v, sizeof(v));
	}
	return pool;
}

/* Enough on its way that nothing waits for us, not so much that it takes long to get rid of. */
static void widen(struct fill *f, const struct msg_pong *m)
{
	int64_t took = (int64_t)(m->clock_ns - f->anchor.clock_ns);
	double rate = (double)(m->filled - f->anchor.filled) / (double)MAX(took, RATE_NS);

	f->window = MAX(f->window, (uint64_t)(rate * (double)(WINDOW_NS + 2 * f->rtt)));
	if (took >= RATE_NS)
		f->anchor = *m;
}

static void answered(struct fill *f, const struct frame *frame)
{
	struct probe *p = f->p;
	int64_t now = clock_mono_ns();
	struct msg_pong m;

	if (frame->type != MSG_PONG || !f->marks || frame->id != p->next_id - f->marks + 1)
		probe_unexpected(p, frame);
	if (!msg_pong_get(frame, &m) || m.filled > p->filled ||
		(f->any && (m.filled < f->seen.filled || m.clock_ns < f->seen.clock_ns)))
		probe_protocol(p, "an answer that cannot be");
	f->marks--;
	f->heard = now;
	if (!f->any)
		f->begun = f->anchor = m;
	f->opening = now >= f->warm && (!f->counts || (f->opening && m.clock_ns - f->seen.clock_ns < BURST_NS));
	if (f->opening)
		f->first = m;
	f->counts = f->counts || f->opening;
	if (!f->over)
		f->last = m;
	f->any = true;
	f->seen = m;
	widen(f, &m);
}

static bool enough(const struct fill *f, int64_t now)
{
	return now >= f->end && ((f->counts && f->last.filled - f->first.filled >= ENOUGH) || now >= f->end + EXTRA_NS);
}

static void mark(struct fill *f, int64_t now)
{
	chan_send(&f->p->wire, MSG_PING, ++f->p->next_id, NULL, 0);
	f->marks++;
	f->since_mark = 0;
	f->marked = now;
}

static bool may_go(const struct fill *f)
{
	return f->p->filled - f->seen.filled < f->window;
}

/* Sends what may be sent now. Returns for how long there is nothing to do but to listen. */
static int64_t pour(struct fill *f, int64_t now)
{
	struct probe *p = f->p;
	const uint64_t between = f->window / MARKS;
	const size_t chunk = MAX(MIN(between, (uint64_t)CHUNK_MAX), (uint64_t)CHUNK_MIN);
	int64_t wait = 0, none;

	while (!wait && chan_unsent(&p->wire) < AHEAD && may_go(f)) {
		size_t n = throttle_allow(p->throttle, THROTTLE_SEND, chunk, now, &wait);

		if (!n)
			break;
		chan_send(&p->wire, MSG_FILL, 0, f->pool + f->at, n);
		throttle_charge(p->throttle, THROTTLE_SEND, n, now);
		f->at = (f->at + CHUNK_MAX) % POOL;
		p->filled += n;
		f->since_mark += n;
		if (f->since_mark >= between || now - f->marked >= MARK_NS)
			mark(f, now);
	}
	if (!chan_flush(&p->wire, &none))
		probe_lost();
	return wait ? wait : chan_unsent(&p->wire) || !may_go(f) ? MARK_NS : 0;
}

static void turn(struct fill *f, int64_t wait_ns)
{
	struct probe *p = f->p;
	enum frame_status s;
	struct frame frame;
	bool ok = probe_turn(p, wait_ns);

	while ((s = frame_decode(&p->wire.in, &frame)) == FRAME_READY)
		answered(f, &frame);
	if (s == FRAME_BAD)
		probe_protocol(p, "something that is no frame");
	if (!ok || clock_mono_ns() - f->heard > SILENCE_NS)
		probe_lost();
}

void probe_fill(struct probe *p, int64_t warm_ns, int64_t steady_ns, int64_t rtt_ns)
{
	AUTO_FREE uint8_t *pool = make_pool();
	int64_t now = clock_mono_ns();
	struct fill f = {.p = p, .pool = pool, .window = WINDOW_FIRST, .rtt = rtt_ns, .heard = now};
	AUTO_BUF b = BUF_INIT;
	bool slow;

	f.seen.filled = p->filled;
	f.warm = now + warm_ns;
	f.end = f.warm + steady_ns;
	mark(&f, now);
	while (!enough(&f, now = clock_mono_ns())) {
		int64_t wait = pour(&f, now);

		turn(&f, MIN(wait, MARK_NS));
	}
	f.over = true;
	mark(&f, now);
	while (f.marks)
		turn(&f, MARK_NS);
	/* Where hardly anything arrives in that time, all that arrived has to do. */
	slow = !f.counts || (int64_t)(f.last.clock_ns - f.first.clock_ns) < steady_ns / 4;
	wr_u64(&b, slow ? f.seen.filled - f.begun.filled : f.last.filled - f.first.filled);
	wr_u64(&b, slow ? f.seen.clock_ns - f.begun.clock_ns : f.last.clock_ns - f.first.clock_ns);
	probe_answer(p, PROBE_FILLED, &b);
}
