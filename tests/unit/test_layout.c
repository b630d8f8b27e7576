/* The plan of the disk: what fits, where everything lies, who it is, and how it is made. */
#include "layout/layout.h"
#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static struct layout_request request(uint64_t size, uint64_t used, enum conf_firmware firmware, const char *fs)
{
	return (struct layout_request){.seed = "host job target",
		.image = "/srv/new.img",
		.attach = "/mnt/new",
		.size = size,
		.used = used,
		.firmware = firmware,
		.filesystem = fs};
}

static void sizes(void **state)
{
	static const struct {
		uint64_t size, used;
		enum conf_firmware firmware;
		const char *fs;
		uint64_t needed; /* MiB */
		bool fits;
		uint64_t esp; /* MiB; 0: none */
	} cases[] = {
		{GIB, 0, CONF_FIRMWARE_BOTH, "ext4", 200 + 1 + 1 + 1 + 64, true, 64},
		{267 * MIB, 0, CONF_FIRMWARE_BOTH, "ext4", 267, true, 64},
		{267 * MIB - 1, 0, CONF_FIRMWARE_BOTH, "ext4", 267, false, 0},
		{203 * MIB, 0, CONF_FIRMWARE_BIOS, "ext4", 203, true, 0},
		{266 * MIB, 0, CONF_FIRMWARE_UEFI, "ext4", 266, true, 64},
		{300 * MIB, 0, CONF_FIRMWARE_BIOS, "xfs", 303, false, 0},
		{330 * MIB, 100 * MIB, CONF_FIRMWARE_BIOS, "btrfs", 308, true, 0},
		{2 * GIB, 2 * GIB, CONF_FIRMWARE_BIOS, "ext4", 2354, false, 0},
		{8 * GIB, GIB, CONF_FIRMWARE_AUTO, "ext4", 1343, true, 256},
		{100 * GIB, GIB, CONF_FIRMWARE_AUTO, "ext4", 1343, true, 512},
		{LAYOUT_SIZE_MAX, UINT64_MAX, CONF_FIRMWARE_BOTH, "ext4", 0, false, 0},
		{1, 0, CONF_FIRMWARE_BOTH, "ext4", 267, false, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct layout_request r = request(cases[i].size, cases[i].used, cases[i].firmware, cases[i].fs);
		AUTO_DIAG d = DIAG_INIT;
		struct layout_plan p;
		uint64_t esp = 0;

		assert_int_equal(layout_plan(&r, &p, &d), cases[i].fits);
		assert_int_equal(d.code, cases[i].fits ? DIAG_NONE : DIAG_LAYOUT_TOO_SMALL);
		if (cases[i].needed)
			assert_int_equal(p.needed / MIB, cases[i].needed);
		for (size_t n = 0; n < p.count; n++)
			if (p.partitions[n].role == LAYOUT_ESP)
				esp = p.partitions[n].size / MIB;
		if (cases[i].fits)
			assert_int_equal(esp, cases[i].esp);
	}
}

/* An image of the size that is named is large enough, and one of a mebibyte less is not. */
static void needed_is_enough(void **state)
{
	for (uint64_t used = 0; used < 200 * GIB; used += 377 * MIB + used / 7) {
		struct layout_request r = request(MIB, used, CONF_FIRMWARE_BOTH, "ext4");
		AUTO_DIAG d = DIAG_INIT;
		struct layout_plan p;

		assert_false(layout_plan(&r, &p, &d));
		r.size = p.needed;
		diag_release(&d);
		assert_true(layout_plan(&r, &p, &d));
		assert_true(p.partitions[p.count - 1].size >= used + used / 100 * 5 + 200 * MIB);
	}
}

static void places(void **state)
{
	for (enum conf_firmware f = CONF_FIRMWARE_AUTO; f <= CONF_FIRMWARE_BOTH; f++)
		for (uint64_t size = GIB - 1; size < 3000 * GIB; size = size * 3 + 12345) {
			const struct layout_request r = request(size, 0, f, "ext4");
			AUTO_DIAG d = DIAG_INIT;
			struct layout_plan p;
			uint64_t at = MIB;

			assert_true(layout_plan(&r, &p, &d));
			assert_int_equal(p.count, f == CONF_FIRMWARE_BIOS || f == CONF_FIRMWARE_UEFI ? 2 : 3);
			for (size_t i = 0; i < p.count; i++) {
				assert_int_equal(p.partitions[i].start, at);
				assert_true(p.partitions[i].size && p.partitions[i].size % MIB == 0);
				at += p.partitions[i].size;
			}
			assert_int_equal(p.partitions[p.count - 1].role, LAYOUT_ROOT);
			assert_true(at + MIB <= size && size - at < 3 * MIB); /* the second table is behind it */
		}
}

static void identity(void **state)
{
	struct layout_request r = request(GIB, 0, CONF_FIRMWARE_BOTH, "ext4");
	struct layout_plan a, b;
	AUTO_DIAG d = DIAG_INIT;

	assert_true(layout_plan(&r, &a, &d) && layout_plan(&r, &b, &d));
	assert_string_equal(a.disk_id, b.disk_id);
	assert_string_equal(a.partitions[2].uuid, b.partitions[2].uuid);
	assert_int_equal(strlen(a.disk_id), 36);
	assert_int_equal(a.disk_id[14], '8'); /* the version, and the variant */
	assert_non_null(strchr("89ab", a.disk_id[19]));
	assert_int_equal(strspn(a.disk_id, "0123456789abcdef-"), 36);
	assert_int_equal(strlen(a.partitions[1].uuid), 9);
	assert_string_not_equal(a.partitions[1].id, a.partitions[2].id);
	assert_string_not_equal(a.partitions[2].uuid, a.partitions[2].id);
	for (int change = 0; change < 2; change++) { /* what is made is another disk, too */
		struct layout_request other = r;

		other.firmware = change == 0 ? CONF_FIRMWARE_UEFI : r.firmware;
		other.filesystem = change == 1 ? "xfs" : r.filesystem;
		assert_true(layout_plan(&other, &b, &d));
		assert_string_not_equal(a.disk_id, b.disk_id);
	}
	for (int change = 0; change < 3; change++) {
		struct layout_request other = r;

		other.seed = change == 0 ? "host job target2" : r.seed;
		other.image = change == 1 ? "/srv/new2.img" : r.image;
		other.size = change == 2 ? 2 * GIB : r.size;
		assert_true(layout_plan(&other, &b, &d));
		assert_string_not_equal(a.disk_id, b.disk_id);
		for (size_t i = 0; i < a.count; i++)
			assert_string_not_equal(a.partitions[i].id, b.partitions[i].id);
	}
}

static void inodes(void **state)
{
	struct layout_request r = request(GIB, 100 * MIB, CONF_FIRMWARE_BIOS, "ext4");
	struct layout_plan p;
	AUTO_DIAG d = DIAG_INIT;

	r.inodes = 1000;
	assert_true(layout_plan(&r, &p, &d) && p.inodes == 0);
	r.inodes = 100000;
	assert_true(layout_plan(&r, &p, &d) && p.inodes == 105000 + 4096);
	r.inodes = UINT64_MAX;
	assert_true(layout_plan(&r, &p, &d) && p.inodes <= UINT32_MAX);
	r.filesystem = "xfs";
	assert_true(layout_plan(&r, &p, &d) && p.inodes == 0);
}

static char *typed(const struct layout_request *r)
{
	struct layout_steps s;
	struct layout_plan p;
	AUTO_BUF b = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;

	assert_true(layout_plan(r, &p, &d));
	layout_steps_make(&p, &s);
	for (size_t i = 0; i < s.count; i++)
		layout_step_print(&s.all[i], &b);
	layout_steps_release(&s);
	return buf_detach(&b);
}

static void commands(void **state)
{
	static const char *const wanted[] = {"test ! -e '/srv/it'\\''s $new; .img'\n",
		"truncate --size 1073741824 '/srv/it'\\''s $new; .img'\n",
		"start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649, uuid=",
		"esp=$(losetup --find --show --offset 2097152 --sizelimit 67108864 '/srv/it'\\''s $new; .img')\n",
		"root=$(losetup --find --show --offset 69206016 --sizelimit 1003487232 ", "losetup --detach \"$esp\"\n",
		"mount -t ext4 -o noatime \"$root\" /mnt/new\n", "umount /mnt/new\nlosetup --detach \"$root\"\n"};
	struct layout_request r = request(GIB + 5, 0, CONF_FIRMWARE_BOTH, "ext4");
	char *text;

	r.image = "/srv/it's $new; .img";
	text = typed(&r);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		assert_non_null(strstr(text, wanted[i]));
	free(text);
	r.firmware = CONF_FIRMWARE_BIOS;
	r.filesystem = "xfs";
	text = typed(&r);
	assert_null(strstr(text, "vfat"));
	assert_non_null(strstr(text, "mkfs.xfs -q -L root -m uuid="));
	free(text);
	r.filesystem = "btrfs";
	text = typed(&r);
	assert_non_null(strstr(text, "mkfs.btrfs -q -L root -U "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(needed_is_enough),
		cmocka_unit_test(places),
		cmocka_unit_test(identity),
		cmocka_unit_test(inodes),
		cmocka_unit_test(commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
