/* The check for people: the inventory, then the findings, the worst first. */
#include "cli/fitness.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <strings.h>

/* ---- documents ---- */

static const cJSON *at(const cJSON *o, const char *section, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(o, section), name);
}

static const char *text_at(const cJSON *o, const char *section, const char *name)
{
	const char *text = cJSON_GetStringValue(at(o, section, name));

	return text ? text : "";
}

static const char *text_of(const cJSON *o, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	return text ? text : "";
}

/* Documents have larger numbers as text. */
static double number_of(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(v) ? v->valuedouble : cJSON_IsString(v) ? strtod(v->valuestring, NULL) : 0;
}

static char *size_of(double bytes)
{
	AUTO_BUF b = BUF_INIT;

	text_size(&b, bytes > 0 ? (uint64_t)bytes : 0);
	return buf_detach(&b);
}

/* ---- the inventory ---- */

static void add_part(struct buf *b, const char *text)
{
	if (*text)
		buf_printf(b, "%s%s", b->len ? ", " : "", text);
}

static void put_host(const char *label, const cJSON *facts)
{
	const cJSON *machine = cJSON_GetObjectItemCaseSensitive(facts, "machine");
	const cJSON *cpu = cJSON_GetObjectItemCaseSensitive(machine, "cpu"),
		    *memory = cJSON_GetObjectItemCaseSensitive(machine, "memory");
	const char *host = text_at(facts, "os", "hostname"), *kernel = text_at(facts, "kernel", "running");
	AUTO_FREE char *linux_ = *kernel ? xasprintf("Linux %s", kernel) : xstrdup("");
	AUTO_FREE char *size = size_of(number_of(memory, "total"));
	AUTO_FREE char *cpus = xasprintf("%.0f processors, %s", number_of(cpu, "count"), size);
	AUTO_BUF b = BUF_INIT;

	add_part(&b, text_at(facts, "os", "pretty_name"));
	add_part(&b, linux_);
	add_part(&b, text_at(facts, "os", "machine"));
	add_part(&b, text_at(facts, "machine", "firmware"));
	add_part(&b, text_at(machine, "dmi", "product_name"));
	if (cpu)
		add_part(&b, cpus);
	printf("%-8s %s%s%s\n", label, host, *host ? ": " : "", buf_cstr(&b));
}

static void put_fs(const char *path, const char *type, const char *size, const char *rest)
{
	printf("  %-24s %-8s %10s  %s\n", path, type, size, rest);
}

static void put_copied(const cJSON *job)
{
	const cJSON *m;

	puts("\ncopied");
	cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(job, "mounts")) {
		AUTO_FREE char *used = size_of(number_of(m, "used"));
		const char *to = text_of(m, "target");
		AUTO_FREE char *rest = xasprintf("to %s%s%s%s", text_of(job, "target_root"), *to ? "/" : "", to,
			cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "whole"))
				? ""
				: " (a part: less than what is used)");

		put_fs(text_of(m, "path"), text_of(m, "type"), used,
			cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "excluded")) ? "left out by the rules" : rest);
	}
}

static void put_left_out(const cJSON *job, bool all)
{
	bool begun = false;
	const cJSON *m;

	cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(job, "left_out")) {
		double bytes = number_of(m, "used");
		AUTO_FREE char *used = bytes > 0 ? size_of(bytes) : xstrdup("");

		if (!all && str_eq(text_of(m, "concern"), "elsewhere"))
			continue;
		if (!begun)
			puts("\nnot copied");
		begun = true;
		put_fs(text_of(m, "path"), text_of(m, "type"), used, text_of(m, "why"));
	}
}

static void put_hidden(const cJSON *job)
{
	const cJSON *hidden = cJSON_GetObjectItemCaseSensitive(job, "hidden"), *h;

	if (!hidden)
		puts("\nhidden beneath mount points: not known without the rights of root");
	else if (cJSON_GetArraySize(hidden))
		puts("\nhidden beneath mount points");
	cJSON_ArrayForEach(h, hidden) {
		AUTO_FREE char *size = size_of(number_of(h, "bytes"));
		bool more = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(h, "more"));
		AUTO_FREE char *rest = xasprintf("%s%.0f files", more ? "more than " : "", number_of(h, "files"));

		put_fs(text_of(h, "path"), "", size, rest);
	}
}

