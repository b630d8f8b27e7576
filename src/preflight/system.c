/* The operating system, its kernel, and what it is. */
#include "preflight/devices.h"

/* Of a directory that is copied nothing of this matters. */
static bool is_host(const struct look *l)
{
	return fact_true(l->job, "live_source");
}

static const char *machine_of(const cJSON *facts)
{
	const char *m = fact_text(facts, "os.machine");

	return m ? m : fact_text(facts, "kernel.running_machine");
}

static bool is_32_bit_x86(const char *m)
{
	return one_of(m, "i386 i486 i586 i686");
}

void judge_arch(struct look *l)
{
	const char *ours = machine_of(l->source), *theirs = fact_text(l->target, "kernel.running_machine");

	if (!is_host(l))
		return;
	if (!ours || !theirs) {
		not_known(l, "os.machine or kernel.running_machine is not known");
		return;
	}
	if (str_eq(ours, theirs) || (is_32_bit_x86(ours) && is_32_bit_x86(theirs)))
		return;
	found_as(l, is_32_bit_x86(ours) && str_eq(theirs, "x86_64") ? PREFLIGHT_WARN : PREFLIGHT_FAIL, NULL,
		"the source is %s, the target %s", ours, theirs);
}

void judge_container_source(struct look *l)
{
	const char *kind = fact_text(l->source, "os.container");

	if (is_host(l) && kind)
		found(l, kind, "it runs in %s", kind);
}

void judge_image_os(struct look *l)
{
	const char *id = fact_text(l->source, "os.id"), *kind = fact_text(l->source, "os.image_based");

	if (!is_host(l))
		return;
	if (kind)
		found(l, kind, "it is made by %s", kind);
	else if (one_of(id, "coreos fedora-coreos rhcos flatcar nixos bottlerocket talos ubuntu-core"))
		found(l, id, "it is %s", id);
}

static void is_no_disk(struct look *l, const cJSON *m, const char *path, const char *type)
{
	if (str_eq(path, "/") && one_of(type, "overlay overlayfs aufs tmpfs ramfs squashfs nfs nfs4") &&
		!fact_lists(fact(l->job, "filesystems"), type))
		found(l, type, "'/' is %s", type);
}

void judge_live_root(struct look *l)
{
	if (is_host(l))
		each_mount(l, is_no_disk);
}

/* ---- processors ---- */

static double major_version(const cJSON *facts)
{
	const char *version = fact_text(facts, "os.version_id");

	return version ? strtod(version, NULL) : 0;
}

static void lacks_flags(struct look *l, const char *const *flags, size_t n, const char *level)
{
	const cJSON *has = need(l, l->target, "machine.cpu.flags");

	for (size_t i = 0; cJSON_GetArraySize(has) && i < n; i++)
		if (!fact_lists(has, flags[i])) {
			found(l, level, "%s needs %s, and the target's processor lacks %s",
				fact_text(l->source, "os.pretty_name") ? fact_text(l->source, "os.pretty_name")
								       : "the system",
				level, flags[i]);
			return;
		}
}

void judge_cpu_level(struct look *l)
{
	static const char *const v2[] = {"cx16", "lahf_lm", "popcnt", "pni", "ssse3", "sse4_1", "sse4_2"};
	static const char *const v3[] = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"};
	const char *id = fact_text(l->source, "os.id");
	double version = major_version(l->source);

	if (!is_host(l) || !fact_is(l->source, "os.machine", "x86_64"))
		return;
	if (one_of(id, "rhel centos rocky ol") && version >= 10)
		lacks_flags(l, v3, ARRAY_LEN(v3), "x86-64-v3");
	else if ((one_of(id, "rhel centos rocky ol almalinux") && version >= 9 && version < 100) ||
		(one_of(id, "sles") && version >= 16))
		lacks_flags(l, v2, ARRAY_LEN(v2), "x86-64-v2");
}

/* ---- which system ---- */

