/* The operating system, and what kind of thing it runs in. */
#include "base/text.h"
#include "facts/probes.h"

#include <errno.h>
#include <sys/utsname.h>

/* KEY=VALUE of os-release: the value without its quotes, or NULL. To be freed. */
static char *release_value(const char *text, const char *key)
{
	const size_t n = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *v = line + n + 1;
		size_t len;

		if (strncmp(line, key, n) != 0 || line[n] != '=')
			continue;
		len = strcspn(v, "\r\n");
		if (len >= 2 && (*v == '"' || *v == '\'') && v[len - 1] == *v)
			return xmemdup(v + 1, len - 2);
		return xmemdup(v, len);
	}
	return NULL;
}

static void put_release(const struct tree *t, struct value *s)
{
	static const char *const files[] = {"/etc/os-release", "/usr/lib/os-release"};
	static const struct {
		const char *key, *name;
	} values[] = {{"ID", "id"}, {"ID_LIKE", "id_like"}, {"VERSION_ID", "version_id"}, {"NAME", "name"},
		{"PRETTY_NAME", "pretty_name"}, {"VARIANT_ID", "variant_id"}, {"VERSION_CODENAME", "codename"}};
	AUTO_FREE char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(files) && !text; i++)
		text = tree_read(t, files[i], 65536);
	if (!text)
		put_unknown(s, "os-release", NULL, errno);
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		put_taken(s, values[i].name, text ? release_value(text, values[i].key) : NULL);
}

/* What says who it is where there is no os-release, or not only. */
static void put_old_release(const struct tree *t, struct value *s)
{
	static const char *const files[] = {"/etc/redhat-release", "/etc/SuSE-release", "/etc/debian_version",
		"/etc/alpine-release", "/etc/arch-release", "/etc/gentoo-release", "/etc/system-release"};
	struct value *o = put_object(s, "release_files");

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (tree_exists(t, files[i]))
			put_taken(o, files[i], tree_line(t, files[i]));
}

/* Is it no machine, or is its root an image? The first mark that is there names it. */
static void put_kind(const struct tree *t, struct value *s)
{
	static const struct {
		const char *path, *name;
	} containers[] = {{"/run/systemd/container", "systemd"}, {"/.dockerenv", "docker"},
		{"/run/.containerenv", "podman"}},
	  images[] = {{"/run/ostree-booted", "ostree"}, {"/ostree/repo", "ostree"}, {"/etc/NIXOS", "nixos"}};
	AUTO_FREE char *version = tree_line(t, "/proc/version");
	const char *container = NULL, *image = NULL;

	for (size_t i = 0; i < ARRAY_LEN(containers) && !container; i++)
		container = tree_exists(t, containers[i].path) ? containers[i].name : NULL;
	if (!container && tree_exists(t, "/proc/vz") && !tree_exists(t, "/proc/bc"))
		container = "openvz";
	if (!container && version && (strstr(version, "microsoft") || strstr(version, "Microsoft")))
		container = "wsl";
	for (size_t i = 0; i < ARRAY_LEN(images) && !image; i++)
		image = tree_exists(t, images[i].path) ? images[i].name : NULL;
	put_text(s, "container", container);
	put_text(s, "image_based", image);
}

/* ELF of a program that every host has: what the tree is made for. */
static void put_machine(const struct tree *t, struct value *s)
{
	static const char *const programs[] = {"/bin/sh", "/usr/bin/env", "/sbin/init", "/usr/sbin/init"};
	static const struct {
		unsigned machine;
		const char *name;
	} machines[] = {{3, "i686"}, {20, "ppc"}, {21, "ppc64"}, {22, "s390x"}, {40, "arm"}, {62, "x86_64"},
		{183, "aarch64"}, {243, "riscv64"}};

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		AUTO_FREE char *head = tree_read(t, programs[i], 64);
		unsigned m;

		if (!head || memcmp(head, "\177ELF", 4) != 0)
			continue;
		m = head[5] == 2 ? (uint8_t)head[18] << 8 | (uint8_t)head[19]
				 : (uint8_t)head[19] << 8 | (uint8_t)head[18];
		for (size_t k = 0; k < ARRAY_LEN(machines); k++)
			if (machines[k].machine == m) {
				put_text(s, "machine", machines[k].name);
				return;
			}
	}
	put_null(s, "machine");
	put_unknown(s, "machine", "no program to tell it by", 0);
}

void probe_os(const struct tree *t, struct value *s)
{
	put_release(t, s);
	put_old_release(t, s);
	put_machine(t, s);
	put_kind(t, s);
	put_taken(s, "hostname", tree_line(t, "/etc/hostname"));
	put_taken(s, "machine_id", tree_line(t, "/etc/machine-id"));
}

/* ---- kernels ---- */

