/* Disks and what lies upon them: volumes, RAID, encryption, what is mounted nowhere. */
#include "preflight/devices.h"

/* ---- devices ---- */

void judge_external_disk(struct look *l)
{
	static const struct {
		const char *mark, *what;
	} marks[] = {{"/session", "iSCSI"}, {"/rport-", "Fibre Channel"}, {"/nvme-fabrics/", "NVMe over fabrics"},
		{"/usb", "USB"}};
	const cJSON *d;

	each(d, need(l, l->source, "disks.devices")) {
		const char *path = fact_text(d, "path"), *name = fact_text(d, "name");
		for (size_t i = 0; path && name && i < ARRAY_LEN(marks); i++)
			if (strstr(path, marks[i].mark)) {
				found(l, name, "'%s' is attached by %s", name, marks[i].what);
				break;
			}
	}
}

/* Whether a device is the source of a mount, by its name or that of its mapping. */
static bool is_mounted(const struct look *l, const cJSON *device, const char *name)
{
	AUTO_FREE char *node = xasprintf("/dev/%s", name);
	AUTO_FREE char *mapped =
		fact_text(device, "dm_name") ? xasprintf("/dev/mapper/%s", fact_text(device, "dm_name")) : NULL;
	const char *dev = fact_text(device, "dev");
	const cJSON *m;

	each(m, fact(l->source, "mounts.mounted")) {
		const char *source = fact_text(m, "source");
		if ((source && (str_eq(source, node) || (mapped && str_eq(source, mapped)))) ||
			(dev && fact_is(m, "dev", dev)))
			return true;
	}
	return false;
}

/* Another device of the same file system, as of a btrfs of several, is mounted: by its UUID. */
static bool is_mounted_elsewhere(const struct look *l, const char *uuid);

static void unmounted(struct look *l, const cJSON *device, const char *name, const cJSON *contents)
{
	const char *type = fact_text(contents, "type"), *uuid = fact_text(contents, "uuid");

	if (!fact_is(contents, "usage", "filesystem") || one_of(type, "iso9660 squashfs udf erofs"))
		return;
	if (cJSON_GetArraySize(fact(device, "holders")) || is_mounted(l, device, name) || is_mounted_elsewhere(l, uuid))
		return;
	found(l, name, "'%s' holds %s%s%s and is not mounted", name, type ? type : "a file system",
		fact_text(contents, "label") ? " labelled " : "",
		fact_text(contents, "label") ? fact_text(contents, "label") : "");
}

void judge_unmounted_fs(struct look *l)
{
	each_contents(l, unmounted);
}

static bool is_mounted_elsewhere(const struct look *l, const char *uuid)
{
	const cJSON *d, *p;

	each(d, fact(uuid ? l->source : NULL, "disks.devices")) {
		if (fact_is(d, "contents.uuid", uuid) && is_mounted(l, d, fact_text(d, "name")))
			return true;
		each(p, fact(d, "partitions")) {
			if (fact_is(p, "contents.uuid", uuid) && is_mounted(l, p, fact_text(p, "name")))
				return true;
		}
	}
	return false;
}

static void raw(struct look *l, const cJSON *device, const char *name, const cJSON *contents)
{
	const char *type = fact_text(contents, "type");

	if (one_of(type, "oracleasm ceph_bluestore drbd bcache VMFS VMFS_volume_member"))
		found(l, name, "'%s' holds %s", name, type);
}

void judge_raw_device(struct look *l)
{
	each_contents(l, raw);
}

/* ---- LVM, by its own report: fullreport's sections "vg", "lv", "pv" in each of "report" ---- */

typedef void (*lvm_fn)(struct look *l, const cJSON *row);

static void each_lvm(struct look *l, const char *section, lvm_fn fn)
{
	const cJSON *report, *row;

	each(report, fact(l->source, "lvm.report.report")) {
		each(row, fact(report, section)) {
			fn(l, row);
		}
	}
}

static void lacks_pv(struct look *l, const cJSON *vg)
{
	const char *name = fact_text(vg, "vg_name");
	double missing = fact_value(vg, "vg_missing_pv_count");

	if (name && missing > 0)
		found(l, name, "%s lacks %.0f of its disks", name, missing);
}

/* Without LVM there is no such device, and its program need not be there. */
static bool has_lvm(const struct look *l)
{
	const cJSON *d;

	each(d, fact(l->source, "disks.devices")) {
		const char *uuid = fact_text(d, "dm_uuid");
		if (uuid && strncmp(uuid, "LVM-", 4) == 0)
			return true;
	}
	return false;
}

static bool lvm_is_known(struct look *l)
{
	if (fact(l->source, "lvm.report"))
		return true;
	if (has_lvm(l))
		not_known(l, "there are volumes of LVM, and 'lvm fullreport' says nothing");
	return false;
}

void judge_pv_missing(struct look *l)
{
	if (lvm_is_known(l))
		each_lvm(l, "vg", lacks_pv);
}

static unsigned count_vgs(const struct look *l, const char *name)
{
	const cJSON *report, *vg;
	unsigned n = 0;

	each(report, fact(l->source, "lvm.report.report")) {
		each(vg, fact(report, "vg")) {
			n += fact_is(vg, "vg_name", name);
		}
	}
	return n;
}

static void twice(struct look *l, const cJSON *vg)
{
	const char *name = fact_text(vg, "vg_name");

	if (name && *name && count_vgs(l, name) > 1)
		found(l, name, "%s is the name of UUID %s", name,
			fact_text(vg, "vg_uuid") ? fact_text(vg, "vg_uuid") : "?");
}

void judge_vg_duplicate(struct look *l)
{
	if (lvm_is_known(l))
		each_lvm(l, "vg", twice);
}

/* The first letter of lv_attr: what kind of volume it is. */
static void is_complex(struct look *l, const cJSON *lv)
{
	static const struct {
		char letter;
		const char *what;
	} kinds[] = {{'t', "a thin pool"}, {'V', "thin"}, {'C', "cached"}, {'s', "a snapshot"}, {'v', "virtual"}};
	const char *name = fact_text(lv, "lv_name"), *attr = fact_text(lv, "lv_attr");

	for (size_t i = 0; name && attr && i < ARRAY_LEN(kinds); i++)
		if (*attr == kinds[i].letter)
			found(l, name, "%s is %s", name, kinds[i].what);
}

void judge_lvm_complex(struct look *l)
{
	if (lvm_is_known(l))
		each_lvm(l, "lv", is_complex);
}

/* ---- other stacks ---- */

void judge_md_raid(struct look *l)
{
	const cJSON *d;

	each(d, need(l, l->source, "disks.devices")) {
		const char *level = fact_text(d, "md_level"), *name = fact_text(d, "name");
		if (level && name)
			found(l, name, "'%s' is %s", name, level);
	}
}

static void each_mapping(struct look *l, const char *prefix, const char *what)
{
	const cJSON *d;

	each(d, need(l, l->source, "disks.devices")) {
		const char *uuid = fact_text(d, "dm_uuid"), *name = fact_text(d, "dm_name");
		if (uuid && name && strncmp(uuid, prefix, strlen(prefix)) == 0)
			found(l, name, "'%s' is %s", name, what);
	}
}

void judge_multipath(struct look *l)
{
	each_mapping(l, "mpath-", "a device of several paths");
}

void judge_luks(struct look *l)
{
	each_mapping(l, "CRYPT-", "encrypted");
}
