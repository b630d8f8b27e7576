/* Private to the room cli: the plan of the target's disk, as `layout` shows it. */
#pragma once

#include "cli/work.h"
#include "layout/layout.h"

struct cJSON;

void layout_print_text(
	const struct work *w, const struct cJSON *job, const struct layout_plan *p, const struct layout_steps *s);
/* The plan, then the operations, a line each. */
void layout_print_json(
	const struct work *w, const struct cJSON *job, const struct layout_plan *p, const struct layout_steps *s);

/* What a directory and all beneath it on its file system take; of files with several names a share of each. False: it cannot be
 * opened. What cannot be read beneath it counts nothing. */
bool tree_usage(const char *dir, uint64_t *out_bytes, uint64_t *out_inodes);
