/* File systems: what is mounted, what their superblocks say, and what names them. */
#include "preflight/devices.h"

#define NETWORK_TYPES                                                                                                 \
	"nfs nfs4 cifs smb3 9p ceph glusterfs lustre gfs2 ocfs2 afs fuse.glusterfs fuse.sshfs fuse.s3fs fuse.cephfs " \
	"fuse.rclone fuse.ceph-fuse virtiofs"

/* ---- mounts ---- */

static bool is_to_be_copied(const struct look *l, const char *path)
{
	const cJSON *m;

	each(m, fact(l->job, "mounts")) {
		if (fact_is(m, "path", path))
			return true;
	}
	return false;
}

/* One that is left out is never touched by the copy. */
static void hangs(struct look *l, const cJSON *m, const char *path, const char *type)
{
	const char *error = fact_text(m, "error");

	if (one_of(error, "ETIMEDOUT EIO ESTALE ESHUTDOWN EHOSTDOWN"))
		found_as(l, is_to_be_copied(l, path) ? PREFLIGHT_FAIL : PREFLIGHT_INFO, path, "'%s' (%s): %s%s", path,
			type, error, is_to_be_copied(l, path) ? "" : "; it is left out");
}

void judge_mount_hangs(struct look *l)
{
	each_mount(l, hangs);
}

/* What the choice of file systems has called missed: a local disk that nothing says is meant to be left out. */
void judge_fs_type(struct look *l)
{
	const cJSON *m;

	each(m, fact(l->job, "left_out")) {
		const char *path = fact_text(m, "path"), *root = fact_text(l->job, "source_root");
		AUTO_FREE char *used = size_text(fact_value(m, "used"));

		if (!path || !fact_is(m, "concern", "missed"))
			continue;
		found_as(l, root && str_eq(path, root) ? PREFLIGHT_FAIL : PREFLIGHT_WARN, path,
			"'%s' (%s, %s in use): %s", path, fact_text(m, "type") ? fact_text(m, "type") : "?", used,
			fact_text(m, "why") ? fact_text(m, "why") : "left out");
	}
}

static void remote(struct look *l, const cJSON *m, const char *path, const char *type)
{
	if (one_of(type, NETWORK_TYPES))
		found(l, path, "'%s' is %s of '%s'", path, type, fact_text(m, "source") ? fact_text(m, "source") : "?");
}

void judge_fs_remote(struct look *l)
{
	each_mount(l, remote);
}

void judge_repeated_mount(struct look *l)
{
	const cJSON *m;

	each(m, fact(l->job, "left_out")) {
		const char *path = fact_text(m, "path"), *why = fact_text(m, "why");
		if (path && why && strncmp(why, "repeats ", 8) == 0)
			found(l, path, "'%s' %s", path, why);
	}
}

static void has_quota(struct look *l, const cJSON *m, const char *path, const char *type)
{
	static const char *const words[] = {"usrquota", "grpquota", "prjquota", "uquota", "gquota", "pquota", "quota"};
	const char *options = fact_text(m, "options");

	for (size_t i = 0; i < ARRAY_LEN(words) && one_of(type, DISK_TYPES); i++)
		if (has_word(options, words[i])) {
			found(l, path, "'%s' is mounted with %s", path, words[i]);
			return;
		}
}

void judge_quota(struct look *l)
{
	each_mount(l, has_quota);
}

static void is_compressed(struct look *l, const cJSON *m, const char *path, const char *type)
{
	const char *options = fact_text(m, "options");

	if (str_eq(type, "btrfs") && options && strstr(options, "compress"))
		found(l, path, "'%s' is btrfs with compression", path);
	else if (str_eq(type, "zfs"))
		found_as(l, PREFLIGHT_INFO, path, "'%s' is zfs, which may compress", path);
}

void judge_shared_extents(struct look *l)
{
	each_mount(l, is_compressed);
}

/* ---- what the superblocks say ---- */

static void is_encrypted(struct look *l, const cJSON *device, const char *name, const cJSON *contents)
{
	if (has_word(fact_text(contents, "features"), "encrypt"))
		found(l, name, "the file system of '%s' allows encryption", name);
}

static void is_ecryptfs(struct look *l, const cJSON *m, const char *path, const char *type)
{
	if (str_eq(type, "ecryptfs"))
		found(l, path, "'%s' is ecryptfs", path);
}

