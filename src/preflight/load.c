/* Load, memory, limits. */
#include "preflight/look.h"

static void is_busy(struct look *l, const cJSON *facts, const char *whose)
{
	const cJSON *busy = need(l, facts, "machine.busy_percent");

	if (busy && busy->valuedouble > l->threshold)
		found(l, whose, "the %s's are %.0f %% busy", whose, busy->valuedouble);
}

void judge_cpu_busy(struct look *l)
{
	is_busy(l, l->source, "source");
	is_busy(l, l->target, "target");
}

#define LEAST 64e6

static void has_memory(struct look *l, const cJSON *facts, const char *whose)
{
	const cJSON *available = need(l, facts, "machine.memory.available");
	AUTO_FREE char *left = available ? size_text(fact_value(facts, "machine.memory.available")) : NULL;
	double bytes = fact_value(facts, "machine.memory.available");

	if (!available || bytes >= l->threshold * 1e6)
		return;
	found_as(l, bytes < LEAST ? PREFLIGHT_FAIL : PREFLIGHT_WARN, whose, "the %s has %s left", whose, left);
}

void judge_memory_low(struct look *l)
{
	has_memory(l, l->source, "source");
	has_memory(l, l->target, "target");
}

void judge_target_small(struct look *l)
{
	double cpus = fact_value(l->target, "machine.cpu.count"), ours = fact_value(l->source, "machine.cpu.count"),
	       memory = fact_value(l->target, "machine.memory.total"),
	       our_memory = fact_value(l->source, "machine.memory.total");
	AUTO_FREE char *has = size_text(memory), *had = size_text(our_memory);

	if (!need(l, l->target, "machine.cpu") || !need(l, l->target, "machine.memory"))
		return;
	if (cpus && cpus < ours)
		found(l, NULL, "it has %.0f processors, the source %.0f", cpus, ours);
	if (memory && memory < 0.9 * our_memory)
		found(l, NULL, "it has %s of memory, the source %s", has, had);
}

static double percent(double part, double all)
{
	return all > 0 ? 100 * part / all : 0;
}

/* Those that are copied: an image is always full. */
void judge_source_full(struct look *l)
{
	const cJSON *chosen, *m;

	each(chosen, fact(l->job, "mounts")) {
		const char *path = fact_text(chosen, "path");

		each(m, need(l, l->source, "mounts.mounted")) {
			double size = fact_value(m, "size"), free_ = fact_value(m, "available"),
			       inodes = fact_value(m, "inodes"), inodes_free = fact_value(m, "inodes_free");

			if (!path || !fact_is(m, "path", path) || size <= 0)
				continue;
			if (percent(size - free_, size) >= l->threshold)
				found(l, path, "'%s' is %.0f %% full", path, percent(size - free_, size));
			else if (inodes && percent(inodes - inodes_free, inodes) >= l->threshold)
				found(l, path, "%.0f %% of the inodes of '%s' are in use",
					percent(inodes - inodes_free, inodes), path);
		}
	}
}

void judge_many_files(struct look *l)
{
	const cJSON *m;
	double files = 0;

	each(m, fact(l->job, "mounts")) {
		files += fact_value(m, "inodes");
	}
	if (files > l->threshold)
		found(l, NULL, "%.0f inodes are in use", files);
}

void judge_limits_unkept(struct look *l)
{
	const cJSON *m;

	if (!fact_true(l->job, "limits"))
		return;
	each(m, need(l, l->source, "mounts.mounted")) {
		if (one_of(fact_text(m, "type"), "cgroup cgroup2"))
			return;
	}
	found(l, NULL, "nothing of type cgroup or cgroup2 is mounted");
}