static void put_room_of(const char *root, const cJSON *fs)
{
	AUTO_FREE char *room = size_of(number_of(fs, "bytes_available")),
		       *total = size_of(number_of(fs, "bytes_total"));
	AUTO_FREE char *rest = xasprintf("left of %s", total);
	const char *rel = text_of(fs, "path");
	AUTO_FREE char *path = *rel == '/' ? xstrdup(rel) : xasprintf("%s/%s", root, rel);

	put_fs(path, text_of(fs, "type"), room, rest);
}

static void put_room(const cJSON *target)
{
	const cJSON *root = cJSON_GetObjectItemCaseSensitive(target, "target_root"), *m;

	if (!cJSON_IsObject(root))
		return;
	puts("\nroom at the target");
	put_room_of("", root);
	cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(root, "mounts"))
		put_room_of(text_of(root, "path"), m);
}

static void put_forecast(const cJSON *network)
{
	double best = number_of(network, "hours_best"), worst = number_of(network, "hours_worst");
	bool minutes = worst < 2;

	if (!network || worst <= 0)
		return;
	printf("\nforecast of the copy\n  %.1f to %.1f %s at %.1f Mbit/s\n", best * (minutes ? 60 : 1),
		worst * (minutes ? 60 : 1), minutes ? "minutes" : "hours", number_of(network, "mbit"));
}

/* What changes while it is copied. */
static void put_to_stop(const struct preflight *p)
{
	static const char *const ids[] = {"database", "containers", "vm-images", "cluster-member", "open-deleted"};
	bool begun = false;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct preflight_row *row = preflight_find(ids[i]);
		const struct preflight_finding *f = row ? &p->findings[row - preflight_row(0)] : NULL;

		if (!f || f->moot || f->severity <= PREFLIGHT_OK || f->severity == PREFLIGHT_UNKNOWN)
			continue;
		if (!begun)
			puts("\nto stop before the last sync");
		begun = true;
		printf("  %s: %s\n", row->title, f->evidence);
	}
}

static void put_inventory(const struct fitness *f, const struct fitness_report *r)
{
	put_host("source", f->source);
	if (f->target)
		put_host("target", f->target);
	else
		puts("target   not reached");
	put_copied(f->job);
	put_left_out(f->job, r->o->verbose);
	put_hidden(f->job);
	put_room(f->target);
	put_forecast(f->network);
	put_to_stop(&f->found);
	putchar('\n');
}

/* ---- findings ---- */

bool fitness_shows(const struct fitness_report *r, const struct preflight_finding *f)
{
	bool named = !r->id_count;

	for (size_t i = 0; i < r->id_count && !named; i++)
		named = strcasecmp(r->ids[i], f->row->id) == 0;
	return named;
}

static void put_finding(const struct preflight_finding *f)
{
	printf("%-7s %s: %s%s\n", preflight_severity_name(f->severity), f->row->id, f->row->title,
		f->ignored ? " (ignored)" : "");
	if (f->evidence)
		printf("        found:  %s\n", f->evidence);
	if (f->moot || f->severity < PREFLIGHT_WARN)
		return;
	printf("        cause:  %s\n        remedy: %s\n", f->cause, f->remedy);
}

static void put_counts(const struct preflight *p)
{
	printf("\n%u failed, %u warning%s, %u not known, %u to know of, %u fine", p->counts[PREFLIGHT_FAIL],
		p->counts[PREFLIGHT_WARN], p->counts[PREFLIGHT_WARN] == 1 ? "" : "s", p->counts[PREFLIGHT_UNKNOWN],
		p->counts[PREFLIGHT_INFO], p->counts[PREFLIGHT_OK]);
	if (p->ignored)
		printf(", %u ignored", p->ignored);
	if (p->moot)
		printf(", %u not judged", p->moot);
	puts("");
}

void fitness_print_text(const struct fitness *f, const struct fitness_report *r)
{
	const enum preflight_severity least = r->o->verbose || r->id_count ? PREFLIGHT_OK
		: r->o->quiet                                              ? PREFLIGHT_FAIL
									   : PREFLIGHT_INFO;

	if (r->inventory && !r->o->quiet && !r->id_count)
		put_inventory(f, r);
	for (int s = PREFLIGHT_FAIL; s >= (int)least; s--)
		for (size_t i = 0; i < PREFLIGHT_ROWS; i++) {
			const struct preflight_finding *at_ = &f->found.findings[i];

			if ((int)at_->severity == s && fitness_shows(r, at_) &&
				(!at_->moot || r->o->verbose || r->id_count))
				put_finding(at_);
		}
	if (r->inventory && !r->o->quiet)
		put_counts(&f->found);
}
