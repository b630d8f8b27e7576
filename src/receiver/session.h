/*
 * The receiver's session: requests in, answers out. It executes the frames of one mover below one directory.
 *
 * session_handle() does the file-system work of one frame and appends the answers to session_out();
 * session_serve() is the loop around it. The session trusts no frame: what is malformed, or makes no sense,
 * is answered with MSG_ERROR and ends it. A failure of one file is an answer like any other.
 *
 * Process: single-threaded; the current directory is the session's. Umask 0 and SIGPIPE ignored are the
 * caller's. Ownership: the session owns nothing of its config but closes root_fd when it is freed.
 */
#pragma once

#include "base/buf.h"
#include "base/sysload.h"
#include "wire/frame.h"

struct session;
struct below;
struct mount_ids;

struct session_config {
	int root_fd; /* the target root; -1: it does not exist (read-only sessions only) */
	bool read_only; /* nothing may be changed, whatever HELLO says */
	uint8_t boot_id[16];
	uint64_t root_mount; /* 0: not known */
	bool root_made; /* see struct root */
	bool root_live; /* it is "/" of the running system */
	const char *version; /* of the program, for messages */
	const struct sysload_files *load; /* NULL: not told */
	const struct below *below; /* NULL: not known */
	const struct mount_ids *mounts; /* NULL: only what system calls tell */
};

struct session *session_new(const struct session_config *c);
/* Ends what is open as a lost link does: nothing half-written looks finished. */
void session_free(struct session *s);

/* False: the session is over (MSG_BYE, or an error that has been answered). */
bool session_handle(struct session *s, const struct frame *f);
/* Encoded answers that were not taken yet: the caller writes and clears them. */
struct buf *session_out(struct session *s);
/* Requests from in_fd, answers to out_fd (blocking descriptors), until the end of either. 0: ended by BYE or
 * by the end of input; 1: by an error. */
int session_serve(struct session *s, int in_fd, int out_fd);
