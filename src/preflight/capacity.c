/* Room at the target, and what is there already. */
#include "preflight/look.h"
#include "base/path.h"

static const char *root_of(const struct look *l)
{
	const char *root = fact_text(l->target, "target_root.path");

	return root ? root : "the target";
}

void judge_target_root_live(struct look *l)
{
	if (fact_true(l->target, "target_root.live") && !fact_true(l->job, "adopt") &&
		!fact_true(l->job, "state.known"))
		found(l, root_of(l), "'%s' is the root of the running system", root_of(l));
}

/* The file system beneath the root that holds rel, or the root's own. */
static const cJSON *fs_at(const struct look *l, const char *rel)
{
	const cJSON *best = fact(l->target, "target_root"), *m;
	size_t longest = 0;

	each(m, fact(best, "mounts")) {
		const char *path = fact_text(m, "path"), *rest;

		if (path && path_within(path, rel, &rest) && strlen(path) >= longest) {
			best = m;
			longest = strlen(path);
		}
	}
	return best;
}

/* How messages call it: by its path beneath the root. */
static char *name_of(const struct look *l, const cJSON *fs)
{
	const char *path = fact_text(fs, "path");

	return fs == fact(l->target, "target_root") || !path ? xstrdup(root_of(l)) : path_join(root_of(l), path);
}

/* All to which something goes, each once. */
typedef void (*target_fn)(struct look *l, const cJSON *fs);

static void each_target(struct look *l, target_fn fn)
{
	const cJSON *m, *seen;

	each(m, fact(l->job, "mounts")) {
		const cJSON *fs = fact_text(m, "target") ? fs_at(l, fact_text(m, "target")) : NULL;
		bool before = false;

		each(seen, fact(l->job, "mounts")) {
			if (seen == m)
				break;
			before = before || (fact_text(seen, "target") && fs_at(l, fact_text(seen, "target")) == fs);
		}
		if (fs && !before)
			fn(l, fs);
	}
}

static void is_read_only(struct look *l, const cJSON *fs)
{
	AUTO_FREE char *name = name_of(l, fs);

	if (fact_true(fs, "read_only"))
		found(l, name, "'%s' is mounted read-only", name);
}

void judge_target_ro(struct look *l)
{
	if (need(l, l->target, "target_root.read_only"))
		each_target(l, is_read_only);
}

void judge_target_not_empty(struct look *l)
{
	const cJSON *others = need(l, l->target, "target_root.others");

	if (!others || !cJSON_IsTrue(others) || fact_true(l->job, "adopt") || fact_true(l->job, "state.known") ||
		fact_true(l->job, "state.copied"))
		return;
	if (fact_true(l->job, "delete"))
		found(l, root_of(l), "'%s' holds files, and this job has never written there", root_of(l));
	else
		found_as(l, PREFLIGHT_WARN, root_of(l), "'%s' holds files: they stay, beside the copy", root_of(l));
}

/* ---- room ---- */

struct demand {
	double bytes, inodes;
	bool bound; /* no more than this, perhaps much less: a part of a file system, or rules leave something out */
};

static struct demand demand_of(const struct look *l, const cJSON *fs)
{
	struct demand d = {.bound = fact_true(l->job, "rules")};
	const cJSON *m;

	each(m, fact(l->job, "mounts")) {
		const char *rel = fact_text(m, "target");

		if (!rel || fs_at(l, rel) != fs || fact_true(m, "excluded"))
			continue;
		d.bytes += fact_value(m, "used");
		d.inodes += fact_value(m, "inodes");
		d.bound = d.bound || !fact_true(m, "whole");
	}
	return d;
}

/* What is there already may be the copy, and then counts for it. */
static bool may_hold_copy(const struct look *l)
{
	return fact_true(l->job, "state.known") || fact_true(l->job, "state.copied") ||
		fact_true(l->target, "target_root.others");
}

static bool compresses(const cJSON *fs)
{
	return one_of(fact_text(fs, "type"), "btrfs zfs bcachefs");
}

static void has_room(struct look *l, const cJSON *fs)
{
	const struct demand d = demand_of(l, fs);
	const double wanted = d.bytes * (1 + l->threshold / 100);
	double there = 0;
	const bool known = fact_number(fs, "bytes_available", &there);
	AUTO_FREE char *name = name_of(l, fs), *needs = size_text(wanted), *has = size_text(there);

	if (!known) {
		not_known(l, "how much room '%s' has is not known", name);
		return;
	}
	if (may_hold_copy(l))
		there += fact_value(fs, "bytes_used");
	if (wanted <= there)
		return;
	/* A part of a file system may be anything up to all of it: that says nothing. */
	if (d.bound && fact_value(fs, "bytes_total") >= d.bytes)
		return;
	found_as(l, d.bound || may_hold_copy(l) || compresses(fs) ? PREFLIGHT_WARN : PREFLIGHT_FAIL, name,
		"'%s' has %s left, and %s%s are needed (%.0f %% as a reserve)", name, has, d.bound ? "up to " : "",
		needs, l->threshold);
}

void judge_target_space(struct look *l)
{
	if (need(l, l->target, "target_root.bytes_available"))
		each_target(l, has_room);
}

