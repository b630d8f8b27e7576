/* Private to the room operator: an image is made. */
#pragma once

#include "operator/proto.h"

/* Nobody is left to do anything for. */
bool peer_gone(int peer);

/*
 * Makes it under another name beside, and gives it its own when it is whole and on the disk: whatever ends this, there is either
 * nothing of the name or a whole image. One that has the same table's GUID and size was made by the same request: it stays, and
 * is not made. Anything else of the name is refused. False with d, also when the stream `peer` has ended: then nothing more is done.
 */
bool image_make(const struct operator_image *m, int peer, bool *out_made, struct diag *d);

/* One program of the operator's own list, by its arguments, in the directory `dir`, with `input`, until its end, at most limit_s
 * seconds. It dies with us, and ends when the peer does. False with d. */
bool program_run(int dir, int peer, const char *const *argv, const struct buf *input, unsigned limit_s, struct diag *d);
