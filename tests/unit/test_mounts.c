/*
 * Mounts: what is chosen of mount tables of many kinds of hosts; and, as root, ways into real ones, in a
 * mount namespace of this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "conf/conf.h"
#include "confine/confine.h"
#include "meta/meta.h"
#include "mounts/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETS_MAX 8

/* One table, some settings, and what has to come of them. */
struct scenario {
	const char *table;
	const char *sets[SETS_MAX];
	const char *types; /* a configuration file's filesystems: --set only adds to lists */
	struct mounts_options options;
	bool concerns; /* what it is to the user is wanted too */
	enum diag_code error;
	bool fences; /* and not what is left out */
	const char *lose; /* a chosen mount that is not there */
};

static void print_fences(const struct scenario *s, struct mount_plan *plan, struct buf *out)
{
	mounts_fence_left_out(plan);
	if (s->lose)
		mounts_lose(plan, (size_t)(mounts_at(plan, s->lose) - plan->chosen));
	for (size_t k = 0; k < plan->fence_count; k++)
		buf_printf(out, "%s%s%s>%s", k ? " " : "", plan->fences[k].lost ? "!" : "", plan->fences[k].rel,
			plan->fences[k].target_rel);
}

static struct conf *conf_from(const char *const *sets, const char *types)
{
	AUTO_FREE char *text = xasprintf("[source]\nfilesystems = %s\n", types ? types : "");
	char file[] = "/tmp/test-mounts-conf-XXXXXX";

	struct conf_sources from = {.no_files = !types, .sets = sets};
	struct conf_errors errors = {.text = BUF_INIT};
	struct conf *c;

	while (from.set_count < SETS_MAX && sets[from.set_count])
		from.set_count++;
	if (types) {
		AUTO_CLOSE int fd = mkstemp(file);
		assert_true(fd >= 0);
		assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
		from.path = file;
	}
	c = conf_load(&from, &errors);
	if (types)
		unlink(file);
	if (!c)
		print_error("%s", buf_cstr(&errors.text));
	assert_non_null(c);
	conf_errors_release(&errors);
	return c;
}

static struct conf *conf_of(const char *const *sets)
{
	return conf_from(sets, NULL);
}

/* "path>target_rel ..." of the chosen, then "| path: why" lines of the left out that match none of the pseudo
 * kinds. */
static char *run(const struct scenario *s)
{
	struct conf *c = conf_from(s->sets, s->types);
	struct mounts_options o = s->options;
	struct mount_plan plan;
	struct diag d = DIAG_INIT;
	struct buf out = BUF_INIT;
	char file[] = "/tmp/test-mounts-table-XXXXXX";
	AUTO_CLOSE int fd = mkstemp(file);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, s->table, strlen(s->table)), 0);
	o.mountinfo = file;
	if (!mounts_select(c, &o, &plan, &d)) {
		assert_int_equal(d.code, s->error);
		assert_int_equal(plan.chosen_count, 0);
		buf_printf(&out, "%s", d.detail);
	} else {
		assert_int_equal(s->error, DIAG_NONE);
		if (s->fences)
			print_fences(s, &plan, &out);
		for (size_t k = 0; k < plan.chosen_count && !s->fences; k++) {
			assert_int_equal(plan.chosen[k].fd, -1);
			buf_printf(&out, "%s%s>%s", k ? " " : "", plan.chosen[k].path, plan.chosen[k].target_rel);
		}
		for (size_t k = 0; k < plan.left_out_count && !s->fences; k++) {
			static const char *const concerns[] = {
				[MOUNT_MISSED] = " MISSED", [MOUNT_MEANT] = " meant", [MOUNT_ELSEWHERE] = ""};
			const struct mount_left_out *l = &plan.left_out[k];
			if (!str_eq(l->why, "pseudo file system"))
				buf_printf(
					&out, "\n%s: %s%s", l->path, l->why, s->concerns ? concerns[l->concern] : "");
		}
		mount_plan_release(&plan);
	}
	diag_release(&d);
	conf_free(c);
	unlink(file);
	return buf_detach(&out);
}

static void expect(const struct scenario *s, const char *wanted)
{
	AUTO_FREE char *got = run(s);

	assert_string_equal(got, wanted);
}

static void sh(const char *base, const char *script)
{
	AUTO_FREE char *cmd = xasprintf("cd %s && { %s; } >/dev/null", base, script);

	assert_int_equal(system(cmd), 0);
}

#define PSEUDO                                                                      \
	"22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"                   \
	"23 28 0:21 / /proc rw,nosuid shared:14 - proc proc rw\n"                   \
	"24 28 0:5 / /dev rw shared:2 - devtmpfs udev rw,size=1k\n"                 \
	"25 24 0:22 / /dev/pts rw shared:3 - devpts devpts rw\n"                    \
	"26 28 0:23 / /run rw shared:5 - tmpfs tmpfs rw,size=1k\n"                  \
	"29 22 0:6 / /sys/kernel/security rw shared:8 - securityfs securityfs rw\n" \
	"30 22 0:26 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n"

#define DEBIAN                                                                             \
	PSEUDO "28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n" \
	       "40 28 8:2 / /home rw,relatime shared:29 - ext4 /dev/sda2 rw\n"             \
	       "41 28 8:3 / /boot/efi rw,relatime shared:31 - vfat /dev/sda3 rw\n"         \
	       "42 28 8:17 / /srv/with\\040space rw,relatime shared:33 - xfs /dev/sdb1 rw\n"

static void plain_debian(void **state)
{
	struct scenario s = {.table = DEBIAN};

	expect(&s, "/> /boot/efi>boot/efi /home>home /srv/with space>srv/with space\n/run: in memory");
}

static void lvm(void **state)
{
	struct scenario s = {.table = PSEUDO "28 1 253:0 / / rw shared:1 - xfs /dev/mapper/vg-root rw\n"
					     "40 28 253:2 / /var rw shared:29 - xfs /dev/mapper/vg-var rw\n"
					     "41 40 253:3 / /var/lib/pgsql rw shared:30 - ext4 /dev/mapper/vg-pg rw\n"};

	expect(&s, "/> /var>var /var/lib/pgsql>var/lib/pgsql\n/run: in memory");
}

