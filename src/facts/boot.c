/* How it boots: loaders, the EFI system partition, variables of the firmware. */
#include "facts/probes.h"

#include <errno.h>

/* The directories in which a distribution keeps GRUB 2, and the marks of other loaders. */
static void put_loaders(const struct tree *t, struct value *s)
{
	static const struct {
		const char *path, *name;
	} marks[] = {{"/boot/grub/grub.cfg", "grub2"}, {"/boot/grub2/grub.cfg", "grub2"},
		{"/boot/grub/menu.lst", "grub-legacy"}, {"/boot/grub/grub.conf", "grub-legacy"},
		{"/boot/loader/entries", "bls"}, {"/boot/loader/loader.conf", "systemd-boot"},
		{"/boot/efi/loader/loader.conf", "systemd-boot"}, {"/efi/loader/loader.conf", "systemd-boot"},
		{"/boot/efi/EFI/systemd/systemd-bootx64.efi", "systemd-boot"},
		{"/boot/EFI/systemd/systemd-bootx64.efi", "systemd-boot"}, {"/boot/extlinux/extlinux.conf", "extlinux"},
		{"/boot/extlinux.conf", "extlinux"}, {"/boot/syslinux/syslinux.cfg", "extlinux"},
		{"/etc/lilo.conf", "lilo"}};
	struct value *list = put_array(s, "loaders");

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (tree_exists(t, marks[i].path)) {
			struct value *o = value_object();

			put_text(o, "kind", marks[i].name);
			put_text(o, "by", marks[i].path);
			value_add(list, o);
		}
}

/* Programs and modules that adapting a copy would use. */
static void put_tools(const struct tree *t, struct value *s)
{
	static const char *const dirs[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};
	static const char *const tools[] = {"grub-install", "grub2-install", "grub-mkconfig", "grub2-mkconfig",
		"grub-mkimage", "grub2-mkimage", "update-grub", "grubby", "bootctl", "efibootmgr", "update-initramfs",
		"dracut", "mkinitcpio", "mkinitrd", "mkinitfs", "kernel-install", "extlinux"};
	static const char *const modules[] = {"/usr/lib/grub/i386-pc", "/usr/lib/grub2/i386-pc",
		"/usr/share/grub2/i386-pc", "/usr/lib/grub/x86_64-efi", "/usr/lib/grub2/x86_64-efi",
		"/usr/share/grub2/x86_64-efi", "/usr/lib/grub/arm64-efi", "/boot/grub2/i386-pc", "/boot/grub/i386-pc"};
	struct value *found = put_object(s, "tools"), *grub = put_array(s, "grub_modules");

	for (size_t i = 0; i < ARRAY_LEN(tools); i++)
		for (size_t k = 0; k < ARRAY_LEN(dirs); k++) {
			AUTO_FREE char *path = xasprintf("%s/%s", dirs[k], tools[i]);

			if (tree_exists(t, path)) {
				put_text(found, tools[i], path);
				break;
			}
		}
	for (size_t i = 0; i < ARRAY_LEN(modules); i++)
		if (tree_exists(t, modules[i]))
			add_text(grub, modules[i]);
}

static void put_directory(const struct tree *t, struct value *s, const char *name, const char *path)
{
	struct value *o = put_object(s, name);
	struct tree_names names;

	if (!tree_list(t, path, &names)) {
		if (errno != ENOENT)
			put_unknown(s, name, path, errno);
		return;
	}
	for (size_t i = 0; i < names.count; i++) {
		AUTO_FREE char *file = xasprintf("%s/%s", path, names.names[i]);
		struct stat st;

		if (tree_stat(t, file, &st))
			put_u64(o, names.names[i], S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0);
	}
	tree_names_release(&names);
}

/* Every *.efi below EFI/, two levels deep, as firmware looks for them. */
static void put_esp(const struct tree *t, struct value *s)
{
	static const char *const places[] = {"/boot/efi/EFI", "/efi/EFI", "/boot/EFI"};
	struct value *list = put_array(s, "esp");

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct tree_names vendors;

		if (!tree_list(t, places[i], &vendors))
			continue;
		for (size_t v = 0; v < vendors.count; v++) {
			AUTO_FREE char *dir = xasprintf("%s/%s", places[i], vendors.names[v]);
			struct tree_names files;

			if (!tree_list(t, dir, &files))
				continue;
			for (size_t k = 0; k < files.count; k++) {
				AUTO_FREE char *path = xasprintf("%s/%s", dir, files.names[k]);

				add_text(list, path);
			}
			tree_names_release(&files);
		}
		tree_names_release(&vendors);
	}
}

static void put_variables(const struct tree *t, struct value *s)
{
	struct value *list = put_array(s, "efi_variables");
	struct tree_names names;

	if (!tree_list(t, "/sys/firmware/efi/efivars", &names))
		return;
	for (size_t i = 0; i < names.count; i++)
		if (strncmp(names.names[i], "Boot", 4) == 0 || strncmp(names.names[i], "Secure", 6) == 0 ||
			strncmp(names.names[i], "Mok", 3) == 0)
			add_text(list, names.names[i]);
	tree_names_release(&names);
}

void probe_boot(const struct tree *t, struct value *s)
{
	put_loaders(t, s);
	put_tools(t, s);
	put_directory(t, s, "boot_files", "/boot");
	put_esp(t, s);
	put_variables(t, s);
}
