/* Block devices: what the kernel knows of them, what their first bytes say, what lies upon what. */
#include "facts/features.h"
#include "facts/probes.h"
#include "facts/run.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void put_sys_text(const struct tree *t, struct value *o, const char *name, const char *dir, const char *file)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, file);

	put_taken(o, name, tree_line(t, path));
}

static void put_sys_flag(const struct tree *t, struct value *o, const char *name, const char *dir, const char *file)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
	uint64_t v;

	if (tree_number(t, path, &v))
		put_bool(o, name, v);
	else
		put_null(o, name);
}

static void put_sys_sectors(const struct tree *t, struct value *o, const char *name, const char *dir, const char *file)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
	uint64_t v;

	if (tree_number(t, path, &v))
		put_u64(o, name, v * 512);
	else
		put_null(o, name);
}

static void put_names(const struct tree *t, struct value *o, const char *name, const char *dir, const char *sub)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, sub);
	struct value *list = put_array(o, name);
	struct tree_names names;

	if (tree_list(t, path, &names))
		for (size_t i = 0; i < names.count; i++)
			add_text(list, names.names[i]);
	tree_names_release(&names);
}

/* The last part of where a link leads: of "driver", the driver's name. */
static void put_link_name(const struct tree *t, struct value *o, const char *name, const char *dir, const char *link)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, link);
	AUTO_FREE char *to = tree_link(t, path);
	const char *slash = to ? strrchr(to, '/') : NULL;

	put_text(o, name, slash ? slash + 1 : to);
}

/* ---- what the first bytes say (libblkid); only of this host's devices ---- */

static void put_tag(struct value *o, const char *name, blkid_probe pr, const char *tag)
{
	const char *value = NULL;

	put_text(o, name, blkid_probe_lookup_value(pr, tag, &value, NULL) == 0 ? value : NULL);
}

static void put_table(struct value *o, blkid_probe pr)
{
	blkid_partlist list = blkid_probe_get_partitions(pr);
	blkid_parttable table = list ? blkid_partlist_get_table(list) : NULL;
	struct value *out, *parts;

	if (!table) {
		put_null(o, "table");
		return;
	}
	out = put_object(o, "table");
	put_text(out, "type", blkid_parttable_get_type(table));
	put_text(out, "id", blkid_parttable_get_id(table));
	parts = put_array(out, "partitions");
	for (int i = 0; i < blkid_partlist_numof_partitions(list); i++) {
		blkid_partition part = blkid_partlist_get_partition(list, i);
		struct value *p = value_object();
		const char *type = blkid_partition_get_type_string(part);
		AUTO_FREE char *mbr = type ? NULL : xasprintf("0x%02x", (unsigned)blkid_partition_get_type(part));

		put_u64(p, "number", (uint64_t)blkid_partition_get_partno(part));
		put_u64(p, "start", (uint64_t)blkid_partition_get_start(part) * 512);
		put_u64(p, "size", (uint64_t)blkid_partition_get_size(part) * 512);
		put_text(p, "type", type ? type : mbr);
		put_text(p, "uuid", blkid_partition_get_uuid(part));
		put_text(p, "name", blkid_partition_get_name(part));
		put_u64(p, "flags", blkid_partition_get_flags(part));
		value_add(parts, p);
	}
}

/* Beside what libblkid says: of a file system that it knows. */
static void put_features(struct value *o, int fd)
{
	struct value *contents = value_find(o, "contents");
	AUTO_BUF b = BUF_INIT;

	if (contents && value_has_items(contents) && features_read(fd, &b))
		put_text(contents, "features", buf_cstr(&b));
}

static void put_contents(const struct tree *t, struct value *o, const char *name)
{
	AUTO_FREE char *device = xasprintf("/dev/%s", name);
	AUTO_CLOSE int fd = t->live ? open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	blkid_probe pr = fd >= 0 ? blkid_new_probe() : NULL;

	if (!pr || blkid_probe_set_device(pr, fd, 0, 0) < 0) {
		put_null(o, "contents");
		put_null(o, "table");
		put_unknown(o, "contents", t->live ? NULL : "it is a recorded host", t->live ? errno : 0);
		blkid_free_probe(pr);
		return;
	}
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr,
		BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_VERSION);
	blkid_probe_enable_partitions(pr, 1);
	blkid_probe_set_partitions_flags(pr, BLKID_PARTS_ENTRY_DETAILS);
	if (blkid_do_safeprobe(pr) >= 0) {
		struct value *c = put_object(o, "contents");

		put_tag(c, "type", pr, "TYPE");
		put_tag(c, "usage", pr, "USAGE");
		put_tag(c, "uuid", pr, "UUID");
		put_tag(c, "label", pr, "LABEL");
		put_tag(c, "version", pr, "VERSION");
	} else {
		put_null(o, "contents");
		put_unknown(o, "contents", "its signatures contradict each other", 0);
	}
	put_features(o, fd);
	put_table(o, pr);
	blkid_free_probe(pr);
}

