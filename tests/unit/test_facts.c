/* Facts of recorded hosts: what is read, what is unknown and why, links that lead outside, and substitutes. */
#include "facts/document.h"
#include "base/clock.h"
#include "base/fd.h"
#include "facts/probes.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char top[64];

static void put(const char *path, const char *text)
{
	AUTO_FREE char *whole = xasprintf("%s%s", top, path);
	AUTO_FREE char *dir = xstrdup(whole);

	*strrchr(dir, '/') = '\0';
	assert_int_equal(fd_mkdir_p(dir, 0755), 0);
	assert_int_equal(fd_write_file_mode(AT_FDCWD, whole, 0644, text, strlen(text)), 0);
}

static void put_link_at(const char *path, const char *to)
{
	AUTO_FREE char *whole = xasprintf("%s%s", top, path);

	assert_int_equal(symlink(to, whole), 0);
}

static int make_host(void **state)
{
	strcpy(top, "/tmp/rehost-facts.XXXXXX");
	assert_non_null(mkdtemp(top));
	put("/usr/lib/os-release", "NAME=\"Some Linux\"\nID=some\nID_LIKE='debian other'\nVERSION_ID=12\n");
	put("/etc/hostname", "web1\n");
	put("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	put_link_at("/etc/os-release", "/usr/lib/os-release"); /* absolute: of the host, not of ours */
	put("/lib/modules/6.1.0-1/modules.builtin", "kernel/drivers/block/virtio_blk.ko\n");
	put("/lib/modules/6.1.0-1/modules.dep",
		"kernel/drivers/nvme/host/nvme.ko.xz: kernel/x.ko\nkernel/drivers/virtio/virtio-pci.ko:\n");
	put("/boot/vmlinuz-6.1.0-1", "kernel");
	put("/boot/grub/grub.cfg", "set root=x\npassword_pbkdf2 root grub.pbkdf2.sha512\n");
	put("/etc/fstab",
		"UUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1\n/dev/sdb1 /data xfs nofail 0 2\n# "
		"UUID=11111111-2222-3333-4444-555555555555\n");
	put("/etc/hosts", "127.0.0.1 localhost\n192.168.7.9 web1 web1.example\nfe80::1 router\n");
	put("/proc/cmdline", "root=UUID=11111111-2222-3333-4444-555555555555 ro\n");
	put("/proc/meminfo", "MemTotal:       2048 kB\nMemAvailable:   1024 kB\n");
	put("/proc/cpuinfo",
		"processor\t: 0\nmodel name\t: A\nflags\t\t: fpu sse4_2\n\nprocessor\t: 1\nflags\t\t: fpu\n");
	put("/sys/firmware/efi/fw_platform_size", "64\n");
	put("/sys/block/sda/size", "2048\n");
	put("/sys/block/sda/device/serial", "S3R14L\n");
	put("/sys/block/loop0/size", "0\n");
	put("/sys/class/net/eth0/address", "52:54:00:aa:bb:cc\n");
	return 0;
}

static int remove_host(void **state)
{
	AUTO_FREE char *command = xasprintf("rm -rf %s", top);

	return system(command);
}

static cJSON *gather(void)
{
	AUTO_DIAG d = DIAG_INIT;
	cJSON *facts = facts_gather(&(struct facts_options){.root = top}, &d);

	assert_non_null(facts);
	return facts;
}

/* "os.id", "kernel.installed.0.release" */
static const cJSON *at(const cJSON *o, const char *path)
{
	AUTO_FREE char *copy = xstrdup(path);
	char *save = NULL;

	for (char *name = strtok_r(copy, ".", &save); name && o; name = strtok_r(NULL, ".", &save))
		o = cJSON_IsArray(o) ? cJSON_GetArrayItem(o, atoi(name)) : cJSON_GetObjectItemCaseSensitive(o, name);
	return o;
}

static void is(const cJSON *facts, const char *path, const char *want)
{
	const cJSON *v = at(facts, path);

	if (!cJSON_IsString(v))
		fail_msg("%s is no text", path);
	assert_string_equal(v->valuestring, want);
}

static bool is_unknown(const cJSON *section, const char *what)
{
	const cJSON *v, *list = at(section, "unknown");

	cJSON_ArrayForEach(v, list)
		if (str_eq(at(v, "what")->valuestring, what) && *at(v, "why")->valuestring)
			return true;
	return false;
}

static void test_recorded_host(void **state)
{
	cJSON *f = gather();

	is(f, "os.id", "some");
	is(f, "os.id_like", "debian other");
	is(f, "os.name", "Some Linux");
	is(f, "os.hostname", "web1");
	is(f, "kernel.installed.0.release", "6.1.0-1");
	is(f, "kernel.installed.0.image.path", "/boot/vmlinuz-6.1.0-1");
	assert_true(cJSON_IsNull(at(f, "kernel.installed.0.initramfs")));
	is(f, "kernel.installed.0.drivers.virtio_blk", "builtin");
	is(f, "kernel.installed.0.drivers.virtio_pci", "module");
	is(f, "kernel.installed.0.drivers.nvme", "module");
	is(f, "kernel.installed.0.drivers.vmw_pvscsi", "absent");
	is(f, "machine.firmware", "uefi");
	assert_true(at(f, "machine.memory.available")->valuedouble == 1024 * 1024);
	assert_true(at(f, "machine.cpu.count")->valuedouble == 2);
	is(f, "machine.cpu.flags.1", "sse4_2");
	is(f, "boot.loaders.0.kind", "grub2");
	is(f, "mounts.fstab.0.path", "/");
	is(f, "mounts.fstab.1.type", "xfs");
	assert_int_equal(cJSON_GetArraySize(at(f, "disks.devices")), 1); /* one without a size is none */
	assert_true(at(f, "disks.devices.0.size")->valuedouble == 2048 * 512);
	assert_true(cJSON_IsFalse(at(f, "live")));
	cJSON_Delete(f);
}

/* What cannot be read is not taken for what is not there. */
static void test_unknown(void **state)
{
	cJSON *f = gather();

	assert_true(cJSON_IsNull(at(f, "lvm.report")) && is_unknown(at(f, "lvm"), "report"));
	assert_true(is_unknown(at(f, "mounts"), "mounted"));
	assert_true(is_unknown(at(f, "disks.devices.0"), "contents"));
	assert_true(is_unknown(at(f, "services"), "failed"));
	assert_true(is_unknown(at(f, "time"), "synchronized"));
	cJSON_Delete(f);
}

static void test_secrets(void **state)
{
	cJSON *f = gather();
	const cJSON *grub = cJSON_GetObjectItemCaseSensitive(at(f, "config"), "/boot/grub/grub.cfg");

	assert_non_null(strstr(grub->valuestring, "set root=x"));
	assert_null(strstr(grub->valuestring, "pbkdf2"));
	cJSON_Delete(f);
}

/* Links are followed within the host. */
static void test_links(void **state)
{
	struct tree t;
	char *text;

	put("/outside", "inside");
	put_link_at("/etc/up", "../../../../../../outside");
	put_link_at("/etc/loop", "loop");
	put_link_at("/etc/far", "/etc/up");
	assert_true(tree_open(&t, top));
	assert_non_null(text = tree_read(&t, "/etc/up", 100));
	assert_string_equal(text, "inside");
	free(text);
	assert_non_null(text = tree_read(&t, "/etc/far", 100));
	free(text);
	assert_null(tree_read(&t, "/etc/loop", 100));
	assert_int_equal(errno, ELOOP);
	assert_null(tree_read(&t, "/etc/../../../../../../../../etc/passwd", 100));
	tree_close(&t);
}

/* A FIFO where a file should be does not hold anything up. */
static void test_fifo(void **state)
{
	AUTO_FREE char *path = xasprintf("%s/etc/adjtime", top);
	cJSON *f;

	assert_int_equal(mkfifo(path, 0600), 0);
	f = gather();
	assert_true(cJSON_IsNull(at(f, "time.rtc_local")));
	cJSON_Delete(f);
	unlink(path);
}

static void test_anonymize(void **state)
{
	cJSON *f = gather();
	const cJSON *fstab = cJSON_GetObjectItemCaseSensitive(at(f, "config"), "/etc/fstab");
	const cJSON *hosts = cJSON_GetObjectItemCaseSensitive(at(f, "config"), "/etc/hosts");
	AUTO_FREE char *text = NULL, *uuid = NULL;

	facts_anonymize(f);
	text = cJSON_PrintUnformatted(f);
	assert_null(strstr(text, "11111111-2222"));
	assert_null(strstr(text, "0123456789abcdef"));
	assert_null(strstr(text, "52:54:00"));
	assert_null(strstr(text, "192.168.7.9"));
	assert_null(strstr(text, "S3R14L"));
	assert_null(strstr(text, "web1"));
	assert_non_null(strstr(hosts->valuestring, "127.0.0.1 localhost"));
	/* The same value has the same substitute everywhere. */
	assert_int_equal(strncmp(at(f, "kernel.cmdline")->valuestring, "root=UUID=", 10), 0);
	uuid = xmemdup(at(f, "kernel.cmdline")->valuestring + 10, 36);
	assert_non_null(strstr(fstab->valuestring, uuid));
	cJSON_Delete(f);
}

static struct facts_section section(const char *name, const char *text)
{
	struct facts_section s = {.text = BUF_INIT};

	strcpy(s.name, name);
	buf_append_str(&s.text, text);
	return s;
}

/* A document of a host that wants it to take long: it does not. */
static void test_anonymize_hostile(void **state)
{
	static const char *const pieces[] = {"1.", "a:", "a ", "1234567.", "0:", "00000000-"};
	struct facts_sections *s = xcalloc(1, sizeof(*s));
	AUTO_BUF text = BUF_INIT;
	int64_t began;
	cJSON *f;

	buf_append_str(&text, "{\"list\":[0");
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		buf_append_str(&text, ",\"");
		for (size_t n = 0; n < 1 << 20; n += strlen(pieces[i]))
			buf_append_str(&text, pieces[i]);
		buf_append_u8(&text, '"');
	}
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&text, ",\"%032x\"", i);
	buf_append_str(&text, "]}");
	s->all[s->count++] = section("x", buf_cstr(&text));
	buf_clear(&text);
	buf_append_str(&text, "{\"hostname\":\"");
	for (size_t n = 0; n < 1 << 19; n++)
		buf_append_str(&text, "a ");
	buf_append_str(&text, "b\"}");
	s->all[s->count++] = section("os", buf_cstr(&text));
	f = facts_document(s, "/", "0");
	facts_sections_release(s);
	free(s);
	assert_true(cJSON_IsObject(at(f, "os")));
	began = clock_mono_ns();
	alarm(60); /* rather than to hang */
	facts_anonymize(f);
	alarm(0);
	assert_true(clock_mono_ns() - began < 10 * NS_PER_S);
	cJSON_Delete(f);
}

