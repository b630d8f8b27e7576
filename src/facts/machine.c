/* Firmware, platform, processors, memory, and how busy they are. */
#include "base/sysload.h"
#include "facts/probes.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void put_firmware(const struct tree *t, struct value *s)
{
	static const char secure_boot[] = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	const bool known = tree_exists(t, "/sys/firmware"), efi = tree_exists(t, "/sys/firmware/efi");
	uint64_t bits = 0;

	put_text(s, "firmware", !known ? NULL : efi ? "uefi" : "bios");
	if (!known)
		put_unknown(s, "firmware", "there is no /sys/firmware", 0);
	put_null(s, "secure_boot");
	if (efi && tree_exists(t, secure_boot)) {
		AUTO_CLOSE int fd = tree_fd(t, secure_boot, 0);
		uint8_t value[5];

		if (fd >= 0 && read(fd, value, sizeof(value)) == (ssize_t)sizeof(value))
			value_replace(s, "secure_boot", value_bool(value[4] == 1));
	}
	if (efi && tree_number(t, "/sys/firmware/efi/fw_platform_size", &bits))
		put_u64(s, "firmware_bits", bits);
}

static void put_dmi(const struct tree *t, struct value *s)
{
	static const char *const names[] = {"sys_vendor", "product_name", "product_version", "product_serial",
		"board_vendor", "board_name", "bios_vendor", "chassis_asset_tag"};
	struct value *dmi = put_object(s, "dmi");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		AUTO_FREE char *path = xasprintf("/sys/class/dmi/id/%s", names[i]);

		put_taken(dmi, names[i], tree_line(t, path));
	}
	put_taken(s, "hypervisor", tree_line(t, "/sys/hypervisor/type"));
	put_taken(s, "guest_type", tree_line(t, "/sys/hypervisor/guest_type"));
}

/* The value of "name : value" on this line; NULL when it is another. */
static const char *value_of(const char *line, const char *name)
{
	const size_t n = strlen(name);

	if (strncmp(line, name, n) != 0)
		return NULL;
	line += n + strspn(line + n, " \t");
	return *line == ':' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

static void put_cpus(const struct tree *t, struct value *s)
{
	AUTO_FREE char *text = tree_read(t, "/proc/cpuinfo", 4 << 20);
	struct value *cpu = put_object(s, "cpu"), *flags = put_array(cpu, "flags");
	unsigned count = 0;
	char *save = NULL;

	if (!text)
		put_unknown(s, "cpu", "/proc/cpuinfo", errno);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		const char *v;

		count += value_of(line, "processor") != NULL;
		if ((v = value_of(line, "vendor_id")) && count == 1)
			put_text(cpu, "vendor", v);
		if ((v = value_of(line, "model name")) && count == 1)
			put_text(cpu, "model", v);
		if ((v = value_of(line, "flags")) && count == 1) {
			char *words = NULL;

			for (char *w = strtok_r((char *)v, " ", &words); w; w = strtok_r(NULL, " ", &words))
				add_text(flags, w);
		}
	}
	put_u64(cpu, "count", count);
}

static void put_memory(const struct tree *t, struct value *s)
{
	static const struct {
		const char *key, *name;
	} keys[] = {{"MemTotal", "total"}, {"MemAvailable", "available"}, {"SwapTotal", "swap_total"},
		{"SwapFree", "swap_free"}};
	AUTO_FREE char *text = tree_read(t, "/proc/meminfo", 65536);
	struct value *memory = put_object(s, "memory");
	char *save = NULL;

	if (!text)
		put_unknown(s, "memory", "/proc/meminfo", errno);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			const char *v = value_of(line, keys[i].key);

			if (v)
				put_u64(memory, keys[i].name, strtoull(v, NULL, 10) * 1024);
		}
}

static void put_load(const struct tree *t, struct value *s)
{
	AUTO_FREE char *line = tree_line(t, "/proc/loadavg");

	if (line)
		value_put(s, "load_1m", value_number(strtod(line, NULL)));
	else
		put_null(s, "load_1m");
}

/* Of all processors together, over a second. */
static void put_busy(const struct tree *t, struct value *s)
{
	const struct timespec second = {.tv_sec = 1};
	struct sysload_files files;
	struct sysload before, after;
	bool known;

	if (!t->live) {
		put_null(s, "busy_percent");
		return;
	}
	sysload_open(&files);
	known = sysload_read(&files, &before) && nanosleep(&second, NULL) == 0 && sysload_read(&files, &after) &&
		after.total > before.total;
	if (known)
		put_u64(s, "busy_percent", 100 * (after.busy - before.busy) / (after.total - before.total));
	else
		put_null(s, "busy_percent");
	sysload_close(&files);
}

void probe_machine(const struct tree *t, struct value *s)
{
	put_firmware(t, s);
	put_dmi(t, s);
	put_cpus(t, s);
	put_memory(t, s);
	put_load(t, s);
	put_busy(t, s);
}
