/* Private to the room facts: a look that may hang, in a process of its own. */
#pragma once

#include "base/buf.h"

#define APART_MS 3000 /* a dead disk or server answers never */

/* What it writes to out (less than 64 KiB); 0 or an errno. */
typedef int (*apart_fn)(const void *arg, struct buf *out);
/* The same, or ETIMEDOUT. */
int apart(apart_fn look, const void *arg, struct buf *out);
