/* Clouds, agents, time, security, earlier runs. */
#include "preflight/look.h"

#include <math.h>

/* ---- what is enabled or runs ---- */

static bool is_enabled(const struct look *l, const char *unit)
{
	const cJSON *list = fact(l->source, "services.enabled"), *u;
	const size_t n = strlen(unit);

	each(u, list) {
		if (cJSON_IsString(u) && strncmp(u->valuestring, unit, n) == 0 &&
			(!u->valuestring[n] || u->valuestring[n] == '.'))
			return true;
	}
	return false;
}

static bool runs(const cJSON *facts, const char *program)
{
	return cJSON_GetObjectItemCaseSensitive(fact(facts, "processes.programs"), program);
}

static void any_of(
	struct look *l, const char *const *units, size_t n_units, const char *const *programs, size_t n_programs)
{
	if (!need(l, l->source, "services.enabled") || !need(l, l->source, "processes.programs"))
		return;
	for (size_t i = 0; i < n_units; i++)
		if (is_enabled(l, units[i]))
			found(l, units[i], "%s is enabled", units[i]);
	for (size_t i = 0; i < n_programs; i++)
		if (runs(l->source, programs[i]))
			found(l, programs[i], "%s runs", programs[i]);
}

void judge_cloud_agent(struct look *l)
{
	static const char *const units[] = {"aegis", "cloudmonitor", "aliyun", "AssistDaemon", "ecs_mq-service",
		"amazon-ssm-agent", "snap.amazon-ssm-agent", "amazon-cloudwatch-agent", "ec2-instance-connect",
		"walinuxagent", "waagent", "azuremonitoragent", "google-guest-agent", "google-guest-agent-manager",
		"google-osconfig-agent", "google-startup-scripts", "google-shutdown-scripts", "hostguard", "uniagent",
		"cloudResetPwdAgent", "cloudResetPwdUpdateAgent", "tat_agent", "oracle-cloud-agent", "droplet-agent",
		"do-agent"};
	static const char *const programs[] = {"AliYunDun", "AliYunDunMonito", "CmsGoAgent", "argusagent", "YDService",
		"barad_agent", "sgagent", "telescope"};

	any_of(l, units, ARRAY_LEN(units), programs, ARRAY_LEN(programs));
}

void judge_guest_tools(struct look *l)
{
	static const char *const units[] = {"open-vm-tools", "vmtoolsd", "vmware-tools", "vboxadd", "vboxadd-service",
		"virtualbox-guest-utils", "xe-linux-distribution", "xe-daemon", "hv-kvp-daemon", "hv-vss-daemon",
		"hypervkvpd", "hypervvssd", "prltoolsd", "ngt_guest_agent", "qemu-guest-agent"};
	static const char *const programs[] = {"vmtoolsd", "VBoxService", "xe-daemon", "hv_kvp_daemon", "prltoolsd"};

	any_of(l, units, ARRAY_LEN(units), programs, ARRAY_LEN(programs));
}

void judge_cloud_init(struct look *l)
{
	if (!need(l, l->source, "services.enabled") || fact_true(l->source, "services.cloud_init_disabled"))
		return;
	if (is_enabled(l, "cloud-init") || is_enabled(l, "cloud-init-main") || is_enabled(l, "cloud-init-local"))
		found(l, NULL, "its units are enabled");
}

/* ---- places that only one network reaches ---- */

void judge_private_mirror(struct look *l)
{
	static const char *const marks[] = {"mirrors.cloud.aliyuncs.com", "mirrors.aliyuncs.com", "tencentyun.com",
		"myhuaweicloud.com", ".ec2.archive.ubuntu.com", "azure.archive.ubuntu.com", "rhui", "169.254.169.254",
		"169.254.169.123", "100.100.", "metadata.google.internal"};
	const cJSON *file;

	if (!fact_true(l->job, "live_source"))
		return;
	each(file, need(l, l->source, "config")) {
		for (size_t i = 0; file->string && cJSON_IsString(file) && i < ARRAY_LEN(marks); i++)
			if (strcasestr(file->valuestring, marks[i]) && strncmp(file->string, "/etc/cloud/", 11) != 0) {
				found(l, file->string, "'%s' has %s", file->string, marks[i]);
				break;
			}
	}
}

