/* netcheck: what follows from the figures, whose disks they are, and that a probe believes no receiver what cannot be. */
#include "check/disks.h"
#include "check/line.h"
#include "base/clock.h"
#include "base/fd.h"
#include "mounts/mounts.h"
#include "wire/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static bool about(double a, double b)
{
	return fabs(a - b) < 1e-6 * fabs(b);
}

/* ---- judging ---- */

static void test_thresholds(void **state)
{
	for (int m = 0; m < NETCHECK_METRICS; m++) {
		const struct netcheck_threshold *t = &netcheck_thresholds[m];
		double better = t->more_is_better ? 1.001 : 0.999, worse = t->more_is_better ? 0.999 : 1.001;

		assert_true(t->more_is_better ? t->good > t->fair : t->good < t->fair);
		assert_int_equal(netcheck_rate(m, t->good * better), NETCHECK_GOOD);
		assert_int_equal(netcheck_rate(m, t->good * worse), NETCHECK_FAIR);
		assert_int_equal(netcheck_rate(m, t->fair * better), NETCHECK_FAIR);
		assert_int_equal(netcheck_rate(m, t->fair * worse), NETCHECK_POOR);
	}
	assert_int_equal(netcheck_rate(NETCHECK_LOSS, 0), NETCHECK_GOOD);
	assert_string_equal(netcheck_rating_name(NETCHECK_FAIR), "fair");
}

static void test_forecast(void **state)
{
	/* A terabyte over a gigabit: 2.8 h at U = 0.8, 4.4 h at 0.5. */
	assert_true(about(netcheck_hours(UINT64_C(1000000000000), 1000, 0.8), 1000 * 8000.0 / (1000 * 3600 * 0.8)));
	assert_true(about(netcheck_hours(UINT64_C(1000000000000), 1000, 0.5), 40.0 / 9));
	assert_true(about(netcheck_hours(UINT64_C(450000000), 1, 1), 1));
	assert_true(netcheck_hours(123, 0, 0.5) == 0);
	assert_true(netcheck_hours(0, 100, 0.5) == 0);
}

static void test_processes(void **state)
{
	const struct netcheck_rate flat[] = {{1, 100}, {2, 110}}, long_way[] = {{1, 80}, {2, 158}, {4, 300}},
				   two[] = {{1, 400}, {2, 700}, {4, 720}};

	assert_int_equal(netcheck_paying(flat, 1), 1);
	assert_int_equal(netcheck_paying(flat, 2), 1);
	assert_int_equal(netcheck_paying(long_way, 3), 4);
	assert_int_equal(netcheck_paying(two, 3), 2);
	assert_int_equal(netcheck_paying(NULL, 0), 1);

	assert_int_equal(netcheck_feeding(8, 299, 50), 1); /* below 300 Mbit/s */
	assert_int_equal(netcheck_feeding(1, 10000, 1200), 1);
	assert_int_equal(netcheck_feeding(2, 10000, 1200), 2);
	assert_int_equal(netcheck_feeding(8, 2000, 1200), 2);
	assert_int_equal(netcheck_feeding(8, 2400, 1200), 2);
	assert_int_equal(netcheck_feeding(8, 100000, 1200), 4);
	assert_int_equal(netcheck_feeding(0, 1000, 1200), 1);
}

static void test_limited(void **state)
{
	struct conf_bandwidth_window windows[] = {{0, 1000000}, {CONF_WEEK_MINUTES / 2, 0}};
	struct conf c = {};

	assert_true(about(netcheck_limited(&c, 100), 100));
	c.transfer.windows = windows;
	c.transfer.window_count = 2;
	/* Half of the week 8 Mbit/s, half of it all there is. */
	assert_true(about(netcheck_limited(&c, 100), 54));
	assert_true(about(netcheck_limited(&c, 5), 5));
	c.transfer.window_count = 1;
	assert_true(about(netcheck_limited(&c, 100), 8));
}

