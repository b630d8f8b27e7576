/* Limits that a receiver keeps by itself: the meter by a clock of the test's, the stream with a real one. */
#include "base/clock.h"
#include "base/fd.h"
#include "pace/pace.h"
#include "pace/pacer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define NS INT64_C(1000000000)

/* ---- the meter ---- */

/* Works in pieces, each of which takes some time and costs so much, and rests as told; the sum. */
static uint64_t work(struct meter *m, int64_t *now, int64_t ns, uint64_t piece, int64_t each)
{
	uint64_t sum = 0;

	for (int64_t end = *now + ns; *now < end;) {
		meter_charge(m, piece, *now += each);
		sum += piece;
		*now += meter_rest(m, *now);
	}
	return sum;
}

static void test_meter_keeps_rates(void **state)
{
	static const uint64_t rates[] = {1000, 1 << 20, UINT64_C(3000000000)};
	static const unsigned pieces[] = {1000, 20, 3}; /* a second's, divided by this */

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
			struct meter m = {};
			int64_t now = 77 * NS;
			uint64_t piece = rates[i] / pieces[k], most = 30 * rates[i], sum;

			meter_set(&m, rates[i], now);
			sum = work(&m, &now, 30 * NS, piece, 1000);
			assert_true(sum <= most + rates[i] / 10 + piece);
			assert_true(sum + most / 100 + piece >= most);
			assert_true(m.used == sum);
		}
}

static void test_meter_saves_no_more_than_a_burst(void **state)
{
	struct meter m = {};
	int64_t now = NS;

	meter_set(&m, 1000000, now);
	now += 3600 * NS;
	meter_charge(&m, 100000, now);
	assert_int_equal(meter_rest(&m, now), 0);
	meter_charge(&m, 50000, now);
	assert_in_range(meter_rest(&m, now), 49 * NS_PER_MS, 51 * NS_PER_MS);
	/* A debt stays one at another rate. */
	meter_set(&m, 500000, now);
	assert_in_range(meter_rest(&m, now), 99 * NS_PER_MS, 101 * NS_PER_MS);
	meter_set(&m, 0, now);
	assert_int_equal(meter_rest(&m, now), 0);
	meter_charge(&m, UINT64_MAX / 2, now);
	meter_set(&m, 1, now);
	assert_int_equal(meter_rest(&m, now), 0);
	meter_charge(&m, UINT64_MAX / 4, now);
	assert_in_range(meter_rest(&m, now), 1, 3600 * NS);
}

/* ---- the stream ---- */

static void put_limits(struct buf *b, uint32_t id, uint32_t cpu, uint64_t io, uint64_t token)
{
	size_t start = frame_begin(b, PACE_LIMITS, id);

	pace_limits_put(b, &(struct pace_limits){.cpu = cpu, .io = io, .token = token});
	frame_end(b, start);
}

static uint32_t rng = 1;

static size_t random_below(size_t n)
{
	rng = rng * 1103515245 + 12345;
	return (rng >> 8) % n;
}

/* Limits are found wherever they stand in the stream, and it stays whole, however it is cut. */
static void test_stream_stays_whole(void **state)
{
	static uint8_t bulk[5000];

	for (int round = 0; round < 50; round++) {
		AUTO_BUF b = BUF_INIT;
		AUTO_BUF got = BUF_INIT;
		struct pace p;
		int fds[2];
		uint64_t last = 0;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		for (uint32_t i = 1; i <= 20; i++) {
			for (size_t k = 0; k < sizeof(bulk); k++)
				bulk[k] = random_below(3) ? PACE_LIMITS : 20;
			frame_encode(&b, (uint8_t)random_below(200), i, bulk, random_below(sizeof(bulk)));
			put_limits(&b, i, 0, last = 1 + random_below(1 << 30), i);
		}
		pace_init(&p, fds[0], -1);
		for (size_t sent = 0; sent < b.len;) {
			size_t n = MIN(1 + random_below(300), b.len - sent), want = 1 + random_below(400);
			ssize_t r;

			assert_int_equal(write(fds[1], b.data + sent, n), n);
			sent += n;
			r = pace_read(&p, buf_reserve(&got, want), want);
			assert_true(r > 0);
			got.len += (size_t)r;
		}
		close(fds[1]);
		for (ssize_t r; (r = pace_read(&p, buf_reserve(&got, 300), 300)) > 0;)
			got.len += (size_t)r;
		assert_int_equal(got.len, b.len);
		assert_memory_equal(got.data, b.data, b.len);
		assert_true(p.io.rate == last && p.seen == 20);
		pace_release(&p);
		close(fds[0]);
	}
}

