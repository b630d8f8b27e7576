/* What kinds of file systems there are. */
#include "mounts/private.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#define OPTICAL_MAJOR 11 /* /dev/sr0 */

struct kind {
	const char *why;
	const char *const *types;
};

static const char *const network[] = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "afs", "ncpfs", "coda",
	"lustre", "beegfs", "gpfs", "glusterfs", "orangefs", "davfs", "virtiofs", "vboxsf", "prl_fs", "fuse.glusterfs",
	"fuse.sshfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.davfs2", "fuse.vmhgfs-fuse", "fuse.curlftpfs",
	"fuse.juicefs", NULL};
static const char *const overlay[] = {"overlay", "overlayfs", "aufs", "fuse.fuse-overlayfs", "fuse.mergerfs", NULL};
static const char *const image[] = {
	"squashfs", "iso9660", "erofs", "cramfs", "romfs", "fuse.squashfuse", "fuse.snapfuse", NULL};
static const char *const memory[] = {"tmpfs", "ramfs", NULL};
static const char *const automount[] = {"autofs", NULL};
static const char *const pseudo[] = {"proc", "sysfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "cpuset", "debugfs",
	"tracefs", "securityfs", "selinuxfs", "smackfs", "apparmorfs", "pstore", "bpf", "configfs", "efivarfs",
	"hugetlbfs", "mqueue", "binfmt_misc", "fusectl", "nfsd", "rpc_pipefs", "nsfs", "bdev", "rootfs", "sockfs",
	"pipefs", "anon_inodefs", "resctrl", "binder", "openpromfs", "spufs", "xenfs", "usbfs", "functionfs",
	"fuse.lxcfs", "fuse.gvfsd-fuse", "fuse.portal", NULL};

static const struct kind kinds[] = {
	{"network file system", network},
	{"overlay", overlay},
	{"read-only image", image},
	{"in memory", memory},
	{"automount point", automount},
	{"pseudo file system", pseudo},
};

/* Storage of this host that is no block device; and file systems on several, which have a number of their own. */
static const char *const flash[] = {"ubifs", "jffs2", "yaffs", "yaffs2", "logfs", NULL};
static const char *const of_several[] = {"btrfs", "bcachefs", NULL};

static bool among(const char *const *types, const char *type)
{
	for (; *types; types++)
		if (str_eq(*types, type))
			return true;
	return false;
}

static const char *known_why(const struct entry *e)
{
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		if (among(kinds[k].types, e->type))
			return kinds[k].why;
	return major(e->dev) == OPTICAL_MAJOR ? "optical disc" : NULL;
}

static bool is_fuse(const struct entry *e)
{
	return strncmp(e->type, "fuse", 4) == 0;
}

static bool is_fuseblk(const struct entry *e)
{
	return strncmp(e->type, "fuseblk", 7) == 0;
}

const char *type_why(const struct entry *e)
{
	const char *why = known_why(e);

	if (why)
		return why;
	return is_fuse(e) && !is_fuseblk(e) ? "FUSE file system" : "type not listed";
}

/* Of the source nothing is looked at but a name below /dev: whatever else it is, it may hang. */
static bool on_block_device(const struct entry *e, bool look)
{
	struct stat st;

	if (major(e->dev) != 0 || among(of_several, e->type))
		return true;
	if (strncmp(e->source, "/dev/", 5) != 0 || str_eq(e->source, "/dev/fuse"))
		return false;
	return !look || (stat(e->source, &st) == 0 && S_ISBLK(st.st_mode));
}

bool type_is_local(const struct entry *e, bool look)
{
	if (known_why(e))
		return false;
	if (is_fuse(e))
		return is_fuseblk(e);
	return str_eq(e->type, "zfs") || on_block_device(e, look);
}

bool type_holds_data(const struct entry *e, bool look)
{
	if (known_why(e))
		return false;
	return type_is_local(e, look) || among(flash, e->type) || on_block_device(e, look);
}

bool type_is_zfs_snapshot(const struct entry *e)
{
	return str_eq(e->type, "zfs") && strchr(e->source, '@');
}
