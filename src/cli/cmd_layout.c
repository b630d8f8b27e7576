/* layout: the disk that the copy needs. It is planned and shown, and with --apply made. */
#include "cli/commands.h"
#include "cli/fitness.h"
#include "cli/json.h"
#include "cli/layout.h"
#include "base/clock.h"
#include "base/text.h"
#include "check/target_image.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <unistd.h>

#define MACHINE_ID_MAX 64
#define NAME_MAX_HOST 256

static double number_of(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsNumber(v) && v->valuedouble > 0 ? v->valuedouble : 0;
}

/* Of a part of a file system only a walk tells what it takes. */
static void measure(cJSON *job)
{
	cJSON *m;

	cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(job, "mounts")) {
		const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(m, "path"));
		uint64_t bytes, inodes;

		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "whole")) ||
			!tree_usage(path ? path : "", &bytes, &inodes))
			continue;
		cJSON_ReplaceItemInObjectCaseSensitive(m, "used", cJSON_CreateNumber((double)bytes));
		cJSON_ReplaceItemInObjectCaseSensitive(m, "inodes", cJSON_CreateNumber((double)inodes));
	}
}

/* All file systems go into the one root. */
static void sum_up(const cJSON *job, struct layout_request *r)
{
	const cJSON *m;

	cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(job, "mounts")) {
		if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "excluded")))
			continue;
		r->used += (uint64_t)MIN(number_of(m, "used"), (double)LAYOUT_SIZE_MAX);
		r->inodes += (uint64_t)MIN(number_of(m, "inodes"), (double)LAYOUT_SIZE_MAX);
	}
}

/* This host, the job and the target: two disks that may meet one another differ in one of them. To be freed. */
static char *seed_of(const struct work *w)
{
	char host[NAME_MAX_HOST] = "", id[MACHINE_ID_MAX] = "";
	FILE *f = fopen("/etc/machine-id", "re");

	if (f) {
		if (!fgets(id, sizeof(id), f))
			*id = '\0';
		fclose(f);
	}
	(void)gethostname(host, sizeof(host) - 1);
	return xasprintf("%s\n%s\n%s\n%s\n%s", id, host, w->job.name, w->conf->target.address, w->conf->source.root);
}

/* made NULL: nothing was asked to be made. */
static void print_summary(const struct layout_plan *p, const bool *made, int64_t ns)
{
	struct json j = {0};

	json_begin(&j, "summary");
	json_str(&j, "command", "layout");
	json_i64(&j, "exit_code", EXIT_DONE);
	json_seconds(&j, "duration_s", ns);
	json_u64(&j, "bytes_needed", p->needed);
	if (made)
		json_bool(&j, "made", *made);
	json_end(&j);
	fwrite(j.text.data, 1, j.text.len, stdout);
	json_release(&j);
}

static void show(const struct work *w, const cJSON *job, const struct layout_plan *p, int64_t began)
{
	struct layout_steps steps;

	layout_steps_make(p, &steps);
	if (w->o->given[OPT_JSON]) {
		layout_print_json(w, job, p, &steps);
		print_summary(p, NULL, clock_mono_ns() - began);
	} else if (!w->o->quiet) {
		layout_print_text(w, job, p, &steps);
	}
	layout_steps_release(&steps);
}

/* With -n the plan is shown, and that is all. */
static bool apply(struct work *w, const struct layout_plan *p, int64_t began, struct diag *d)
{
	const struct target_image_options to = {.conf = w->conf, .batch = w->job.batch};
	AUTO_FREE char *file = text_escaped(p->of.image);
	bool made;

	if (!target_image_make(&to, p, &made, d))
		return false;
	if (w->o->given[OPT_JSON])
		print_summary(p, &made, clock_mono_ns() - began);
	else if (!w->o->quiet)
		printf("%s: %s\n", file, made ? "made" : "is there already, as planned");
	return true;
}

static int layout(struct work *w)
{
	const struct conf *c = w->conf;
	const size_t types = c->layout.filesystems.len;
	AUTO_FREE char *seed = seed_of(w);
	AUTO_FREE char *file = NULL;
	struct layout_request r = {.seed = seed,
		.attach = c->target.root,
		.firmware = c->layout.firmware,
		.filesystem = types ? c->layout.filesystems.items[types - 1].value + 2 : "ext4"};
	const int64_t began = clock_mono_ns();
	AUTO_DIAG d = DIAG_INIT;
	struct layout_plan p;
	const char *why;
	cJSON *job = NULL;
	bool ok = c->target.image && conf_image_split(c->target.image, &file, &r.size, &why);

	if (!ok)
		diag_set(&d, DIAG_LAYOUT_NO_IMAGE, 0, NULL, "[target] image is not set");
	ok = ok && (job = fitness_job(w, &d));
	if (ok) {
		measure(job);
		sum_up(job, &r);
		r.image = file;
		ok = layout_plan(&r, &p, &d);
	}
	if (ok && (!w->o->given[OPT_APPLY] || w->o->given[OPT_DRY_RUN]))
		show(w, job, &p, began);
	else if (ok)
		ok = apply(w, &p, began, &d);
	if (!ok)
		report_exit_error(w->report, &d);
	cJSON_Delete(job);
	return ok ? EXIT_DONE : diag_info(d.code)->exit_class;
}

int cmd_layout(const struct options *o)
{
	const struct work_operands operands = {0};
	struct usage_error e = {0};
	struct work w;
	int code;

	if (o->operand_count) {
		usage_set(&e, DIAG_CLI_OPERANDS, xstrdup("image in [target] names the disk"),
			"'layout' takes no arguments");
		code = work_refuse(o, &e);
		usage_release(&e);
		return code;
	}
	code = work_begin(&w, o, &operands);
	if (code == 0)
		code = layout(&w);
	work_release(&w);
	return code;
}