static void test_sysload(void **state)
{
	static const char stat[] =
		"cpu  100 10 50 1000 40 5 5 30 7 0\ncpu0 50 5 25 500 20 2 2 15 3 0\ncpu1 1 1 1 1\nintr 5 cpu\n";
	struct sysload l;

	assert_true(sysload_parse(stat, "MemTotal:  1000 kB\nMemFree: 5 kB\nMemAvailable:   400 kB\n", &l));
	assert_int_equal(l.busy, 200);
	assert_int_equal(l.total, 1240);
	assert_int_equal(l.cpus, 2);
	assert_int_equal(l.mem_total, 1000 << 10);
	assert_int_equal(l.mem_available, 400 << 10);
	/* Linux 3.10. */
	assert_true(sysload_parse(stat, "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 20 kB\nCached: 30 kB\n", &l));
	assert_int_equal(l.mem_available, 150 << 10);
	assert_true(sysload_parse(stat, "MemTotal: 100 kB\nMemAvailable: 400 kB\n", &l));
	assert_int_equal(l.mem_available, 100 << 10);
	assert_false(sysload_parse("", "MemTotal: 100 kB\n", &l));
	assert_false(sysload_parse(stat, "", &l));
	assert_false(sysload_parse("cpu 1 2 x\n", "MemTotal: 100 kB\n", &l));
}

/* ---- disks: a small /sys of our own ---- */

static void test_disks(void **state)
{
	static const char make[] =
		"set -e; mkdir -p dev/block\n"
		"disk() { mkdir -p devices/$1/queue devices/$1/slaves; echo $2 >devices/$1/dev; echo $3 "
		">devices/$1/queue/rotational;"
		" ln -s ../../devices/$1 dev/block/$2; }\n"
		"part() { mkdir -p devices/$1; echo $2 >devices/$1/dev; echo 1 >devices/$1/partition; ln -s "
		"../../devices/$1 dev/block/$2; }\n"
		"disk sda 8:0 1; part sda/sda1 8:1; part sda/sda2 8:2; disk sdb 8:16 1; part sdb/sdb1 8:17; disk nvme "
		"259:0 0\n"
		"disk md0 9:0 1; ln -s ../../sda/sda2 devices/md0/slaves/sda2; ln -s ../../sdb/sdb1 "
		"devices/md0/slaves/sdb1\n"
		"disk dm0 253:0 1; ln -s ../../md0 devices/dm0/slaves/md0\n"
		"disk loop 7:0 0; ln -s ../../loop devices/loop/slaves/loop\n"; /* stands on itself */
	char path[] = "/tmp/rehost-check-XXXXXX";
	struct mount mounts[6] = {{.dev = makedev(8, 1)}, {.dev = makedev(8, 2)}, {.dev = makedev(253, 0)},
		{.dev = makedev(259, 0)}, {.dev = makedev(0, 44), .source = "/nowhere"}, {.dev = makedev(77, 7)}};
	struct mount_plan plan = {.chosen = mounts, .chosen_count = 2};
	AUTO_FREE char *command = NULL;
	struct disks d;
	int sys;

	assert_non_null(mkdtemp(path));
	command = xasprintf("cd %s && %s", path, make);
	assert_int_equal(system(command), 0);
	sys = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	disks_find(sys, &plan, &d);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.rotational, 1);
	plan.chosen_count = ARRAY_LEN(mounts);
	disks_find(sys, &plan, &d);
	assert_int_equal(d.count, 3);
	assert_int_equal(d.rotational, 2);
	mounts[0].dev = makedev(7, 0);
	plan.chosen_count = 1;
	disks_find(sys, &plan, &d);
	assert_true(d.count <= 1);
	close(sys);
	free(command);
	command = xasprintf("rm -r %s", path);
	assert_int_equal(system(command), 0);
}

/* ---- a probe, and a receiver that is played by the test ---- */