static void has_inodes(struct look *l, const cJSON *fs)
{
	const struct demand d = demand_of(l, fs);
	AUTO_FREE char *name = name_of(l, fs);
	double total, unused;

	if (!one_of(fact_text(fs, "type"), "ext2 ext3 ext4") || !fact_number(fs, "inodes_total", &total) ||
		!fact_number(fs, "inodes_free", &unused))
		return;
	if (d.inodes <= (may_hold_copy(l) ? total : unused) || (d.bound && d.inodes <= total))
		return;
	found_as(l, d.bound || may_hold_copy(l) ? PREFLIGHT_WARN : PREFLIGHT_FAIL, name,
		"'%s' has %.0f inodes left, and %.0f are needed", name, unused, d.inodes);
}

void judge_target_inodes(struct look *l)
{
	if (need(l, l->target, "target_root.inodes_free"))
		each_target(l, has_inodes);
}

/* A subvolume of the root's own file system has none of its own here either. */
static bool is_of_the_root(const struct look *l, const cJSON *mount)
{
	const cJSON *root = cJSON_GetArrayItem(fact(l->job, "mounts"), 0);
	const char *source = fact_text(mount, "source");

	return fact_is(mount, "type", "btrfs") && source && fact_is(root, "source", source);
}

void judge_target_mounts(struct look *l)
{
	const cJSON *m;

	if (!need(l, l->target, "target_root.mounts"))
		return;
	each(m, fact(l->job, "mounts")) {
		const char *rel = fact_text(m, "target"), *path = fact_text(m, "path");
		const cJSON *fs = rel ? fs_at(l, rel) : NULL;
		AUTO_FREE char *name = fs ? name_of(l, fs) : NULL;

		if (!path || !rel || !*rel || fact_true(m, "excluded") || is_of_the_root(l, m))
			continue;
		if (fs == fact(l->target, "target_root") || !fact_is(fs, "path", rel))
			found(l, path, "'%s' goes into '%s'", path, name);
	}
}

void judge_target_in_use(struct look *l)
{
	const cJSON *p;

	each(p, need(l, l->target, "target_root.in_use")) {
		if (cJSON_IsString(p))
			found(l, p->valuestring, "%s", p->valuestring);
	}
}

void judge_target_gone(struct look *l)
{
	const cJSON *exists = need(l, l->target, "target_root.exists");

	if (exists && cJSON_IsFalse(exists) && fact_true(l->job, "state.known"))
		found(l, root_of(l), "'%s' does not exist", root_of(l));
}

/* ---- what a boot will need ---- */

static void has_room_to_adapt(struct look *l, const cJSON *fs, const char *place, double bytes)
{
	const struct demand d = demand_of(l, fs);
	double left = fact_value(fs, "bytes_available") - (may_hold_copy(l) ? 0 : d.bytes);
	AUTO_FREE char *has = size_text(left), *needs = size_text(bytes);

	if (!d.bound && left < bytes)
		found(l, place, "'%s' will have %s left, and %s are wanted", place, has, needs);
}

static double largest_initramfs(const struct look *l)
{
	const cJSON *k;
	double most = 0;

	each(k, fact(l->source, "kernel.installed")) {
		double size = fact_value(k, "initramfs.size");
		most = MAX(most, size);
	}
	return most;
}

void judge_adaptation_space(struct look *l)
{
	const cJSON *root, *boot;

	if (!fact_true(l->job, "live_source") || !need(l, l->target, "target_root.bytes_available"))
		return;
	root = fs_at(l, "");
	boot = fs_at(l, "boot");
	has_room_to_adapt(l, root, "/", 100e6);
	if (boot != root)
		has_room_to_adapt(l, boot, "/boot", 2 * largest_initramfs(l) + 50e6);
}

/* ---- platforms, by what DMI calls them ---- */

static const struct platform {
	const char *vendor, *name;
	double least, most; /* of a system disk, bytes; 0: no such limit */
	unsigned disks;
} platforms[] = {
	{"Alibaba Cloud", "Alibaba Cloud", 20e9, 500e9, 16},
	{"Amazon EC2", "AWS", 0, 0, 20},
	{"Microsoft Corporation", "Azure", 0, 32e12, 16},
	{"Tencent Cloud", "Tencent Cloud", 50e9, 1e12, 20},
	{"HUAWEICLOUD", "Huawei Cloud", 40e9, 1e12, 23},
};

static bool is_disk(const cJSON *d)
{
	const char *name = fact_text(d, "name");

	return name && !fact_text(d, "loop_file") && !fact_text(d, "dm_name") && !fact_text(d, "md_level") &&
		strncmp(name, "sr", 2) != 0 && strncmp(name, "ram", 3) != 0 && strncmp(name, "zram", 4) != 0 &&
		strncmp(name, "loop", 4) != 0 && strncmp(name, "nbd", 3) != 0;
}

void judge_platform_limits(struct look *l)
{
	const char *vendor = fact_text(l->target, "machine.dmi.sys_vendor");
	const cJSON *d;
	unsigned disks = 0;

	each(d, fact(l->source, "disks.devices")) {
		disks += is_disk(d);
	}
	for (size_t i = 0; vendor && i < ARRAY_LEN(platforms); i++)
		if (str_eq(platforms[i].vendor, vendor) && disks > platforms[i].disks)
			found(l, platforms[i].name, "%s takes %u disks, and the source has %u", platforms[i].name,
				platforms[i].disks, disks);
}
