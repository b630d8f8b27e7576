/*
 * The grammar of DST: [USER@]HOST[:PORT]:DIR, [v6::addr][:PORT]:DIR, local:DIR. Pure but for local:, whose
 * relative DIR is made absolute from the working directory.
 *
 * HOST:22 is the directory 22, HOST:22:DIR the port; a relative DIR is below the login's home ("~/" may be written).
 */
#pragma once

#include "diag/diag.h"

struct target_spec {
	bool local;
	char *user; /* NULL: not given */
	char *host; /* without brackets; NULL when local */
	unsigned port; /* 0: not given */
	char *dir; /* never empty, no trailing slash but for "/" */
};

/* True when the text names a target and no path: "local:" or a colon before any slash. */
bool target_spec_is_one(const char *text);
/* False with d set (usage) and out_hint (to be freed, may be NULL). */
bool target_spec_parse(const char *text, struct target_spec *out, struct diag *d, char **out_hint);
void target_spec_release(struct target_spec *s);
/* "user@[::1]:22:/dir" in one spelling: what names the job is made of. Appended. */
void target_spec_format(struct buf *out, const struct target_spec *s);