static void settings(void **state)
{
	struct scenario x = {.table = DEBIAN, .options.one_file_system = true};
	struct scenario skip_some = {.table = DEBIAN, .sets = {"source.skip_mounts=/home/,/srv/with space"}};
	struct scenario skip_root = {.table = DEBIAN, .sets = {"source.skip_mounts=/"}};
	struct scenario only = {.table = DEBIAN, .sets = {"source.mounts=/home"}};
	struct scenario only_root = {.table = DEBIAN, .sets = {"source.mounts=/,/home"}};
	struct scenario wrong = {.table = DEBIAN, .sets = {"source.mounts=/hom"}, .error = DIAG_MOUNTS_NAMED};
	struct scenario types = {.table = DEBIAN, .types = "ext4"};
	struct scenario none = {.table = DEBIAN,
		.sets = {"source.mounts=/home", "source.skip_mounts=/home"},
		.error = DIAG_MOUNTS_NONE};
	struct scenario memory = {.table = DEBIAN, .types = "ext4, tmpfs"};

	expect(&x,
		"/>\n/boot/efi: one file system (-x)\n/home: one file system (-x)\n/run: in memory\n"
		"/srv/with space: one file system (-x)");
	expect(&skip_some, "/> /boot/efi>boot/efi\n/home: skip_mounts\n/run: in memory\n/srv/with space: skip_mounts");
	expect(&skip_root,
		"/boot/efi>boot/efi /home>home /srv/with space>srv/with space\n/: "
		"skip_mounts\n/run: in memory");
	expect(&only,
		"/home>home\n/: not in mounts\n/boot/efi: not in mounts\n/run: in memory\n"
		"/srv/with space: not in mounts");
	expect(&only_root, "/> /home>home\n/boot/efi: not in mounts\n/run: in memory\n/srv/with space: not in mounts");
	expect(&types,
		"/> /home>home\n/boot/efi: type not listed\n/run: in memory\n/srv/with space: type "
		"not listed");
	expect(&memory, "/> /home>home /run>run\n/boot/efi: type not listed\n/srv/with space: type not listed");
	{
		AUTO_FREE char *error = run(&wrong);
		AUTO_FREE char *nothing = run(&none);
		assert_non_null(strstr(error, "nothing is mounted at '/hom'"));
		assert_non_null(strstr(nothing, "no file system"));
	}
}

static void maps(void **state)
{
	struct scenario away = {.table = DEBIAN, .sets = {"source.map=/home=users", "source.map=/=new/root"}};
	struct scenario merge = {.table = DEBIAN, .sets = {"source.map=/srv/with space="}};
	struct scenario wrong = {.table = DEBIAN, .sets = {"source.map=/etc=x"}, .error = DIAG_MOUNTS_MAP};
	struct scenario pseudo = {.table = DEBIAN, .sets = {"source.map=/proc=x"}, .error = DIAG_MOUNTS_MAP};

	expect(&away,
		"/>new/root /boot/efi>new/root/boot/efi /home>users "
		"/srv/with space>new/root/srv/with space\n/run: in memory");
	expect(&merge, "/> /boot/efi>boot/efi /home>home /srv/with space>\n/run: in memory");
	free(run(&wrong));
	free(run(&pseudo));
}

static void a_root_below(void **state)
{
	struct scenario at = {.table = DEBIAN, .sets = {"source.root=/srv"}};
	struct scenario mount = {.table = DEBIAN, .sets = {"source.root=/home/"}};
	struct scenario deep = {.table = DEBIAN, .sets = {"source.root=/home/joe/x", "source.map=/home/joe/x=y"}};
	struct scenario memory = {.table = DEBIAN, .sets = {"source.root=/run/x"}, .options.root_always = true};
	struct scenario refused = {.table = DEBIAN, .sets = {"source.root=/run/x"}, .error = DIAG_MOUNTS_ROOT_TYPE};
	struct scenario similar = {.table = DEBIAN, .sets = {"source.root=/homestead"}};

	expect(&at, "/srv> /srv/with space>with space");
	expect(&mount, "/home>");
	expect(&deep, "/home/joe/x>y");
	expect(&memory, "/run/x>");
	free(run(&refused));
	expect(&similar, "/homestead>");
}

/* Subvolumes share a device; their roots lie side by side. */
static void fedora(void **state)
{
	struct scenario s = {.table = PSEUDO
		"28 1 0:33 /root / rw shared:1 - btrfs /dev/sda3 rw,subvolid=257,subvol=/root\n"
		"40 28 0:33 /home /home rw shared:2 - btrfs /dev/sda3 rw,subvolid=256,subvol=/home\n"
		"41 28 8:2 / /boot rw shared:3 - ext4 /dev/sda2 rw\n"
		"42 28 0:33 /root/srv /data rw shared:1 - btrfs /dev/sda3 rw,subvolid=257,subvol=/root\n"};

	expect(&s, "/> /boot>boot /home>home\n/data: repeats '/'\n/run: in memory");
}

/* The snapshots' subvolume holds the root's own; both are walked, each as what stat says is its. */
static void opensuse(void **state)
{
	struct scenario s = {.table = PSEUDO
		"28 1 0:33 /@/.snapshots/1/snapshot / rw shared:1 - btrfs /dev/vda2 "
		"rw,subvolid=266,subvol=/@/"
		".snapshots/1/snapshot\n"
		"40 28 0:33 /@/.snapshots /.snapshots rw shared:2 - btrfs /dev/vda2 "
		"rw,subvolid=265,subvol=/@/.snapshots\n"
		"41 28 0:33 /@/home /home rw shared:3 - btrfs /dev/vda2 rw,subvolid=262,subvol=/@/home\n"
		"42 28 0:33 /@/opt /opt rw shared:4 - btrfs /dev/vda2 rw,subvolid=261,subvol=/@/opt\n"
		"43 28 0:33 / /mnt/top rw shared:4 - btrfs /dev/vda2 rw,subvolid=5,subvol=/\n"};

	expect(&s, "/> /.snapshots>.snapshots /home>home /mnt/top>mnt/top /opt>opt\n/run: in memory");
}

static void docker_host(void **state)
{
	struct scenario s = {.table = DEBIAN
		"50 28 0:40 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw,lowerdir=/l\n"
		"51 26 0:4 net:[4026532281] /run/docker/netns/default rw shared:9 - nsfs nsfs rw\n"
		"52 28 0:41 / /var/lib/docker/containers/abc/mounts/shm rw - tmpfs shm rw\n"
		"53 28 8:1 /var/lib/docker /var/lib/docker rw shared:1 - ext4 /dev/sda1 rw\n"};
	/* The docker graph bound onto itself: its own children are mounted on the bind. */
	struct scenario on_bind = {.table = DEBIAN
		"53 28 8:1 /var/lib/docker /var/lib/docker rw shared:1 - ext4 /dev/sda1 rw\n"
		"50 53 0:40 / /var/lib/docker/overlay2/abc/merged rw - overlay overlay rw,lowerdir=/l\n"};
	/* From inside a container. */
	struct scenario inside = {.table = "500 400 0:40 / / rw - overlay overlay rw,lowerdir=/l\n"
					   "501 500 0:41 / /proc rw - proc proc rw\n"
					   "502 500 8:1 /var/lib/docker/volumes/v/_data /data rw - ext4 /dev/sda1 rw\n",
		.options.root_always = true};
	struct scenario refused = {.table = inside.table, .error = DIAG_MOUNTS_ROOT_TYPE};

	/* Mounted before the bind, and at a directory that the bind covers. */
	expect(&s,
		"/> /boot/efi>boot/efi /home>home /srv/with space>srv/with space\n/run: in memory\n"
		"/var/lib/docker: repeats '/'\n"
		"/var/lib/docker/containers/abc/mounts/shm: in memory\n"
		"/var/lib/docker/overlay2/abc/merged: overlay");
	expect(&on_bind,
		"/> /boot/efi>boot/efi /home>home /srv/with space>srv/with space\n/run: in memory\n"
		"/var/lib/docker: repeats '/'\n/var/lib/docker/overlay2/abc/merged: overlay");
	expect(&inside, "/> /data>data");
	free(run(&refused));
}

