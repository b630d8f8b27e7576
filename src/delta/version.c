/* Which librsync this is: for --version, as no other room includes its header. */
#include "delta/delta.h"

#include <stdio.h>
#include <librsync.h>

const char *delta_library_version(void)
{
	return rs_librsync_version;
}
