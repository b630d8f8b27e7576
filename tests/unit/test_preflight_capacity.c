/* Room at the target, and what is there already: each row over documents that trigger it, and that do not. */
#include "preflight_fixture.h"

#define GB "000000000"
#define TARGET(type, left, used, total, rest)                                                                     \
	"{'target_root':{'path':'/mnt','exists':true,'live':false,'type':'" type "','bytes_available':" left      \
	",'bytes_used':" used ",'bytes_total':" total ",'inodes_total':1000,'inodes_free':900,'read_only':false," \
	"'others':false,'mounts':[" rest "]}}"
#define MNT(path, left, rest) \
	"{'path':'" path "','type':'ext4','bytes_available':" left ",'bytes_used':0,'bytes_total':" left rest "}"
#define JOB(used, whole, rest) \
	"{'mounts':[{'path':'/','target':'','type':'ext4','used':" used ",'inodes':500,'whole':" whole "}]" rest "}"
#define TWO(used)                                                                                                  \
	"{'mounts':[{'path':'/','target':'','type':'ext4','used':1" GB ",'inodes':1,'whole':true},{'path':'/srv'," \
	"'target':'srv','type':'ext4','used':" used ",'inodes':1,'whole':true}]}"
#define ROOT(rest) "{'target_root':{'path':'/mnt'," rest "}}"
#define UNKNOWN "{'target_root':null}"

