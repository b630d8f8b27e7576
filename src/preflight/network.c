/* The network between, and what the copy's network will be. */
#include "preflight/look.h"

#include <ctype.h>

/* ---- as it was measured ---- */

void judge_bandwidth(struct look *l)
{
	double mbit;

	if (fact_number(l->network, "mbit", &mbit) && mbit < l->threshold && !fact_true(l->network, "limited"))
		found(l, NULL, "%.1f Mbit/s, less than %.0f", mbit, l->threshold);
}

void judge_duration(struct look *l)
{
	double hours;

	if (fact_number(l->network, "hours_worst", &hours) && hours > l->threshold)
		found(l, NULL, "up to %.0f hours, more than %.0f", hours, l->threshold);
}

void judge_quality(struct look *l)
{
	if (fact_is(l->network, "rating", "poor"))
		found(l, NULL, "round trip %.1f ms, jitter %.1f ms, loss %.2f %%", fact_value(l->network, "rtt"),
			fact_value(l->network, "jitter"), fact_value(l->network, "loss"));
}

/* ---- the source's ---- */

void judge_several_routes(struct look *l)
{
	const cJSON *routes = need(l, l->source, "network.default_routes"), *r;

	if (cJSON_GetArraySize(routes) < 2)
		return;
	each(r, routes) {
		const char *gateway = fact_text(r, "gateway"), *interface = fact_text(r, "interface");
		found(l, interface, "by %s on %s", gateway ? gateway : "?", interface ? interface : "?");
	}
}

/* Configuration files, of those whose path begins so. */
typedef void (*file_fn)(struct look *l, const char *path, const char *text);

static void each_config(struct look *l, const char *beginning, file_fn fn)
{
	const cJSON *file;

	each(file, need(l, l->source, "config")) {
		if (file->string && cJSON_IsString(file) && strncmp(file->string, beginning, strlen(beginning)) == 0)
			fn(l, file->string, file->valuestring);
	}
}

