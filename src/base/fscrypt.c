#include "base/fscrypt.h"
#include "base/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENCRYPTED_FLAG 0x800 /* FS_ENCRYPT_FL and STATX_ATTR_ENCRYPTED, which headers may not know */
#define NAMES_MAX 256 /* that are looked at */
#define CODE_MIN 22 /* bytes of the code of the shortest name: 16 in base64 */

static bool is_encrypted(int fd)
{
	enum { WORD_ATTRIBUTES = 1, WORD_KNOWN = 7 }; /* of statx() */
	uint64_t words[32] = {0};
	int flags = 0;

#ifdef SYS_statx
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, words) == 0 && words[WORD_KNOWN] & ENCRYPTED_FLAG)
		return words[WORD_ATTRIBUTES] & ENCRYPTED_FLAG;
#endif
	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags & ENCRYPTED_FLAG;
}

/* Base64 of one kernel or the other, without padding. */
static bool may_be_code(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,-_");

	return n >= CODE_MIN && !name[n];
}

/* A name can look like a code by chance: then its file can be opened. */
static bool opens(int dirfd, const char *name, bool *out_no_key)
{
	AUTO_CLOSE int file = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	*out_no_key = file < 0 && errno == ENOKEY;
	return file >= 0;
}

/* Closes fd. */
static bool names_are_codes(int dirfd, int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *e;
	unsigned names = 0;
	bool codes = false, no_key = false;

	if (!dir) {
		close(fd);
		return false;
	}
	while (!no_key && names < NAMES_MAX && (e = readdir(dir))) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		names++;
		codes = may_be_code(e->d_name) && !(e->d_type == DT_REG && opens(dirfd, e->d_name, &no_key));
		if (!codes)
			break;
	}
	closedir(dir);
	return codes;
}

bool fscrypt_is_locked(int dirfd)
{
	int fd = is_encrypted(dirfd) ? openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd >= 0 && names_are_codes(dirfd, fd);
}
