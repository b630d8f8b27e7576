/* Which libssh2 this is: for --version, as no other room includes its header. */
#include "transport/transport.h"

#include <libssh2.h>

const char *transport_library_version(void)
{
	return libssh2_version(0);
}
