/*
 * Descriptors: whole reads and writes, sending descriptors, flags. All return 0 or a count, or -1 with errno set;
 * EINTR is handled inside.
 */
#pragma once

#include "base/util.h"

/* Reads exactly n bytes: n, or fewer at end of file; -1 on error. */
ssize_t fd_read_full(int fd, void *p, size_t n);
ssize_t fd_pread_full(int fd, void *p, size_t n, off_t off);
/* Writes all n bytes: 0, or -1. */
int fd_write_full(int fd, const void *p, size_t n);
int fd_pwrite_full(int fd, const void *p, size_t n, off_t off);
int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);
/* A whole small file (at most max bytes, else EFBIG). out_data is NUL-terminated, the caller frees it. A device or the end of a
 * pipe (/dev/stdin, /dev/fd/N) is read to its end; a FIFO that has a name is not waited for: EINVAL. */
int fd_read_file(int dirfd, const char *path, size_t max, char **out_data, size_t *out_len);
/* Replaces a file by writing beside it, fsync, rename. Mode 0600, or the given one whatever the umask is. */
int fd_write_file_atomic(int dirfd, const char *path, const void *p, size_t n);
int fd_write_file_mode(int dirfd, const char *path, mode_t mode, const void *p, size_t n);
/* A new file without a name, in this directory. */
int fd_temporary(const char *dir);
/* One byte with descriptors attached (at most 16), over a Unix socket. recv gets exactly n or fails. */
int fd_send_fds(int sock, const int *fds, size_t n);
int fd_recv_fds(int sock, int *fds, size_t n);
/* As read(2) from a Unix stream on which descriptors may come: *fd is one that came (-1: none), its byte is not in p, so that
 * only a 0 without it is the end. */
ssize_t fd_read_or_fd(int sock, void *p, size_t n, int *fd);
/* mkdir -p with a mode for what is made; 0 when it is there. */
int fd_mkdir_p(const char *path, mode_t mode);
