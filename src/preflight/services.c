/* What runs, and must not be copied while it runs. */
#include "preflight/look.h"

/* Programs by the names that the kernel knows them by: 15 letters at most. */
static void any_runs(struct look *l, const char *const *names, size_t n)
{
	const cJSON *programs = need(l, l->source, "processes.programs");

	for (size_t i = 0; programs && i < n; i++)
		if (cJSON_GetObjectItemCaseSensitive(programs, names[i]))
			found(l, names[i], "%s runs", names[i]);
}

/* The same of all that begin so. */
static void any_begins(struct look *l, const char *const *beginnings, size_t n)
{
	const cJSON *p;

	each(p, fact(l->source, "processes.programs")) {
		for (size_t i = 0; p->string && i < n; i++)
			if (strncmp(p->string, beginnings[i], strlen(beginnings[i])) == 0)
				found(l, p->string, "%s runs", p->string);
	}
}

void judge_database(struct look *l)
{
	static const char *const names[] = {"mysqld", "mariadbd", "postgres", "postmaster", "mongod", "redis-server",
		"valkey-server", "db2sysc", "clickhouse-serv", "influxd", "slapd", "beam.smp", "elasticsearch",
		"opensearch", "cassandra", "kafka", "zookeeper", "sqlservr", "couchdb", "neo4j"};
	static const char *const beginnings[] = {"ora_pmon_"};

	any_runs(l, names, ARRAY_LEN(names));
	any_begins(l, beginnings, ARRAY_LEN(beginnings));
}

void judge_cluster_member(struct look *l)
{
	static const char *const names[] = {"corosync", "pacemakerd", "kubelet", "k3s-server", "k3s-agent", "k3s",
		"etcd", "ceph-osd", "ceph-mon", "glusterd", "consul", "nomad", "hadoop", "garbd"};

	any_runs(l, names, ARRAY_LEN(names));
}

void judge_containers(struct look *l)
{
	static const char *const names[] = {"conmon", "lxc-start", "lxd", "incusd", "crio"};
	static const char *const beginnings[] = {"containerd-shim", "docker-containe"};

	any_runs(l, names, ARRAY_LEN(names));
	any_begins(l, beginnings, ARRAY_LEN(beginnings));
}

void judge_vm_images(struct look *l)
{
	static const char *const names[] = {"qemu-kvm", "kvm", "VBoxHeadless"};
	static const char *const beginnings[] = {"qemu-system"};

	any_runs(l, names, ARRAY_LEN(names));
	any_begins(l, beginnings, ARRAY_LEN(beginnings));
}

void judge_open_deleted(struct look *l)
{
	const cJSON *known = need(l, l->source, "processes.deleted_open_bytes");
	double bytes = fact_value(l->source, "processes.deleted_open_bytes");
	AUTO_FREE char *size = size_text(bytes);

	if (known && bytes > l->threshold * 1e6)
		found(l, NULL, "%s of %.0f files", size, fact_value(l->source, "processes.deleted_open_files"));
}

void judge_domain_member(struct look *l)
{
	static const char *const names[] = {"winbindd", "samba", "adclient"};

	any_runs(l, names, ARRAY_LEN(names));
	if (fact_true(l->source, "security.keytab"))
		found(l, "the keytab", "there is an /etc/krb5.keytab");
}

void judge_failed_units(struct look *l)
{
	const cJSON *unit;

	each(unit, fact(l->source, "services.failed")) {
		if (cJSON_IsString(unit))
			found(l, unit->valuestring, "%s", unit->valuestring);
	}
}

void judge_hardware_bound(struct look *l)
{
	static const char *const names[] = {"lmgrd", "hasplmd", "hasplmd_x86_64", "aksusbd", "aksusbd_x86_64",
		"nvidia-persiste", "dsm_sa_datamgrd", "dsm_om_connsvc", "MegaRAID", "arcconf", "storcli"};

	any_runs(l, names, ARRAY_LEN(names));
}