static void other_kinds(void **state)
{
	struct scenario s = {.table = DEBIAN
		"50 28 7:1 / /snap/core/1 ro shared:40 - squashfs /dev/loop1 ro\n"
		"51 28 0:50 / /mnt/nfs rw shared:41 - nfs4 server:/export rw\n"
		"52 28 0:51 / /mnt/win rw shared:42 - cifs //server/share rw\n"
		"53 28 0:52 / /misc rw shared:43 - autofs systemd-1 rw,fd=29\n"
		"54 53 8:33 / /misc rw shared:44 - ext4 /dev/sdc1 rw\n"
		"55 28 0:53 / /mnt/ssh rw shared:45 - fuse.sshfs a@b:/ rw\n"
		"56 28 0:54 / /mnt/enc rw shared:46 - fuse.gocryptfs /x rw\n"
		"57 28 11:0 / /media/cdrom ro shared:47 - iso9660 /dev/sr0 ro\n"
		"58 28 0:55 / /tank rw shared:48 - zfs tank rw\n"
		"59 28 8:49 / /mnt/ntfs rw shared:49 - fuseblk /dev/sdd1 rw\n"
		"60 23 0:56 / /proc/sys/fs/binfmt_misc rw shared:50 - binfmt_misc binfmt_misc rw\n"};

	expect(&s,
		"/> /boot/efi>boot/efi /home>home /misc>misc /mnt/ntfs>mnt/ntfs /srv/with space>srv/with space "
		"/tank>tank\n/media/cdrom: read-only image\n/misc: automount point\n/mnt/enc: FUSE file system\n"
		"/mnt/nfs: network file system\n/mnt/ssh: network file system\n/mnt/win: network file system\n"
		"/run: in memory\n/snap/core/1: read-only image");
}

/* One file system at several places: what shows most, then what is nearest the root. */
static void binds(void **state)
{
	struct scenario s = {.table = DEBIAN "50 28 8:33 /a /one/deep rw - ext4 /dev/sdc1 rw\n"
					     "51 28 8:33 /a /two rw - ext4 /dev/sdc1 rw\n"
					     "52 28 8:33 /a/b /b rw - ext4 /dev/sdc1 rw\n"
					     "53 28 8:33 /ab /ab rw - ext4 /dev/sdc1 rw\n"
					     "54 28 8:1 /usr/share /jail/usr/share ro - ext4 /dev/sda1 rw\n"
					     "55 28 8:2 / /export/home rw - ext4 /dev/sda2 rw\n"};
	/* The larger bind comes last in the table, and first in the choice. */
	struct scenario larger = {.table = DEBIAN "50 28 8:33 /a /a rw - ext4 /dev/sdc1 rw\n"
						  "51 28 8:33 / /z/all rw - ext4 /dev/sdc1 rw\n"};
	/* The root's own file system, whole, beneath: an OSTree host's /sysroot. */
	struct scenario ostree = {.table = PSEUDO
		"28 1 8:4 /ostree/deploy/f/deploy/abc.0 / rw shared:1 - xfs /dev/sda4 rw\n"
		"40 28 8:4 / /sysroot ro shared:2 - xfs /dev/sda4 rw\n"
		"41 28 8:4 /ostree/deploy/f/var /var rw shared:3 - xfs /dev/sda4 rw\n"
		"42 28 8:4 /ostree/deploy/f/deploy/abc.0/etc /etc rw shared:4 - xfs /dev/sda4 rw\n"};
	/* Below the mount point of the root's file system, what lies beside the root is no repetition. */
	struct scenario below = {.table = DEBIAN "50 28 8:1 /other /data/other rw - ext4 /dev/sda1 rw\n"
						 "51 28 8:1 /data/mine /data/again rw - ext4 /dev/sda1 rw\n",
		.sets = {"source.root=/data"}};

	expect(&s,
		"/> /ab>ab /boot/efi>boot/efi /home>home /srv/with space>srv/with space /two>two\n"
		"/b: repeats '/two'\n/export/home: repeats '/home'\n/jail/usr/share: repeats '/'\n"
		"/one/deep: repeats '/two'\n/run: in memory");
	expect(&larger,
		"/> /boot/efi>boot/efi /home>home /srv/with space>srv/with space /z/all>z/all\n"
		"/a: repeats '/z/all'\n/run: in memory");
	expect(&ostree, "/> /var>var\n/etc: repeats '/'\n/run: in memory\n/sysroot: holds what is walked as '/'");
	expect(&below, "/data> /data/other>other\n/data/again: repeats '/data'");
}

