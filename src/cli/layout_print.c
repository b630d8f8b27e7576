#include "cli/layout.h"
#include "cli/json.h"
#include "base/text.h"

#include <cjson/cJSON.h>
#include <stdio.h>

/* ---- what there is ---- */

static const char *text_of(const cJSON *o, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));

	return text ? text : "";
}

static char *size_of(uint64_t bytes)
{
	AUTO_BUF b = BUF_INIT;

	text_size(&b, bytes);
	return buf_detach(&b);
}

static void put_source(const cJSON *job)
{
	const cJSON *m;

	puts("source");
	cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(job, "mounts")) {
		const cJSON *used = cJSON_GetObjectItemCaseSensitive(m, "used");
		AUTO_FREE char *size = size_of(cJSON_IsNumber(used) ? (uint64_t)used->valuedouble : 0);
		const bool excluded = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(m, "excluded"));

		printf("  %-24s %-8s %10s  %s\n", text_of(m, "path"), text_of(m, "type"), size,
			excluded ? "left out by the rules" : text_of(m, "source"));
	}
}

/* ---- what there will be ---- */

static void put_table(const struct layout_plan *p)
{
	AUTO_FREE char *file = text_escaped(p->of.image);
	AUTO_FREE char *size = size_of(p->of.size), *needed = size_of(p->needed);

	printf("\ndisk %s: %s, GPT %s; at least %s\n", file, size, p->disk_id, needed);
	for (size_t i = 0; i < p->count; i++) {
		const struct layout_partition *part = &p->partitions[i];
		AUTO_FREE char *bytes = size_of(part->size);

		printf("  %zu %-10s %10s  %-6s %-10s %s\n", i + 1, layout_role_name(part->role), bytes,
			part->filesystem ? part->filesystem : "-", part->mount ? part->mount : "-",
			part->filesystem ? part->uuid : part->id);
	}
}

static void put_phase(const struct layout_steps *s, enum layout_phase phase, const char *title)
{
	AUTO_BUF b = BUF_INIT;

	for (size_t i = 0; i < s->count; i++)
		if (s->all[i].phase == phase)
			layout_step_print(&s->all[i], &b);
	printf("\n# %s\n%s", title, buf_cstr(&b));
}

void layout_print_text(
	const struct work *w, const cJSON *job, const struct layout_plan *p, const struct layout_steps *s)
{
	AUTO_FREE char *attach = text_escaped(p->of.attach);
	AUTO_FREE char *address = text_escaped(w->conf->target.address);

	put_source(job);
	put_table(p);
	printf("\nTo be typed as root at %s; each command has to succeed before the next:\n", address);
	put_phase(s, LAYOUT_MAKE, "make it, once");
	put_phase(s, LAYOUT_ATTACH, "attach it; then copy with 'root' in [target] as it is mounted here");
	put_phase(s, LAYOUT_RELEASE, "release it, when nothing is to be copied any more");
}

/* ---- for programs ---- */

static void put_line(cJSON *o)
{
	char *text = cJSON_PrintUnformatted(o);

	puts(text ? text : "{}");
	cJSON_free(text);
	cJSON_Delete(o);
}

static void add_text(cJSON *o, const char *name, const char *value)
{
	AUTO_FREE char *escaped = value ? text_escaped(value) : NULL;

	cJSON_AddItemToObject(o, name, escaped ? cJSON_CreateString(escaped) : cJSON_CreateNull());
}

static void add_partition(cJSON *array, const struct layout_partition *part)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddItemToArray(array, o);
	add_text(o, "role", layout_role_name(part->role));
	add_text(o, "type", part->type);
	add_text(o, "partuuid", part->id);
	cJSON_AddNumberToObject(o, "start", (double)part->start); /* below 2^53 as all sizes here */
	cJSON_AddNumberToObject(o, "size", (double)part->size);
	add_text(o, "filesystem", part->filesystem);
	add_text(o, "uuid", part->filesystem ? part->uuid : NULL);
	add_text(o, "mount", part->mount);
}

static void put_plan(const struct work *w, const cJSON *job, const struct layout_plan *p)
{
	const cJSON *mounts = cJSON_GetObjectItemCaseSensitive(job, "mounts");
	cJSON *o = cJSON_CreateObject(), *array;

	cJSON_AddStringToObject(o, "message_type", "plan");
	add_text(o, "policy", "simple");
	add_text(o, "address", w->conf->target.address);
	add_text(o, "image", p->of.image);
	add_text(o, "root", p->of.attach);
	cJSON_AddNumberToObject(o, "size", (double)p->of.size);
	cJSON_AddNumberToObject(o, "needed", (double)p->needed);
	add_text(o, "table", "gpt");
	add_text(o, "disk_id", p->disk_id);
	if (mounts)
		cJSON_AddItemToObject(o, "source", cJSON_Duplicate(mounts, true));
	array = cJSON_AddArrayToObject(o, "partitions");
	for (size_t i = 0; i < p->count; i++)
		add_partition(array, &p->partitions[i]);
	put_line(o);
}

static void put_operation(const struct layout_step *s)
{
	cJSON *o = cJSON_CreateObject(), *argv;

	cJSON_AddStringToObject(o, "message_type", "operation");
	add_text(o, "phase", layout_phase_name(s->phase));
	argv = cJSON_AddArrayToObject(o, "argv");
	for (char *const *arg = s->argv; *arg; arg++) {
		AUTO_FREE char *escaped = text_escaped(*arg);

		cJSON_AddItemToArray(argv, cJSON_CreateString(escaped));
	}
	cJSON_AddItemToObject(o, "input", s->input ? cJSON_CreateString(s->input) : cJSON_CreateNull());
	add_text(o, "answer", s->answer);
	put_line(o);
}

void layout_print_json(
	const struct work *w, const cJSON *job, const struct layout_plan *p, const struct layout_steps *s)
{
	put_plan(w, job, p);
	for (size_t i = 0; i < s->count; i++)
		put_operation(&s->all[i]);
}