/* What waits before new limits does not keep them waiting; what was read meanwhile is still there. */
static void test_limits_overtake(void **state)
{
	static uint8_t bulk[100000];
	AUTO_BUF b = BUF_INIT;
	AUTO_BUF got = BUF_INIT;
	AUTO_BUF answers = BUF_INIT;
	struct frame_decoder d;
	struct pace_used used;
	struct frame f;
	struct pace p;
	int fds[2], status;
	int64_t begin;
	ssize_t r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	put_limits(&b, 1, 0, 1000, 10);
	for (int i = 0; i < 20; i++)
		frame_encode(&b, 5, 1, bulk, sizeof(bulk));
	put_limits(&b, 2, PACE_ALL / 2, 0, 20);
	if (fork() == 0)
		_exit(fd_write_full(fds[1], b.data, b.len) < 0);
	pace_init(&p, fds[0], fds[0]);
	r = pace_read(&p, buf_reserve(&got, 1000), 1000);
	assert_true(r > 0);
	got.len += (size_t)r;
	assert_int_equal(p.io.rate, 1000);
	pace_io(&p, 60000); /* a minute's */
	assert_true(pace_due(&p));
	begin = clock_mono_ns();
	pace_rest(&p);
	assert_true(clock_mono_ns() - begin < 30 * NS);
	assert_int_equal(p.io.rate, 0);
	assert_int_equal(p.cpu.rate, NS / 2 * p.processors);
	while (got.len < b.len && (r = pace_read(&p, buf_reserve(&got, 70000), 70000)) > 0)
		got.len += (size_t)r;
	assert_int_equal(got.len, b.len);
	assert_memory_equal(got.data, b.data, b.len);
	assert_int_not_equal(wait(&status), -1);
	assert_int_equal(status, 0);
	/* In their turn: the token. */
	f = (struct frame){.type = PACE_LIMITS, .id = 2, .payload = b.data + b.len - 20, .len = 20};
	assert_true(pace_turn(&p, &f));
	assert_int_equal(p.token, 20);
	f.len = 19;
	assert_false(pace_turn(&p, &f));
	/* Three answers: two when they were read, one in turn. */
	frame_decoder_init(&d);
	r = read(fds[1], frame_decoder_space(&d, 4096), 4096);
	frame_decoder_filled(&d, (size_t)r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(frame_decode(&d, &f), FRAME_READY);
		assert_true(pace_used_get(&f, &used));
		assert_int_equal(f.id, i ? 2 : 1);
		assert_int_equal(used.token, i == 2 ? 20 : 0);
	}
	assert_true(used.io == 60000 && used.io_rest_us > 0);
	frame_decoder_release(&d);
	pace_release(&p);
	close(fds[0]);
	close(fds[1]);
}

static void test_end_of_input_ends_the_rest(void **state)
{
	int fds[2];
	struct pace p;
	AUTO_BUF b = BUF_INIT;
	uint8_t c[100];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	put_limits(&b, 1, 0, 1, 0);
	assert_int_equal(write(fds[1], b.data, b.len), b.len);
	close(fds[1]);
	pace_init(&p, fds[0], -1);
	assert_int_equal(pace_read(&p, c, sizeof(c)), b.len);
	pace_io(&p, 3600);
	pace_rest(&p);
	assert_true(p.eof);
	assert_int_equal(pace_read(&p, c, sizeof(c)), 0);
	pace_release(&p);
	close(fds[0]);
}

/* ---- the sender's side ---- */

static struct frame used_frame(struct buf *b, uint32_t id, uint64_t token)
{
	buf_clear(b);
	pace_used_put(b, &(struct pace_used){.token = token});
	return (struct frame){.type = PACE_USED, .id = id, .payload = b->data, .len = b->len};
}

static void test_pacer(void **state)
{
	struct pacer p = {};
	struct pace_used u;
	AUTO_BUF out = BUF_INIT;
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	pacer_ask(&p, &out, 1000, NS); /* nothing is asked without limits */
	assert_int_equal(out.len, 0);
	assert_false(pacer_full(&p, UINT64_MAX));
	f = used_frame(&b, 0, 0);
	assert_false(pacer_answer(&p, &f, &u));
	pacer_set(&p, 5, 6);
	pacer_ask(&p, &out, 1000, NS);
	assert_true(out.len > 0);
	buf_clear(&out);
	assert_false(pacer_full(&p, 1000 + PACER_WINDOW));
	assert_true(pacer_full(&p, 1001 + PACER_WINDOW));
	pacer_ask(&p, &out, 2000, 100 * NS); /* not again before there is an answer, or much has been sent */
	assert_int_equal(out.len, 0);
	f = used_frame(&b, 1, 1001);
	assert_false(pacer_answer(&p, &f, &u));
	f = used_frame(&b, 2, 1000);
	assert_false(pacer_answer(&p, &f, &u));
	f = used_frame(&b, 1, 1000);
	assert_true(pacer_answer(&p, &f, &u));
	pacer_ask(&p, &out, 2000, NS + PACER_EVERY_NS - 1);
	assert_int_equal(out.len, 0);
	pacer_ask(&p, &out, 2000, NS + PACER_EVERY_NS);
	assert_true(out.len > 0);
	buf_clear(&out);
	pacer_ask(&p, &out, 2000 + PACER_WINDOW / 4, NS + PACER_EVERY_NS);
	assert_true(out.len > 0);
	f = used_frame(&b, 3, 2000);
	assert_true(pacer_answer(&p, &f, &u));
	f = used_frame(&b, 2, 2000); /* ids do not go back */
	assert_false(pacer_answer(&p, &f, &u));
	pacer_set(&p, 0, 0);
	buf_clear(&out);
	pacer_ask(&p, &out, 3000, 200 * NS);
	assert_true(out.len > 0 && !p.on);
	assert_false(pacer_full(&p, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_meter_keeps_rates),
		cmocka_unit_test(test_meter_saves_no_more_than_a_burst),
		cmocka_unit_test(test_stream_stays_whole),
		cmocka_unit_test(test_limits_overtake),
		cmocka_unit_test(test_end_of_input_ends_the_rest),
		cmocka_unit_test(test_pacer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