/* Whether a line that is no comment begins so, blanks aside, and holds the rest (NULL: anything), whatever the case. */
static bool has_line(const char *text, const char *beginning, const char *rest)
{
	const size_t n = strlen(beginning);

	while (*text) {
		const char *at = text + strspn(text, " \t");
		AUTO_FREE char *line = xmemdup(at, strcspn(at, "\n"));

		if (strncasecmp(line, beginning, n) == 0 && (!rest || strcasestr(line + n, rest)))
			return true;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}

static void static_interfaces(struct look *l, const char *path, const char *text)
{
	if (has_line(text, "iface ", " static"))
		found(l, path, "'%s' has a static address", path);
}

static void static_ifcfg(struct look *l, const char *path, const char *text)
{
	if (!strstr(path, "ifcfg-lo") && has_line(text, "IPADDR", "="))
		found(l, path, "'%s' has a static address", path);
}

static void static_netplan(struct look *l, const char *path, const char *text)
{
	if (has_line(text, "addresses:", NULL) && strchr(text, '/'))
		found(l, path, "'%s' has a static address", path);
}

static void static_keyfile(struct look *l, const char *path, const char *text)
{
	if (has_line(text, "method=manual", NULL))
		found(l, path, "'%s' has a static address", path);
}

static void static_networkd(struct look *l, const char *path, const char *text)
{
	if (strstr(path, ".network") && has_line(text, "Address=", NULL))
		found(l, path, "'%s' has a static address", path);
}

void judge_static_address(struct look *l)
{
	if (!fact_true(l->job, "live_source"))
		return;
	each_config(l, "/etc/network/interfaces", static_interfaces);
	each_config(l, "/etc/sysconfig/network-scripts/ifcfg-", static_ifcfg);
	each_config(l, "/etc/sysconfig/network/ifcfg-", static_ifcfg);
	each_config(l, "/etc/netplan/", static_netplan);
	each_config(l, "/etc/NetworkManager/system-connections/", static_keyfile);
	each_config(l, "/etc/systemd/network/", static_networkd);
}

static void pins_hardware(struct look *l, const char *path, const char *text)
{
	if (has_line(text, "HWADDR", "=") || has_line(text, "mac-address=", NULL) ||
		has_line(text, "MACAddress=", NULL) || has_line(text, "macaddress:", NULL))
		found(l, path, "'%s' names a MAC address", path);
}

static void persistent_names(struct look *l, const char *path, const char *text)
{
	if (has_line(text, "SUBSYSTEM", "net"))
		found(l, path, "'%s' gives names by MAC address", path);
}

void judge_nic_names(struct look *l)
{
	if (!fact_true(l->job, "live_source"))
		return;
	each_config(l, "/etc/udev/rules.d/70-persistent-net.rules", persistent_names);
	each_config(l, "/etc/sysconfig/network-scripts/ifcfg-", pins_hardware);
	each_config(l, "/etc/NetworkManager/system-connections/", pins_hardware);
	each_config(l, "/etc/systemd/network/", pins_hardware);
	each_config(l, "/etc/netplan/", pins_hardware);
}

/* Bridges that containers and virtual machines make for themselves are no part of the host's way out. */
static bool is_own_bridge(const char *name)
{
	return strncmp(name, "docker", 6) == 0 || strncmp(name, "br-", 3) == 0 || strncmp(name, "virbr", 5) == 0 ||
		strncmp(name, "lxc", 3) == 0 || strncmp(name, "cni", 3) == 0 || strncmp(name, "podman", 6) == 0;
}

void judge_net_complex(struct look *l)
{
	const cJSON *i;

	if (!fact_true(l->job, "live_source"))
		return;
	each(i, need(l, l->source, "network.interfaces")) {
		const char *name = fact_text(i, "name"), *kind = fact_text(i, "kind");

		if (name && kind && (str_eq(kind, "bond") || (str_eq(kind, "bridge") && !is_own_bridge(name))))
			found(l, name, "'%s' is a %s", name, kind);
		else if (name && (strncmp(name, "team", 4) == 0 || strchr(name, '.')))
			found(l, name, "'%s' is a team or a VLAN", name);
	}
}

/* ---- getting in ---- */

static bool is_wildcard(const char *text)
{
	return has_line(text, "ListenAddress", "0.0.0.0") || has_line(text, "ListenAddress", "::");
}

static void sshd_restricts(struct look *l, const char *path, const char *text)
{
	if (has_line(text, "ListenAddress", NULL) && !is_wildcard(text))
		found(l, path, "'%s' has ListenAddress", path);
	if (has_line(text, "AllowUsers", "@"))
		found(l, path, "'%s' has AllowUsers with hosts", path);
}

static bool lets_ssh_in(const char *text)
{
	return strstr(text, "ssh") || strstr(text, "dport 22") || strstr(text, "dport { 22") || strstr(text, " 22 ");
}

static void drops(struct look *l, const char *path, const char *text)
{
	if ((strstr(text, "policy drop") || strstr(text, ":INPUT DROP")) && !lets_ssh_in(text))
		found(l, path, "'%s' drops, and names no SSH", path);
}

void judge_copy_firewall(struct look *l)
{
	const char *ufw = fact_config(l->source, "/etc/ufw/ufw.conf"),
		   *rules = fact_config(l->source, "/etc/ufw/user.rules");

	if (!fact_true(l->job, "live_source"))
		return;
	each_config(l, "/etc/ssh/sshd_config", sshd_restricts);
	each_config(l, "/etc/nftables.conf", drops);
	each_config(l, "/etc/sysconfig/nftables.conf", drops);
	each_config(l, "/etc/iptables/rules.v4", drops);
	each_config(l, "/etc/sysconfig/iptables", drops);
	if (ufw && has_line(ufw, "ENABLED=yes", NULL) && rules && !lets_ssh_in(rules))
		found(l, "ufw", "ufw is enabled, and its rules name no SSH");
}

static void names_proxy(struct look *l, const char *path, const char *text)
{
	if (has_line(text, "http_proxy=", NULL) || has_line(text, "https_proxy=", NULL) ||
		has_line(text, "export http_proxy", NULL) || has_line(text, "Acquire::http::Proxy", NULL) ||
		has_line(text, "Acquire::https::Proxy", NULL) || has_line(text, "proxy=", "http"))
		found(l, path, "'%s'", path);
}

void judge_proxy_config(struct look *l)
{
	if (!fact_true(l->job, "live_source"))
		return;
	each_config(l, "/etc/environment", names_proxy);
	each_config(l, "/etc/apt/apt.conf", names_proxy);
	each_config(l, "/etc/dnf/dnf.conf", names_proxy);
	each_config(l, "/etc/yum.conf", names_proxy);
}

void judge_double_run(struct look *l)
{
	static const char *const programs[] = {"keepalived", "ucarp", "openvpn", "charon", "pluto", "tincd", "vrrpd"};
	const cJSON *name, *i;

	if (!fact_true(l->job, "live_source"))
		return;
	each(name, need(l, l->source, "services.crontabs")) {
		if (cJSON_IsString(name))
			found(l, "crontabs", "%s has a crontab", name->valuestring);
	}
	for (size_t k = 0; k < ARRAY_LEN(programs); k++) {
		AUTO_FREE char *path = xasprintf("processes.programs.%s", programs[k]);
		if (fact(l->source, path))
			found(l, programs[k], "%s runs", programs[k]);
	}
	each(i, fact(l->source, "network.interfaces")) {
		const char *interface = fact_text(i, "name");
		if (interface && strncmp(interface, "wg", 2) == 0 && isdigit((unsigned char)interface[2]))
			found(l, interface, "'%s' is WireGuard's", interface);
	}
}
