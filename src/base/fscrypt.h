/* Directories encrypted by the kernel (fscrypt: ext4, f2fs, ubifs, ceph). */
#pragma once

#include <stdbool.h>

/*
 * Whether the key of an encrypted directory is missing, so that names read from it are no names but their codes. False,
 * too, of an empty one: it has no names.
 */
bool fscrypt_is_locked(int dirfd);
