/*
 * import: other services' configurations, turned into ours.
 *
 * SMS (g-property.cfg, disk.cfg, auth.cfg), SMC (user_config.json and its lists of exclusions), Tencent's tool (user.json,
 * client.json), AWS MGN (the installer's command line, JSON) and rsync command lines. Pure: texts in, a text out.
 * Values go out only where a key of ours takes them, and what is unknown by its name alone: no secret is printed.
 * Whatever is printed as a setting has been tried: the configuration takes it.
 */
#pragma once

#include "base/buf.h"
#include "diag/diag.h"

/* No format of them comes near. */
#define IMPORT_FILE_MAX (4u << 20)

struct import_file {
	const char *name; /* of its last component the format is known */
	char *text; /* NUL-terminated */
	size_t len;
};

/* All files are of one job. False with d set when one of them is not what its name says, or of no known format. */
bool import_files(const struct import_file *files, size_t n, struct buf *out, struct diag *d);