struct stage {
	pid_t pid;
	int ipc, wire, throttle_fd;
	struct frame_decoder from_probe, from_wire;
	struct throttle *throttle;
};

static struct frame hear(int fd, struct frame_decoder *d)
{
	struct frame f = {};

	while (frame_decode(d, &f) == FRAME_NEED_MORE) {
		ssize_t n = read(fd, frame_decoder_space(d, 65536), 65536);

		if (n <= 0)
			return (struct frame){};
		frame_decoder_filled(d, (size_t)n);
	}
	return f;
}

static void say(int fd, uint8_t type, uint32_t id, const struct buf *b)
{
	AUTO_BUF out = BUF_INIT;

	frame_encode(&out, type, id, b ? b->data : NULL, b ? b->len : 0);
	assert_int_equal(fd_write_full(fd, out.data, out.len), 0);
}

static void config(struct buf *out, bool operator)
{
	char address[] = "local:", root[] = "/";
	struct conf c = {.target.address = address, .target.root = root};
	struct transport_receiver r = {.root = "/", .read_only = true};
	struct transport *t = NULL;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF bootstrap = BUF_INIT;

	assert_true(transport_resolve(&c, true, &t, &d));
	transport_bootstrap_pack(t, &r, &bootstrap);
	transport_free(t);
	wr_u8(out, operator);
	wr_bytes(out, bootstrap.data, bootstrap.len);
	wr_str(out, "");
}

static void start_probe(struct stage *s, bool operator)
{
	int ipc[2], wire[2];
	AUTO_BUF b = BUF_INIT;

	*s = (struct stage){};
	s->throttle = throttle_new(&s->throttle_fd);
	assert_non_null(s->throttle);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ipc), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, wire), 0);
	s->pid = fork();
	if (s->pid == 0) {
		close(ipc[0]);
		close(wire[0]);
		probe_main(ipc[1], wire[1], -1, s->throttle_fd);
	}
	close(ipc[1]);
	close(wire[1]);
	s->ipc = ipc[0];
	s->wire = wire[0];
	frame_decoder_init(&s->from_probe);
	frame_decoder_init(&s->from_wire);
	config(&b, operator);
	say(s->ipc, PROBE_CONFIG, 0, &b);
	assert_int_equal(fd_write_full(s->wire, WIRE_MAGIC, 8), 0);
}

static void begin(struct stage *s)
{
	struct msg_hello_ok ok = {.protocol = WIRE_PROTOCOL, .version = {(const uint8_t *)"0.0", 3}};
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	start_probe(s, false);
	f = hear(s->wire, &s->from_wire);
	assert_int_equal(f.type, MSG_HELLO);
	msg_hello_ok_put(&b, &ok);
	say(s->wire, MSG_HELLO_OK, f.id, &b);
	assert_int_equal(hear(s->ipc, &s->from_probe).type, PROBE_READY);
}

