/* rsync's itemized lines, for -i: eleven characters YXcstpoguax, a blank, the path. See rehost(8). */
#pragma once

#include "engine/engine.h"

void itemize_format(struct buf *out, const struct item *i);
