/* Interfaces, addresses, routes, and who sets them up. */
#include "facts/probes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>

static void put_addresses(const struct tree *t, struct value *o, const char *name)
{
	struct value *list = put_array(o, "addresses");
	struct ifaddrs *all = NULL;

	if (!t->live || getifaddrs(&all) < 0) {
		put_unknown(o, "addresses", t->live ? NULL : "it is a recorded host", t->live ? errno : 0);
		return;
	}
	for (struct ifaddrs *a = all; a; a = a->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		int family = a->ifa_addr ? a->ifa_addr->sa_family : AF_UNSPEC;
		const void *p = family == AF_INET ? (const void *)&((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr
			: family == AF_INET6 ? (const void *)&((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr
					     : NULL;

		if (p && str_eq(a->ifa_name, name) && inet_ntop(family, p, text, sizeof(text)))
			add_text(list, text);
	}
	freeifaddrs(all);
}

static void put_interfaces(const struct tree *t, struct value *s)
{
	struct value *list = put_array(s, "interfaces");
	struct tree_names names;

	if (!tree_list(t, "/sys/class/net", &names))
		put_unknown(s, "interfaces", "/sys/class/net", errno);
	for (size_t i = 0; i < names.count; i++) {
		AUTO_FREE char *dir = xasprintf("/sys/class/net/%s", names.names[i]);
		AUTO_FREE char *mac = xasprintf("%s/address", dir), *state = xasprintf("%s/operstate", dir);
		AUTO_FREE char *driver = xasprintf("%s/device/driver", dir), *bridge = xasprintf("%s/bridge", dir);
		AUTO_FREE char *bond = xasprintf("%s/bonding", dir), *master = xasprintf("%s/master", dir),
			       *mtu = xasprintf("%s/mtu", dir);
		AUTO_FREE char *to = tree_link(t, driver);
		const char *slash = to ? strrchr(to, '/') : NULL;
		struct value *o = value_object();
		uint64_t n;

		put_text(o, "name", names.names[i]);
		put_taken(o, "mac", tree_line(t, mac));
		put_taken(o, "state", tree_line(t, state));
		put_text(o, "driver", slash ? slash + 1 : to);
		put_text(o, "kind",
			tree_exists(t, bridge)           ? "bridge"
				: tree_exists(t, bond)   ? "bond"
				: tree_exists(t, master) ? "member"
				: to                     ? "device"
							 : "virtual");
		if (tree_number(t, mtu, &n))
			put_u64(o, "mtu", n);
		put_addresses(t, o, names.names[i]);
		value_add(list, o);
	}
	tree_names_release(&names);
}

/* Of /proc/net/route: those to everywhere. "Iface Destination Gateway Flags ...", numbers in hexadecimal, bytes as the host's. */
static void put_routes(const struct tree *t, struct value *s)
{
	AUTO_FREE char *text = tree_read(t, "/proc/net/route", 1 << 20);
	struct value *list = put_array(s, "default_routes");
	char *save = NULL;

	if (!text)
		put_unknown(s, "default_routes", "/proc/net/route", errno);
	for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
		char *words = NULL, *iface = strtok_r(line, " \t", &words), *to = strtok_r(NULL, " \t", &words);
		char *gateway = strtok_r(NULL, " \t", &words), address[INET_ADDRSTRLEN] = "";
		struct in_addr in;
		struct value *o;

		if (!gateway || !str_eq(to, "00000000"))
			continue;
		in.s_addr = (in_addr_t)strtoul(gateway, NULL, 16);
		o = value_object();
		put_text(o, "interface", iface);
		put_text(o, "gateway", inet_ntop(AF_INET, &in, address, sizeof(address)));
		value_add(list, o);
	}
}

/* Whose configuration is there. */
static void put_stacks(const struct tree *t, struct value *s)
{
	static const struct {
		const char *dir, *name, *ending;
	} stacks[] = {{"/etc/netplan", "netplan", ".yaml"}, {"/etc/systemd/network", "networkd", ".network"},
		{"/etc/NetworkManager/system-connections", "networkmanager", ""},
		{"/etc/sysconfig/network-scripts", "ifcfg", ""}, {"/etc/sysconfig/network", "wicked", ""},
		{"/etc/network", "ifupdown", "interfaces"}, {"/etc/cloud", "cloud-init", "cloud.cfg"}};
	struct value *o = put_object(s, "stacks");

	for (size_t i = 0; i < ARRAY_LEN(stacks); i++) {
		struct tree_names names;
		struct value *files;

		if (!tree_list(t, stacks[i].dir, &names))
			continue;
		files = value_array();
		for (size_t k = 0; k < names.count; k++) {
			size_t n = strlen(names.names[k]), e = strlen(stacks[i].ending);
			bool ifcfg = str_eq(stacks[i].name, "ifcfg") || str_eq(stacks[i].name, "wicked");

			if (n >= e && str_eq(names.names[k] + n - e, stacks[i].ending) &&
				(!ifcfg || strncmp(names.names[k], "ifcfg-", 6) == 0))
				add_text(files, names.names[k]);
		}
		if (value_has_items(files))
			value_put(o, stacks[i].name, files);
		else
			value_free(files);
		tree_names_release(&names);
	}
}

void probe_network(const struct tree *t, struct value *s)
{
	put_interfaces(t, s);
	put_routes(t, s);
	put_stacks(t, s);
}