static const char families[] = "debian ubuntu devuan raspbian linuxmint rhel centos fedora almalinux rocky ol amzn "
			       "openEuler openeuler kylin anolis "
			       "alinux tencentos opencloudos suse opensuse opensuse-leap opensuse-tumbleweed sles sled "
			       "arch manjaro alpine gentoo";

void judge_os_unknown(struct look *l)
{
	const char *id = fact_text(l->source, "os.id"), *like = fact_text(l->source, "os.id_like");
	AUTO_FREE char *words = like ? xstrdup(like) : NULL;
	char *save = NULL;

	if (!is_host(l) || !need(l, l->source, "os.release_files"))
		return;
	if (one_of(id, families) || cJSON_GetArraySize(fact(l->source, "os.release_files")))
		return;
	for (char *w = words ? strtok_r(words, " ", &save) : NULL; w; w = strtok_r(NULL, " ", &save))
		if (one_of(w, families))
			return;
	found(l, id, "it calls itself '%s'", id ? id : "nothing");
}

static void is_windows(struct look *l, const cJSON *device, const char *name, const cJSON *contents)
{
	if (one_of(fact_text(contents, "type"), "ntfs BitLocker"))
		found(l, name, "'%s' holds %s", name, fact_text(contents, "type"));
}

void judge_multi_os(struct look *l)
{
	const cJSON *file;

	if (!is_host(l))
		return;
	each_contents(l, is_windows);
	each(file, fact(l->source, "boot.esp")) {
		if (cJSON_IsString(file) && strcasestr(file->valuestring, "Microsoft")) {
			found(l, "Windows", "the ESP has '%s'", file->valuestring);
			return;
		}
	}
}

/* ---- kernels ---- */

static bool has_unified_image(const struct look *l)
{
	const cJSON *file;

	each(file, fact(l->source, "boot.esp")) {
		if (cJSON_IsString(file) && strstr(file->valuestring, "/EFI/Linux/"))
			return true;
	}
	return false;
}

static bool has_boot_file(const struct look *l, const char *const *beginnings, size_t n)
{
	const cJSON *file;

	each(file, fact(l->source, "boot.boot_files")) {
		for (size_t i = 0; file->string && i < n; i++)
			if (strncmp(file->string, beginnings[i], strlen(beginnings[i])) == 0)
				return true;
	}
	return false;
}

static bool any_kernel_has(const struct look *l, const char *what)
{
	const cJSON *k;

	each(k, fact(l->source, "kernel.installed")) {
		if (fact(k, what))
			return true;
	}
	return false;
}

void judge_no_kernel(struct look *l)
{
	static const char *const beginnings[] = {"vmlinuz", "vmlinux", "kernel", "Image", "bzImage"};

	if (!is_host(l) || !need(l, l->source, "kernel.installed"))
		return;
	if (!any_kernel_has(l, "image") && !has_boot_file(l, beginnings, ARRAY_LEN(beginnings)) &&
		!has_unified_image(l))
		found(l, NULL, "/boot and /lib/modules have none");
}

static bool has_tool(const struct look *l, const char *const *names, size_t n)
{
	const cJSON *tools = fact(l->source, "boot.tools");

	for (size_t i = 0; i < n; i++)
		if (cJSON_GetObjectItemCaseSensitive(tools, names[i]))
			return true;
	return false;
}

static const char *const generators[] = {"update-initramfs", "dracut", "mkinitcpio", "mkinitrd", "mkinitfs"};
static const char *const installers[] = {
	"grub-install", "grub2-install", "bootctl", "extlinux", "update-bootloader", "grub2-mkconfig"};

void judge_no_initramfs(struct look *l)
{
	static const char *const beginnings[] = {"initrd", "initramfs", "booster"};
	bool generator = has_tool(l, generators, ARRAY_LEN(generators));

	if (!is_host(l) || !need(l, l->source, "kernel.installed"))
		return;
	if (any_kernel_has(l, "initramfs") || has_boot_file(l, beginnings, ARRAY_LEN(beginnings)) ||
		has_unified_image(l))
		return;
	if (generator)
		found_as(l, PREFLIGHT_WARN, NULL, "/boot has none, and a generator is installed");
	else
		found(l, NULL, "/boot has none");
}

