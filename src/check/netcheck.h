/*
 * netcheck: how good the network to the target is, and what that means for the copy.
 *
 * The coordinator starts one to four probes, each a process of its own with a connection and a receiver of its own (which is
 * started read-only), and asks them to send pings and bytes; it looks at its own host's load, and at the TCP sockets. Nothing
 * is written on either side, and no lock is taken. netcheck_run() blocks for about 15 seconds.
 *
 * Processes: netcheck_run() in the coordinator; probe_main() is the role. Units: times in ms, rates in Mbit/s (10^6 bits a
 * second) of contents before SSH, loads as parts of 1.
 */
#pragma once

#include "conf/conf.h"
#include "diag/diag.h"

/* ---- judging; pure (assess.c) ---- */

enum netcheck_metric {
	NETCHECK_ROUND_TRIP,
	NETCHECK_JITTER,
	NETCHECK_LOSS,
	NETCHECK_THROUGHPUT,
	NETCHECK_CPU,
	NETCHECK_MEMORY,
	NETCHECK_METRICS
};
enum netcheck_rating { NETCHECK_GOOD, NETCHECK_FAIR, NETCHECK_POOR };

struct netcheck_threshold {
	const char *name, *unit;
	double good, fair; /* the bounds: below them, or from them on when more is better */
	bool more_is_better;
};
extern const struct netcheck_threshold netcheck_thresholds[NETCHECK_METRICS];
enum netcheck_rating netcheck_rate(enum netcheck_metric m, double value); /* value in the threshold's unit */
const char *netcheck_rating_name(enum netcheck_rating r);

/* Throughput of so many connections at once. */
struct netcheck_rate {
	unsigned connections;
	double mbit;
};
/* Another measurement with more connections must bring this much, else it does not pay. */
#define NETCHECK_GAIN 1.2
/* The number of connections that pay, of those that were measured, in ascending order. */
unsigned netcheck_paying(const struct netcheck_rate *rates, size_t n);
/* Below this one process fills the network, whatever the disks are. */
#define NETCHECK_ONE_PROCESS_MBIT 300.0
#define NETCHECK_PROCESSES_MAX 4u
/* min(disks, mbit / disk_mbit rounded up, 4), and one below 300 Mbit/s. */
unsigned netcheck_feeding(unsigned disks, double mbit, double disk_mbit);
/* The average of a week of what [transfer] bandwidth leaves of a rate. */
double netcheck_limited(const struct conf *c, double mbit);
/* T[h] = C[GB] x 8000 / (S[Mbit/s] x 3600 x U) */
#define NETCHECK_USE_BEST 0.8
#define NETCHECK_USE_WORST 0.5
double netcheck_hours(uint64_t bytes, double mbit, double use);

/* ---- measuring ---- */

struct netcheck_host {
	bool known;
	unsigned cpus;
	double cpu, cpu_loaded; /* busy: before, and the most while bytes were sent */
	double memory; /* in use */
	uint64_t memory_bytes; /* there are */
};

struct netcheck {
	char *where, *note; /* "ssh root@host:22"; why the system's ssh, or NULL */
	/* through the session, from here to the receiver and back */
	unsigned pings;
	double rtt_min, rtt, rtt_max, jitter;
	/* of the TCP connection, to its first hop; no_tcp: why not, static */
	const char *no_tcp;
	double tcp_rtt, tcp_rtt_var, tcp_rtt_loaded;
	uint64_t segments, retransmitted;
	struct netcheck_rate rates[3];
	size_t rate_count;
	const char *stopped; /* why no more connections were measured, static; NULL: they would not have paid */
	struct netcheck_host source, target;
	unsigned disks, rotational; /* behind the chosen mounts; 0: not known */
	double disk_mbit; /* what one is taken to give */
	unsigned paying, feeding, processes;
	double mbit; /* of the connections that pay */
	uint64_t limit; /* bytes a second, in force while measuring; 0: none */
	bool limited; /* it, not the network, was what was measured */
	char *mounts; /* "/, /srv", escaped */
	bool whole; /* bytes is the whole file system's, of which the source is a part */
	uint64_t bytes;
	double forecast_mbit, hours_best, hours_worst;
	double seconds;
};

struct netcheck_options {
	const struct conf *conf; /* target.address, target.root, source.root are set */
	bool adhoc, one_file_system, batch;
	void (*note)(void *arg, const char *text);
	void *arg;
};

/* False with d. out is to be released in both cases. */
bool netcheck_run(const struct netcheck_options *o, struct netcheck *out, struct diag *d);
void netcheck_release(struct netcheck *n);

/* The role ("--role=probe IPC WIRE HELPER THROTTLE"). */
void probe_main(int ipc_fd, int wire_fd, int helper_fd, int throttle_fd) __attribute__((noreturn));
