/*
 * Directory entries as the kernel gives them, and types of inodes in its words (DT_*, mode) and in ours (META_*).
 *
 * Ownership: nothing is allocated. Errors: -1 with errno.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct dent { /* struct linux_dirent64 */
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
} __attribute__((packed));

/* Raw entries into buf, which is aligned to 8; bytes, 0 at the end. */
ssize_t dents_read(int fd, void *buf, size_t n);

/* META_NONE: not known. */
uint8_t type_of_mode(mode_t mode);
uint8_t type_of_dtype(unsigned char dtype);
unsigned char dtype_of_type(uint8_t type);
