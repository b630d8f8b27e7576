/*
 * Confinement: what a role gives up before it touches what it does not trust.
 *
 * Every call is made once, by a single-threaded process, and cannot be undone. Hardening the kernel does not
 * have is left out silently (out_note says which, as "no X; no Y; ", for the debug log); losing a right that
 * the role was to lose is fatal. Back ends: libcap for capabilities, libseccomp for the system-call filter,
 * Landlock by raw system calls.
 */
#pragma once

#include "base/buf.h"
#include "diag/diag.h"

/*
 * A process that only reads the source: mover, verifier. As root: another uid (65534) with no capability but
 * CAP_DAC_READ_SEARCH, CAP_FOWNER (the page cache is shown to owners) and CAP_SYS_ADMIN when keep_trusted (trusted.*
 * xattrs need it); chroot into empty_dir (an empty directory of root's, made 0700 when missing; one that holds anything
 * is refused). As an ordinary user: what follows alone. No-new-privileges, no core dumps, Landlock against changing any
 * file, and a filter that denies (EPERM) mounting, namespaces, opening for writing or creating, and every call that
 * changes a file, plus exec, ptrace, sockets, signals to others, open_by_handle_at, io_uring, modules, bpf, keys and
 * the clock; and of ioctls all but the few that read an inode's attributes (ioctl.c).
 *
 * Open descriptors stay usable; getdents, openat relative to them, fchdir, xattr reads, FS_IOC_GETFLAGS,
 * lseek(SEEK_HOLE), mmap for reading, fadvise, poll, and writes to sockets and pipes that are already open
 * work; so does fork. openat2 and clone3 are answered with ENOSYS (no filter can see their flags): callers
 * fall back. O_NOATIME is refused by the kernel for files of others: the clones are noatime.
 *
 * The signal for the parent's death (PR_SET_PDEATHSIG) is kept, in every role. With AddressSanitizer the leak
 * check at the end of a confined process is off: it would need ptrace.
 */
bool confine_reader(const char *empty_dir, bool keep_trusted, struct buf *out_note, struct diag *d);

/*
 * The receiver, which writes below one directory. root_fd is that directory. As root: chroot into it (fchdir
 * + chroot(".")), keep only CAP_CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID LINUX_IMMUTABLE MKNOD
 * SETFCAP SYS_ADMIN (trusted.*, security.*) MAC_ADMIN, those of them that the process has; no-new-privileges,
 * no core dumps, and the filter of confine_reader but for opening and changing files: openat2, the ioctls for an
 * inode's attributes and for sharing its blocks, and all that writes work. read_only (verify, dry run) keeps CAP_DAC_READ_SEARCH, FOWNER and SYS_ADMIN and denies all that
 * confine_reader denies. As an ordinary user: no-new-privileges, the filter, and Landlock confining to
 * root_fd where there is one that allows links between directories (Linux 5.19). It knows nothing of chmod,
 * chown and the like by path: those the user could still do to his own files elsewhere. Relative paths from
 * descriptors opened before still work; do not keep any that lead outside root_fd.
 */
bool confine_receiver(int root_fd, bool read_only, struct buf *out_note, struct diag *d);

/*
 * The process that speaks SSH, before it reads the first byte of the other side: as root it becomes uid 65534 without
 * capabilities; everybody: no-new-privileges, no core dumps, and against changing files all that confine_reader has. It
 * may still open for reading what everybody may: libraries look at files of theirs late. confine_link() is to follow.
 */
bool confine_handshake(struct buf *out_note, struct diag *d);

/*
 * The same process once it is authenticated, and netcheck's probe: no files, no exec, no new sockets; it keeps its two
 * descriptors and what libssh2 needs (random numbers, memory, poll). As root it becomes uid 65534 without
 * capabilities. Descriptors that libraries need later (a random device, on kernels without getrandom) have to
 * be open by now.
 */
bool confine_link(struct buf *out_note, struct diag *d);
