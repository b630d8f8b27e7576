/* Security modules, and time. */
#include "facts/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/timex.h>
#include <time.h>

static void put_yes(const struct tree *t, struct value *s, const char *name, const char *path)
{
	AUTO_FREE char *line = tree_line(t, path);

	if (line)
		put_bool(s, name, *line == 'Y' || *line == '1');
	else
		put_null(s, name);
}

/* Files that nothing may write, by chattr +i, of those that a move has to. */
static void put_immutable(const struct tree *t, struct value *s)
{
	static const char *const paths[] = {"/root", "/etc", "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/fstab",
		"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/ssh/sshd_config", "/etc/default/grub", "/boot",
		"/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/var/log"};
	struct value *list = put_array(s, "immutable");

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		AUTO_CLOSE int fd = tree_fd(t, paths[i], O_RDONLY);
		unsigned flags = 0;

		if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags & FS_IMMUTABLE_FL)
			add_text(list, paths[i]);
	}
}

void probe_security(const struct tree *t, struct value *s)
{
	put_immutable(t, s);
	put_bool(s, "keytab", tree_exists(t, "/etc/krb5.keytab"));
	put_yes(t, s, "selinux_enforcing", "/sys/fs/selinux/enforce");
	put_bool(s, "selinux", tree_exists(t, "/sys/fs/selinux/enforce"));
	put_yes(t, s, "apparmor", "/sys/module/apparmor/parameters/enabled");
	put_yes(t, s, "fips", "/proc/sys/crypto/fips_enabled");
	put_taken(s, "lockdown", tree_line(t, "/sys/kernel/security/lockdown"));
	put_bool(s, "dkms", tree_exists(t, "/var/lib/dkms"));
}

static void put_now(const struct tree *t, struct value *s)
{
	struct timex tx = {0};
	int state;

	if (!t->live) {
		put_null(s, "synchronized");
		put_unknown(s, "synchronized", "it is a recorded host", 0);
		return;
	}
	put_u64(s, "now", (uint64_t)time(NULL));
	state = adjtimex(&tx);
	if (state < 0)
		put_unknown(s, "synchronized", NULL, errno);
	else
		put_bool(s, "synchronized", state != TIME_ERROR && !(tx.status & STA_UNSYNC));
}

void probe_time(const struct tree *t, struct value *s)
{
	AUTO_FREE char *adjtime = tree_read(t, "/etc/adjtime", 4096);
	AUTO_FREE char *zone = tree_link(t, "/etc/localtime");
	const char *at = zone ? strstr(zone, "zoneinfo/") : NULL;

	put_now(t, s);
	put_text(s, "zone", at ? at + strlen("zoneinfo/") : NULL);
	if (adjtime)
		put_bool(s, "rtc_local", strstr(adjtime, "LOCAL") != NULL);
	else
		put_null(s, "rtc_local");
}