static const struct preflight_case cases[] = {
	{PREFLIGHT_target_root_live, .target = ROOT("'live':true"), .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_target_root_live, .target = ROOT("'live':true"), .job = "{'adopt':true}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_target_root_live, .target = ROOT("'live':false"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_target_ro, .target = ROOT("'read_only':true"), .job = JOB("1", "true", ""),
		.severity = PREFLIGHT_FAIL},
	{PREFLIGHT_target_ro, .target = ROOT("'read_only':false"), .job = JOB("1", "true", ""),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_target_ro, .target = UNKNOWN, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_target_not_empty, .target = ROOT("'others':true"), .job = "{'delete':true}",
		.severity = PREFLIGHT_FAIL},
	{PREFLIGHT_target_not_empty, .target = ROOT("'others':true"), .job = "{'delete':false}",
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_target_not_empty, .target = ROOT("'others':true"), .job = "{'delete':true,'state':{'known':true}}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_target_not_empty, .target = ROOT("'others':true"), .job = "{'delete':true,'adopt':true}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_target_not_empty, .target = ROOT("'others':null"), .job = "{'delete':true}",
		.severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_target_space, .target = TARGET("ext4", "9" GB, "1" GB, "10" GB, ""), .job = JOB("10" GB, "true", ""),
		.severity = PREFLIGHT_FAIL, .evidence = "'/mnt' has 8.38 GiB left, and 9.78 GiB are needed"},
	{PREFLIGHT_target_space, .target = TARGET("ext4", "10" GB, "1" GB, "20" GB, ""), .job = JOB("9" GB, "true", ""),
		.severity = PREFLIGHT_OK},
	/* a part, or rules: up to that, which says nothing while the file system could hold it */
	{PREFLIGHT_target_space, .target = TARGET("ext4", "9" GB, "1" GB, "10" GB, ""),
		.job = JOB("10" GB, "false", ""), .severity = PREFLIGHT_OK},
	{PREFLIGHT_target_space, .target = TARGET("ext4", "9" GB, "1" GB, "10" GB, ""),
		.job = JOB("90" GB, "true", ",'rules':true"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_target_space, .target = TARGET("btrfs", "9" GB, "1" GB, "10" GB, ""),
		.job = JOB("10" GB, "true", ""), .severity = PREFLIGHT_WARN},
	/* what the copy holds already counts for it */
	{PREFLIGHT_target_space, .target = TARGET("ext4", "1" GB, "11" GB, "12" GB, ""),
		.job = JOB("11" GB, "true", ",'state':{'known':true}"), .severity = PREFLIGHT_OK},
	/* each file system of the target by itself */
	{PREFLIGHT_target_space, .target = TARGET("ext4", "9" GB, "0", "9" GB, MNT("srv", "2" GB, "")),
		.job = TWO("3" GB), .severity = PREFLIGHT_FAIL, .evidence = "'/mnt/srv' has 1.86 GiB left"},
	{PREFLIGHT_target_space, .target = TARGET("ext4", "2" GB, "0", "2" GB, MNT("srv", "9" GB, "")),
		.job = TWO("3" GB), .severity = PREFLIGHT_OK},
	{PREFLIGHT_target_space, .target = UNKNOWN, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_target_space, .target = TARGET("ext4", "9" GB, "0", "9" GB, "{'path':'srv','type':'autofs'}"),
		.job = TWO("3" GB), .severity = PREFLIGHT_UNKNOWN, .evidence = "'/mnt/srv' has is not known"},
	{PREFLIGHT_target_inodes, .target = TARGET("ext4", "1", "0", "1", ""),
		.job = "{'mounts':[{'path':'/','target':'','inodes':950,'whole':true}]}", .severity = PREFLIGHT_FAIL},
	{PREFLIGHT_target_inodes, .target = TARGET("xfs", "1", "0", "1", ""),
		.job = "{'mounts':[{'path':'/','target':'','inodes':950,'whole':true}]}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_target_inodes, .target = TARGET("ext4", "1", "0", "1", ""), .job = JOB("1", "true", ""),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_target_mounts, .target = TARGET("ext4", "9" GB, "0", "9" GB, ""), .job = TWO("1"),
		.severity = PREFLIGHT_WARN, .evidence = "'/srv' goes into '/mnt'"},
	{PREFLIGHT_target_mounts, .target = TARGET("ext4", "9" GB, "0", "9" GB, MNT("srv", "1", "")), .job = TWO("1"),
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_target_mounts, .target = UNKNOWN, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_target_in_use, .target = ROOT("'in_use':['bash (process 7)']"), .severity = PREFLIGHT_WARN,
		.evidence = "bash (process 7)"},
	{PREFLIGHT_target_in_use, .target = ROOT("'in_use':[]"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_target_gone, .target = ROOT("'exists':false"), .job = "{'state':{'known':true}}",
		.severity = PREFLIGHT_FAIL},
	{PREFLIGHT_target_gone, .target = ROOT("'exists':false"), .job = "{'state':{'known':false}}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_target_gone, .target = ROOT("'exists':null"), .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_adaptation_space, "{'kernel':{'installed':[{'initramfs':{'size':80000000}}]}}",
		TARGET("ext4", "9" GB, "0", "9" GB, MNT("boot", "150000000", "")),
		.job = JOB("1" GB, "true", ",'live_source':true"), .severity = PREFLIGHT_WARN, .evidence = "'/boot'"},
	{PREFLIGHT_adaptation_space, "{'kernel':{'installed':[{'initramfs':{'size':80000000}}]}}",
		TARGET("ext4", "9" GB, "0", "9" GB, MNT("boot", "500000000", "")),
		.job = JOB("1" GB, "true", ",'live_source':true"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_platform_limits,
		"{'disks':{'devices':[{'name':'a'},{'name':'b'},{'name':'c'},{'name':'d'},{'name':'e'},{'name':'f'},{'"
		"name':'g'}"
		",{'name':'h'},{'name':'i'},{'name':'j'},{'name':'k'},{'name':'l'},{'name':'m'},{'name':'n'},{'name':'"
		"o'},"
		"{'name':'p'},{'name':'q'}]}}",
		"{'machine':{'dmi':{'sys_vendor':'Microsoft Corporation'}}}", .severity = PREFLIGHT_WARN,
		.evidence = "Azure takes 16 disks, and the source has 17"},
	{PREFLIGHT_platform_limits, "{'disks':{'devices':[{'name':'sda'}]}}",
		"{'machine':{'dmi':{'sys_vendor':'Microsoft Corporation'}}}", .severity = PREFLIGHT_OK},
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