void judge_fscrypt(struct look *l)
{
	each_contents(l, is_encrypted);
	each_mount(l, is_ecryptfs);
}

/* fstab has it writable, and it is not. */
static void became_read_only(struct look *l, const cJSON *m, const char *path, const char *type)
{
	const cJSON *line;

	if (!one_of(type, DISK_TYPES) || !fact_true(m, "read_only"))
		return;
	each(line, fact(l->source, "mounts.fstab")) {
		if (fact_is(line, "path", path) && !has_word(fact_text(line, "options"), "ro"))
			found(l, path, "'%s' is read-only, and fstab does not say so", path);
	}
}

void judge_fs_sick(struct look *l)
{
	const cJSON *count;

	each(count, fact(l->source, "disks.ext4_errors")) {
		if (count->string && cJSON_IsNumber(count) && count->valuedouble > 0)
			found(l, count->string, "the kernel has counted %.0f errors of ext4 on '%s'",
				count->valuedouble, count->string);
	}
	each_mount(l, became_read_only);
}

/* Some file system of the source has the feature: then its system knows it. */
static bool source_knows(const struct look *l, const char *type, const char *feature)
{
	const cJSON *d, *p;

	each(d, fact(l->source, "disks.devices")) {
		if (fact_is(d, "contents.type", type) && has_word(fact_text(d, "contents.features"), feature))
			return true;
		each(p, fact(d, "partitions")) {
			if (fact_is(p, "contents.type", type) && has_word(fact_text(p, "contents.features"), feature))
				return true;
		}
	}
	return false;
}

/* The features that came late enough for systems that are still moved not to know them. */
static void is_too_new(struct look *l, const char *place, const char *type, const char *features)
{
	static const struct {
		const char *type, *feature;
	} late[] = {{"ext4", "metadata_csum_seed"}, {"ext4", "orphan_file"}, {"xfs", "bigtime"}, {"xfs", "inobtcount"},
		{"xfs", "nrext64"}, {"xfs", "exchange"}, {"xfs", "parent"}};

	for (size_t i = 0; i < ARRAY_LEN(late); i++)
		if (str_eq(late[i].type, type) && has_word(features, late[i].feature) &&
			!source_knows(l, type, late[i].feature))
			found(l, place, "%s at '%s' has %s", type, place, late[i].feature);
}

static const char *target_features(const struct look *l, const char *device)
{
	const cJSON *d, *p;
	const char *name = device && strncmp(device, "/dev/", 5) == 0 ? device + 5 : NULL;

	each(d, fact(name ? l->target : NULL, "disks.devices")) {
		AUTO_FREE char *mapper =
			fact_text(d, "dm_name") ? xasprintf("mapper/%s", fact_text(d, "dm_name")) : NULL;
		if (fact_is(d, "name", name) || (mapper && str_eq(mapper, name)))
			return fact_text(d, "contents.features");
		each(p, fact(d, "partitions")) {
			if (fact_is(p, "name", name))
				return fact_text(p, "contents.features");
		}
	}
	return NULL;
}

static void judge_features_of(struct look *l, const cJSON *fs, const char *place)
{
	const char *type = fact_text(fs, "type"), *features = target_features(l, fact_text(fs, "device"));

	if (!one_of(type, "ext4 xfs") || !place)
		return;
	if (features)
		is_too_new(l, place, type, features);
	else
		not_known(l, "what the file system at '%s' was made with is not known", place);
}

/* Only of a whole system: a directory is read by whoever has made its file system. */
void judge_fs_features(struct look *l)
{
	const cJSON *root = need(l, l->target, "target_root.path"), *m;

	if (!root || !fact_true(l->job, "live_source"))
		return;
	judge_features_of(l, fact(l->target, "target_root"), root->valuestring);
	each(m, fact(l->target, "target_root.mounts")) {
		judge_features_of(l, m, fact_text(m, "path"));
	}
}

static void cannot_hold(struct look *l, const cJSON *fs, const char *place, bool esp)
{
	const char *type = fact_text(fs, "type");

	if (!place || esp)
		return;
	if (one_of(type, "vfat msdos exfat hfsplus iso9660 squashfs"))
		found(l, place, "'%s' is %s", place, type);
	else if (one_of(type, "ntfs ntfs3 fuseblk nfs nfs4 cifs smb3 9p"))
		found_as(l, PREFLIGHT_WARN, place, "'%s' is %s", place, type);
}