static void over_mounted(void **state)
{
	struct scenario same = {.table = DEBIAN "50 40 8:33 / /home rw - ext4 /dev/sdc1 rw\n"};
	/* /a/b was mounted first, then /a over it; what is mounted in /a/b is as far away. */
	struct scenario above = {.table = DEBIAN "50 28 8:33 / /a/b rw - ext4 /dev/sdc1 rw\n"
						 "51 50 8:34 / /a/b/c rw - ext4 /dev/sdc2 rw\n"
						 "52 28 8:35 / /a rw - xfs /dev/sdc3 rw\n"};
	/* A pseudo file system hides as well as any. */
	struct scenario hidden_by_tmpfs = {.table = DEBIAN "50 40 0:60 / /home rw - tmpfs tmpfs rw\n"};
	/* A hidden mount does not make another a repetition. */
	struct scenario elsewhere = {.table = DEBIAN "50 40 0:60 / /home rw - tmpfs tmpfs rw\n"
						     "51 28 8:2 / /homes rw - ext4 /dev/sda2 rw\n"};
	/* The initramfs below the root, as some kernels show it. */
	struct scenario rootfs = {.table = "1 1 0:2 / / rw - rootfs rootfs rw\n" DEBIAN};
	struct scenario circle = {.table = "1 2 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /b rw - ext4 /dev/b rw\n"};

	expect(&same,
		"/> /boot/efi>boot/efi /home>home /srv/with space>srv/with space\n"
		"/home: hidden by the mount at '/home'\n/run: in memory");
	expect(&above,
		"/> /a>a /boot/efi>boot/efi /home>home /srv/with space>srv/with space\n"
		"/a/b: hidden by the mount at '/a'\n/a/b/c: hidden by the mount at '/a'\n/run: in memory");
	expect(&hidden_by_tmpfs,
		"/> /boot/efi>boot/efi /srv/with space>srv/with space\n"
		"/home: hidden by the mount at '/home'\n/home: in memory\n/run: in memory");
	expect(&elsewhere,
		"/> /boot/efi>boot/efi /homes>homes /srv/with space>srv/with space\n"
		"/home: hidden by the mount at '/home'\n/home: in memory\n/run: in memory");
	expect(&rootfs, "/> /boot/efi>boot/efi /home>home /srv/with space>srv/with space\n/run: in memory");
	expect(&circle, "/> /b>b");
}

/* Where a walk meets the mount point of what it leaves out, and only there. */
static void fences(void **state)
{
	struct scenario plain = {.table = DEBIAN, .fences = true};
	struct scenario below = {.table = DEBIAN "50 26 8:33 / /run/media/x rw - ext4 /dev/sdc1 rw\n"
						 "51 50 0:61 / /run/media/x/y rw - tmpfs tmpfs rw\n",
		.fences = true};
	struct scenario covered = {.table = DEBIAN "50 28 0:60 / /a/b rw - tmpfs tmpfs rw\n"
						   "51 28 8:35 / /a rw - xfs /dev/sdc3 rw\n"
						   "52 40 0:62 / /home rw - tmpfs tmpfs rw\n",
		.fences = true};
	struct scenario mapped = {.table = DEBIAN "50 40 0:60 / /home/u/mem rw - tmpfs tmpfs rw\n",
		.sets = {"source.map=/home=/data/homes"},
		.fences = true};
	struct scenario lost = {.table = DEBIAN "50 40 8:33 / /home/u rw - ext4 /dev/sdc1 rw\n",
		.sets = {"source.map=/home=/data/homes"},
		.lose = "/home",
		.fences = true};

	expect(&plain, "dev>dev proc>proc run>run sys>sys");
	expect(&below, "dev>dev proc>proc run>run run/media/x/y>run/media/x/y sys>sys");
	expect(&covered, "dev>dev home>home proc>proc run>run sys>sys");
	expect(&mapped, "dev>dev home/u/mem>data/homes/u/mem proc>proc run>run sys>sys");
	expect(&lost, "dev>dev proc>proc run>run sys>sys !home>data/homes");
}

static void identities(void **state)
{
	const char *whole = "u1\t00ab\t/dev/sda1\t/";

	assert_true(mounts_id_same(whole, whole));
	assert_true(mounts_id_same(whole, "u1\t00cd\t/dev/sdb1\t/")); /* another device */
	assert_false(mounts_id_same(whole, "u2\t00ab\t/dev/sda1\t/"));
	assert_false(mounts_id_same(whole, "u1\t00ab\t/dev/sda1\t/sub")); /* another directory of it */
	assert_true(mounts_id_same(whole, "-\t00ab\t/dev/sdb1\t/")); /* the device cannot be read */
	assert_false(mounts_id_same(whole, "-\t00cd\t/dev/sda1\t/"));
	assert_true(mounts_id_same("u\t-\t/dev/sda1\t/", "-\t-\t/dev/sda1\t/"));
	assert_false(mounts_id_same("u\t-\t/dev/sda1\t/", "-\t-\t/dev/sdb1\t/"));
	assert_true(mounts_id_same("-\t-\tpool/a\t/x\ty", "-\t-\tpool/a\t/x\ty")); /* a tab in a name */
	assert_false(mounts_id_same("", ""));
	assert_false(mounts_id_same(whole, ""));
}

static void bad_tables(void **state)
{
	struct conf *c = conf_of((const char *const[SETS_MAX]){NULL});
	struct mounts_options o = {.mountinfo = "/nonexistent/mountinfo"};
	struct scenario empty = {.table = "", .error = DIAG_MOUNTS_TABLE};
	struct mount_plan plan;
	struct diag d = DIAG_INIT;

	assert_false(mounts_select(c, &o, &plan, &d));
	assert_int_equal(d.code, DIAG_MOUNTS_TABLE);
	diag_release(&d);
	conf_free(c);
	free(run(&empty));
}

static void a_root_that_is_not_there(void **state)
{
	struct conf *c = conf_of((const char *const[SETS_MAX]){"source.root=/nonexistent/root"});
	struct mounts_options o = {};
	struct mount_plan plan;
	struct diag d = DIAG_INIT;

	assert_false(mounts_select(c, &o, &plan, &d));
	assert_int_equal(d.code, DIAG_MOUNTS_ROOT);
	assert_int_equal(d.err, ENOENT);
	diag_release(&d);
	conf_free(c);
}

/* ---- what is local, and what a user would miss ---- */

/* Disks of all types, whatever carries them; what is no disk of this host. */
#define MANY_DISKS                                                                           \
	DEBIAN "50 28 8:33 / /srv/xfs rw - xfs /dev/sdc1 rw\n"                               \
	       "51 28 8:34 / /srv/ntfs rw - fuseblk /dev/sdc2 rw,user_id=0\n"                \
	       "52 28 8:35 / /srv/f2fs rw - f2fs /dev/sdc3 rw\n"                             \
	       "53 28 0:60 / /srv/tank rw - zfs tank/srv rw,xattr\n"                         \
	       "54 53 0:61 / /srv/tank/.zfs/snapshot/mon ro - zfs tank/srv@mon ro,xattr\n"   \
	       "55 28 0:62 /data /srv/b rw - btrfs /dev/sdd rw,subvolid=256,subvol=/data\n"  \
	       "56 28 0:62 /more /srv/b2 rw - btrfs /dev/sdd rw,subvolid=257,subvol=/more\n" \
	       "57 28 253:7 / /srv/jfs rw - jfs /dev/mapper/vg-j rw\n"                       \
	       "58 28 8:36 / /srv/reiser rw - reiserfs /dev/sdc4 rw\n"                       \
	       "59 28 8:37 / /srv/vfat rw - vfat /dev/sdc5 rw\n"                             \
	       "60 28 0:63 / /srv/nfs rw - nfs4 server:/x rw\n"                              \
	       "61 28 0:64 / /srv/over rw - overlay overlay rw,lowerdir=/l\n"                \
	       "62 28 7:3 / /srv/snap ro - squashfs /dev/loop3 ro\n"                         \
	       "63 28 8:38 / /srv/live ro - erofs /dev/sdc6 ro\n"                            \
	       "64 28 11:0 / /srv/dvd ro - udf /dev/sr0 ro\n"                                \
	       "65 28 8:39 / /srv/udf rw - udf /dev/sdc7 rw\n"                               \
	       "66 28 0:65 / /srv/flash rw - ubifs ubi0:data rw\n"                           \
	       "67 28 0:66 / /srv/exfat rw - fuse /dev/sdc8 rw\n"                            \
	       "68 28 0:67 / /srv/app ro - fuse.app a.AppImage ro\n"                         \
	       "69 28 0:68 / /srv/gvfs rw - fuse.x /dev/fuse rw\n"