static int finish(struct stage *s)
{
	int status;

	close(s->ipc);
	close(s->wire);
	close(s->throttle_fd);
	throttle_unmap(s->throttle);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	frame_decoder_release(&s->from_probe);
	frame_decoder_release(&s->from_wire);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void order(struct stage *s, uint8_t type, uint32_t a, uint32_t b)
{
	AUTO_BUF args = BUF_INIT;

	wr_u32(&args, a);
	wr_u32(&args, b);
	wr_u32(&args, 1);
	say(s->ipc, type, 0, &args);
}

static void pong(struct stage *s, uint32_t id, uint64_t clock, uint64_t filled)
{
	AUTO_BUF b = BUF_INIT;

	msg_pong_put(&b, &(struct msg_pong){clock, filled});
	say(s->wire, MSG_PONG, id, &b);
}

static void expect_protocol(struct stage *s)
{
	struct frame f = hear(s->ipc, &s->from_probe);
	struct rd r = rd_init(f.payload, f.len);
	AUTO_DIAG d = DIAG_INIT;

	assert_int_equal(f.type, PROBE_DIAG);
	assert_true(rd_diag(&r, &d));
	assert_int_equal(d.code, DIAG_CHECK_PROTOCOL);
	assert_int_equal(finish(s), EXIT_FAILED);
}

/* A receiver whose clock says that so many bytes a second arrive, however fast they do. */
static void test_probe_measures(void **state)
{
	struct stage s;
	struct line l = {.ipc.fd = -1, .waits_for = PROBE_RTTS};
	struct lines all = {};
	uint64_t filled = 0;
	struct frame f;

	begin(&s);
	order(&s, PROBE_PING, 3, 10000);
	for (int i = 0; i < 3; i++) {
		f = hear(s.wire, &s.from_wire);
		assert_int_equal(f.type, MSG_PING);
		pong(&s, f.id, 0, 0);
	}
	f = hear(s.ipc, &s.from_probe);
	assert_true(line_frame(&all, &l, &f));
	assert_int_equal(l.rtt_count, 3);
	order(&s, PROBE_FILL, 50, 200);
	l.waits_for = PROBE_FILLED;
	for (;;) {
		struct pollfd p[2] = {{.fd = s.ipc, .events = POLLIN}, {.fd = s.wire, .events = POLLIN}};

		while (frame_decode(&s.from_wire, &f) == FRAME_READY) {
			filled += f.type == MSG_FILL ? f.len : 0;
			if (f.type == MSG_PING)
				pong(&s, f.id, 1000 + filled * 10, filled); /* 100 MB/s */
		}
		assert_true(poll(p, 2, 10000) > 0);
		if (p[0].revents)
			break;
		frame_decoder_filled(
			&s.from_wire, (size_t)read(s.wire, frame_decoder_space(&s.from_wire, 65536), 65536));
	}
	f = hear(s.ipc, &s.from_probe);
	assert_true(line_frame(&all, &l, &f));
	assert_true(l.filled > 0);
	assert_int_equal(l.filled_ns, l.filled * 10);
	say(s.ipc, PROBE_END, 0, NULL);
	while ((f = hear(s.wire, &s.from_wire)).type == MSG_FILL)
		;
	assert_int_equal(f.type, MSG_BYE);
	assert_int_equal(finish(&s), EXIT_DONE);
}

static void test_probe_is_not_fooled(void **state)
{
	struct stage s;
	struct frame f;

	begin(&s); /* an answer to another question */
	order(&s, PROBE_PING, 1, 1000);
	f = hear(s.wire, &s.from_wire);
	pong(&s, f.id + 1, 0, 0);
	expect_protocol(&s);

	begin(&s); /* an answer of another kind */
	order(&s, PROBE_LOAD, 0, 0);
	f = hear(s.wire, &s.from_wire);
	assert_int_equal(f.type, MSG_LOAD);
	pong(&s, f.id, 0, 0);
	expect_protocol(&s);

	begin(&s); /* more than was sent */
	order(&s, PROBE_FILL, 100, 100);
	f = hear(s.wire, &s.from_wire);
	pong(&s, f.id, 0, UINT64_C(1) << 40);
	expect_protocol(&s);

	begin(&s); /* a clock that goes back */
	order(&s, PROBE_FILL, 5000, 100);
	f = hear(s.wire, &s.from_wire);
	assert_int_equal(f.type, MSG_PING);
	pong(&s, f.id, 10, 0);
	while ((f = hear(s.wire, &s.from_wire)).type != MSG_PING)
		;
	pong(&s, f.id, 9, 0);
	expect_protocol(&s);

	begin(&s); /* no frame */
	order(&s, PROBE_PING, 1, 1000);
	assert_int_equal(fd_write_full(s.wire, "\1\1\1\377\377\377\377\1\1\1\1", 11), 0);
	expect_protocol(&s);

	begin(&s); /* gone */
	order(&s, PROBE_PING, 1, 1000);
	shutdown(s.wire, SHUT_RDWR);
	assert_int_equal(hear(s.ipc, &s.from_probe).type, 0);
	assert_int_equal(finish(&s), PROBE_LOST);
}

/* ---- facts of the target ---- */

static void begin_operator(struct stage *s)
{
	const struct operator_hello ok = {OPERATOR_PROTOCOL, bytes_of("0.0")};
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	start_probe(s, true);
	f = hear(s->wire, &s->from_wire);
	assert_int_equal(f.type, OPERATOR_HELLO);
	operator_hello_put(&b, &ok);
	say(s->wire, OPERATOR_HELLO_OK, f.id, &b);
	assert_int_equal(hear(s->ipc, &s->from_probe).type, PROBE_READY);
}

static struct frame ask_facts(struct stage *s)
{
	struct operator_facts m;
	struct frame f;

	order(s, PROBE_FACTS, 500, 0);
	f = hear(s->wire, &s->from_wire);
	assert_int_equal(f.type, OPERATOR_FACTS);
	assert_true(operator_facts_get(&f, &m));
	assert_int_equal(m.limit_ms, 500);
	return f;
}

static struct operator_part part_of(const char *name, const char *text, uint8_t flags)
{
	return (struct operator_part){flags, bytes_of(name), bytes_of(text)};
}

static void send_part(struct stage *s, uint32_t id, const char *name, const char *text, uint8_t flags)
{
	const struct operator_part m = part_of(name, text, flags);
	AUTO_BUF b = BUF_INIT;

	operator_part_put(&b, &m);
	say(s->wire, OPERATOR_FACTS_PART, id, &b);
}

static void send_done(struct stage *s, uint32_t id, uint32_t sections)
{
	AUTO_BUF b = BUF_INIT;

	operator_facts_done_put(&b, &(struct operator_facts_done){FACTS_SCHEMA, sections, 1, 1234});
	say(s->wire, OPERATOR_FACTS_DONE, id, &b);
}

/* What is JSON comes through, in parts, and the coordinator puts it together; what is not is unknown. */
static void test_facts_come_through(void **state)
{
	struct line l = {.ipc.fd = -1, .waits_for = PROBE_FACTS_DONE};
	struct lines all = {};
	const struct facts_section *s0, *s1, *s2;
	struct stage s;
	struct frame f;

	begin_operator(&s);
	f = ask_facts(&s);
	send_part(&s, f.id, "os", "{\"id\":", 0);
	send_part(&s, f.id, "os", "\"x\"}", OPERATOR_PART_LAST);
	send_part(&s, f.id, "lvm", "{", OPERATOR_PART_LAST);
	send_part(&s, f.id, "time", "it took\ntoo long", OPERATOR_PART_LAST | OPERATOR_PART_UNKNOWN);
	send_done(&s, f.id, 3);
	while (l.waits_for) {
		f = hear(s.ipc, &s.from_probe);
		assert_true(line_frame(&all, &l, &f));
	}
	assert_int_equal(l.facts->got.count, 3);
	assert_true(l.facts->got.live && l.facts->got.taken == 1234);
	s0 = &l.facts->got.all[0];
	s1 = s0 + 1;
	s2 = s0 + 2;
	assert_string_equal(s0->name, "os");
	assert_null(s0->unknown);
	assert_int_equal(s0->text.len, strlen("{\"id\":\"x\"}"));
	assert_memory_equal(s0->text.data, "{\"id\":\"x\"}", s0->text.len);
	assert_string_equal(s1->unknown, "what the target sent is malformed");
	assert_string_equal(s2->unknown, "it took\\x0atoo long");
	sections_release(l.facts);
	free(l.facts);
	say(s.ipc, PROBE_END, 0, NULL);
	assert_int_equal(hear(s.wire, &s.from_wire).type, OPERATOR_BYE);
	assert_int_equal(finish(&s), EXIT_DONE);
}

static void test_facts_that_cannot_be(void **state)
{
	static const struct {
		const char *names[3];
		uint8_t flags[3];
		int done; /* -1: it is not said */
	} lies[] = {
		{{"os", "os"}, {1, 1}, -1}, /* twice */
		{{"os", "lvm"}, {0, 1}, -1}, /* before the other has ended */
		{{"os", "os"}, {0, 3}, -1}, /* unknown, but some is known */
		{{"os"}, {2}, -1}, /* unknown, and more of it */
		{{"os"}, {4}, -1}, /* no such flag */
		{{"Os"}, {1}, -1}, /* no name */
		{{""}, {1}, -1}, {{"abcdefghijklmnopqrstuvwxyzabcdef"}, {1}, -1}, /* too long a name */
		{{"os"}, {1}, 2}, /* more were announced */
		{{"os"}, {1}, 0}, {{"os"}, {0}, 1}, /* not ended */
	};

	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		struct stage s;
		struct frame f;

		begin_operator(&s);
		f = ask_facts(&s);
		for (size_t k = 0; k < ARRAY_LEN(lies[i].names) && lies[i].names[k]; k++)
			send_part(&s, f.id, lies[i].names[k], "{}", lies[i].flags[k]);
		if (lies[i].done >= 0)
			send_done(&s, f.id, (uint32_t)lies[i].done);
		do {
			f = hear(s.ipc, &s.from_probe);
		} while (f.type == PROBE_FACTS_PART);
		assert_int_equal(f.type, PROBE_DIAG);
		assert_int_equal(finish(&s), EXIT_FAILED);
	}
}

