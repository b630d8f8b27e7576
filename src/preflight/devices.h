/* Private to the room preflight: going over the mounts and block devices of the source. What is not known is said. */
#pragma once

#include "preflight/look.h"

/* Types of file systems on local disks. */
#define DISK_TYPES "ext2 ext3 ext4 xfs btrfs vfat exfat ntfs ntfs3 f2fs jfs reiserfs zfs bcachefs fuseblk"

typedef void (*mount_fn)(struct look *l, const cJSON *mount, const char *path, const char *type);
void each_mount(struct look *l, mount_fn fn);
/* Of every device and partition, with what is on it (NULL: nothing known). */
typedef void (*contents_fn)(struct look *l, const cJSON *device, const char *name, const cJSON *contents);
void each_contents(struct look *l, contents_fn fn);
