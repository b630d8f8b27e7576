/* What btrfs says of a subvolume, asked through ioctls that anybody may use. */
#include "mounts/mounts.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

#define BTRFS_SUBVOLUME_INO 256
#define BTRFS_GET_FLAGS _IOR(0x94, 25, uint64_t)
#define BTRFS_READ_ONLY (1u << 1)

#define UUID_SIZE 16

/* struct btrfs_ioctl_get_subvol_info_args, which headers may not know. */
struct subvolume_info {
	uint64_t id;
	char name[256];
	uint64_t parent, dir, generation, flags;
	uint8_t uuid[UUID_SIZE], parent_uuid[UUID_SIZE], received_uuid[UUID_SIZE];
	uint64_t more[4 + 4 * 2 + 8];
};
#define BTRFS_GET_INFO _IOR(0x94, 60, struct subvolume_info)
_Static_assert(sizeof(struct subvolume_info) == 504, "the size is a part of the request's number");

enum subvolume mounts_subvolume(int fd)
{
	static const uint8_t none[UUID_SIZE];
	struct subvolume_info info = {};
	uint64_t flags = 0;
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_ino != BTRFS_SUBVOLUME_INO || ioctl(fd, BTRFS_GET_FLAGS, &flags) < 0 ||
		!(flags & BTRFS_READ_ONLY))
		return SUBVOLUME_OTHER;
	if (ioctl(fd, BTRFS_GET_INFO, &info) < 0)
		return SUBVOLUME_UNSURE;
	if (memcmp(info.parent_uuid, none, UUID_SIZE) == 0)
		return SUBVOLUME_OTHER;
	return memcmp(info.received_uuid, none, UUID_SIZE) == 0 ? SUBVOLUME_SNAPSHOT : SUBVOLUME_UNSURE;
}
