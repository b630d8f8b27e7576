#include "base/bootid.h"

#include "base/fd.h"

#include <fcntl.h>

bool boot_id_read(uint8_t id[16])
{
	AUTO_FREE char *text = NULL;
	size_t digits = 0;

	memset(id, 0, 16);
	if (fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 256, &text, NULL) < 0)
		return false;
	for (const char *p = text; *p && digits < 32; p++) {
		int v = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : -1;

		if (v >= 0) {
			id[digits / 2] |= (uint8_t)(v << (digits % 2 ? 0 : 4));
			digits++;
		}
	}
	if (digits == 32)
		return true;
	memset(id, 0, 16);
	return false;
}