/* ---- one device ---- */

/* "DM-...": what made it. A stack that initramfs and loader must know is told by it. */
static void put_stack(const struct tree *t, struct value *o, const char *dir)
{
	put_sys_text(t, o, "dm_name", dir, "dm/name");
	put_sys_text(t, o, "dm_uuid", dir, "dm/uuid");
	put_sys_text(t, o, "md_level", dir, "md/level");
	put_names(t, o, "slaves", dir, "slaves");
	put_names(t, o, "holders", dir, "holders");
}

static void put_partitions(const struct tree *t, struct value *disk, const char *dir)
{
	struct value *list = put_array(disk, "partitions");
	struct tree_names names;

	if (!tree_list(t, dir, &names))
		return;
	for (size_t i = 0; i < names.count; i++) {
		AUTO_FREE char *sub = xasprintf("%s/%s", dir, names.names[i]);
		AUTO_FREE char *number = xasprintf("%s/partition", sub);
		struct value *p;

		if (!tree_exists(t, number))
			continue;
		p = value_object();
		put_text(p, "name", names.names[i]);
		put_sys_text(t, p, "dev", sub, "dev");
		put_sys_sectors(t, p, "start", sub, "start");
		put_sys_sectors(t, p, "size", sub, "size");
		put_names(t, p, "holders", sub, "holders");
		put_contents(t, p, names.names[i]);
		value_add(list, p);
	}
	tree_names_release(&names);
}

static void put_disk(const struct tree *t, struct value *list, const char *name)
{
	AUTO_FREE char *dir = xasprintf("/sys/block/%s", name);
	struct value *d = value_object();

	put_text(d, "name", name);
	put_taken(d, "path", tree_link(t, dir));
	put_sys_text(t, d, "dev", dir, "dev");
	put_sys_sectors(t, d, "size", dir, "size");
	put_sys_flag(t, d, "removable", dir, "removable");
	put_sys_flag(t, d, "read_only", dir, "ro");
	put_sys_flag(t, d, "rotational", dir, "queue/rotational");
	put_sys_text(t, d, "logical_block", dir, "queue/logical_block_size");
	put_sys_text(t, d, "model", dir, "device/model");
	put_sys_text(t, d, "serial", dir, "device/serial");
	put_sys_text(t, d, "loop_file", dir, "loop/backing_file");
	put_link_name(t, d, "driver", dir, "device/driver");
	put_link_name(t, d, "bus_driver", dir, "device/../../driver");
	put_stack(t, d, dir);
	put_contents(t, d, name);
	put_partitions(t, d, dir);
	value_add(list, d);
}

/* How often the kernel has found ext4 damaged since it was last checked, by device. */
static void put_errors(const struct tree *t, struct value *s)
{
	struct value *o = put_object(s, "ext4_errors");
	struct tree_names names;

	if (!tree_list(t, "/sys/fs/ext4", &names))
		return;
	for (size_t i = 0; i < names.count; i++) {
		AUTO_FREE char *path = xasprintf("/sys/fs/ext4/%s/errors_count", names.names[i]);
		uint64_t n;

		if (tree_number(t, path, &n))
			put_u64(o, names.names[i], n);
	}
	tree_names_release(&names);
}

void probe_disks(const struct tree *t, struct value *s)
{
	struct value *list = put_array(s, "devices");
	struct tree_names names;

	if (!tree_list(t, "/sys/block", &names))
		put_unknown(s, "devices", "/sys/block", errno);
	for (size_t i = 0; i < names.count; i++) {
		AUTO_FREE char *size = xasprintf("/sys/block/%s/size", names.names[i]);
		uint64_t sectors = 0;

		/* Loop and RAM devices that hold nothing are no disks. */
		if (tree_number(t, size, &sectors) && sectors)
			put_disk(t, list, names.names[i]);
	}
	tree_names_release(&names);
	put_taken(s, "mdstat", tree_read(t, "/proc/mdstat", 65536));
	put_errors(t, s);
}

/* ---- LVM, by its own word ---- */

void probe_lvm(const struct tree *t, struct value *s)
{
	static const char *const argv[] = {"lvm", "fullreport", "--reportformat", "json", "--units", "b", "--nosuffix",
		"--readonly", "--all", NULL};
	const char *why;
	AUTO_FREE char *text = run_program(t, argv, 8 << 20, &why);
	const bool said = text;
	struct value *report = text ? value_raw(STEAL(text)) : NULL;

	if (report) {
		value_put(s, "report", report);
		return;
	}
	put_null(s, "report");
	put_unknown(s, "report", said ? "what 'lvm' says is no JSON" : why, 0);
}
