/* What runs, and what clouds, agents and earlier runs have left: each row over documents that trigger it, and that do not. */
#include "preflight_fixture.h"

#define RUNS(program) "{'processes':{'programs':{'" program "':1}},'services':{'enabled':[]}}"
#define ENABLED(unit) "{'processes':{'programs':{}},'services':{'enabled':['" unit "'],'cloud_init_disabled':false}}"
#define NOTHING "{'processes':null,'services':null,'security':null,'time':null,'config':null}"
#define WHOLE "{'live_source':true}"
#define NOW(n) "{'time':{'now':" n "}}"
#define ROOT(rest) "{'target_root':{" rest "},'processes':{'programs':{}}}"

static const struct preflight_case cases[] = {
	{PREFLIGHT_database, RUNS("postgres"), .severity = PREFLIGHT_WARN, .evidence = "postgres runs"},
	{PREFLIGHT_database, RUNS("ora_pmon_ORCL"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_database, RUNS("nginx"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_database, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_cluster_member, RUNS("corosync"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_cluster_member, RUNS("nginx"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_containers, RUNS("containerd-shim"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_containers, RUNS("dockerd"), .severity = PREFLIGHT_OK}, /* without a container */
	{PREFLIGHT_vm_images, RUNS("qemu-system-x86"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_vm_images, RUNS("libvirtd"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_open_deleted, "{'processes':{'deleted_open_bytes':500000000,'deleted_open_files':3}}",
		.severity = PREFLIGHT_INFO, .evidence = "of 3 files"},
	{PREFLIGHT_open_deleted, "{'processes':{'deleted_open_bytes':5000}}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_open_deleted, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_domain_member, RUNS("winbindd"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_domain_member, "{'processes':{'programs':{}},'security':{'keytab':true}}",
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_domain_member, RUNS("nginx"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_failed_units, "{'services':{'failed':['x.service']}}", .severity = PREFLIGHT_INFO},
	{PREFLIGHT_failed_units, "{'services':{'failed':[]}}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_hardware_bound, RUNS("lmgrd"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_hardware_bound, RUNS("nginx"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_cloud_agent, ENABLED("walinuxagent.service"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_cloud_agent, RUNS("AliYunDun"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_cloud_agent, ENABLED("ssh.service"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_cloud_agent, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_guest_tools, ENABLED("open-vm-tools.service"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_guest_tools, ENABLED("ssh.service"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_cloud_init, ENABLED("cloud-init.service"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_cloud_init, "{'services':{'enabled':['cloud-init.service'],'cloud_init_disabled':true}}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_cloud_init, ENABLED("ssh.service"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_private_mirror,
		"{'config':{'/etc/apt/sources.list':'deb http://mirrors.cloud.aliyuncs.com/debian x'}}", .job = WHOLE,
		.severity = PREFLIGHT_WARN, .evidence = "mirrors.cloud.aliyuncs.com"},
	{PREFLIGHT_private_mirror, "{'config':{'/etc/apt/sources.list':'deb http://deb.debian.org/debian x'}}",
		.job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_private_mirror, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_clock_skew, NOW("1000"), NOW("1100"), .job = "{'facts_seconds':2}", .severity = PREFLIGHT_WARN,
		.evidence = "by 97 seconds"},
	{PREFLIGHT_clock_skew, NOW("1000"), NOW("1003"), .job = "{'facts_seconds':3}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_clock_skew, NOTHING, NOW("1003"), .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_time_sync, "{'time':{'synchronized':false}}", .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_time_sync, "{'time':{'synchronized':true}}", .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_time_sync, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_rtc_local, "{'time':{'rtc_local':true}}", .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_rtc_local, "{'time':{'rtc_local':false}}", .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_selinux, "{'security':{'selinux':true,'selinux_enforcing':true}}", ROOT("'type':'xfs'"),
		.severity = PREFLIGHT_INFO, .evidence = "enforcing"},
	{PREFLIGHT_selinux, "{'security':{'selinux':true}}", ROOT("'type':'nfs4'"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_selinux, "{'security':{'selinux':false}}", ROOT("'type':'xfs'"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_apparmor, "{'security':{'apparmor':true}}",
		.job = "{'live_source':true,'mounts':[{'path':'/srv','target':'data'}]}", .severity = PREFLIGHT_INFO},
	{PREFLIGHT_apparmor, "{'security':{'apparmor':true}}",
		.job = "{'live_source':true,'mounts':[{'path':'/srv','target':'srv'},{'path':'/','target':''}]}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_security_software, RUNS("falcon-sensor"), ROOT(""), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_security_software, RUNS("nginx"), ROOT(""), .severity = PREFLIGHT_OK},
	{PREFLIGHT_security_software, NOTHING, ROOT(""), .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_immutable_files, "{'security':{'immutable':['/etc/passwd']}}", .severity = PREFLIGHT_INFO},
	{PREFLIGHT_immutable_files, "{'security':{'immutable':[]}}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_old_run, .target = ROOT("'temporaries':['.rehost.tmp.0123']"), .severity = PREFLIGHT_WARN},
	{PREFLIGHT_old_run, .target = ROOT("'temporaries':['.rehost.tmp.0123']"), .job = "{'state':{'known':true}}",
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_old_run, .target = ROOT("'temporaries':[]"), .severity = PREFLIGHT_OK},
	{PREFLIGHT_other_tool, "{'services':{'migration_tools':['/root/SMS-Agent']}}", .severity = PREFLIGHT_WARN},
	{PREFLIGHT_other_tool, "{'services':{'migration_tools':[]}}", .severity = PREFLIGHT_OK},
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