/* ---- time ---- */

/* Each says what it was when it was looked at; how long that took is taken off. */
void judge_clock_skew(struct look *l)
{
	const cJSON *ours = need(l, l->source, "time.now"), *theirs = need(l, l->target, "time.now");
	double took = fact_value(l->job, "facts_seconds"), skew;

	if (!ours || !theirs || fact_true(l->job, "local"))
		return;
	skew = fabs(fact_value(l->target, "time.now") - fact_value(l->source, "time.now")) - took - 1;
	if (skew > l->threshold)
		found(l, NULL, "by %.0f seconds", skew);
}

void judge_time_sync(struct look *l)
{
	const cJSON *known = need(l, l->source, "time.synchronized");

	if (known && cJSON_IsFalse(known) && fact_true(l->job, "live_source"))
		found(l, NULL, "the kernel says so");
}

void judge_rtc_local(struct look *l)
{
	if (fact_true(l->source, "time.rtc_local") && fact_true(l->job, "live_source"))
		found(l, NULL, "/etc/adjtime says LOCAL");
}

/* ---- security ---- */

void judge_selinux(struct look *l)
{
	const char *type = fact_text(l->target, "target_root.type");

	if (!fact_true(l->source, "security.selinux"))
		return;
	if (one_of(type, "nfs nfs4 vfat ntfs exfat 9p fuseblk"))
		found_as(l, PREFLIGHT_WARN, NULL, "the target is %s, which holds no labels", type);
	else
		found(l, NULL, "the source is %s",
			fact_true(l->source, "security.selinux_enforcing") ? "enforcing" : "permissive");
}

/* Only when paths change. */
void judge_apparmor(struct look *l)
{
	const cJSON *m;

	if (!fact_true(l->source, "security.apparmor"))
		return;
	each(m, fact(l->job, "mounts")) {
		const char *path = fact_text(m, "path"), *target = fact_text(m, "target");
		if (path && target && *path == '/' && !str_eq(path + 1, target) && fact_true(l->job, "live_source"))
			found(l, path, "'%s' goes to '%s'", path, target);
	}
}

static void watches(struct look *l, const cJSON *facts, const char *whose)
{
	static const char *const programs[] = {"clamonacc", "falcon-sensor", "ds_agent", "wdavdaemon", "mdatp",
		"AliYunDun", "hostguard", "fapolicyd", "cbagentd", "sentinelone-age", "s1-agent", "savd", "mfetpd",
		"esets_daemon", "kesl"};

	if (!need(l, facts, "processes.programs"))
		return;
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (runs(facts, programs[i]))
			found(l, programs[i], "%s runs at the %s", programs[i], whose);
}

void judge_security_software(struct look *l)
{
	watches(l, l->source, "source");
	watches(l, l->target, "target");
}

void judge_immutable_files(struct look *l)
{
	const cJSON *path;

	each(path, fact(l->source, "security.immutable")) {
		if (cJSON_IsString(path))
			found(l, path->valuestring, "'%s'", path->valuestring);
	}
}

/* ---- earlier runs, other tools ---- */

void judge_old_run(struct look *l)
{
	const cJSON *name;

	each(name, fact(l->target, "target_root.temporaries")) {
		if (cJSON_IsString(name) && !fact_true(l->job, "state.known"))
			found(l, name->valuestring, "'%s'", name->valuestring);
	}
}

void judge_other_tool(struct look *l)
{
	static const char *const programs[] = {"linuxmain", "SMS-Agent", "go2aliyun_clien", "go2tencentcloud"};
	const cJSON *path;

	each(path, fact(l->source, "services.migration_tools")) {
		if (cJSON_IsString(path))
			found(l, path->valuestring, "'%s' is there", path->valuestring);
	}
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (runs(l->source, programs[i]))
			found(l, programs[i], "%s runs", programs[i]);
}
