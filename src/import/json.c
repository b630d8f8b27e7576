/* JSON: SMC's user_config.json, Tencent's user.json and client.json, AWS MGN's replication configuration. */
#include "import/job.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

struct walk {
	struct import_job *j;
	const struct import_file *f;
};

/* The line of a key: cJSON keeps none. */
static struct import_at at_key(const struct walk *w, const char *key)
{
	AUTO_FREE char *quoted = xasprintf("\"%s\"", key);
	const char *p = strstr(w->f->text, quoted);
	struct import_at at = {w->f->name, 1};

	for (const char *q = w->f->text; p && q < p; q++)
		at.line += *q == '\n';
	return at;
}

static void none(const struct walk *w, const cJSON *item, const char *why)
{
	struct import_at at = at_key(w, item->string);

	import_remark(w->j, &at, item->string, "%s", why);
}

/* A number, perhaps in quotes; an empty text is 0. */
static bool number_of(const cJSON *item, double *out)
{
	char *end;

	if (cJSON_IsNumber(item)) {
		*out = item->valuedouble;
	} else if (cJSON_IsString(item)) {
		*out = strtod(item->valuestring, &end);
		if (*end)
			return false;
	} else {
		return cJSON_IsNull(item) && (*out = 0, true);
	}
	return isfinite(*out) && *out >= -1 && *out <= 1e12;
}

static bool is_true(const cJSON *item)
{
	return cJSON_IsTrue(item) ||
		(cJSON_IsString(item) && (str_eq(item->valuestring, "true") || str_eq(item->valuestring, "True")));
}

/* unit: what follows the number; scale: before it. */
static void bandwidth(const struct walk *w, const cJSON *item, double scale, const char *unit)
{
	struct import_at at = at_key(w, item->string);
	double v;

	if (!number_of(item, &v))
		import_remark(w->j, &at, item->string, "it is no number");
	else if (v > 0)
		import_set_fmt(w->j, &at, "transfer.bandwidth", "%.0f%s", v * scale, unit);
}

/* ---- SMC and Tencent: data disks ---- */

static void add_disk(const struct walk *w, size_t index, const char *path)
{
	struct import_job *j = w->j;

	if (*path != '/' || !path[1])
		return;
	import_mount(j, path);
	if (j->disk_count < ARRAY_LEN(j->disks)) {
		j->disks[j->disk_count].index = index;
		j->disks[j->disk_count++].path = xstrdup(path);
	}
}

static void data_disks(const struct walk *w, const cJSON *list, const char *index_key, const char *path_key)
{
	struct import_at at = at_key(w, list->string);
	const cJSON *disk;
	size_t place = 0;

	cJSON_ArrayForEach(disk, list) {
		const cJSON *path = cJSON_GetObjectItemCaseSensitive(disk, path_key);
		const cJSON *index = cJSON_GetObjectItemCaseSensitive(disk, index_key);
		double v = 0;

		place++;
		if (!index || !number_of(index, &v) || v < 1 || v > 64)
			v = (double)place;
		if (!cJSON_IsString(path))
			continue;
		add_disk(w, (size_t)v, path->valuestring);
		import_remark(w->j, &at, list->string,
			"'%s' is to be a file system on disk %.0f of the target, which is to be made there; its size "
			"is the disk's",
			path->valuestring, v);
	}
	if (place)
		import_remark(w->j, &at, list->string,
			"with them what is mounted elsewhere went into the system disk; here it stays a file system: "
			"see 'map' in "
			"[source]");
}

static void smc_key(const struct walk *w, const cJSON *item)
{
	const char *name = item->string;
	struct import_at at = at_key(w, name);
	double v;

	if (str_eq(name, "bandwidth_limit")) {
		bandwidth(w, item, 1, "K");
	} else if (str_eq(name, "data_disks")) {
		data_disks(w, item, "data_disk_index", "src_path");
	} else if (str_eq(name, "image_name") && cJSON_IsString(item)) {
		if (*item->valuestring)
			import_set(w->j, &at, "job.name", item->valuestring);
	} else if (str_eq(name, "system_disk_size")) {
		if (!number_of(item, &v))
			import_remark(w->j, &at, name, "it is no number");
		else if (v > 0 && v != 20 && v != 40)
			import_remark(w->j, &at, name, "the target's disk is made with its size there");
	} else {
		none(w, item, "nothing of ours");
	}
}

