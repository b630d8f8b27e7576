/*
 * The probe: one connection, one receiver, which it asks what the coordinator wants to know. Confined as the link is, with
 * no right and no file, before it looks at a byte of the receiver's.
 */
#include "check/probe.h"
#include "check/fill.h"
#include "check/netcheck.h"
#include "check/relay.h"
#include "base/clock.h"
#include "confine/confine.h"
#include "operator/proto.h"
#include "transport/transport.h"

#include <unistd.h>

#define PING_EVERY_NS (50 * NS_PER_MS)
#define MS_MAX 60000

/* ---- questions and answers ---- */

static void hello(struct probe *p)
{
	static const char version[] = REHOST_VERSION;
	struct msg_hello m = {.protocol = WIRE_PROTOCOL, .flags = HELLO_DRY_RUN};
	struct msg_hello_ok ok;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	m.version = (struct bytes){(const uint8_t *)version, sizeof(version) - 1};
	msg_hello_put(&b, &m);
	probe_ask(p, MSG_HELLO, &b);
	f = probe_await(p, MSG_HELLO_OK, HELLO_NS);
	if (!msg_hello_ok_get(&f, &ok))
		probe_protocol(p, "a malformed greeting");
	if (ok.protocol == WIRE_PROTOCOL)
		return;
	diag_set(&d, DIAG_CHECK_PROTOCOL, 0, NULL, "rehost %s speaks protocol %d, the receiver '%.*s' speaks %u",
		version, WIRE_PROTOCOL, (int)ok.version.len, (const char *)ok.version.p, ok.protocol);
	probe_die(p, &d);
}

static void ping(struct probe *p, uint32_t count, int64_t limit_ns)
{
	int64_t end = clock_mono_ns() + limit_ns;
	AUTO_BUF rtts = BUF_INIT;

	for (uint32_t i = 0; i < MIN(count, (uint32_t)PINGS_MAX) && clock_mono_ns() < end; i++) {
		int64_t sent = clock_mono_ns(), rest;
		struct timespec pause = {};
		struct msg_pong pong;
		struct frame f;

		probe_ask(p, MSG_PING, NULL);
		f = probe_await(p, MSG_PONG, SILENCE_NS);
		if (!msg_pong_get(&f, &pong))
			probe_protocol(p, "a malformed answer to a ping");
		wr_u64(&rtts, (uint64_t)(clock_mono_ns() - sent));
		rest = PING_EVERY_NS - (clock_mono_ns() - sent);
		pause.tv_nsec = MAX(rest, INT64_C(0));
		nanosleep(&pause, NULL);
	}
	probe_answer(p, PROBE_RTTS, &rtts);
}

static void load(struct probe *p)
{
	struct sysload now;
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	probe_ask(p, MSG_LOAD, NULL);
	f = probe_await(p, MSG_LOAD_OK, SILENCE_NS);
	if (!msg_load_get(&f, &now))
		probe_protocol(p, "a malformed load");
	msg_load_put(&b, &now);
	probe_answer(p, PROBE_LOAD_OK, &b);
}

/* ---- the beginning, and the loop ---- */

static struct frame next_command(struct probe *p)
{
	struct frame f;

	if (!chan_await(&p->ipc, &f, -1))
		_exit(EXIT_FAILED);
	return f;
}

static void begin(struct probe *p, int wire_fd, int helper_fd, int throttle_fd)
{
	struct frame f = next_command(p);
	struct rd r = rd_init(f.payload, f.len);
	const bool operator= rd_u8(&r) == 1;
	struct bytes bootstrap = rd_bytes(&r, FRAME_MAX), dir = rd_bytes(&r, 255);
	char shared[256] = "";
	uint64_t helper_bytes = 0;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF note = BUF_INIT;
	AUTO_BUF b = BUF_INIT;

	p->throttle = throttle_map(throttle_fd);
	if (f.type != PROBE_CONFIG || !rd_done(&r) || !p->throttle)
		_exit(EXIT_FAILED);
	close(throttle_fd);
	memcpy(shared, dir.p, dir.len);
	if (!transport_bootstrap(wire_fd, bootstrap.p, bootstrap.len, helper_fd, shared, &helper_bytes, &d)) {
		if (!diag_is_set(&d))
			probe_lost();
		probe_die(p, &d);
	}
	if (helper_fd >= 0)
		close(helper_fd);
	if (!confine_link(&note, &d))
		probe_die(p, &d);
	chan_init(&p->wire, wire_fd);
	if (operator)
		relay_hello(p);
	else
		hello(p);
	wr_str(&b, shared);
	probe_answer(p, PROBE_READY, &b);
}

static void end(struct probe *p)
{
	probe_ask(p, p->version ? OPERATOR_BYE : MSG_BYE, NULL);
	while (probe_turn(p, SILENCE_NS) && chan_unsent(&p->wire))
		;
	_exit(EXIT_DONE);
}

void probe_main(int ipc_fd, int wire_fd, int helper_fd, int throttle_fd)
{
	struct probe *p = xcalloc(1, sizeof(*p));

	chan_init(&p->ipc, ipc_fd);
	begin(p, wire_fd, helper_fd, throttle_fd);
	for (;;) {
		struct frame f = next_command(p);
		struct rd r = rd_init(f.payload, f.len);
		uint32_t n[3];

		for (size_t i = 0; i < ARRAY_LEN(n); i++)
			n[i] = rd_left(&r) ? MIN(rd_u32(&r), (uint32_t)MS_MAX) : 0;
		if (f.type == PROBE_PING)
			ping(p, n[0], n[1] * NS_PER_MS);
		else if (f.type == PROBE_FILL)
			probe_fill(p, n[0] * NS_PER_MS, n[1] * NS_PER_MS, n[2] * NS_PER_MS);
		else if (f.type == PROBE_LOAD)
			load(p);
		else if (f.type == PROBE_FACTS && p->version)
			relay_facts(p, n[0]);
		else if (f.type == PROBE_IMAGE && p->version)
			relay_image(p, &f);
		else
			end(p);
	}
}