#define NO_DISKS                                                                                   \
	"\n/run: in memory\n/srv/app: FUSE file system\n/srv/dvd: optical disc\n"                  \
	"/srv/exfat: FUSE file system MISSED\n/srv/flash: type not listed MISSED\n"                \
	"/srv/gvfs: FUSE file system\n/srv/live: read-only image\n/srv/nfs: network file system\n" \
	"/srv/over: overlay\n/srv/snap: read-only image\n/srv/tank/.zfs/snapshot/mon: snapshot"

static void all_disks(void **state)
{
	struct scenario s = {.table = MANY_DISKS, .concerns = true};

	expect(&s,
		"/> /boot/efi>boot/efi /home>home /srv/b>srv/b /srv/b2>srv/b2 /srv/f2fs>srv/f2fs /srv/jfs>srv/jfs "
		"/srv/ntfs>srv/ntfs /srv/reiser>srv/reiser /srv/tank>srv/tank /srv/udf>srv/udf /srv/vfat>srv/vfat "
		"/srv/with space>srv/with space /srv/xfs>srv/xfs" NO_DISKS);
}

/* A list of types: disks of others are missed, until the configuration says that they are not. */
static void listed_types(void **state)
{
	struct scenario types = {.table = MANY_DISKS, .types = "ext4, vfat, tmpfs", .concerns = true};
	struct scenario meant = {
		.table = DEBIAN, .types = "ext4", .sets = {"source.skip_mounts=/srv/with space"}, .concerns = true};
	struct scenario x = {.table = DEBIAN, .options.one_file_system = true, .concerns = true};
	struct scenario only = {.table = DEBIAN, .sets = {"source.mounts=/,/run"}, .concerns = true};
	struct scenario both = {.table = DEBIAN, .sets = {"source.filesystems=tmpfs"}, .concerns = true};

	expect(&types,
		"/> /boot/efi>boot/efi /home>home /run>run /srv/vfat>srv/vfat\n"
		"/srv/app: FUSE file system\n/srv/b: type not listed MISSED\n/srv/b2: type not listed MISSED\n"
		"/srv/dvd: optical disc\n/srv/exfat: FUSE file system MISSED\n/srv/f2fs: type not listed MISSED\n"
		"/srv/flash: type not listed MISSED\n/srv/gvfs: FUSE file system\n/srv/jfs: type not listed MISSED\n"
		"/srv/live: read-only image\n/srv/nfs: network file system\n/srv/ntfs: type not listed MISSED\n"
		"/srv/over: overlay\n/srv/reiser: type not listed MISSED\n/srv/snap: read-only image\n"
		"/srv/tank: type not listed MISSED\n/srv/tank/.zfs/snapshot/mon: type not listed\n"
		"/srv/udf: type not listed MISSED\n/srv/with space: type not listed MISSED\n"
		"/srv/xfs: type not listed MISSED");
	expect(&meant,
		"/> /home>home\n/boot/efi: type not listed MISSED\n/run: in memory\n"
		"/srv/with space: skip_mounts meant");
	expect(&x,
		"/>\n/boot/efi: one file system (-x) meant\n/home: one file system (-x) meant\n/run: in memory\n"
		"/srv/with space: one file system (-x) meant");
	/* Who names one wants it. */
	expect(&only,
		"/>\n/boot/efi: not in mounts meant\n/home: not in mounts meant\n/run: in memory MISSED\n"
		"/srv/with space: not in mounts meant");
	expect(&both, "/> /boot/efi>boot/efi /home>home /run>run /srv/with space>srv/with space");
}

static bool exclude_home(void *arg, const char *rel, bool is_dir)
{
	return str_eq(rel, "home") || (arg && str_eq(rel, arg));
}

static void what_is_missed(void **state)
{
	/* Something else hides it, or shows it too. */
	struct scenario hidden = {.table = DEBIAN "50 40 8:33 / /home rw - ext4 /dev/sdc1 rw\n", .concerns = true};
	struct scenario shown = {
		.table = DEBIAN "50 40 0:60 / /home rw - tmpfs tmpfs rw\n51 28 8:2 / /homes rw - ext4 /dev/sda2 rw\n",
		.concerns = true};
	struct scenario ruled = {
		.table = DEBIAN, .types = "xfs, vfat", .options.root_always = true, .options.excluded = exclude_home};
	/* What lies beside the root on its own file system. */
	struct scenario ostree = {.table = PSEUDO
		"28 1 8:4 /ostree/deploy/f/deploy/abc.0 / rw shared:1 - xfs /dev/sda4 rw\n"
		"40 28 8:4 / /sysroot ro shared:2 - xfs /dev/sda4 rw\n",
		.concerns = true};

	expect(&hidden,
		"/> /boot/efi>boot/efi /home>home /srv/with space>srv/with space\n"
		"/home: hidden by the mount at '/home' MISSED\n/run: in memory");
	expect(&shown,
		"/> /boot/efi>boot/efi /homes>homes /srv/with space>srv/with space\n"
		"/home: hidden by the mount at '/home'\n/home: in memory\n/run: in memory");
	ruled.concerns = true;
	expect(&ruled,
		"/> /boot/efi>boot/efi /srv/with space>srv/with space\n/home: type not listed meant\n/run: in memory");
	expect(&ostree, "/>\n/run: in memory\n/sysroot: holds what is walked as '/' MISSED");
}

