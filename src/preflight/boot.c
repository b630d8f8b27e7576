/* Loaders, firmware, and what a boot needs. */
#include "preflight/look.h"

static bool is_host(const struct look *l)
{
	return fact_true(l->job, "live_source");
}

static bool target_is(const struct look *l, const char *firmware)
{
	return is_host(l) && fact_is(l->target, "machine.firmware", firmware);
}

/* ---- what the source has ---- */

static bool has_grub_modules(const struct look *l, const char *platform)
{
	const cJSON *dir;

	each(dir, fact(l->source, "boot.grub_modules")) {
		if (cJSON_IsString(dir) && strncmp(dir->valuestring, "/usr/", 5) == 0 &&
			strstr(dir->valuestring, platform))
			return true;
	}
	return false;
}

static bool has_efi_program(const struct look *l)
{
	const cJSON *file;

	each(file, fact(l->source, "boot.esp")) {
		if (cJSON_IsString(file) && strcasestr(file->valuestring, ".efi"))
			return true;
	}
	return has_grub_modules(l, "-efi");
}

static bool has_loader(const struct look *l, const char *kind)
{
	const cJSON *loader;

	each(loader, fact(l->source, "boot.loaders")) {
		if (fact_is(loader, "kind", kind))
			return true;
	}
	return false;
}

/* ---- firmware ---- */

void judge_firmware(struct look *l)
{
	const cJSON *ours = need(l, l->source, "machine.firmware"), *theirs = need(l, l->target, "machine.firmware");
	bool ready;

	if (!is_host(l) || !cJSON_IsString(ours) || !cJSON_IsString(theirs) ||
		str_eq(ours->valuestring, theirs->valuestring))
		return;
	ready = str_eq(theirs->valuestring, "uefi") ? has_efi_program(l) : has_grub_modules(l, "i386-pc");
	if (ready)
		found_as(l, PREFLIGHT_WARN, NULL,
			"the source starts by %s, the target by %s, for which a loader is installed", ours->valuestring,
			theirs->valuestring);
	else
		found(l, NULL, "the source starts by %s, the target by %s", ours->valuestring, theirs->valuestring);
}

static bool is_mounted(const struct look *l, const char *path)
{
	const cJSON *m;

	each(m, fact(l->source, "mounts.mounted")) {
		if (fact_is(m, "path", path))
			return true;
	}
	return false;
}

void judge_boot_unmounted(struct look *l)
{
	const cJSON *line;

	if (!is_host(l) || !need(l, l->source, "mounts.mounted"))
		return;
	each(line, need(l, l->source, "mounts.fstab")) {
		const char *path = fact_text(line, "path"), *options = fact_text(line, "options");

		if (!one_of(path, "/boot /boot/efi /efi") || is_mounted(l, path) || has_word(options, "noauto") ||
			(options && strstr(options, "x-systemd.automount")))
			continue;
		found(l, path, "fstab has '%s', and it is not mounted", path);
	}
}

/* ---- loaders ---- */

void judge_boot_loader(struct look *l)
{
	const cJSON *loaders;

	if (!is_host(l) || !(loaders = need(l, l->source, "boot.loaders")))
		return;
	if (has_loader(l, "grub2") || has_loader(l, "grub-legacy") || has_loader(l, "systemd-boot") ||
		has_loader(l, "extlinux") || has_loader(l, "bls"))
		return;
	found(l, NULL, has_loader(l, "lilo") ? "there is LILO" : "there is none");
}

void judge_grub_old(struct look *l)
{
	if (is_host(l) && !target_is(l, "uefi") && has_loader(l, "grub-legacy") && !has_loader(l, "grub2"))
		found(l, NULL, "/boot/grub has menu.lst or grub.conf, and no grub.cfg");
}

void judge_grub_pc_modules(struct look *l)
{
	if (target_is(l, "bios") && (has_loader(l, "grub2") || has_loader(l, "bls")) && !has_grub_modules(l, "i386-pc"))
		found(l, NULL, "there is no i386-pc beneath /usr/lib/grub, /usr/lib/grub2 or /usr/share/grub2");
}

void judge_efi_loader(struct look *l)
{
	if (target_is(l, "uefi") && !has_efi_program(l))
		found(l, NULL, "no file of the ESP ends in .efi, and /usr has no GRUB for EFI");
}

/* Whether a word of the command line stands in a configuration of a loader. */
static bool is_configured(const struct look *l, const char *word, bool *out_any)
{
	static const char *const beginnings[] = {
		"/boot/", "/etc/kernel/cmdline", "/etc/default/grub", "/etc/lilo.conf"};
	const cJSON *file;

	each(file, fact(l->source, "config")) {
		for (size_t i = 0; file->string && cJSON_IsString(file) && i < ARRAY_LEN(beginnings); i++) {
			if (strncmp(file->string, beginnings[i], strlen(beginnings[i])) != 0)
				continue;
			*out_any = true;
			if (strstr(file->valuestring, word))
				return true;
		}
	}
	return false;
}

