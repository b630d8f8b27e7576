/* Groups in fake trees of both versions and of hosts that have both; disks; the properties of a scope; pressure. */
#include "limits/private.h"
#include "limits/pressure.h"
#include "base/clock.h"
#include "base/fd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char *top; /* a directory of the test's own */

static void put(const char *path, const char *text)
{
	AUTO_FREE char *full = xasprintf("%s/%s", top, path);
	AUTO_FREE char *dir = xstrdup(full);
	int fd;

	*strrchr(dir, '/') = '\0';
	assert_int_equal(fd_mkdir_p(dir, 0755), 0);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
	close(fd);
}

/* The content of a file, "" when there is none; the caller's. */
static char *get(const char *path)
{
	AUTO_FREE char *full = xasprintf("%s/%s", top, path);
	char *text;

	return fd_read_file(AT_FDCWD, full, 65536, &text, NULL) < 0 ? xstrdup("") : text;
}

static void holds(const char *dir, const char *file, const char *wanted)
{
	AUTO_FREE char *path = xasprintf("%s/%s", dir, file);
	AUTO_FREE char *text = get(path);

	assert_string_equal(text, wanted);
}

static int setup(void **state)
{
	char name[] = "/tmp/rehost-limits-XXXXXX";

	assert_non_null(mkdtemp(name));
	top = xstrdup(name);
	return 0;
}

