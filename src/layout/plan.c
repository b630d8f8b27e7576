#include "layout/layout.h"
#include "base/text.h"

#include <stdio.h>
#include <xxhash.h>

#define MIB (UINT64_C(1) << 20)
#define BIOS_BOOT_SIZE MIB
#define ESP_MIN (64 * MIB)
#define ESP_MAX (512 * MIB)
#define ESP_SHARE 32 /* of the disk */
#define TAIL LAYOUT_ALIGN /* the second table, and what is not aligned */
#define SPARE (200 * MIB) /* for what adaptation makes: initramfs, loader */
#define SPARE_PERCENT 5
#define INODE_SPARE 4096
#define BYTES_PER_INODE 16384 /* mkfs.ext4's own ratio */
#define XFS_MIN (300 * MIB)
#define BTRFS_MIN (128 * MIB)

#define TYPE_BIOS_BOOT "21686148-6449-6E6F-744E-656564454649"
#define TYPE_ESP "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
#define TYPE_LINUX "0FC63DAF-8483-4772-8E79-3D69D8477DE4"

const char *layout_role_name(enum layout_role role)
{
	static const char *const names[] = {
		[LAYOUT_BIOS_BOOT] = "bios-boot", [LAYOUT_ESP] = "esp", [LAYOUT_ROOT] = "root"};

	return names[role];
}

/* ---- identifiers ---- */

static XXH128_hash_t digest(const struct layout_request *r, const char *what)
{
	AUTO_BUF b = BUF_INIT;

	/* the size too: a disk that is made anew in another one is another */
	buf_printf(&b, "%zu:%s%zu:%s%llu:%s", strlen(r->seed), r->seed, strlen(r->image), r->image,
		(unsigned long long)r->size, what);
	return XXH3_128bits(b.data, b.len);
}

/* Version 8 of RFC 9562: of whoever makes it. */
static void put_uuid(const struct layout_request *r, const char *what, char out[LAYOUT_UUID_SIZE])
{
	const XXH128_hash_t h = digest(r, what);
	const unsigned long long a = h.high64, b = h.low64;

	snprintf(out, LAYOUT_UUID_SIZE, "%08llx-%04llx-8%03llx-%04llx-%012llx", a >> 32, a >> 16 & 0xffff, a & 0xfff,
		(b >> 48 & 0x3fff) | 0x8000, b & 0xffffffffffff);
}

/* Of all that decides what is made: an image with this identifier is the one that is meant. */
static void put_disk_id(const struct layout_request *r, char out[LAYOUT_UUID_SIZE])
{
	AUTO_FREE char *what = xasprintf("disk%s%s %s", r->firmware == CONF_FIRMWARE_UEFI ? "" : " bios",
		r->firmware == CONF_FIRMWARE_BIOS ? "" : " uefi", r->filesystem);

	put_uuid(r, what, out);
}

static void put_serial(const struct layout_request *r, const char *what, char out[LAYOUT_UUID_SIZE])
{
	const unsigned long long h = digest(r, what).low64;

	snprintf(out, LAYOUT_UUID_SIZE, "%04llX-%04llX", h >> 16 & 0xffff, h & 0xffff);
}

/* ---- sizes ---- */

static uint64_t aligned(uint64_t n)
{
	return n / LAYOUT_ALIGN * LAYOUT_ALIGN;
}

static uint64_t esp_size(uint64_t disk)
{
	return aligned(MAX(ESP_MIN, MIN(ESP_MAX, disk / ESP_SHARE)));
}

static bool has_bios(const struct layout_request *r)
{
	return r->firmware != CONF_FIRMWARE_UEFI;
}

static bool has_uefi(const struct layout_request *r)
{
	return r->firmware != CONF_FIRMWARE_BIOS;
}

static uint64_t root_needed(const struct layout_request *r)
{
	const uint64_t used = MIN(r->used, LAYOUT_SIZE_MAX);
	const uint64_t least = str_eq(r->filesystem, "xfs") ? XFS_MIN : str_eq(r->filesystem, "btrfs") ? BTRFS_MIN : 0;

	return MAX(least, used + used / 100 * SPARE_PERCENT + SPARE);
}

/* Around the root: grows with the disk, as the EFI system partition does. */
static uint64_t overhead(const struct layout_request *r, uint64_t disk)
{
	return LAYOUT_ALIGN + TAIL + (has_bios(r) ? BIOS_BOOT_SIZE : 0) + (has_uefi(r) ? esp_size(disk) : 0);
}

static uint64_t image_needed(const struct layout_request *r)
{
	const uint64_t root = aligned(root_needed(r) + LAYOUT_ALIGN - 1);
	uint64_t size = root + overhead(r, 0);

	while (size < root + overhead(r, size))
		size = root + overhead(r, size);
	return size;
}

/* ---- the plan ---- */

static void add(struct layout_plan *p, struct layout_partition part, uint64_t end)
{
	const struct layout_partition *last = p->count ? &p->partitions[p->count - 1] : NULL;
	AUTO_FREE char *fs = xasprintf("%s file system", part.name);

	part.start = last ? last->start + last->size : LAYOUT_ALIGN;
	if (!part.size)
		part.size = aligned(end - part.start);
	put_uuid(&p->of, part.name, part.id);
	if (part.filesystem && str_eq(part.filesystem, "vfat"))
		put_serial(&p->of, fs, part.uuid);
	else if (part.filesystem)
		put_uuid(&p->of, fs, part.uuid);
	p->partitions[p->count++] = part;
}

/* ext4 alone has a fixed number: many small files need more than it makes by itself. */
static uint64_t root_inodes(const struct layout_request *r, uint64_t size)
{
	const uint64_t wanted = MIN(r->inodes, (uint64_t)UINT32_MAX / 2) * (100 + SPARE_PERCENT) / 100 + INODE_SPARE;

	return str_eq(r->filesystem, "ext4") && wanted > size / BYTES_PER_INODE ? wanted : 0;
}

bool layout_plan(const struct layout_request *r, struct layout_plan *p, struct diag *d)
{
	*p = (struct layout_plan){.of = *r, .needed = image_needed(r)};
	if (aligned(r->size) < p->needed) {
		AUTO_BUF has = BUF_INIT, used = BUF_INIT;

		text_size(&has, r->size);
		text_size(&used, r->used);
		diag_set(d, DIAG_LAYOUT_TOO_SMALL, 0, r->image,
			"%s is not enough for %s of files: the image needs %lluM at least", buf_cstr(&has),
			buf_cstr(&used), (unsigned long long)(p->needed / MIB));
		return false;
	}
	put_disk_id(r, p->disk_id);
	if (has_bios(r))
		add(p,
			(struct layout_partition){.role = LAYOUT_BIOS_BOOT,
				.name = "bios",
				.type = TYPE_BIOS_BOOT,
				.size = BIOS_BOOT_SIZE},
			0);
	if (has_uefi(r))
		add(p,
			(struct layout_partition){.role = LAYOUT_ESP,
				.name = "esp",
				.type = TYPE_ESP,
				.size = esp_size(r->size),
				.filesystem = "vfat",
				.mount = "/boot/efi"},
			0);
	add(p,
		(struct layout_partition){.role = LAYOUT_ROOT,
			.name = "root",
			.type = TYPE_LINUX,
			.filesystem = r->filesystem,
			.mount = "/"},
		aligned(r->size) - TAIL);
	p->inodes = root_inodes(r, p->partitions[p->count - 1].size);
	return true;
}
