/* What this process is able to read or set. */
#include "meta/private.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool has_cap(const struct __user_cap_data_struct *data, unsigned cap)
{
	return data[cap / 32].effective & (1u << (cap % 32));
}

unsigned meta_fields_possible(bool writing)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	unsigned fields = META_F_ALL;

	if (syscall(SYS_capget, &header, data) < 0)
		memset(data, geteuid() == 0 ? 0xff : 0, sizeof(data));
	if (!has_cap(data, CAP_SYS_ADMIN))
		fields &= ~META_F_XATTR_TRUSTED; /* neither listed nor set */
	if (!writing)
		return fields;
	if (!has_cap(data, CAP_SYS_ADMIN) || !has_cap(data, CAP_SETFCAP))
		fields &= ~META_F_XATTR_SECURITY;
	if (!has_cap(data, CAP_LINUX_IMMUTABLE))
		fields &= ~META_F_FLAGS_PRIV;
	if (!has_cap(data, CAP_CHOWN))
		fields &= ~META_F_OWNER;
	return fields;
}
