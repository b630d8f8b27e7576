/* What kinds of file systems there are beside those that are walked. */
#include "mounts/private.h"

struct kind {
	const char *why;
	const char *const *types;
};

static const char *const network[] = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "afs", "ncpfs", "coda",
	"lustre", "beegfs", "gpfs", "gfs", "gfs2", "ocfs2", "glusterfs", "orangefs", "davfs", "virtiofs", "vboxsf",
	"prl_fs", "fuse.glusterfs", "fuse.sshfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.davfs2",
	"fuse.vmhgfs-fuse", "fuse.curlftpfs", "fuse.juicefs", NULL};
static const char *const overlay[] = {"overlay", "overlayfs", "aufs", "fuse.fuse-overlayfs", "fuse.mergerfs", NULL};
static const char *const image[] = {
	"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs", "fuse.squashfuse", "fuse.snapfuse", NULL};
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

const char *type_why(const char *type)
{
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (const char *const *t = kinds[k].types; *t; t++) {
			if (str_eq(*t, type))
				return kinds[k].why;
		}
	}
	if (strncmp(type, "fuse", 4) == 0)
		return "FUSE file system";
	return "type not listed";
}