static void smc(const struct walk *w, const cJSON *root)
{
	const cJSON *item;

	w->j->has_config = true;
	cJSON_ArrayForEach(item, root)
		smc_key(w, item);
}

/* ---- Tencent ---- */

static void client_keys(const struct walk *w, const cJSON *o, unsigned depth)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, o) {
		struct import_at at;

		if (!item->string)
			continue;
		at = at_key(w, item->string);
		if (cJSON_IsObject(item) && depth < 8)
			client_keys(w, item, depth + 1);
		else if (str_eq(item->string, "BandwidthLimit"))
			bandwidth(w, item, 1, "K");
		else if (str_eq(item->string, "Checksum") && is_true(item))
			import_set(w->j, &at, "verify.mode", "crc64");
		else if (str_eq(item->string, "IgnoreCheck") && is_true(item))
			import_set(w->j, &at, "check.before_run", "no");
		else if (!str_eq(item->string, "Checksum") && !str_eq(item->string, "IgnoreCheck"))
			none(w, item, "nothing of ours");
	}
}

static void user_keys(const struct walk *w, const cJSON *root)
{
	const cJSON *item;

	w->j->has_config = true;
	cJSON_ArrayForEach(item, root) {
		if (str_eq(item->string, "DataDisks"))
			data_disks(w, item, "Index", "MountPoint");
		else
			none(w, item, "nothing of ours");
	}
}

/* ---- AWS MGN ---- */

static void mgn_keys(const struct walk *w, const cJSON *root)
{
	const cJSON *item, *disk;

	cJSON_ArrayForEach(item, root) {
		if (str_eq(item->string, "bandwidthThrottling")) {
			bandwidth(w, item, 125000, "");
		} else if (str_eq(item->string, "replicatedDisks")) {
			cJSON_ArrayForEach(disk, item) {
				const cJSON *device = cJSON_GetObjectItemCaseSensitive(disk, "deviceName");

				if (cJSON_IsString(device) && strncmp(device->valuestring, "/dev/", 5) == 0)
					none(w, item,
						"a disk by its device: list what is mounted from it in 'mounts' of "
						"[source]");
			}
		} else {
			none(w, item, "nothing of ours");
		}
	}
}

bool import_json(struct import_job *j, const struct import_file *f, struct diag *d)
{
	struct walk w = {j, f};
	struct import_at at = {f->name, 1};
	const char *text = strncmp(f->text, "\xef\xbb\xbf", 3) == 0 ? f->text + 3 : f->text;
	cJSON *root = cJSON_Parse(text);
	bool ok = true;

	if (!cJSON_IsObject(root))
		ok = import_malformed(&at, "it is no JSON object", d);
	else if (cJSON_GetObjectItemCaseSensitive(root, "Client"))
		client_keys(&w, root, 0);
	else if (cJSON_GetObjectItemCaseSensitive(root, "DataDisks") ||
		cJSON_GetObjectItemCaseSensitive(root, "InstanceId"))
		user_keys(&w, root);
	else if (cJSON_GetObjectItemCaseSensitive(root, "replicatedDisks") ||
		cJSON_GetObjectItemCaseSensitive(root, "bandwidthThrottling"))
		mgn_keys(&w, root);
	else if (cJSON_GetObjectItemCaseSensitive(root, "bandwidth_limit") ||
		cJSON_GetObjectItemCaseSensitive(root, "data_disks") ||
		cJSON_GetObjectItemCaseSensitive(root, "system_disk_size") || strstr(f->name, "user_config.json"))
		smc(&w, root);
	else
		ok = import_malformed(&at, "it has no key of SMC, of Tencent's tool or of MGN", d);
	cJSON_Delete(root);
	return ok;
}
