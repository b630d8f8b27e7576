/* netcheck: how good the network to the target is, and what it means for the copy; text or one JSON object. */
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/target_spec.h"
#include "cli/work.h"
#include "base/text.h"
#include "check/netcheck.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* ---- text ---- */

/* "label   12.3 unit   good   what else there is to say" */
static void put(const char *label, const char *value, const char *rating, const char *fmt, ...) PRINTF_LIKE(4, 5);

static void put(const char *label, const char *value, const char *rating, const char *fmt, ...)
{
	va_list ap;

	printf("%-15s%-15s%-6s", label, value, rating);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static const char *rated(enum netcheck_metric m, double value)
{
	return netcheck_rating_name(netcheck_rate(m, value));
}

static double percent(double part)
{
	return 100 * part;
}

static double loss(const struct netcheck *n)
{
	return n->segments ? percent((double)n->retransmitted / (double)n->segments) : 0;
}

/* Even the fastest ping took much longer than TCP to its first hop, which a busy host alone does not explain. */
static bool is_relayed(const struct netcheck *n)
{
	return !n->no_tcp && n->rtt_min > 2 * n->tcp_rtt + 5;
}

static void put_round_trip(const struct netcheck *n)
{
	char value[64];

	snprintf(value, sizeof(value), "%.1f ms", n->rtt);
	put("round trip", value, rated(NETCHECK_ROUND_TRIP, n->rtt), "through the session; %u pings, %.1f to %.1f ms",
		n->pings, n->rtt_min, n->rtt_max);
	if (n->no_tcp) {
		put("", "unknown", "", "TCP to the first hop: %s", n->no_tcp);
	} else {
		snprintf(value, sizeof(value), "%.1f ms", n->tcp_rtt);
		put("", value, "", "TCP to the first hop; %.1f ms while sending%s", n->tcp_rtt_loaded,
			is_relayed(n) ? "; a relay or a proxy lies behind it" : "");
	}
	snprintf(value, sizeof(value), "%.1f ms", n->jitter);
	put("jitter", value, rated(NETCHECK_JITTER, n->jitter), "from one ping to the next");
	if (n->no_tcp || !n->segments) {
		put("loss", "unknown", "", "%s", n->no_tcp ? n->no_tcp : "the kernel does not tell");
		return;
	}
	snprintf(value, sizeof(value), "%.3f %%", loss(n));
	put("loss", value, rated(NETCHECK_LOSS, loss(n)),
		"to the first hop, sending at full speed; %llu of %llu segments sent again",
		(unsigned long long)n->retransmitted, (unsigned long long)n->segments);
}

static void put_throughput(const struct netcheck *n)
{
	AUTO_BUF b = BUF_INIT;
	char value[64];

	for (size_t i = 0; i < n->rate_count; i++)
		buf_printf(&b, "%s%u connection%s %.1f", i ? ", " : "", n->rates[i].connections,
			n->rates[i].connections == 1 ? "" : "s", n->rates[i].mbit);
	if (n->stopped)
		buf_printf(&b, "; %s", n->stopped);
	snprintf(value, sizeof(value), "%.1f Mbit/s", n->mbit);
	put("throughput", value, rated(NETCHECK_THROUGHPUT, n->mbit), "%s", buf_cstr(&b));
	if (n->limit) {
		snprintf(value, sizeof(value), "%.1f Mbit/s", (double)n->limit * 8e-6);
		put("limit", value, "", "[transfer] bandwidth now%s",
			n->limited ? "; it, not the network, is what was measured" : "");
	}
}

static void put_host(const char *name, const struct netcheck_host *h)
{
	AUTO_FREE char *cpu = xasprintf("cpu %s", name);
	AUTO_FREE char *memory = xasprintf("memory %s", name);
	AUTO_BUF size = BUF_INIT;
	char value[64];

	if (!h->known) {
		put(cpu, "unknown", "", "the host does not tell");
		return;
	}
	snprintf(value, sizeof(value), "%.0f %%", percent(h->cpu));
	put(cpu, value, rated(NETCHECK_CPU, percent(h->cpu)), "%.0f %% at full speed; %u processor%s",
		percent(h->cpu_loaded), h->cpus, h->cpus == 1 ? "" : "s");
	text_size(&size, h->memory_bytes);
	snprintf(value, sizeof(value), "%.0f %%", percent(h->memory));
	put(memory, value, rated(NETCHECK_MEMORY, percent(h->memory)), "in use, of %s", buf_cstr(&size));
}

static void put_forecast(const struct netcheck *n)
{
	bool short_one = n->hours_worst < 2;
	double unit = short_one ? 60 : 1, gb = (double)n->bytes * 1e-9;
	char value[64];

	snprintf(value, sizeof(value), "%.1f-%.1f %s", unit * n->hours_best, unit * n->hours_worst,
		short_one ? "min" : "h");
	put("forecast", value, "", "T[h] = C[GB] x 8000 / (S[Mbit/s] x 3600 x U)");
	put("", "", "", "C = %.*f GB used on %s%s", gb < 10 ? 3 : 1, gb, n->mounts,
		n->whole ? ", of which the source is a part: less will be copied" : "");
	put("", "", "", "S = %.1f Mbit/s%s", n->forecast_mbit,
		n->forecast_mbit < 0.999 * n->mbit ? ", the average of a week under [transfer] bandwidth" : "");
	put("", "", "", "U = %.1f to %.1f", NETCHECK_USE_BEST, NETCHECK_USE_WORST);
}

static void put_processes(const struct netcheck *n, const struct conf *c)
{
	char value[64], disks[64] = "disks unknown";

	if (n->disks)
		snprintf(disks, sizeof(disks), "%u disk%s, each taken for %.0f Mbit/s", n->disks,
			n->disks == 1 ? "" : "s", n->disk_mbit);
	snprintf(value, sizeof(value), "%u", n->processes);
	put("processes", value, "", "recommended: %u to fill the network as measured, %u to feed it (%s)", n->paying,
		n->feeding, disks);
	if (c->transfer.processes)
		put("", "", "", "[transfer] processes = %u", c->transfer.processes);
}

static void put_thresholds(void)
{
	puts("\nthresholds     good           fair");
	for (int i = 0; i < NETCHECK_METRICS; i++) {
		const struct netcheck_threshold *t = &netcheck_thresholds[i];
		char good[32], fair[32];

		snprintf(good, sizeof(good), "%s %g", t->more_is_better ? "from" : "below", t->good);
		snprintf(fair, sizeof(fair), "%s %g %s", t->more_is_better ? "from" : "below", t->fair, t->unit);
		printf("%-15s%-15s%s\n", t->name, good, fair);
	}
}

static void print_text(const struct netcheck *n, const struct work *w)
{
	AUTO_FREE char *where = text_escaped(n->where);

	printf("network to %s\n\n", where);
	put_round_trip(n);
	put_throughput(n);
	put_host("source", &n->source);
	put_host("target", &n->target);
	put_processes(n, w->conf);
	put_forecast(n);
	put_thresholds();
}

/* ---- JSON ---- */

static void json_rated(struct json *j, const char *name, const char *rating, enum netcheck_metric m, double value)
{
	json_number(j, name, value);
	json_str(j, rating, rated(m, value));
}

static void json_host(struct json *j, const char *name, const struct netcheck_host *h)
{
	AUTO_FREE char *cpu = xasprintf("cpu_%s_percent", name);
	AUTO_FREE char *cpu_rating = xasprintf("cpu_%s_rating", name);
	AUTO_FREE char *loaded = xasprintf("cpu_%s_loaded_percent", name);
	AUTO_FREE char *cpus = xasprintf("cpus_%s", name);
	AUTO_FREE char *memory = xasprintf("memory_%s_percent", name);
	AUTO_FREE char *memory_rating = xasprintf("memory_%s_rating", name);
	AUTO_FREE char *bytes = xasprintf("memory_%s_bytes", name);

	if (!h->known)
		return;
	json_rated(j, cpu, cpu_rating, NETCHECK_CPU, percent(h->cpu));
	json_number(j, loaded, percent(h->cpu_loaded));
	json_u64(j, cpus, h->cpus);
	json_rated(j, memory, memory_rating, NETCHECK_MEMORY, percent(h->memory));
	json_u64(j, bytes, h->memory_bytes);
}

static void json_network(struct json *j, const struct netcheck *n)
{
	json_rated(j, "round_trip_ms", "round_trip_rating", NETCHECK_ROUND_TRIP, n->rtt);
	json_number(j, "round_trip_min_ms", n->rtt_min);
	json_number(j, "round_trip_max_ms", n->rtt_max);
	json_u64(j, "pings", n->pings);
	json_rated(j, "jitter_ms", "jitter_rating", NETCHECK_JITTER, n->jitter);
	if (!n->no_tcp) {
		json_number(j, "tcp_round_trip_ms", n->tcp_rtt);
		json_number(j, "tcp_round_trip_var_ms", n->tcp_rtt_var);
		json_number(j, "tcp_round_trip_loaded_ms", n->tcp_rtt_loaded);
		json_bool(j, "relayed", is_relayed(n));
		json_rated(j, "loss_percent", "loss_rating", NETCHECK_LOSS, loss(n));
		json_u64(j, "segments", n->segments);
		json_u64(j, "retransmitted", n->retransmitted);
	}
	json_rated(j, "throughput_mbit", "throughput_rating", NETCHECK_THROUGHPUT, n->mbit);
	for (size_t i = 0; i < n->rate_count; i++) {
		AUTO_FREE char *name = xasprintf("throughput_%u_mbit", n->rates[i].connections);

		json_number(j, name, n->rates[i].mbit);
	}
	if (n->limit)
		json_u64(j, "limit", n->limit);
	json_bool(j, "limited", n->limited);
}

static void print_json(const struct netcheck *n, const struct work *w)
{
	struct json j = {0};

	json_begin(&j, "summary");
	json_str(&j, "command", "netcheck");
	json_i64(&j, "exit_code", EXIT_DONE);
	json_number(&j, "duration_s", n->seconds);
	json_path(&j, "target", n->where);
	json_path(&j, "source_root", w->conf->source.root);
	json_network(&j, n);
	json_host(&j, "source", &n->source);
	json_host(&j, "target", &n->target);
	json_u64(&j, "disks", n->disks);
	json_number(&j, "disk_mbit", n->disk_mbit);
	json_u64(&j, "processes", n->processes);
	json_u64(&j, "processes_network", n->paying);
	json_u64(&j, "processes_disks", n->feeding);
	json_u64(&j, "bytes", n->bytes);
	json_bool(&j, "bytes_upper_bound", n->whole);
	json_number(&j, "forecast_mbit", n->forecast_mbit);
	json_number(&j, "forecast_best_h", n->hours_best);
	json_number(&j, "forecast_worst_h", n->hours_worst);
	json_end(&j);
	fwrite(j.text.data, 1, j.text.len, stdout);
	json_release(&j);
}

/* ---- the command ---- */

static void on_note(void *arg, const char *text)
{
	report_note(((struct work *)arg)->report, text);
}

static int measure(struct work *w)
{
	const struct options *o = w->o;
	struct netcheck_options no = {
		.conf = w->conf,
		.adhoc = w->job.adhoc,
		.one_file_system = w->job.one_file_system,
		.batch = w->job.batch,
		.note = on_note,
		.arg = w,
	};
	AUTO_DIAG d = DIAG_INIT;
	struct netcheck n;
	int code = EXIT_DONE;

	if (isatty(STDERR_FILENO) && !o->quiet && !o->given[OPT_JSON])
		fprintf(stderr, "rehost: measuring the network to %s takes about 15 seconds\n", w->to);
	if (!netcheck_run(&no, &n, &d)) {
		report_exit_error(w->report, &d);
		code = diag_info(d.code)->exit_class;
	} else {
		if (n.note)
			on_note(w, n.note);
		if (o->given[OPT_JSON])
			print_json(&n, w);
		else if (!o->quiet)
			print_text(&n, w);
	}
	netcheck_release(&n);
	return code;
}

int cmd_netcheck(const struct options *o)
{
	struct work_operands operands = {0};
	struct work w;
	int code;

	if (o->operand_count > 2 || (o->operand_count == 1 && !target_spec_is_one(o->operands[0]))) {
		struct usage_error e = {0};

		usage_set(&e, DIAG_CLI_OPERANDS,
			xstrdup("write 'rehost netcheck [SRC] DST', or 'rehost netcheck' for the configured job"),
			"'netcheck' takes SRC and DST, DST alone, or nothing");
		code = work_refuse(o, &e);
		usage_release(&e);
		return code;
	}
	if (o->operand_count) { /* of a target alone: the whole host */
		operands.source = o->operand_count == 2 ? o->operands[0] : "/";
		operands.target = o->operands[o->operand_count - 1];
	}
	code = work_begin(&w, o, &operands);
	if (code == 0)
		code = measure(&w);
	work_release(&w);
	return code;
}