/* Sections that are no JSON object, from wherever: unknown, and the others are there. */
static void test_document_of_anything(void **state)
{
	static const char *const texts[] = {"", "{", "[1]", "1", "{\"a\":\"\\u0000\"}", "{\"a\":1}{}"};
	struct facts_sections *s = xcalloc(1, sizeof(*s));
	cJSON *f;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char name[] = {'b', (char)('a' + i), '\0'};

		s->all[s->count++] = section(name, texts[i]);
	}
	s->all[s->count++] = section("good", "{\"a\":1}");
	s->all[s->count] = section("late", "");
	s->all[s->count++].unknown = xstrdup("it took too long");
	f = facts_document(s, "/", "0");
	facts_sections_release(s);
	free(s);
	assert_int_equal(cJSON_GetArraySize(at(f, "unknown")), ARRAY_LEN(texts) + 1);
	assert_true(cJSON_IsNull(at(f, "ba")) && is_unknown(f, "ba"));
	assert_true(cJSON_IsNull(at(f, "late")) && is_unknown(f, "late"));
	assert_true(at(f, "good.a")->valuedouble == 1);
	cJSON_Delete(f);
}

static void test_no_host(void **state)
{
	AUTO_DIAG d = DIAG_INIT;

	assert_null(facts_gather(&(struct facts_options){.root = "/nowhere/at/all"}, &d));
	assert_int_equal(d.code, DIAG_FACTS_ROOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recorded_host),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_anonymize),
		cmocka_unit_test(test_anonymize_hostile),
		cmocka_unit_test(test_document_of_anything),
		cmocka_unit_test(test_no_host),
	};

	return cmocka_run_group_tests(tests, make_host, remove_host);
}
