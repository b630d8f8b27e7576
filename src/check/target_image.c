#include "check/target_image.h"
#include "check/line.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <unistd.h>

#define ANSWER_NS (3660 * NS_PER_S)

static uint8_t filesystem_of(const char *type)
{
	static const char *const names[OPERATOR_FS_END] = {[OPERATOR_FS_VFAT] = "vfat",
		[OPERATOR_FS_EXT4] = "ext4",
		[OPERATOR_FS_XFS] = "xfs",
		[OPERATOR_FS_BTRFS] = "btrfs"};

	for (uint8_t i = OPERATOR_FS_NONE + 1; type && i < OPERATOR_FS_END; i++)
		if (str_eq(type, names[i]))
			return i;
	return OPERATOR_FS_NONE;
}

static void request_of(const struct layout_plan *p, struct buf *out)
{
	struct operator_image m = {.file = (char *)p->of.image,
		.size = p->of.size / LAYOUT_ALIGN * LAYOUT_ALIGN,
		.room = MIN(p->needed, p->of.size),
		.count = (uint8_t)p->count};

	memcpy(m.disk, p->disk_id, sizeof(m.disk));
	for (size_t i = 0; i < p->count; i++) {
		const struct layout_partition *from = &p->partitions[i];
		struct operator_partition *to = &m.partitions[i];

		to->start = from->start;
		to->size = from->size;
		to->filesystem = filesystem_of(from->filesystem);
		to->inodes = from->role == LAYOUT_ROOT ? p->inodes : 0;
		memcpy(to->type, from->type, sizeof(to->type));
		memcpy(to->id, from->id, sizeof(to->id));
		memcpy(to->uuid, from->uuid, sizeof(to->uuid));
		memcpy(to->name, from->name, strlen(from->name));
	}
	operator_image_put(out, &m);
}

bool target_image_make(
	const struct target_image_options *o, const struct layout_plan *p, bool *out_made, struct diag *d)
{
	struct lines l = {.conf = o->conf,
		.operate = true,
		.throttle_fd = -1,
		.answer_ns = ANSWER_NS,
		.tick = o->tick,
		.arg = o->arg};
	bool ok = transport_resolve(o->conf, o->batch, &l.transport, d);
	AUTO_BUF b = BUF_INIT;

	if (ok && !(l.throttle = throttle_new(&l.throttle_fd))) {
		diag_set(d, DIAG_CHECK_PROCESS, errno, NULL, "cannot get shared memory");
		ok = false;
	}
	request_of(p, &b);
	ok = ok && lines_add(&l, d) && lines_ask(&l, 1, PROBE_IMAGE, &b, d);
	*out_made = ok && l.line[0].image_made;
	lines_end(&l);
	throttle_unmap(l.throttle);
	cleanup_close(&l.throttle_fd);
	transport_free(l.transport);
	return ok;
}