/* A directory in the place of /sys: loop1 and its partition, loop2, and a volume on loop4. */
static char *make_sysfs(void)
{
	char *dir = xstrdup("/tmp/test-mounts-sysfs-XXXXXX");

	assert_non_null(mkdtemp(dir));
	sh(dir,
		"d=devices/virtual/block; mkdir -p dev/block $d/loop1/loop/../loop1p1 $d/loop2/loop $d/loop4/loop "
		"$d/dm-0/slaves $d/loop5/loop $d/loop6/loop && echo 1 >$d/loop1/loop1p1/partition && "
		"echo /var/images/one >$d/loop1/loop/backing_file && echo /srv/two >$d/loop2/loop/backing_file && "
		"echo '/var/four (deleted)' >$d/loop4/loop/backing_file && ln -s ../../loop2 $d/dm-0/slaves/loop2 && "
		"echo /tmpfs/five >$d/loop5/loop/backing_file && echo /home/six >$d/loop6/loop/backing_file && "
		"for x in 7:1=loop1 259:1=loop1/loop1p1 7:2=loop2 7:4=loop4 7:5=loop5 7:6=loop6 253:0=dm-0; do "
		"ln -s ../../$d/${x#*=} dev/block/${x%=*}; done");
	return dir;
}

#define LOOPS                                                 \
	"28 1 8:1 / / rw - ext4 /dev/sda1 rw\n"               \
	"40 28 8:2 / /home rw - ext4 /dev/sda2 rw\n"          \
	"50 28 0:50 / /tmpfs rw - tmpfs tmpfs rw\n"           \
	"51 28 7:1 / /l/whole rw - ext4 /dev/loop1 rw\n"      \
	"52 28 259:1 / /l/part rw - ext4 /dev/loop1p1 rw\n"   \
	"53 28 253:0 / /l/volume rw - xfs /dev/mapper/v rw\n" \
	"54 28 7:4 / /l/removed rw - ext4 /dev/loop4 rw\n"    \
	"55 28 7:5 / /l/in-memory rw - ext4 /dev/loop5 rw\n"  \
	"56 28 7:6 / /l/in-home rw - ext4 /dev/loop6 rw\n"    \
	"57 28 7:9 / /l/unknown rw - ext4 /dev/loop9 rw\n"

/* What is in a file that is copied is not copied twice. */
static void loops(void **state)
{
	AUTO_FREE char *sysfs = make_sysfs(), *rm = xasprintf("rm -r %s", sysfs);
	struct scenario s = {.table = LOOPS, .options.sysfs = sysfs, .concerns = true};
	/* The file is left out: what it holds is not. */
	struct scenario ruled = {.table = LOOPS,
		.options = {.sysfs = sysfs, .excluded = exclude_home, .arg = "var/images/one"},
		.concerns = true};
	struct scenario skipped = {
		.table = LOOPS, .sets = {"source.skip_mounts=/home"}, .options.sysfs = sysfs, .concerns = true};
	/* Who names a type, or the mount, has it. */
	struct scenario types = {.table = LOOPS, .types = "ext4", .options.sysfs = sysfs, .concerns = true};
	struct scenario named = {.table = LOOPS, .sets = {"source.mounts=/,/l/part"}, .options.sysfs = sysfs};
	struct scenario no_sysfs = {.table = LOOPS};

	expect(&s,
		"/> /home>home /l/in-memory>l/in-memory /l/removed>l/removed /l/unknown>l/unknown\n"
		"/l/in-home: shows what is copied as the file '/home/six'\n"
		"/l/part: shows what is copied as the file '/var/images/one'\n"
		"/l/volume: shows what is copied as the file '/srv/two'\n"
		"/l/whole: shows what is copied as the file '/var/images/one'\n/tmpfs: in memory");
	expect(&ruled,
		"/> /home>home /l/in-memory>l/in-memory /l/part>l/part /l/removed>l/removed /l/unknown>l/unknown "
		"/l/whole>l/whole\n/l/in-home: shows what is copied as the file '/home/six'\n"
		"/l/volume: shows what is copied as the file '/srv/two'\n/tmpfs: in memory");
	expect(&skipped,
		"/> /l/in-home>l/in-home /l/in-memory>l/in-memory /l/removed>l/removed /l/unknown>l/unknown\n"
		"/home: skip_mounts meant\n/l/part: shows what is copied as the file '/var/images/one'\n"
		"/l/volume: shows what is copied as the file '/srv/two'\n"
		"/l/whole: shows what is copied as the file '/var/images/one'\n/tmpfs: in memory");
	expect(&types,
		"/> /home>home /l/in-home>l/in-home /l/in-memory>l/in-memory /l/part>l/part /l/removed>l/removed "
		"/l/unknown>l/unknown /l/whole>l/whole\n/l/volume: type not listed\n/tmpfs: in memory");
	expect(&named,
		"/> /l/part>l/part\n/home: not in mounts\n/l/in-home: not in mounts\n/l/in-memory: not in mounts\n"
		"/l/removed: not in mounts\n/l/unknown: not in mounts\n/l/volume: not in mounts\n"
		"/l/whole: not in mounts\n/tmpfs: in memory");
	expect(&no_sysfs,
		"/> /home>home /l/in-home>l/in-home /l/in-memory>l/in-memory /l/part>l/part /l/removed>l/removed "
		"/l/unknown>l/unknown /l/volume>l/volume /l/whole>l/whole\n/tmpfs: in memory");
	sh("/", rm);
}

