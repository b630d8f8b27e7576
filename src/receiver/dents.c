/* Directory entries as the kernel gives them, and types of inodes in its words and in ours. */
#include "receiver/dents.h"
#include "receiver/state.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t dents_read(int fd, void *buf, size_t n)
{
	return syscall(SYS_getdents64, fd, buf, n);
}

uint8_t type_of_dtype(unsigned char dtype)
{
	switch (dtype) {
	case DT_REG:
		return META_REG;
	case DT_DIR:
		return META_DIR;
	case DT_LNK:
		return META_LNK;
	case DT_CHR:
		return META_CHR;
	case DT_BLK:
		return META_BLK;
	case DT_FIFO:
		return META_FIFO;
	case DT_SOCK:
		return META_SOCK;
	}
	return META_NONE;
}

unsigned char dtype_of_type(uint8_t type)
{
	static const unsigned char dtypes[META_TYPE_END] = {[META_REG] = DT_REG,
		[META_DIR] = DT_DIR,
		[META_LNK] = DT_LNK,
		[META_CHR] = DT_CHR,
		[META_BLK] = DT_BLK,
		[META_FIFO] = DT_FIFO,
		[META_SOCK] = DT_SOCK};

	return dtypes[type];
}

uint8_t type_of_mode(mode_t mode)
{
	return type_of_dtype(IFTODT(mode));
}
