/*
 * An image at the target, by an operator that is started there for it and ends with it. What it answers is looked at by a probe
 * first, as its facts are.
 *
 * Process: the coordinator; blocks until the image is there. No lock is taken here: the operator has one of its own there.
 */
#pragma once

#include "conf/conf.h"
#include "diag/diag.h"
#include "layout/layout.h"

struct target_image_options {
	const struct conf *conf; /* target.address and target.root are set */
	bool batch; /* nobody can be asked for a password */
	/* called about every 50 ms; NULL: not */
	void (*tick)(void *arg);
	void *arg;
};

/* False with d. out_made: false when it was there already. */
bool target_image_make(
	const struct target_image_options *o, const struct layout_plan *p, bool *out_made, struct diag *d);