static void too_many(void **state)
{
	AUTO_BUF b = BUF_INIT;
	struct scenario s = {.error = DIAG_MOUNTS_TOO_MANY};

	buf_append_str(&b, "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
	for (int k = 0; k < MOUNTS_MAX; k++)
		buf_printf(&b, "%d 1 9:%d / /m/%d rw - ext4 /dev/x rw\n", k + 2, k + 2, k);
	s.table = buf_cstr(&b);
	{
		AUTO_FREE char *error = run(&s);
		assert_non_null(strstr(error, "4097 mounts to copy: 4096 are the most"));
	}
}

/* ---- real mounts ---- */

struct place {
	char *base;
	char *src; /* ext4: f, a/, data/under, tmp/ */
};

static bool loop_mount(const char *image, const char *dir)
{
	AUTO_CLOSE int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	AUTO_CLOSE int file = open(image, O_RDWR | O_CLOEXEC);
	struct loop_info64 info = {.lo_flags = LO_FLAGS_AUTOCLEAR};

	for (int tries = 0; tries < 20; tries++) {
		AUTO_FREE char *name = xasprintf("/dev/loop%d", ioctl(ctl, LOOP_CTL_GET_FREE));
		AUTO_CLOSE int loop = open(name, O_RDWR | O_CLOEXEC);
		if (loop < 0)
			return false;
		if (ioctl(loop, LOOP_SET_FD, file) < 0)
			continue; /* somebody else was faster */
		ioctl(loop, LOOP_SET_STATUS64, &info);
		return mount(name, dir, "ext4", MS_STRICTATIME, NULL) == 0;
	}
	return false;
}

/* src on one disk, src/data on another, a bind and a tmpfs beneath. */
static struct place place_make(void)
{
	struct place p = {.base = xstrdup("/tmp/test-mounts-XXXXXX")};
	AUTO_FREE char *one = NULL, *two = NULL, *data = NULL;

	assert_non_null(mkdtemp(p.base));
	p.src = xasprintf("%s/src", p.base);
	one = xasprintf("%s/one", p.base);
	two = xasprintf("%s/two", p.base);
	data = xasprintf("%s/data", p.src);
	sh(p.base,
		"truncate -s 8M one two && mkfs.ext4 -q one && mkfs.ext4 -q two && mkdir src run && chmod "
		"755 .");
	assert_true(loop_mount(one, p.src));
	sh(p.src,
		"mkdir -p a/b bind tmp data && echo hi >f && echo hi >data/under && echo hi >a/x && chmod "
		"000 f");
	assert_true(loop_mount(two, data));
	sh(p.src,
		"echo inner >data/inner && mount --bind a bind && mount -t tmpfs t tmp && : >file && : "
		">afile && "
		"mount --bind data/inner file");
	return p;
}

static void place_remove(struct place *p)
{
	sh(p->base, "umount src/file src/bind src/tmp && { umount src/data || :; } 2>/dev/null && umount src");
	{
		AUTO_FREE char *rm = xasprintf("rm -rf --one-file-system %s", p->base);
		sh("/", rm);
	}
	free(p->base);
	free(p->src);
}

static bool usable(void)
{
	if (geteuid() == 0)
		return true;
	print_message("skipped: needs root\n");
	return false;
}

static void selected(const struct place *p, struct mount_plan *plan)
{
	AUTO_FREE char *set = xasprintf("source.root=%s", p->src);
	struct conf *c = conf_of((const char *const[SETS_MAX]){set});
	struct mounts_options o = {.root_always = true};
	struct diag d = DIAG_INIT;
	struct stat st;

	assert_true(mounts_select(c, &o, plan, &d));
	conf_free(c);
	assert_int_equal(plan->chosen_count, 2);
	assert_string_equal(plan->chosen[0].path, p->src);
	assert_string_equal(plan->chosen[0].rel, "");
	assert_string_equal(plan->chosen[1].rel, "data");
	assert_string_equal(plan->chosen[1].fstype, "ext4");
	assert_int_equal(stat(p->src, &st), 0);
	assert_int_equal(plan->chosen[0].dev, st.st_dev);
	assert_in_range(plan->chosen[0].used_inodes, 14, 40);
	assert_in_range(plan->chosen[0].used_bytes, 4096, 8 << 20);
	assert_int_equal(plan->left_out_count, 3);
	assert_non_null(strstr(plan->left_out[0].why, "repeats '"));
	assert_non_null(strstr(plan->left_out[1].path, "/file"));
	assert_string_equal(plan->left_out[2].why, "in memory");
}

static time_t atime_after_read(int dirfd, const char *name, const char *real)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_nsec = UTIME_OMIT}};
	struct stat st;
	char c;
	int fd;

	assert_int_equal(utimensat(AT_FDCWD, real, old, 0), 0);
	fd = openat(dirfd, name, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &c, 1), 1);
	close(fd);
	assert_int_equal(stat(real, &st), 0);
	return st.st_atime;
}

static unsigned entries(int dirfd)
{
	DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY));
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

/* Read-only by the kernel's word, no atime, and what lies beneath a mount point instead of what is mounted
 * there. */
