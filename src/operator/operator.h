/*
 * The operator: the role of the helper at the target that does what has to be known, or done, there beside copying. It is started
 * like a receiver, but not confined and not held to a directory: its work is the host's. It serves one peer, with requests
 * each of a type, bounded, logged there, and answered (proto.h); what is not among them cannot be asked for. It reads, and
 * makes images; there is nothing to be undone when it ends (image.h).
 *
 * It ends at once when its peer does, and with it whatever it has started.
 *
 * Process: rehost-receiver --operator, alone with its children.
 */
#pragma once

#include "base/util.h"

struct operator_config {
	int in, out;
	const char *root; /* of the copy, as it was given; it need not exist */
	const char *version;
	void (*log)(const char *line); /* NULL: nobody listens */
};

/* The exit code of the process. */
int operator_serve(const struct operator_config *c);
/* To the host's log, when it has one. */
void operator_syslog(const char *line);
