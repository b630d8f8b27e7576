/* Rights, the way to the target, and what runs there: each row over documents that trigger it, and that do not. */
#include "preflight_fixture.h"

#define BOOT_A "{'kernel':{'boot_id':'aaaa','running':'6.1.0-28-amd64'}}"
#define TARGET_A(live) "{'kernel':{'boot_id':'aaaa','running':'6.1.0'},'target_root':{'live':" live ",'euid':0}}"
#define TARGET_B "{'kernel':{'boot_id':'bbbb','running':'6.1.0'},'target_root':{'live':true,'euid':0}}"
#define FAILED(code) "{'connect':{'code':'" code "','text':'why'}}"
#define DIR_OF(problem, available) \
	"{'dirs':[{'path':'/var/lib/rehost','problem':" problem ",'available':" available "}]}"

static const struct preflight_case cases[] = {
	{PREFLIGHT_not_root, BOOT_A, NULL, NULL, "{'privileged':false,'live_source':true}", PREFLIGHT_FAIL, "CAP_DAC"},
	{PREFLIGHT_not_root, BOOT_A, NULL, NULL, "{'privileged':false}", PREFLIGHT_WARN, NULL},
	{PREFLIGHT_not_root, BOOT_A, NULL, NULL, "{'privileged':true,'live_source':true}", PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_name, NULL, NULL, NULL, FAILED("RH0605"), PREFLIGHT_FAIL, "[RH0605] why"},
	{PREFLIGHT_target_name, NULL, NULL, NULL, FAILED("RH0606"), PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_unreachable, NULL, NULL, NULL, FAILED("RH0615"), PREFLIGHT_FAIL, NULL},
	{PREFLIGHT_target_unreachable, NULL, NULL, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_proxy_refuses, NULL, NULL, NULL, FAILED("RH0613"), PREFLIGHT_FAIL, NULL},
	{PREFLIGHT_proxy_refuses, NULL, NULL, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_host_key, NULL, NULL, NULL, FAILED("RH0609"), PREFLIGHT_FAIL, NULL},
	{PREFLIGHT_host_key, NULL, NULL, NULL, FAILED("RH0608"), PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_login, NULL, NULL, NULL, FAILED("RH0608"), PREFLIGHT_FAIL, NULL},
	{PREFLIGHT_target_login, NULL, NULL, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_ssh_client, BOOT_A, NULL, NULL, FAILED("RH0603"), PREFLIGHT_FAIL, NULL},
	{PREFLIGHT_ssh_client, BOOT_A, NULL, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_not_linux, NULL, NULL, NULL, FAILED("RH0628"), PREFLIGHT_FAIL, NULL},
	{PREFLIGHT_target_not_linux, NULL, NULL, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_sudo, NULL, NULL, NULL, FAILED("RH0619"), PREFLIGHT_FAIL, NULL},
	{PREFLIGHT_target_sudo, NULL, NULL, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_helper_dir, NULL, NULL, NULL, FAILED("RH0617"), PREFLIGHT_FAIL, NULL},
	{PREFLIGHT_helper_dir, NULL, NULL, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_is_source, BOOT_A, TARGET_A("true"), NULL, NULL, PREFLIGHT_FAIL, "aaaa"},
	{PREFLIGHT_target_is_source, BOOT_A, TARGET_A("false"), NULL, NULL, PREFLIGHT_INFO, NULL},
	{PREFLIGHT_target_is_source, BOOT_A, TARGET_A("false"), NULL, "{'local':true}", PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_is_source, BOOT_A, TARGET_B, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_is_source, "{'kernel':{'boot_id':null}}", TARGET_B, NULL, NULL, PREFLIGHT_UNKNOWN, NULL},
	{PREFLIGHT_target_root_rights, NULL, "{'target_root':{'euid':1000}}", NULL, "{'live_source':true}",
		PREFLIGHT_FAIL, "1000"},
	{PREFLIGHT_target_root_rights, NULL, "{'target_root':{'euid':1000}}", NULL, NULL, PREFLIGHT_WARN, NULL},
	{PREFLIGHT_target_root_rights, NULL, "{'target_root':{'euid':0}}", NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_target_root_rights, NULL, "{'target_root':null}", NULL, NULL, PREFLIGHT_UNKNOWN, NULL},
	{PREFLIGHT_os_too_old, "{'kernel':{'running':'2.6.32-754.el6'}}", TARGET_B, NULL, NULL, PREFLIGHT_FAIL,
		"source runs 2.6.32"},
	{PREFLIGHT_os_too_old, BOOT_A, TARGET_B, NULL, NULL, PREFLIGHT_OK, NULL},
	{PREFLIGHT_os_too_old, "{'kernel':null}", TARGET_B, NULL, NULL, PREFLIGHT_UNKNOWN, NULL},
	{PREFLIGHT_state_dir, BOOT_A, NULL, NULL, DIR_OF("'Read-only file system'", "null"), PREFLIGHT_FAIL,
		"Read-only"},
	{PREFLIGHT_state_dir, BOOT_A, NULL, NULL, DIR_OF("null", "50000000"), PREFLIGHT_FAIL, "47.7 MiB"},
	{PREFLIGHT_state_dir, BOOT_A, NULL, NULL, DIR_OF("null", "500000000"), PREFLIGHT_OK, NULL},
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
