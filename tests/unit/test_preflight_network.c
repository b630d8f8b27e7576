/* The network between, and what the copy's network will be: each row over documents that trigger it, and that do not. */
#include "preflight_fixture.h"

#define FILE(path, text) "{'config':{'" path "':'" text "'}}"
#define WHOLE "{'live_source':true}"
#define NOTHING "{'config':null,'network':null,'services':null}"
#define INTERFACES(...) "{'network':{'interfaces':[" __VA_ARGS__ "]}}"
#define ROUTE "{'interface':'eth0','gateway':'10.0.0.1'}"
#define RUNS(crontabs, programs) "{'services':{'crontabs':[" crontabs "]},'processes':{'programs':{" programs "}}}"

static const struct preflight_case cases[] = {
	{PREFLIGHT_bandwidth, .network = "{'mbit':4.2}", .severity = PREFLIGHT_WARN, .evidence = "4.2 Mbit/s"},
	{PREFLIGHT_bandwidth, .network = "{'mbit':4.2,'limited':true}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_bandwidth, .network = "{'mbit':900}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_duration, .network = "{'hours_worst':50}", .severity = PREFLIGHT_WARN},
	{PREFLIGHT_duration, .network = "{'hours_worst':5}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_quality, .network = "{'rating':'poor','rtt':300,'loss':3}", .severity = PREFLIGHT_WARN,
		.evidence = "round trip 300.0 ms"},
	{PREFLIGHT_quality, .network = "{'rating':'fair'}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_several_routes, "{'network':{'default_routes':[" ROUTE ",{'interface':'eth1'}]}}",
		.severity = PREFLIGHT_WARN, .evidence = "by 10.0.0.1 on eth0"},
	{PREFLIGHT_several_routes, "{'network':{'default_routes':[" ROUTE "]}}", .severity = PREFLIGHT_OK},
	{PREFLIGHT_several_routes, NOTHING, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_static_address, FILE("/etc/network/interfaces", "auto eth0\\niface eth0 inet static\\n"),
		.job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_static_address,
		FILE("/etc/network/interfaces", "# iface eth0 inet static\\niface eth0 inet dhcp\\n"), .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_static_address, FILE("/etc/sysconfig/network-scripts/ifcfg-eth0", "IPADDR=10.0.0.2\\n"),
		.job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_static_address, FILE("/etc/sysconfig/network-scripts/ifcfg-lo", "IPADDR=127.0.0.1\\n"), .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_static_address, FILE("/etc/netplan/50.yaml", "network:\\n    addresses: [10.0.0.2/24]\\n"),
		.job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_static_address,
		FILE("/etc/NetworkManager/system-connections/a.nmconnection", "[ipv4]\\nmethod=auto\\n"), .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_static_address, FILE("/etc/systemd/network/10.network", "[Network]\\nAddress=10.0.0.2/24\\n"),
		.job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_static_address, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_nic_names, FILE("/etc/sysconfig/network-scripts/ifcfg-eth0", "HWADDR=52:54:00:12:34:56\\n"),
		.job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_nic_names, FILE("/etc/sysconfig/network-scripts/ifcfg-eth0", "BOOTPROTO=dhcp\\n"), .job = WHOLE,
		.severity = PREFLIGHT_OK},
	{PREFLIGHT_nic_names, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_net_complex, INTERFACES("{'name':'bond0','kind':'bond'}"), .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_net_complex, INTERFACES("{'name':'docker0','kind':'bridge'},{'name':'eth0','kind':'device'}"),
		.job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_net_complex, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_copy_firewall, FILE("/etc/ssh/sshd_config", "ListenAddress 10.0.0.2\\n"), .job = WHOLE,
		.severity = PREFLIGHT_WARN},
	{PREFLIGHT_copy_firewall, FILE("/etc/ssh/sshd_config", "#ListenAddress 10.0.0.2\\nListenAddress 0.0.0.0\\n"),
		.job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_copy_firewall, FILE("/etc/nftables.conf", "chain input { policy drop; tcp dport 443 accept }"),
		.job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_copy_firewall, FILE("/etc/nftables.conf", "chain input { policy drop; tcp dport ssh accept }"),
		.job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_copy_firewall, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
	{PREFLIGHT_proxy_config, FILE("/etc/environment", "http_proxy=http://p:3128\\n"), .job = WHOLE,
		.severity = PREFLIGHT_INFO},
	{PREFLIGHT_proxy_config, FILE("/etc/environment", "PATH=/usr/bin\\n"), .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_double_run, RUNS("'root'", ""), .job = WHOLE, .severity = PREFLIGHT_WARN,
		.evidence = "root has a crontab"},
	{PREFLIGHT_double_run, RUNS("", "'keepalived':1"), .job = WHOLE, .severity = PREFLIGHT_WARN},
	{PREFLIGHT_double_run, RUNS("", "'cron':1"), .job = WHOLE, .severity = PREFLIGHT_OK},
	{PREFLIGHT_double_run, NOTHING, .job = WHOLE, .severity = PREFLIGHT_UNKNOWN},
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
