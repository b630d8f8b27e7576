/* Private to the room verify: the entries of one directory. */
#pragma once

#include "verify/unit.h"

/* True: a single path is a directory on both sides, to be entered. */
bool verify_entry_compare(struct verifier *v, struct unit *u, const char *name);
void verify_entry_extras(struct verifier *v, struct unit *u);
/* The other mount whose root is at this source path; SIZE_MAX: none. */
size_t verify_entry_mount_at(const struct verifier *v, const struct unit *u, const char *src);
