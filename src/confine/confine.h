/*
 * Confinement: what a role gives up before it touches what it does not trust.
 *
 * Every call is made once, by a single-threaded process, and cannot be undone. Hardening the kernel does not have is
 * left out silently (out_note says which, for the debug log); losing a right that the role was to lose is fatal.
 * Back ends: libcap for capabilities, libseccomp for the system-call filter, Landlock by raw system calls.
 */
#pragma once

#include "base/buf.h"
#include "diag/diag.h"

/*
 * A process that only reads the source: mover, verifier. As root: another uid (65534) with ambient
 * CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN too when keep_trusted (trusted.* xattrs need it); chroot into empty_dir (an
 * empty directory, made when missing); no-new-privileges; a filter that denies (EPERM) mounting, namespaces, opening
 * for writing or creating, and every call that changes a file, plus exec, ptrace, sockets. As an ordinary user:
 * no-new-privileges and the filter. Open descriptors stay usable; getdents, openat relative to them, fchdir, xattr
 * reads, FS_IOC_GETFLAGS, mmap for reading, fadvise, poll, and writes to sockets and pipes that are already open work.
 */
bool confine_reader(const char *empty_dir, bool keep_trusted, struct buf *out_note, struct diag *d);

/*
 * The receiver, which writes below one directory. root_fd is that directory. As root: chroot into it (fchdir +
 * chroot(".")), keep only CAP_CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID LINUX_IMMUTABLE MKNOD SETFCAP SYS_ADMIN
 * (trusted.*, security.*) MAC_ADMIN, no-new-privileges, and a filter denying mounts, namespaces, exec, ptrace, new sockets, modules, reboot,
 * kexec, bpf, chroot and open_by_handle_at. read_only (verify, dry run) also denies what confine_reader denies.
 * As an ordinary user: no-new-privileges, the filter, and Landlock confining to root_fd where there is one.
 */
bool confine_receiver(int root_fd, bool read_only, struct buf *out_note, struct diag *d);

/*
 * The process that speaks SSH, once it is authenticated: no files, no exec, no new sockets; it keeps its two
 * descriptors and what libssh2 needs (random numbers, memory, poll).
 */
bool confine_link(struct buf *out_note, struct diag *d);