void judge_boot_config(struct look *l)
{
	const char *cmdline = fact_text(l->source, "kernel.cmdline"), *at;
	AUTO_FREE char *word = NULL;
	bool any = false;

	if (!is_host(l) || !cmdline)
		return;
	for (at = cmdline; at && strncmp(at, "root=", 5) != 0; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
		;
	word = at ? xmemdup(at, strcspn(at, " ")) : NULL;
	if (!word || is_configured(l, word, &any))
		return;
	if (any)
		found(l, word, "%s", word);
	else
		not_known(l, "no loader's configuration can be read");
}

/* ---- the target's disks ---- */

/* The disk that has the partition of this name. */
static const cJSON *disk_of(const cJSON *facts, const char *partition)
{
	const cJSON *d, *p;

	each(d, fact(facts, "disks.devices")) {
		each(p, fact(d, "partitions")) {
			if (fact_is(p, "name", partition))
				return d;
		}
	}
	return NULL;
}

static const char *device_name(const char *device)
{
	return device && strncmp(device, "/dev/", 5) == 0 ? device + 5 : NULL;
}

static bool has_partition_of(const cJSON *disk, const char *guid, const char *mbr)
{
	const cJSON *p;

	each(p, fact(disk, "table.partitions")) {
		const char *type = fact_text(p, "type");
		if (type && (strcasecmp(type, guid) == 0 || (mbr && strcasecmp(type, mbr) == 0)))
			return true;
	}
	return false;
}

void judge_gpt_bios(struct look *l)
{
	const char *device = device_name(fact_text(l->target, "target_root.device"));
	const cJSON *disk = device ? disk_of(l->target, device) : NULL;

	if (!target_is(l, "bios") || !disk || fact_true(l->job, "local"))
		return;
	if (fact_is(disk, "table.type", "gpt") && !has_partition_of(disk, "21686148-6449-6e6f-744e-656564454649", NULL))
		found(l, fact_text(disk, "name"), "'%s' has a GPT, and no such partition", fact_text(disk, "name"));
}

void judge_esp(struct look *l)
{
	const cJSON *d;

	if (!target_is(l, "uefi") || fact_true(l->job, "local"))
		return;
	each(d, need(l, l->target, "disks.devices")) {
		if (has_partition_of(d, "c12a7328-f81f-11d2-ba4b-00c04fc93ec3", "0xef"))
			return;
	}
	if (fact(l->target, "disks.devices"))
		found(l, NULL, "no disk has one");
}

/* ---- the source's disks ---- */

void judge_partition_table(struct look *l)
{
	const cJSON *d;

	if (!is_host(l))
		return;
	each(d, need(l, l->source, "disks.devices")) {
		const char *name = fact_text(d, "name"), *table = fact_text(d, "table.type");

		if (!name || fact_text(d, "loop_file") || fact_text(d, "dm_name") || fact_text(d, "md_level"))
			continue;
		if (table && !one_of(table, "dos gpt"))
			found(l, name, "'%s' has a table of type %s", name, table);
		else if (!table && fact_is(d, "contents.usage", "filesystem") &&
			!one_of(fact_text(d, "contents.type"), "iso9660 squashfs udf"))
			found(l, name, "'%s' holds %s without a table", name, fact_text(d, "contents.type"));
	}
}

/* The first of the disks that a firmware would look at. */
static const char *first_disk(const struct look *l)
{
	const cJSON *d;
	const char *first = NULL;

	each(d, fact(l->source, "disks.devices")) {
		const char *name = fact_text(d, "name");
		if (name && fact(d, "table.type") && !fact_text(d, "loop_file") && !fact_text(d, "dm_name") &&
			!fact_true(d, "removable") && (!first || strcmp(name, first) < 0))
			first = name;
	}
	return first;
}

void judge_boot_disk_order(struct look *l)
{
	const char *first = first_disk(l);
	const cJSON *m;

	if (!is_host(l) || !first)
		return;
	each(m, need(l, l->source, "mounts.mounted")) {
		const char *path = fact_text(m, "path"), *device = device_name(fact_text(m, "source"));
		const cJSON *disk = one_of(path, "/ /boot") && device ? disk_of(l->source, device) : NULL;
		const char *name = fact_text(disk, "name");

		if (name && !str_eq(name, first))
			found(l, name, "'%s' is on '%s', and the first disk is '%s'", path, name, first);
	}
}