/* "sd" drives disks of all SCSI hosts; its module is called otherwise. */
static const char *module_of(const char *driver)
{
	return str_eq(driver, "sd")     ? "sd_mod"
		: str_eq(driver, "vif") ? "xen_netfront"
		: str_eq(driver, "vbd") ? "xen_blkfront"
					: driver;
}

static bool is_absent_everywhere(const struct look *l, const char *module)
{
	const cJSON *k;
	bool absent = false;

	each(k, fact(l->source, "kernel.installed")) {
		const char *has = fact_text(fact(k, "drivers"), module);
		if (!has || !str_eq(has, "absent"))
			return false;
		absent = true;
	}
	return absent;
}

static void must_have(struct look *l, const char *driver, const char *what)
{
	if (driver && is_absent_everywhere(l, module_of(driver)))
		found(l, driver, "the target's %s is driven by %s", what, driver);
}

void judge_no_driver(struct look *l)
{
	const cJSON *d, *i;

	if (!is_host(l) || !need(l, l->source, "kernel.installed"))
		return;
	each(d, need(l, l->target, "disks.devices")) {
		const char *name = fact_text(d, "name");
		AUTO_FREE char *what = xasprintf("disk '%s'", name ? name : "?");
		must_have(l, fact_text(d, "driver"), what);
		must_have(l, fact_text(d, "bus_driver"), what);
	}
	each(i, fact(l->target, "network.interfaces")) {
		const char *name = fact_text(i, "name");
		AUTO_FREE char *what = xasprintf("interface '%s'", name ? name : "?");
		must_have(l, fact_text(i, "driver"), what);
	}
}

void judge_kernel_custom(struct look *l)
{
	static const char *const flavours[] = {
		"-cloud-", "-kvm", "-aws", "-azure", "-gcp", "-virtual", "-virt", "-oracle"};
	const char *running = fact_text(l->source, "kernel.running");

	for (size_t i = 0; is_host(l) && running && i < ARRAY_LEN(flavours); i++)
		if (strstr(running, flavours[i])) {
			found(l, running, "%s", running);
			return;
		}
}

static bool is_installed(const struct look *l, const char *release)
{
	const cJSON *k;

	each(k, fact(l->source, "kernel.installed")) {
		if (fact_is(k, "release", release))
			return true;
	}
	return false;
}

void judge_reboot_pending(struct look *l)
{
	const char *running = fact_text(l->source, "kernel.running");

	if (!is_host(l))
		return;
	if (fact_true(l->source, "kernel.reboot_required"))
		found(l, NULL, "/run/reboot-required is there");
	if (running && cJSON_GetArraySize(fact(l->source, "kernel.installed")) && !is_installed(l, running))
		found(l, NULL, "the running kernel %s is not installed any more", running);
}

void judge_xen_pv(struct look *l)
{
	if (is_host(l) && fact_is(l->source, "machine.guest_type", "PV"))
		found(l, NULL, "/sys/hypervisor/guest_type is PV");
}

void judge_secure_boot(struct look *l)
{
	if (is_host(l) && fact_true(l->target, "machine.secure_boot") && fact_true(l->source, "security.dkms"))
		found(l, NULL, "the target checks, and the source has /var/lib/dkms");
}

void judge_fips(struct look *l)
{
	if (is_host(l) && fact_true(l->source, "security.fips"))
		found(l, NULL, "/proc/sys/crypto/fips_enabled is 1");
}

/* ---- what adapting the copy needs ---- */

void judge_boot_tools(struct look *l)
{
	if (!is_host(l) || !need(l, l->source, "boot.tools"))
		return;
	if (!has_tool(l, generators, ARRAY_LEN(generators)))
		found(l, "a generator of initramfs",
			"none of update-initramfs, dracut, mkinitcpio, mkinitrd, mkinitfs");
	if (!has_tool(l, installers, ARRAY_LEN(installers)))
		found(l, "an installer of loaders", "none of grub-install, grub2-install, bootctl, extlinux");
}