static int teardown(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		execlp("rm", "rm", "-rf", top, NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
	free(top);
	return 0;
}

static struct group *open_fake(enum conf_backend kind, unsigned parts, struct buf *why)
{
	AUTO_FREE char *root = xasprintf("%s/cg", top);
	AUTO_FREE char *self = xasprintf("%s/self", top);
	/* The group keeps the place, and this is a test. */
	struct group_place place = {.root = xstrdup(root), .self = xstrdup(self)};
	struct group *g = group_open(kind, "a job/1", parts, &place, why);

	if (!g) {
		free((char *)place.root);
		free((char *)place.self);
	}
	return g;
}

static void close_fake(struct group *g)
{
	struct group_place place = g->place;

	group_close(g);
	free((char *)place.root);
	free((char *)place.self);
}

static const char *const disks[] = {"8:0", "8:16"};
static const struct group_values all = {.cpu = 10,
	.memory = 256 << 20,
	.io_read = 1000,
	.io_write = 2000,
	.read_disks = disks,
	.read_count = 2,
	.write_disks = disks,
	.write_count = 1};
#define ALL_PARTS (GROUP_CPU | GROUP_MEMORY | GROUP_IO_READ | GROUP_IO_WRITE)

static void make_v1(void)
{
	put("cg/cpu/a/cgroup.procs", "");
	put("cg/cpu/cgroup.procs", "");
	put("cg/memory/cgroup.procs", "");
	put("cg/blkio/cgroup.procs", "");
	/* of a container: the path is not there */
	put("self", "4:blkio:/docker/x\n3:cpu,cpuacct:/a\n2:memory:/\n1:name=systemd:/a\n0::/\n");
}

static void test_version_1(void **state)
{
	AUTO_BUF why = BUF_INIT;
	AUTO_FREE char *dir = xasprintf("rehost/a_job_1.%d", (int)getpid());
	AUTO_FREE char *cpu = xasprintf("cg/cpu/a/%s", dir);
	AUTO_FREE char *memory = xasprintf("cg/memory/%s", dir);
	AUTO_FREE char *blkio = xasprintf("cg/blkio/%s", dir);
	AUTO_FREE char *self = xasprintf("%d", (int)getpid());
	AUTO_FREE char *quota =
		xasprintf("%llu", (unsigned long long)cg_cpu_quota_us(10, sysconf(_SC_NPROCESSORS_ONLN)));
	struct group_usage u;
	const char *mount;
	struct group *g;

	make_v1();
	g = open_fake(CONF_BACKEND_AUTO, ALL_PARTS, &why);
	assert_non_null(g);
	assert_non_null(strstr(group_name(g), "version 1"));
	assert_non_null(strstr(buf_cstr(&why), "systemd: "));
	assert_non_null(strstr(buf_cstr(&why), "cgroup2: no hierarchy"));
	holds(cpu, "cgroup.procs", self);
	holds(memory, "cgroup.procs", self);
	holds(blkio, "cgroup.procs", self);
	assert_null(group_psi_dir(g, &mount));

	buf_clear(&why);
	assert_int_equal(group_set(g, &all, &why), ALL_PARTS);
	assert_int_equal(why.len, 0);
	holds(cpu, "cpu.cfs_period_us", "100000");
	holds(cpu, "cpu.cfs_quota_us", quota);
	holds(memory, "memory.limit_in_bytes", "268435456");
	holds(blkio, "blkio.throttle.read_bps_device", "8:16 1000"); /* the last that was written */
	holds(blkio, "blkio.throttle.write_bps_device", "8:0 2000");

	/* What is no more asked for is taken back. */
	assert_int_equal(group_set(g, &(struct group_values){.memory = 1 << 30}, &why), GROUP_MEMORY);
	holds(cpu, "cpu.cfs_quota_us", "-1");
	holds(memory, "memory.limit_in_bytes", "1073741824");
	holds(blkio, "blkio.throttle.read_bps_device", "8:16 0");

	assert_false(group_usage(g, &u));
	put("cg/memory/x", "");
	AUTO_FREE char *usage = xasprintf("%s/memory.usage_in_bytes", memory);
	AUTO_FREE char *stat = xasprintf("%s/memory.stat", memory);
	AUTO_FREE char *oom = xasprintf("%s/memory.oom_control", memory);
	put(usage, "5000\n");
	put(stat, "rss 1\ntotal_cache 4000\ntotal_rss 700\ntotal_shmem 30\n");
	put(oom, "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
	assert_true(group_usage(g, &u));
	assert_int_equal(u.memory, 5000);
	assert_int_equal(u.unreclaimable, 730);
	assert_int_equal(u.oom_kills, 2);
	close_fake(g);
	/* Back where it was; in the container's case at the top. */
	holds("cg/cpu/a", "cgroup.procs", self);
	holds("cg/blkio", "cgroup.procs", self);
}

static void make_v2(const char *controllers)
{
	put("cg/cgroup.controllers", controllers);
	put("cg/cgroup.subtree_control", "");
	put("cg/cgroup.procs", "");
	put("self", "0::/\n");
}

static void test_version_2(void **state)
{
	AUTO_BUF why = BUF_INIT;
	AUTO_FREE char *dir = xasprintf("cg/rehost/a_job_1.%d", (int)getpid());
	AUTO_FREE char *quota =
		xasprintf("%llu 100000", (unsigned long long)cg_cpu_quota_us(10, sysconf(_SC_NPROCESSORS_ONLN)));
	struct group_usage u;
	const char *mount;
	struct group *g;

	make_v2("cpuset cpu io memory pids\n");
	g = open_fake(CONF_BACKEND_AUTO, ALL_PARTS, &why);
	assert_non_null(g);
	assert_non_null(strstr(group_name(g), "version 2"));
	holds("cg", "cgroup.subtree_control", "+io"); /* the last */
	holds("cg/rehost", "cgroup.subtree_control", "+io");
	assert_int_equal(group_set(g, &all, &why), ALL_PARTS);
	holds(dir, "cpu.max", quota);
	holds(dir, "memory.max", "268435456");
	holds(dir, "memory.high", "251658240");
	holds(dir, "io.max", "8:0 wbps=2000");
	assert_int_equal(group_set(g, &(struct group_values){}, &why), 0);
	holds(dir, "cpu.max", "max");
	holds(dir, "memory.max", "max");
	holds(dir, "io.max", "8:16 wbps=max");
	assert_non_null(strstr(group_psi_dir(g, &mount), "/rehost/a_job_1."));

	AUTO_FREE char *current = xasprintf("%s/memory.current", dir);
	AUTO_FREE char *stat = xasprintf("%s/memory.stat", dir);
	AUTO_FREE char *events = xasprintf("%s/memory.events", dir);
	put(current, "9000\n");
	put(stat, "anon 100\nfile 8000\nkernel_stack 20\nslab_unreclaimable 3\ninactive_file 8000\n");
	put(events, "low 0\nhigh 5\nmax 1\noom 1\noom_kill 1\n");
	assert_true(group_usage(g, &u));
	assert_int_equal(u.unreclaimable, 123);
	assert_int_equal(u.oom_kills, 1);
	close_fake(g);
}

/* A hybrid host has its controllers in version 1, and a version 2 without them, which tells the pressure. */
static void test_hybrid(void **state)
{
	AUTO_BUF why = BUF_INIT;
	const char *mount;
	struct group *g;

	make_v1();
	put("cg/unified/cgroup.controllers", "hugetlb\n");
	put("cg/unified/cgroup.procs", "");
	g = open_fake(CONF_BACKEND_AUTO, GROUP_CPU, &why);
	assert_non_null(g);
	assert_non_null(strstr(group_name(g), "version 1"));
	assert_non_null(strstr(buf_cstr(&why), "no controller 'cpu'"));
	assert_non_null(group_psi_dir(g, &mount));
	assert_non_null(strstr(mount, "/unified"));
	close_fake(g);
}

static void test_nothing_there(void **state)
{
	AUTO_BUF why = BUF_INIT;

	put("cg/x", "");
	put("self", "0::/\n");
	assert_null(open_fake(CONF_BACKEND_AUTO, GROUP_CPU, &why));
	assert_non_null(strstr(buf_cstr(&why), "cgroup1: no controller"));
	buf_clear(&why);
	assert_null(open_fake(CONF_BACKEND_CGROUP2, GROUP_CPU, &why));
	assert_null(strstr(buf_cstr(&why), "cgroup1"));
}

/* A group that holds other processes cannot have groups with controllers beneath it. */
static void test_version_2_goes_up(void **state)
{
	AUTO_BUF why = BUF_INIT;
	struct group *g;

	make_v2("cpu memory io\n");
	put("cg/shell/cgroup.procs", "1\n");
	put("cg/shell/cgroup.type", "domain\n");
	put("cg/shell/cgroup.controllers", "cpu memory io\n");
	put("self", "0::/shell\n");
	g = open_fake(CONF_BACKEND_CGROUP2, GROUP_CPU, &why);
	assert_non_null(g);
	assert_string_equal(g->base, "");
	close_fake(g);

	put("cg/cgroup.type", "domain\n"); /* not the real top */
	put("cg/cgroup.procs", "1\n");
	assert_null(open_fake(CONF_BACKEND_CGROUP2, GROUP_CPU, &why));
	assert_non_null(strstr(buf_cstr(&why), "without processes"));
}

/* In a service with Delegate=yes there are two: the one that waits and this one. Both leave the group that gets controllers, and come back. */
static void test_version_2_with_the_first(void **state)
{
	AUTO_BUF why = BUF_INIT;
	AUTO_FREE char *root = xasprintf("%s/cg", top);
	AUTO_FREE char *self = xasprintf("%s/self", top);
	AUTO_FREE char *dir = xasprintf("cg/service/rehost/x.%d", (int)getpid());
	AUTO_FREE char *procs = xasprintf("%d\n%d\n", (int)getppid(), (int)getpid());
	AUTO_FREE char *first = xasprintf("%d", (int)getppid());
	struct group_place place = {root, self, 0};
	struct group *g;

	make_v2("cpu memory io\n");
	put("cg/cgroup.type", "domain\n");
	put("cg/cgroup.procs", "1\n");
	put("cg/service/cgroup.procs", procs);
	put("cg/service/cgroup.type", "domain\n");
	put("cg/service/cgroup.controllers", "cpu memory io\n");
	put("self", "0::/service\n");
	assert_null(group_open(CONF_BACKEND_CGROUP2, "x", GROUP_CPU, &place, &why));
	place.first = getppid();
	g = group_open(CONF_BACKEND_CGROUP2, "x", GROUP_CPU, &place, &why);
	assert_non_null(g);
	assert_string_equal(g->base, "/service");
	holds(dir, "cgroup.procs", first); /* the last */
	group_close(g);
	holds("cg/service", "cgroup.procs", first);
}

static void test_leftovers(void **state)
{
	AUTO_FREE char *root = xasprintf("%s/cg", top);
	AUTO_FREE char *alive = xasprintf("%s/cg/cpu/b/rehost/x.%d", top, (int)getpid());
	AUTO_FREE char *dead = NULL;
	AUTO_FREE char *foreign = xasprintf("%s/cg/cpu/other/x.1", top);
	struct group_place place = {.root = root};
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	make_v1();
	dead = xasprintf("%s/cg/cpu/a/c/rehost/y.%d.2", top, (int)pid);
	assert_int_equal(fd_mkdir_p(alive, 0700), 0);
	assert_int_equal(fd_mkdir_p(dead, 0700), 0);
	assert_int_equal(fd_mkdir_p(foreign, 0700), 0);
	group_sweep(&place);
	assert_int_equal(access(alive, F_OK), 0);
	assert_int_equal(access(foreign, F_OK), 0);
	assert_int_equal(access(dead, F_OK), -1);
	*strrchr(dead, '/') = '\0';
	assert_int_equal(access(dead, F_OK), -1); /* nobody else uses it */
}

static void test_cpu_quota(void **state)
{
	assert_int_equal(cg_cpu_quota_us(25, 4), 100000);
	assert_int_equal(cg_cpu_quota_us(100, 2), 200000);
	assert_int_equal(cg_cpu_quota_us(1, 2), 20000); /* never less than a fifth of one */
	assert_int_equal(cg_cpu_quota_us(10, 64), 640000);
}

static void test_scope_properties(void **state)
{
	struct scope_property p[SCOPE_PROPERTIES];
	size_t n = scope_properties(&all, ALL_PARTS, p);

	assert_int_equal(n, 5);
	assert_string_equal(p[0].name, "CPUQuotaPerSecUSec");
	assert_int_equal(p[0].value, cg_cpu_quota_us(10, sysconf(_SC_NPROCESSORS_ONLN)) * 10);
	assert_string_equal(p[1].name, "MemoryHigh");
	assert_int_equal(p[1].value, 251658240);
	assert_string_equal(p[2].name, "MemoryMax");
	assert_int_equal(p[2].value, 268435456);
	assert_string_equal(p[3].name, "IOReadBandwidthMax");
	assert_int_equal(p[3].count, 2);
	assert_string_equal(p[4].name, "IOWriteBandwidthMax");
	assert_int_equal(p[4].value, 2000);
	assert_int_equal(p[4].count, 1);

	/* Taken back: no limit, and an empty list. */
	n = scope_properties(
		&(struct group_values){.read_disks = disks, .read_count = 2}, GROUP_CPU | GROUP_IO_READ, p);
	assert_int_equal(n, 2);
	assert_true(p[0].value == UINT64_MAX);
	assert_int_equal(p[1].count, 0);
}

static void disk_link(const char *number, const char *target)
{
	AUTO_FREE char *link = xasprintf("%s/sys/dev/block/%s", top, number);
	AUTO_FREE char *to = xasprintf("../../%s", target);

	assert_int_equal(symlink(to, link), 0);
}

/* LVM on a RAID of two partitions: the two disks. */
static void test_disks(void **state)
{
	AUTO_FREE char *sys = xasprintf("%s/sys", top);
	AUTO_FREE char *slaves = xasprintf("%s/sys/devices/virtual/md0/slaves", top);
	char **found = NULL;
	size_t n = 0;

	put("sys/dev/block/x", "");
	put("sys/devices/sda/dev", "8:0\n");
	put("sys/devices/sda/sda1/dev", "8:1\n");
	put("sys/devices/sda/sda1/partition", "1\n");
	put("sys/devices/sdb/dev", "8:16\n");
	put("sys/devices/sdb/sdb1/dev", "8:17\n");
	put("sys/devices/sdb/sdb1/partition", "1\n");
	put("sys/devices/virtual/md0/dev", "9:0\n");
	put("sys/devices/virtual/md0/slaves/sda1/dev", "8:1\n");
	put("sys/devices/virtual/md0/slaves/sdb1/dev", "8:17\n");
	put("sys/devices/virtual/dm-0/dev", "253:0\n");
	put("sys/devices/virtual/dm-0/slaves/md0/dev", "9:0\n");
	disk_link("8:0", "devices/sda");
	disk_link("8:1", "devices/sda/sda1");
	disk_link("8:16", "devices/sdb");
	disk_link("8:17", "devices/sdb/sdb1");
	disk_link("9:0", "devices/virtual/md0");
	disk_link("253:0", "devices/virtual/dm-0");
	group_disks(sys, makedev(253, 0), &found, &n);
	assert_int_equal(n, 2);
	group_disks(sys, makedev(8, 1), &found, &n); /* known */
	group_disks(sys, makedev(0, 44), &found, &n); /* none */
	assert_int_equal(n, 2);
	assert_true((str_eq(found[0], "8:0") && str_eq(found[1], "8:16")) ||
		(str_eq(found[0], "8:16") && str_eq(found[1], "8:0")));
	free(found[0]);
	free(found[1]);
	free(found);
}

/* ---- pressure ---- */

static void put_psi(const char *path, double avg10)
{
	AUTO_FREE char *text =
		xasprintf("some avg10=%.2f avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00\n", avg10);

	put(path, text);
}

static void test_who_waits(void **state)
{
	AUTO_FREE char *root = xasprintf("%s/psi", top);
	AUTO_FREE char *mount = xasprintf("%s/cg", top);
	struct pressure p = {.limit = {[PRESSURE_IO] = 10}};
	double others[PRESSURES];

	assert_false(pressure_measure(&p, root, NULL, NULL, others));
	put_psi("psi/io", 40);
	assert_true(pressure_measure(&p, root, NULL, NULL, others));
	assert_int_equal(others[PRESSURE_IO], 40);
	/* It is all our own. */
	put_psi("cg/s/r.scope/io.pressure", 39);
	assert_true(pressure_measure(&p, root, mount, "/s/r.scope", others));
	assert_int_equal(others[PRESSURE_IO], 0);
	/* A neighbour waits at the same time. */
	put_psi("cg/s/db.service/io.pressure", 30);
	put_psi("cg/user/io.pressure", 20);
	assert_true(pressure_measure(&p, root, mount, "/s/r.scope", others));
	assert_int_equal(others[PRESSURE_IO], 30);
	/* In the groups above ours nothing counts twice, nor other jobs of ours. */
	put_psi("cg/s/io.pressure", 40);
	put_psi("cg/s/rehost-other-1.scope/io.pressure", 90);
	assert_true(pressure_measure(&p, root, mount, "/s/r.scope", others));
	assert_int_equal(others[PRESSURE_IO], 30);
	/* Processes without a group of their own are seen in what ours does not explain. */
	assert_int_equal(pressure_others(95, 70), 83);
	assert_int_equal(pressure_others(50, 49), 0);
	assert_int_equal(pressure_others(50, 0), 50);
}

static void test_pressure_is_yielded_to(void **state)
{
	struct pressure p = {.limit = {[PRESSURE_IO] = 10, [PRESSURE_CPU] = 20}};
	double o[PRESSURES] = {9, 19, 99}; /* of memory there is no limit */
	enum pressure_of what = PRESSURE_MEMORY;
	int64_t now = NS_PER_S;

	assert_false(pressure_judge(&p, o, now, &what));
	o[PRESSURE_CPU] = 20;
	assert_true(pressure_judge(&p, o, now += NS_PER_S, &what));
	assert_int_equal(what, PRESSURE_CPU);
	o[PRESSURE_CPU] = 11;
	assert_true(pressure_judge(&p, o, now += NS_PER_S, &what));
	o[PRESSURE_CPU] = 9;
	assert_true(pressure_judge(&p, o, now += NS_PER_S, &what)); /* io is not below half */
	o[PRESSURE_IO] = 4;
	assert_false(pressure_judge(&p, o, now += NS_PER_S, &what));
}

static void test_pressure_does_not_stop_it_for_ever(void **state)
{
	struct pressure p = {.limit = {[PRESSURE_IO] = 10}};
	const double o[PRESSURES] = {90};
	enum pressure_of what;
	int64_t worked = 0, longest = 0, held = 0;

	for (int s = 0; s < 650; s++) {
		if (pressure_judge(&p, o, s * NS_PER_S, &what)) {
			longest = MAX(longest, ++held);
		} else {
			held = 0;
			worked++;
		}
	}
	assert_int_equal(longest, PRESSURE_HELD_NS / NS_PER_S);
	assert_in_range(worked, 45, 55);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_version_1, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_2, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hybrid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_2_goes_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_version_2_with_the_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leftovers, setup, teardown),
		cmocka_unit_test(test_cpu_quota),
		cmocka_unit_test(test_scope_properties),
		cmocka_unit_test_setup_teardown(test_disks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_waits, setup, teardown),
		cmocka_unit_test(test_pressure_is_yielded_to),
		cmocka_unit_test(test_pressure_does_not_stop_it_for_ever),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