static void test_sections_are_bounded(void **state)
{
	AUTO_FREE char *blank = xmalloc(OPERATOR_PART_BYTES + 1);
	struct sections *s = xcalloc(1, sizeof(*s));
	struct operator_part m;
	char name[8];

	memset(blank, ' ', OPERATOR_PART_BYTES);
	blank[OPERATOR_PART_BYTES] = '\0';
	m = part_of("os", blank, 0);
	for (size_t n = 0; n < FACTS_SECTION_MAX; n += OPERATOR_PART_BYTES)
		assert_int_equal(sections_take(s, &m), SECTIONS_MORE);
	assert_int_equal(sections_take(s, &m), SECTIONS_BAD);
	sections_release(s);
	/* All together. */
	for (size_t n = 0; n < SECTIONS_BYTES; n += OPERATOR_PART_BYTES) {
		snprintf(name, sizeof(name), "s%c", (char)('a' + n / (FACTS_SECTION_MAX / 2)));
		m = part_of(name, blank, (n + OPERATOR_PART_BYTES) % (FACTS_SECTION_MAX / 2) ? 0 : OPERATOR_PART_LAST);
		assert_int_not_equal(sections_take(s, &m), SECTIONS_BAD);
	}
	m = part_of("z", "{}", OPERATOR_PART_LAST);
	assert_int_equal(sections_take(s, &m), SECTIONS_BAD);
	sections_release(s);
	for (size_t i = 0; i < FACTS_SECTIONS_MAX; i++) {
		snprintf(name, sizeof(name), "s%c%c", (char)('a' + i / 26), (char)('a' + i % 26));
		m = part_of(name, "{}", OPERATOR_PART_LAST);
		assert_int_equal(sections_take(s, &m), SECTIONS_WHOLE);
	}
	m = part_of("one", "{}", OPERATOR_PART_LAST);
	assert_int_equal(sections_take(s, &m), SECTIONS_BAD);
	sections_release(s);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_forecast),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_limited),
		cmocka_unit_test(test_sysload),
		cmocka_unit_test(test_disks),
		cmocka_unit_test(test_probe_measures),
		cmocka_unit_test(test_probe_is_not_fooled),
		cmocka_unit_test(test_facts_come_through),
		cmocka_unit_test(test_facts_that_cannot_be),
		cmocka_unit_test(test_sections_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
