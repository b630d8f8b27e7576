/* Private to the room check: the disks of the source. */
#pragma once

struct disks {
	unsigned count, rotational;
};
#define DISKS_MAX 64
struct mount_plan;
/* Whole disks behind the chosen mounts, each once. sys: a descriptor of /sys. */
void disks_find(int sys, const struct mount_plan *plan, struct disks *out);