/* An ESP is vfat, and so is what lies at its place in the source. */
static bool source_has_it_so(const struct look *l, const char *rel)
{
	const cJSON *m;

	each(m, fact(l->job, "mounts")) {
		if (fact_is(m, "target", rel) && one_of(fact_text(m, "type"), "vfat msdos exfat"))
			return true;
	}
	return false;
}

/* Something of the source goes there as a whole. */
static bool is_wanted(const struct look *l, const char *rel)
{
	const cJSON *m;

	each(m, fact(l->job, "mounts")) {
		if (fact_is(m, "target", rel))
			return true;
	}
	return false;
}

void judge_fs_limits(struct look *l)
{
	const cJSON *root = need(l, l->target, "target_root.type"), *m;

	if (!root)
		return;
	cannot_hold(
		l, fact(l->target, "target_root"), fact_text(l->target, "target_root.path"), source_has_it_so(l, ""));
	each(m, fact(l->target, "target_root.mounts")) {
		const char *rel = fact_text(m, "path");
		if (rel && is_wanted(l, rel))
			cannot_hold(l, m, rel, source_has_it_so(l, rel));
	}
}

/* ---- names and tables ---- */

static bool is_hardware_name(const char *source)
{
	static const char *const prefixes[] = {"/dev/sd", "/dev/vd", "/dev/xvd", "/dev/hd", "/dev/nvme",
		"/dev/disk/by-id/", "/dev/disk/by-path/", "/dev/disk/by-partuuid/", "/dev/disk/by-partlabel/",
		"PARTUUID=", "PARTLABEL=", "ID="};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(source, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* Of a whole system only: what fstab says of a directory's files matters nothing. */
static bool is_whole_host(const struct look *l)
{
	return fact_true(l->job, "live_source");
}

static const char *kernel_root(const char *cmdline)
{
	const char *at = cmdline;

	while ((at = at ? strstr(at, "root=") : NULL) && at > cmdline && at[-1] != ' ')
		at += 5;
	return at ? at + 5 : NULL;
}

void judge_device_names(struct look *l)
{
	const char *root = kernel_root(fact_text(l->source, "kernel.cmdline"));
	const cJSON *line;

	if (!is_whole_host(l))
		return;
	each(line, need(l, l->source, "mounts.fstab")) {
		const char *source = fact_text(line, "source"), *path = fact_text(line, "path");
		if (source && path && is_hardware_name(source))
			found(l, source, "fstab has '%s' for '%s'", source, path);
	}
	if (root && is_hardware_name(root)) {
		AUTO_FREE char *name = xmemdup(root, strcspn(root, " "));
		found(l, name, "the kernel was started with root=%s", name);
	}
}

static bool is_there(const struct look *l, const char *path)
{
	const cJSON *m;

	each(m, fact(l->source, "mounts.mounted")) {
		if (fact_is(m, "path", path))
			return true;
	}
	return false;
}

void judge_fstab_broken(struct look *l)
{
	const cJSON *line;

	if (!is_whole_host(l) || !need(l, l->source, "mounts.mounted"))
		return;
	each(line, need(l, l->source, "mounts.fstab")) {
		const char *path = fact_text(line, "path"), *options = fact_text(line, "options"),
			   *type = fact_text(line, "type");

		if (!path || *path != '/' || has_word(options, "noauto") || has_word(options, "nofail") ||
			(options && strstr(options, "x-systemd.automount")) ||
			one_of(type, "swap none ignore tmpfs proc sysfs devpts"))
			continue;
		if (!is_there(l, path))
			found(l, path, "fstab has '%s', and nothing is mounted there", path);
	}
}

void judge_swap(struct look *l)
{
	const char *cmdline = fact_text(l->source, "kernel.cmdline");
	const cJSON *line, *s;

	if (!is_whole_host(l))
		return;
	each(line, need(l, l->source, "mounts.fstab")) {
		const char *source = fact_text(line, "source");
		if (fact_is(line, "type", "swap") && source && !has_word(fact_text(line, "options"), "noauto"))
			found(l, source, "fstab has swap on '%s'", source);
	}
	each(s, fact(l->source, "mounts.swaps")) {
		const char *path = fact_text(s, "path");
		if (path && strstr(path, "zram"))
			found_as(l, PREFLIGHT_INFO, path, "'%s' is in memory", path);
	}
	if (cmdline && strstr(cmdline, "resume="))
		found(l, "the place that 'resume=' names", "the kernel was started with resume=");
}
