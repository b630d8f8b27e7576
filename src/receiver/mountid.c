#include "receiver/mountid.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

void mount_ids_open(struct mount_ids *m)
{
	m->fdinfo = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void mount_ids_close(struct mount_ids *m)
{
	if (m->fdinfo >= 0)
		close(m->fdinfo);
	m->fdinfo = -1;
}

/* Linux 5.8. */
static int64_t by_statx(int fd)
{
	enum { MNT_ID = 0x1000, WORD_MNT_ID = 18 }; /* of statx(), which headers may not know */
	uint64_t words[32] = {0};
	uint32_t mask = 0;

#ifdef SYS_statx
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, MNT_ID, words) == 0)
		memcpy(&mask, words, sizeof(mask));
#endif
	return mask & MNT_ID ? (int64_t)(words[WORD_MNT_ID] & UINT32_MAX) : -1;
}

/* Linux 3.15. */
static int64_t by_fdinfo(const struct mount_ids *m, int fd)
{
	char name[16], text[512];
	AUTO_CLOSE int file = -1;
	const char *at;
	ssize_t n;

	if (!m || m->fdinfo < 0)
		return -1;
	snprintf(name, sizeof(name), "%d", fd);
	file = openat(m->fdinfo, name, O_RDONLY | O_CLOEXEC);
	n = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	at = strstr(text, "mnt_id:");
	return at ? strtoll(at + strlen("mnt_id:"), NULL, 10) : -1;
}

/* Every kernel we know, where the file system has handles: told also when there is no room for the handle itself. */
static int64_t by_handle(int fd)
{
#ifdef SYS_name_to_handle_at
	struct {
		unsigned bytes;
		int type;
	} none = {0};
	int id = -1;

	if (syscall(SYS_name_to_handle_at, fd, "", &none, &id, AT_EMPTY_PATH) == 0 || errno == EOVERFLOW)
		return id;
#endif
	return -1;
}

bool mount_ids_same(const struct mount_ids *m, int a, int b)
{
	int64_t x = by_statx(a), y = by_statx(b);

	if (x < 0 || y < 0) {
		x = by_fdinfo(m, a);
		y = by_fdinfo(m, b);
	}
	if (x < 0 || y < 0) {
		x = by_handle(a);
		y = by_handle(b);
	}
	return x >= 0 && x == y;
}