/* Drivers that a copy may need at its new host: is there one for this kernel, in itself or as a module? */
static const char *const wanted[] = {"virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net", "nvme", "nvme_core",
	"ahci", "sd_mod", "xen_blkfront", "xen_netfront", "hv_vmbus", "hv_storvsc", "hv_netvsc", "vmw_pvscsi",
	"vmxnet3", "mptspi", "e1000", "e1000e", "ena", "mlx5_core", "ixgbevf"};

/* A line of modules.builtin or modules.dep names the module by its file: "kernel/drivers/block/virtio_blk.ko.xz:". */
static bool names_module(const char *text, const char *module)
{
	const size_t n = strlen(module);

	for (const char *p = text; (p = strstr(p, ".ko")); p += 3) {
		const char *name = p;

		while (name > text && name[-1] != '/' && name[-1] != '\n')
			name--;
		if ((size_t)(p - name) != n)
			continue;
		for (size_t i = 0; i <= n; i++)
			if (i == n)
				return true;
			else if (name[i] != module[i] && !(name[i] == '-' && module[i] == '_'))
				break;
	}
	return false;
}

static void put_drivers(const struct tree *t, struct value *k, const char *dir)
{
	AUTO_FREE char *builtin_path = xasprintf("%s/modules.builtin", dir),
		       *dep_path = xasprintf("%s/modules.dep", dir);
	AUTO_FREE char *builtin = tree_read(t, builtin_path, 4 << 20), *dep = tree_read(t, dep_path, 16 << 20);
	struct value *drivers = put_object(k, "drivers");

	if (!builtin)
		put_unknown(k, "modules.builtin", NULL, errno);
	if (!dep)
		put_unknown(k, "modules.dep", NULL, errno);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		bool in = builtin && names_module(builtin, wanted[i]), file = dep && names_module(dep, wanted[i]);

		put_text(drivers, wanted[i], in ? "builtin" : file ? "module" : builtin && dep ? "absent" : NULL);
	}
}

/* The first of these that is there, with its size; %s is the release. */
static void put_file(const struct tree *t, struct value *k, const char *what, const char *const *forms, size_t n,
	const char *release)
{
	for (size_t i = 0; i < n; i++) {
		const char *at = strstr(forms[i], "%s");
		AUTO_FREE char *path = xasprintf("%.*s%s%s", (int)(at - forms[i]), forms[i], release, at + 2);
		struct stat st;

		if (tree_stat(t, path, &st) && S_ISREG(st.st_mode)) {
			struct value *o = put_object(k, what);

			put_text(o, "path", path);
			put_u64(o, "size", (uint64_t)st.st_size);
			return;
		}
	}
	put_null(k, what);
}

static void put_kernel(const struct tree *t, struct value *list, const char *base, const char *release)
{
	static const char *const images[] = {"/boot/vmlinuz-%s", "/boot/vmlinux-%s", "/boot/kernel-%s",
		"/boot/Image-%s", "/lib/modules/%s/vmlinuz", "/usr/lib/modules/%s/vmlinuz"};
	static const char *const ramdisks[] = {"/boot/initrd.img-%s", "/boot/initramfs-%s.img", "/boot/initrd-%s",
		"/boot/initrd-%s.img", "/boot/initramfs-%s"};
	AUTO_FREE char *dir = xasprintf("%s/%s", base, release);
	struct value *k = value_object();

	put_text(k, "release", release);
	put_file(t, k, "image", images, ARRAY_LEN(images), release);
	put_file(t, k, "initramfs", ramdisks, ARRAY_LEN(ramdisks), release);
	put_drivers(t, k, dir);
	value_add(list, k);
}

void probe_kernel(const struct tree *t, struct value *s)
{
	const char *base = tree_exists(t, "/lib/modules") ? "/lib/modules" : "/usr/lib/modules";
	struct value *installed = put_array(s, "installed");
	struct tree_names names;
	struct utsname u;

	if (!tree_list(t, base, &names) && errno != ENOENT)
		put_unknown(s, "installed", base, errno);
	for (size_t i = 0; i < names.count; i++)
		put_kernel(t, installed, base, names.names[i]);
	tree_names_release(&names);
	if (t->live && uname(&u) == 0) {
		put_text(s, "running", u.release);
		put_text(s, "running_machine", u.machine);
	} else {
		put_taken(s, "running", tree_line(t, "/proc/sys/kernel/osrelease"));
		put_null(s, "running_machine");
	}
	put_taken(s, "cmdline", tree_line(t, "/proc/cmdline"));
	put_taken(s, "boot_id", tree_line(t, "/proc/sys/kernel/random/boot_id"));
	put_bool(s, "reboot_required", tree_exists(t, "/run/reboot-required"));
}
