/* What the files of this room share. */
#pragma once

#include "base/sysload.h"
#include "check/netcheck.h"
#include "ipc/chan.h"
#include "limits/throttle.h"
#include "transport/transport.h"
#include "wire/msg.h"

/* ---- between coordinator and probe: frames over a socket pair ---- */

enum probe_message {
	/* to the probe; each but END is answered when it is done */
	PROBE_CONFIG = 1, /* bytes bootstrap, bytes the helper's directory */
	PROBE_PING, /* u32 how many at most, u32 ms at most */
	PROBE_FILL, /* u32 ms of warming up, u32 ms of measuring, u32 ms of a round trip */
	PROBE_LOAD,
	PROBE_END,
	/* from it */
	PROBE_READY = 16, /* bytes the helper's directory */
	PROBE_DIAG, /* diag; its last word */
	PROBE_RTTS, /* u64 ns, for each ping */
	PROBE_FILLED, /* u64 bytes and u64 ns, of the receiver */
	PROBE_LOAD_OK, /* as LOAD_OK */
};
#define PINGS_MAX 50
#define PROBE_LOST 10 /* exit code: the stream ended */
#define SILENCE_NS (20 * NS_PER_S) /* nothing comes back: lost */

/* ---- the probe (probe.c, fill.c) ---- */

struct probe {
	struct chan ipc, wire;
	struct throttle *throttle;
	uint32_t next_id;
	uint64_t filled; /* bytes of FILL sent */
};
/* Says why to the coordinator, and ends. */
NORETURN void probe_die(struct probe *p, struct diag *d);
NORETURN void probe_protocol(struct probe *p, const char *what);
NORETURN void probe_lost(void);
void probe_answer(struct probe *p, uint8_t type, const struct buf *b);
/* Waits until something of the wire can be read (or written, when something is to be), at most so long, and reads it. False:
 * it has ended. */
bool probe_turn(struct probe *p, int64_t wait_ns);
/* What every frame that is not the one waited for means: never returns. */
NORETURN void probe_unexpected(struct probe *p, const struct frame *f);
/* fill.c: PROBE_FILL. Returns when all has arrived. */
void probe_fill(struct probe *p, int64_t warm_ns, int64_t steady_ns, int64_t rtt_ns);

/* ---- one connection, as the coordinator sees it (line.c) ---- */

struct line {
	pid_t pid; /* of the probe */
	struct chan ipc;
	struct transport_conn conn;
	uint8_t waits_for; /* PROBE_*; 0: nothing */
	bool started, ended;
	struct diag diag; /* its last word */
	/* answers */
	size_t rtt_count;
	uint64_t rtts[PINGS_MAX]; /* ns */
	uint64_t filled, filled_ns;
	struct sysload load;
};

struct lines {
	const struct conf *conf;
	struct transport *transport;
	struct throttle *throttle;
	int throttle_fd;
	char shared_dir[256];
	struct line line[NETCHECK_PROCESSES_MAX];
	size_t n;
	/* called about every 50 ms while answers are awaited */
	void (*tick)(void *arg);
	void *arg;
};
/* One more connection, ready; n grows. */
bool lines_add(struct lines *l, struct diag *d);
/* Sends it to the first n, and waits until all have answered. */
bool lines_ask(struct lines *l, size_t n, uint8_t type, const struct buf *payload, struct diag *d);
void lines_end(struct lines *l);
/* Takes in what a probe says. False: it makes no sense. */
bool line_frame(struct lines *all, struct line *l, const struct frame *f);

/* ---- the rest ---- */

struct tcp_counts { /* tcp.c */
	double rtt, rtt_var; /* ms, smoothed by the kernel */
	uint64_t segments, retransmitted;
};
/* False when the kernel does not tell. */
bool tcp_read(int fd, struct tcp_counts *out);

struct disks { /* disks.c */
	unsigned count, rotational;
};
#define DISKS_MAX 64
struct mount_plan;
/* Whole disks behind the chosen mounts, each once. sys: a descriptor of /sys. */
void disks_find(int sys, const struct mount_plan *plan, struct disks *out);
