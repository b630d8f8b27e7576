/* Which librsync this is: for --version, as no other room includes its header. */
#include "delta/delta.h"

#include <stdio.h>
#include <string.h>

#include <librsync.h>

const char *delta_library_version(void)
{
	/* "librsync 2.3.2" */
	const char *blank = strrchr(rs_librsync_version, ' ');

	return blank ? blank + 1 : rs_librsync_version;
}
