/* Rights, the way to the target, and what runs there. */
#include "preflight/look.h"

#include <stdio.h>

void judge_not_root(struct look *l)
{
	if (!fact_false(l->job, "privileged"))
		return;
	/* Somebody's own directory is another matter. */
	found_as(l, fact_true(l->job, "live_source") ? PREFLIGHT_FAIL : PREFLIGHT_WARN, NULL,
		"CAP_DAC_READ_SEARCH is missing");
}

/* The target could not be reached, and it was by this. */
static void connection_failed(struct look *l, const char *codes)
{
	const char *code = fact_text(l->job, "connect.code"), *text = fact_text(l->job, "connect.text");

	if (one_of(code, codes))
		found(l, NULL, "[%s] %s", code, text ? text : "");
}

void judge_target_name(struct look *l)
{
	connection_failed(l, "RH0605");
}

void judge_target_unreachable(struct look *l)
{
	connection_failed(l, "RH0606 RH0607 RH0615 RH1302");
}

void judge_proxy_refuses(struct look *l)
{
	connection_failed(l, "RH0613");
}

void judge_host_key(struct look *l)
{
	connection_failed(l, "RH0609 RH0610 RH0670");
}

void judge_target_login(struct look *l)
{
	connection_failed(l, "RH0608 RH0614 RH0627 RH0629");
}

void judge_ssh_client(struct look *l)
{
	connection_failed(l, "RH0602 RH0603 RH0612");
}

void judge_target_not_linux(struct look *l)
{
	connection_failed(l, "RH0628");
}

void judge_target_sudo(struct look *l)
{
	connection_failed(l, "RH0619");
}

void judge_helper_dir(struct look *l)
{
	connection_failed(l, "RH0617 RH0618 RH0621 RH0622 RH0625");
}

void judge_target_is_source(struct look *l)
{
	const char *ours = fact_text(l->source, "kernel.boot_id"), *theirs = fact_text(l->target, "kernel.boot_id");

	if (!ours || !theirs) {
		not_known(l, "kernel.boot_id is not known");
		return;
	}
	if (!str_eq(ours, theirs))
		return;
	if (fact_true(l->target, "target_root.live"))
		found(l, NULL, "both have boot id %s, and the target's root is '/'", ours);
	else if (!fact_true(l->job, "local")) /* containers of one host, or a directory of our own */
		found_as(l, PREFLIGHT_INFO, NULL, "both run on the kernel with boot id %s", ours);
}

void judge_target_root_rights(struct look *l)
{
	const cJSON *euid = need(l, l->target, "target_root.euid");

	if (euid && euid->valuedouble != 0)
		found_as(l, fact_true(l->job, "live_source") ? PREFLIGHT_FAIL : PREFLIGHT_WARN, NULL,
			"it runs with user id %.0f", euid->valuedouble);
	else if (fact_false(l->target, "target_root.uid_map_whole"))
		found_as(l, PREFLIGHT_WARN, NULL, "it is root of a user namespace only");
}

static void judge_kernel(struct look *l, const cJSON *facts, const char *whose)
{
	const cJSON *release = need(l, facts, "kernel.running");
	unsigned major, minor;

	if (!release || !cJSON_IsString(release))
		return;
	if (sscanf(release->valuestring, "%u.%u", &major, &minor) != 2)
		not_known(l, "kernel.running '%s' of the %s is no version", release->valuestring, whose);
	else if (major < 3 || (major == 3 && minor < 10))
		found(l, whose, "the %s runs %s", whose, release->valuestring);
}

void judge_os_too_old(struct look *l)
{
	judge_kernel(l, l->source, "source");
	judge_kernel(l, l->target, "target");
}

void judge_state_dir(struct look *l)
{
	const cJSON *dir;

	each(dir, fact(l->job, "dirs")) {
		const char *path = fact_text(dir, "path"), *problem = fact_text(dir, "problem");
		double available;

		if (problem)
			found(l, path, "'%s': %s", path, problem);
		else if (fact_number(dir, "available", &available) && available < l->threshold * 1e6) {
			AUTO_FREE char *room = size_text(available);
			found(l, path, "'%s' has %s left, less than %.0f MB", path, room, l->threshold);
		}
	}
}
