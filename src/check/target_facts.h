/*
 * The facts of the target, by an operator that is started there for them and ends with them. Its bytes are looked at by a probe
 * first, a confined process of its own, as for netcheck.
 *
 * Process: the coordinator; blocks until all is there, at most about a minute beside connecting. No lock is taken, nothing is
 * written on either side.
 */
#pragma once

#include "conf/conf.h"
#include "diag/diag.h"

struct cJSON;

struct target_facts_options {
	const struct conf *conf; /* target.address and target.root are set */
	bool batch; /* nobody can be asked for a password */
	unsigned limit_ms; /* for each section; 0: 10 s */
};

struct target_facts {
	struct cJSON *document; /* as facts/document.h has it, with the section "target_root" */
	char *where, *note; /* "ssh root@host:22"; why the system's ssh, or NULL */
};

/* False with d: that of the connection when there is none. out is to be released in both cases. */
bool target_facts_get(const struct target_facts_options *o, struct target_facts *out, struct diag *d);
void target_facts_release(struct target_facts *f);
