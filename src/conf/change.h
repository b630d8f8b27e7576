/* While a job runs its limits may change, and a little more when the configuration is read again. */
#pragma once

#include "conf/conf.h"

/* What 'rehost limits' shows and changes: keys of [limits], and "bandwidth". Calls fn for each with its value as text. */
void conf_each_limit(const struct conf *c, void (*fn)(void *arg, const char *name, const char *value), void *arg);
/* A configuration with the limits of c but for those n; all else is default. NULL, with a line for each bad one in out_why. */
struct conf *conf_change_limits(
	const struct conf *c, const char *const *names, const char *const *values, size_t n, struct buf *out_why);
/* Takes over the limits of such a configuration. */
void conf_take_limits(struct conf *c, const struct conf *from);
/*
 * Takes over what may change from the same configuration, read again: a line "limits.cpu = 10%" for each key that changed
 * goes to out_changed, and one "target.root" for each that would have but cannot to out_kept.
 */
void conf_take_reloaded(struct conf *c, const struct conf *from, struct buf *out_changed, struct buf *out_kept);
