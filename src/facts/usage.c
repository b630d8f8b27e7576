#include "facts/usage.h"
#include "facts/apart.h"

#include <errno.h>

static int look(const void *path, struct buf *out)
{
	struct statvfs v;

	if (statvfs(path, &v) < 0)
		return errno;
	buf_append(out, &v, sizeof(v));
	return 0;
}

int usage_of(const char *path, struct statvfs *out)
{
	AUTO_BUF b = BUF_INIT;
	int err = apart(look, path, &b);

	if (!err && b.len != sizeof(*out))
		err = EIO;
	if (!err)
		memcpy(out, b.data, sizeof(*out));
	return err;
}
