/* Configuration that judgements and plans are made from, as text. Files that are secrets are not among them. */
#include "facts/probes.h"

#include <errno.h>

#define FILE_MAX (256u << 10)

/* Lines that may hold a secret say so instead: documents are sent to others. */
static char *without_secrets(const char *text)
{
	static const char *const marks[] = {
		"passw", "secret", "token", "psk", "private", "pbkdf2", "key=", "key:", "credential"};
	AUTO_BUF out = BUF_INIT;

	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		AUTO_FREE char *copy = xmemdup(line, n);
		bool hide = false;

		for (size_t i = 0; i < ARRAY_LEN(marks); i++)
			hide = hide || strcasestr(copy, marks[i]);
		buf_append_str(&out, hide ? "# (a line is left out here: it may hold a secret)" : copy);
		if (line[n] == '\n')
			buf_append_u8(&out, '\n');
		line += n + (line[n] == '\n');
	}
	return xstrdup(buf_cstr(&out));
}

static void put_file(const struct tree *t, struct value *s, const char *path)
{
	AUTO_FREE char *text = tree_read(t, path, FILE_MAX);

	if (text)
		put_taken(s, path, without_secrets(text));
	else if (errno != ENOENT && errno != ENOTDIR)
		put_unknown(s, path, NULL, errno);
}

/* All regular files of a directory that begin and end so. */
static void put_directory(
	const struct tree *t, struct value *s, const char *dir, const char *beginning, const char *ending)
{
	const size_t e = strlen(ending);
	struct tree_names names;

	if (!tree_list(t, dir, &names))
		return;
	for (size_t i = 0; i < names.count; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, names.names[i]);
		size_t n = strlen(names.names[i]);

		if (n >= e && str_eq(names.names[i] + n - e, ending) &&
			strncmp(names.names[i], beginning, strlen(beginning)) == 0)
			put_file(t, s, path);
	}
	tree_names_release(&names);
}

void probe_config(const struct tree *t, struct value *s)
{
	static const char *const files[] = {"/etc/fstab", "/etc/crypttab", "/etc/mdadm/mdadm.conf", "/etc/mdadm.conf",
		"/etc/multipath.conf", "/etc/lvm/lvm.conf", "/etc/default/grub", "/etc/default/grub.d/local.cfg",
		"/etc/kernel/cmdline", "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub/menu.lst",
		"/boot/grub/grub.conf", "/boot/loader/loader.conf", "/boot/efi/loader/loader.conf",
		"/boot/extlinux/extlinux.conf", "/etc/lilo.conf", "/boot/grub2/grubenv",
		"/etc/initramfs-tools/initramfs.conf", "/etc/initramfs-tools/modules", "/etc/dracut.conf",
		"/etc/mkinitcpio.conf", "/etc/mkinitfs/mkinitfs.conf", "/etc/network/interfaces", "/etc/resolv.conf",
		"/etc/hosts", "/etc/selinux/config", "/etc/cloud/cloud.cfg", "/etc/adjtime",
		"/etc/udev/rules.d/70-persistent-net.rules", "/etc/snapper/configs/root", "/etc/ssh/sshd_config",
		"/etc/nftables.conf", "/etc/sysconfig/nftables.conf", "/etc/iptables/rules.v4",
		"/etc/sysconfig/iptables", "/etc/ufw/ufw.conf", "/etc/ufw/user.rules", "/etc/environment",
		"/etc/apt/apt.conf", "/etc/dnf/dnf.conf", "/etc/yum.conf", "/etc/apt/sources.list", "/etc/chrony.conf",
		"/etc/chrony/chrony.conf", "/etc/ntp.conf", "/etc/systemd/timesyncd.conf"};
	static const struct {
		const char *dir, *beginning, *ending;
	} directories[] = {{"/boot/loader/entries", "", ".conf"}, {"/boot/efi/loader/entries", "", ".conf"},
		{"/etc/dracut.conf.d", "", ".conf"}, {"/etc/network/interfaces.d", "", ""},
		{"/etc/systemd/network", "", ".network"}, {"/etc/systemd/network", "", ".link"},
		{"/etc/sysconfig/network-scripts", "ifcfg-", ""}, {"/etc/cloud/cloud.cfg.d", "", ".cfg"},
		{"/etc/default/grub.d", "", ".cfg"}, {"/etc/netplan", "", ".yaml"},
		{"/etc/NetworkManager/system-connections", "", ".nmconnection"},
		{"/etc/sysconfig/network", "ifcfg-", ""}, {"/etc/ssh/sshd_config.d", "", ".conf"},
		{"/etc/apt/apt.conf.d", "", ""}, {"/etc/apt/sources.list.d", "", ".list"},
		{"/etc/apt/sources.list.d", "", ".sources"}, {"/etc/yum.repos.d", "", ".repo"}};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put_file(t, s, files[i]);
	for (size_t i = 0; i < ARRAY_LEN(directories); i++)
		put_directory(t, s, directories[i].dir, directories[i].beginning, directories[i].ending);
}
