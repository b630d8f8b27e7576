/* Load, memory, limits: each row over documents that trigger it, and that do not. */
#include "preflight_fixture.h"

#define BUSY(n) "{'machine':{'busy_percent':" n "}}"
#define MEMORY(n) "{'machine':{'memory':{'available':" n ",'total':4000000000},'cpu':{'count':4}}}"
#define SMALL(cpus, total) "{'machine':{'memory':{'total':" total "},'cpu':{'count':" cpus "}}}"
#define FS(available, inodes_free)                                                                             \
	"{'mounts':{'mounted':[{'path':'/','type':'ext4','size':1000,'available':" available ",'inodes':1000," \
	"'inodes_free':" inodes_free "}]}}"
#define ROOT "{'mounts':[{'path':'/','inodes':3000000}]}"
#define NOTHING "{'machine':null,'mounts':null}"

static const struct preflight_case cases[] = {
	{PREFLIGHT_cpu_busy, BUSY("95"), BUSY("3"), .severity = PREFLIGHT_WARN, .evidence = "source's are 95 %"},
	{PREFLIGHT_cpu_busy, BUSY("3"), BUSY("81"), .severity = PREFLIGHT_WARN, .evidence = "target's are 81 %"},
	{PREFLIGHT_cpu_busy, BUSY("80"), BUSY("3"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_cpu_busy, NOTHING, BUSY("3"), .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_memory_low, MEMORY("200000000"), MEMORY("2000000000"), .severity = PREFLIGHT_WARN,
		.evidence = "source"},
	{PREFLIGHT_memory_low, MEMORY("2000000000"), MEMORY("20000000"), .severity = PREFLIGHT_FAIL,
		.evidence = "target"},
	{PREFLIGHT_memory_low, MEMORY("2000000000"), MEMORY("2000000000"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_memory_low, NOTHING, MEMORY("2000000000"), .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_target_small, SMALL("4", "4000000000"), SMALL("2", "4000000000"), .severity = PREFLIGHT_WARN,
		.evidence = "it has 2 processors, the source 4"},
	{PREFLIGHT_target_small, SMALL("4", "4000000000"), SMALL("4", "2000000000"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_target_small, SMALL("4", "4000000000"), SMALL("4", "3900000000"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_target_small, SMALL("4", "4000000000"), NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_source_full, FS("5", "900"), .job = ROOT, .severity = PREFLIGHT_WARN,
		.evidence = "'/' is 100 % full"},
	{PREFLIGHT_source_full, FS("500", "5"), .job = ROOT, .severity = PREFLIGHT_WARN, .evidence = "inodes"},
	{PREFLIGHT_source_full, FS("500", "500"), .job = ROOT, .severity = PREFLIGHT_OK},
	{PREFLIGHT_source_full, NOTHING, .job = ROOT, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_many_files, NOTHING, .job = ROOT, .severity = PREFLIGHT_INFO, .evidence = "3000000"},
	{PREFLIGHT_many_files, NOTHING, .job = "{'mounts':[{'path':'/','inodes':5}]}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_limits_unkept, "{'mounts':{'mounted':[]}}", .job = "{'limits':true}", .severity = PREFLIGHT_WARN},
	{PREFLIGHT_limits_unkept, "{'mounts':{'mounted':[{'path':'/c','type':'cgroup2'}]}}", .job = "{'limits':true}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_limits_unkept, "{'mounts':{'mounted':[]}}", .severity = PREFLIGHT_OK},
};

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		preflight_check_case(&cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
