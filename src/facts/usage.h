/* Private to the room facts: how full a file system is. */
#pragma once

#include <sys/statvfs.h>

/* statvfs(), which may hang: 0 or an errno, ETIMEDOUT when it does. */
int usage_of(const char *path, struct statvfs *out);