static void is_clone(const struct place *p, const struct mount *m)
{
	AUTO_FREE char *f = xasprintf("%s/f", p->src);
	const struct timespec now[2] = {};
	int fd;

	assert_int_equal(openat(m->fd, "f", O_WRONLY), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(openat(m->fd, "new", O_RDWR | O_CREAT, 0600), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(mkdirat(m->fd, "d", 0700), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(unlinkat(m->fd, "f", 0), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(fchmodat(m->fd, "f", 0600, 0), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(utimensat(m->fd, "f", now, 0), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(fchmod(m->fd, 0700), -1);
	assert_int_equal(errno, EROFS);
	assert_int_equal(atime_after_read(m->fd, "f", f), 1000);
	assert_true(atime_after_read(AT_FDCWD, f, f) > 1000); /* so the test can see it */
	fd = openat(m->fd, "data/under", O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(openat(m->fd, "data/inner", O_RDONLY), -1);
	fd = openat(m->fd, "bind", O_RDONLY | O_DIRECTORY);
	assert_int_equal(entries(fd), 0);
	close(fd);
}

static void clones_by(unsigned ways)
{
	struct place p;
	struct mount_plan plan;
	AUTO_BUF warn = BUF_INIT;
	AUTO_FREE char *data = NULL;
	struct diag d = DIAG_INIT;
	int fd;

	if (!usable())
		skip();
	p = place_make();
	selected(&p, &plan);
	assert_true(mounts_open_by(&plan, ways, &warn, &d));
	assert_string_equal(buf_cstr(&warn), "");
	assert_true(plan.clones);
	is_clone(&p, &plan.chosen[0]);
	fd = openat(plan.chosen[1].fd, "inner", O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(openat(plan.chosen[1].fd, "inner", O_RDWR), -1);
	assert_int_equal(errno, EROFS);
	/* The host can still unmount what is being read. */
	data = xasprintf("%s/data", p.src);
	sh(p.base, "umount src/file");
	assert_int_equal(umount(data), 0);
	assert_true((fd = openat(plan.chosen[1].fd, "inner", O_RDONLY)) >= 0);
	close(fd);
	mount_plan_release(&plan);
	sh(p.base, "mount --bind src/f src/file");
	place_remove(&p);
}

static void detached_clones(void **state)
{
	int fd;

	if (!usable())
		skip();
	fd = clone_detached("/tmp");
	if (fd < 0 && errno == ENOSYS) {
		print_message("skipped: needs Linux 5.12\n");
		skip();
	}
	close(fd);
	clones_by(OPEN_DETACHED);
}

static void clones_of_older_kernels(void **state)
{
	clones_by(OPEN_NAMESPACE);
}

static void root_within_a_mount(void **state)
{
	struct place p;
	struct mount_plan plan;
	AUTO_BUF warn = BUF_INIT;
	AUTO_FREE char *set = NULL;
	struct mounts_options o = {};
	struct diag d = DIAG_INIT;
	struct conf *c;

	if (!usable())
		skip();
	p = place_make();
	set = xasprintf("source.root=%s/a", p.src);
	for (unsigned ways = OPEN_DETACHED; ways <= OPEN_NAMESPACE; ways <<= 1) {
		c = conf_of((const char *const[SETS_MAX]){set});
		assert_true(mounts_select(c, &o, &plan, &d));
		assert_int_equal(plan.chosen_count, 1);
		assert_true(mounts_open_by(&plan, ways | OPEN_NAMESPACE, &warn, &d));
		assert_true(plan.clones);
		assert_int_equal(faccessat(plan.chosen[0].fd, "x", F_OK, 0), 0);
		mount_plan_release(&plan);
		conf_free(c);
	}
	place_remove(&p);
}

static void the_real_directories(void **state)
{
	struct place p;
	struct mount_plan plan;
	AUTO_BUF warn = BUF_INIT;
	struct diag d = DIAG_INIT;

	if (!usable())
		skip();
	p = place_make();
	selected(&p, &plan);
	assert_true(mounts_open(&plan, false, &warn, &d));
	assert_false(plan.clones);
	assert_int_equal(warn.len, 0); /* it was asked for */
	assert_int_equal(faccessat(plan.chosen[0].fd, "data/inner", F_OK, 0), 0);
	mount_plan_release(&plan);
	place_remove(&p);
}

/* An ordinary user gets the real directories, and is told. */
static void without_privilege(void **state)
{
	struct conf *c = conf_of((const char *const[SETS_MAX]){"source.root=/usr"});
	struct mounts_options o = {.root_always = true, .one_file_system = true};
	struct mount_plan plan;
	struct diag d = DIAG_INIT;
	AUTO_BUF warn = BUF_INIT;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (geteuid() == 0 && (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
			_exit(9);
		if (!mounts_select(c, &o, &plan, &d))
			_exit(1);
		if (!mounts_open(&plan, true, &warn, &d) || plan.clones || plan.chosen_count != 1)
			_exit(2);
		if (!strstr(buf_cstr(&warn), "'/usr' is read where it is mounted") || plan.chosen[0].fd < 0)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	conf_free(c);
}

static void changed_meanwhile(void **state)
{
	struct place p;
	struct mount_plan plan;
	AUTO_BUF warn = BUF_INIT;
	AUTO_FREE char *data = NULL;
	struct diag d = DIAG_INIT;

	if (!usable())
		skip();
	p = place_make();
	selected(&p, &plan);
	data = xasprintf("%s/data", p.src);
	assert_int_equal(mount("t", data, "tmpfs", 0, NULL), 0);
	assert_false(mounts_open(&plan, true, &warn, &d));
	assert_int_equal(d.code, DIAG_MOUNTS_CHANGED);
	assert_int_equal(umount(data), 0);
	diag_release(&d);
	mount_plan_release(&plan);
	place_remove(&p);
}

/* What a mover is: the clone's descriptor, no rights but to read, and everything readable. */
static void confined_child(const struct place *p, const struct mount *m)
{
	AUTO_FREE char *empty = xasprintf("%s/run/empty", p->base);
	struct meta meta = META_INIT;
	AUTO_BUF note = BUF_INIT;
	struct diag d = DIAG_INIT;
	char text[3] = {0};
	int fd;

	if (!confine_reader(empty, true, &note, &d))
		_exit(1);
	if (fchdir(m->fd) < 0 || meta_read_fd(m->fd, META_F_ALL, &meta) < 0 || meta.type != META_DIR)
		_exit(2);
	if (meta_read(m->fd, "f", DT_REG, META_F_ALL, &meta, &fd) < 0 || fd < 0 || meta.mode != 0)
		_exit(3);
	if (read(fd, text, 2) != 2 || !str_eq(text, "hi"))
		_exit(4);
	/* Again: now it is known that O_NOATIME is neither granted nor needed. */
	if (meta_read(m->fd, "f", DT_REG, META_F_ALL, &meta, &fd) < 0 || fd < 0 || read(fd, text, 2) != 2)
		_exit(5);
	if (entries(m->fd) < 5)
		_exit(6);
	if (openat(m->fd, "data/inner", O_RDONLY) >= 0 || openat(m->fd, "data/under", O_RDONLY) < 0)
		_exit(7);
	if (openat(m->fd, "../../../../etc/passwd", O_RDONLY) >= 0)
		_exit(8);
	/* A device is an entry like others, and cannot be opened. */
	if (meta_read(m->fd, "device", DT_CHR, META_F_ALL, &meta, NULL) < 0 || meta.rdev_minor != 3)
		_exit(9);
	if (openat(m->fd, "device", O_RDONLY | O_NONBLOCK) >= 0 || errno != EACCES)
		_exit(10);
	_exit(0);
}

static void a_confined_reader_of_clones(void **state)
{
	for (unsigned ways = OPEN_DETACHED; ways <= OPEN_NAMESPACE; ways <<= 1) {
		AUTO_BUF warn = BUF_INIT;
		struct diag d = DIAG_INIT;
		struct mount_plan plan;
		struct place p;
		int status;
		pid_t pid;
		if (!usable())
			skip();
		p = place_make();
		AUTO_FREE char *device = xasprintf("%s/device", p.src);
		assert_int_equal(mknod(device, S_IFCHR | 0666, makedev(1, 3)), 0);
		assert_true((status = open(device, O_RDONLY)) >= 0);
		close(status);
		selected(&p, &plan);
		assert_true(mounts_open_by(&plan, ways | OPEN_NAMESPACE, &warn, &d));
		pid = fork();
		if (pid == 0)
			confined_child(&p, &plan.chosen[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		mount_plan_release(&plan);
		place_remove(&p);
	}
}

static int own_namespace(void **state)
{
	if (geteuid() == 0 && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		return -1;
	umask(022);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_debian),
		cmocka_unit_test(lvm),
		cmocka_unit_test(settings),
		cmocka_unit_test(maps),
		cmocka_unit_test(a_root_below),
		cmocka_unit_test(fedora),
		cmocka_unit_test(opensuse),
		cmocka_unit_test(docker_host),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(binds),
		cmocka_unit_test(over_mounted),
		cmocka_unit_test(fences),
		cmocka_unit_test(identities),
		cmocka_unit_test(bad_tables),
		cmocka_unit_test(a_root_that_is_not_there),
		cmocka_unit_test(all_disks),
		cmocka_unit_test(listed_types),
		cmocka_unit_test(what_is_missed),
		cmocka_unit_test(loops),
		cmocka_unit_test(too_many),
		cmocka_unit_test(detached_clones),
		cmocka_unit_test(clones_of_older_kernels),
		cmocka_unit_test(root_within_a_mount),
		cmocka_unit_test(the_real_directories),
		cmocka_unit_test(without_privilege),
		cmocka_unit_test(changed_meanwhile),
		cmocka_unit_test(a_confined_reader_of_clones),
	};

	return cmocka_run_group_tests_name("mounts", tests, own_namespace, NULL);
}
