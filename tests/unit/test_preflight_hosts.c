/*
 * Recorded hosts, tests/facts/NAME: source.json, target.json and job.json are judged, and what is found is held against the file
 * "expected", a line a finding. REHOST_UPDATE=1 writes these files anew: read the difference as a sysadmin would.
 */
#include "preflight_fixture.h"
#include "base/buf.h"
#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const by_unit_tests[] = {
	/* What no document of a host says: how a connection fails, what is measured, what is remembered. */
	"target-name", "target-unreachable", "proxy-refuses", "host-key", "target-login", "ssh-client",
	"target-not-linux", "target-sudo", "helper-dir", "target-is-source", "target-root-rights", "bandwidth",
	"duration", "quality", "target-root-live", "target-ro", "target-not-empty", "target-inodes", "target-in-use",
	"target-gone", "clock-skew", "memory-low", "limits-unkept", "old-run", "vg-duplicate", "fs-limits",
	"platform-limits", "adaptation-space", "boot-disk-order", "cpu-level", "arch", "image-os", "os-unknown",
	"gpt-bios", "esp", "boot-unmounted", "apparmor", "no-initramfs", "boot-config", "grub-pc-modules", "boot-tools",
	"lvm-complex"};

static struct {
	unsigned triggered, quiet;
} seen[PREFLIGHT_ROWS];

static cJSON *read_document(int dir, const char *name)
{
	char *text = NULL;
	cJSON *o;

	if (fd_read_file(dir, name, 1 << 20, &text, NULL) < 0)
		return NULL;
	o = cJSON_Parse(text);
	if (!o)
		fail_msg("%s is no JSON", name);
	free(text);
	return o;
}

static void list(struct buf *out, const struct preflight *p)
{
	for (int i = 0; i < PREFLIGHT_ROWS; i++) {
		const struct preflight_finding *f = &p->findings[i];

		seen[i].triggered += !f->moot && f->severity > PREFLIGHT_OK && f->severity != PREFLIGHT_UNKNOWN;
		seen[i].quiet += !f->moot && f->severity == PREFLIGHT_OK;
		if (!f->moot && f->severity > PREFLIGHT_OK)
			buf_printf(out, "%s %s: %s\n", preflight_severity_name(f->severity), f->row->id, f->evidence);
	}
}

static void judge_host(int top, const char *name)
{
	AUTO_CLOSE int dir = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cJSON *source = read_document(dir, "source.json"), *target = read_document(dir, "target.json"),
	      *job = read_document(dir, "job.json");
	struct preflight_subject s = {.source = source, .target = target, .job = job};
	AUTO_FREE char *expected = NULL;
	AUTO_BUF found = BUF_INIT;
	struct preflight_options o;
	struct preflight p;

	if (!source || !job)
		fail_msg("%s has no source.json or job.json", name);
	preflight_options_init(&o);
	preflight_judge(&s, &o, &p);
	list(&found, &p);
	buf_cstr(&found);
	if (getenv("REHOST_UPDATE"))
		assert_int_equal(fd_write_file_mode(dir, "expected", 0644, found.data, found.len), 0);
	else if (fd_read_file(dir, "expected", 1 << 20, &expected, NULL) < 0 || !str_eq(expected, buf_cstr(&found)))
		fail_msg("%s is judged otherwise than expected:\n%s", name, buf_cstr(&found));
	preflight_release(&p);
	cJSON_Delete(source);
	cJSON_Delete(target);
	cJSON_Delete(job);
}

static void test_hosts(void **state)
{
	AUTO_CLOSE int top = open(HOSTS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names;
	int n = scandirat(top, ".", &names, NULL, alphasort), hosts = 0;

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			judge_host(top, names[i]->d_name);
			hosts++;
		}
		free(names[i]);
	}
	free(names);
	assert_true(hosts >= 12);
}

static bool has_unit_test(const char *id)
{
	for (size_t i = 0; i < ARRAY_LEN(by_unit_tests); i++)
		if (str_eq(by_unit_tests[i], id))
			return true;
	return false;
}

/* A new row comes with a host, or with its name in the list above. */
static void test_every_row(void **state)
{
	for (int i = 0; i < PREFLIGHT_ROWS; i++) {
		const char *id = preflight_row((enum preflight_id)i)->id;

		if (!seen[i].triggered != has_unit_test(id))
			fail_msg("%s is %s", id,
				seen[i].triggered ? "triggered by a host: it needs no place in the list"
						  : "triggered by no host");
		if (!seen[i].quiet)
			fail_msg("%s is found on every host", id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_hosts), cmocka_unit_test(test_every_row)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
