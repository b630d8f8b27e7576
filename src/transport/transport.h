/*
 * Transport: a byte stream to a receiver on the target host.
 *
 * Three back ends behind one descriptor: libssh2 (in a process of its own, the link, so that the code that
 * parses SSH from a possibly hostile host holds no right to read the source), the system's ssh as a child,
 * and a local child. The engine sees one connected, bidirectional stream socket in each case.
 *
 * Processes: transport_resolve/start/collect run in the coordinator; transport_bootstrap in the mover, before
 * it is confined; transport_link_main is the link role.
 */
#pragma once

#include "base/result.h"
#include "conf/conf.h"
#include "diag/diag.h"
#include <signal.h>

enum transport_kind { TRANSPORT_LIBSSH2, TRANSPORT_SSH, TRANSPORT_LOCAL };

/* Everything needed to connect, resolved once (ssh -G, known_hosts files, identities). Opaque, owned by the caller. */
struct transport;

/* Does not connect. batch: never prompt (no terminal, or -q). */
bool transport_resolve(const struct conf *c, bool batch, struct transport **out, struct diag *d);
void transport_free(struct transport *t);
enum transport_kind transport_kind(const struct transport *t);
/* "ssh root@host:22" for messages, escaped; "local". */
const char *transport_name(const struct transport *t);
/* Why the system's ssh is used although libssh2 would have been allowed, for one line in the log; NULL otherwise. */
const char *transport_note(const struct transport *t);

/* How the receiver is to be started; becomes its command line (each value quoted for the remote shell by us). */
struct transport_receiver {
	const char *root; /* target root, any bytes; relative: below the login's home */
	bool create; /* make the last component when missing */
	bool read_only; /* dry run or verify: never writes */
	bool prove; /* speaks the verify protocol */
	bool operate; /* the operator: its own protocol, and no confinement; root is what it is asked about */
	bool sudo;
	const char *helper; /* conf target.helper: NULL or "auto", else a path on the target */
};

/* One connection: a socket to the mover's end of the stream, and the process behind it. */
struct transport_conn {
	int fd; /* the stream; handed to a mover, then closed here (set it to -1) */
	/* Read end: the back end's words (ssh's stderr, or the link's typed report); -1 after its end. */
	int err_fd;
	pid_t pid; /* -1 once it is reaped: a SIGCHLD handler must not reap it first */
	enum transport_kind kind;
	struct buf err; /* collected from err_fd, bounded */
	/* After transport_want_socket(): a duplicate of the connection's TCP socket, for TCP_INFO alone; comes with
	 * transport_drain(). -1: not (yet) known. */
	int tcp_fd;
	bool want_tcp;
};

/*
 * Connections that are started from here on hand out their TCP socket. It leads to the first hop: the target, or the HTTP
 * proxy. Through ProxyJump, ProxyCommand, or with local:, there is none of ours. With the system's ssh we connect in its
 * stead (ProxyUseFdpass).
 */
void transport_want_socket(struct transport *t);

/* Starts the process behind a new connection; returns at once. LOCAL starts the receiver itself (r is used),
 * the others a login shell in which the mover bootstraps. */
bool transport_start(
	struct transport *t, const struct transport_receiver *r, struct transport_conn *out, struct diag *d);
/* To be called when err_fd is readable; reads what is there (bounded: of more than 64 KiB the middle is thrown away).
 * At its end of file it closes err_fd and sets it to -1, so that it can be dropped from a poll set. */
void transport_drain(struct transport_conn *conn);
/*
 * After the stream has ended: reaps the process (waits at most two seconds, less when a signal comes that ends us, then
 * kills) and says why it ended. RES_OK: it ended normally. RES_RETRY: the libssh2 back end cannot talk to this server
 * (d says why, at info severity); t has switched to ssh, start again. RES_FAILED: the link was lost or the host cannot
 * be reached (exit class 69, worth retrying) or the receiver was killed. RES_FATAL: waiting cannot mend it
 * (authentication, host key: exit class 77, other). When the mover's transport_bootstrap() failed too: its diagnosis,
 * if it set one, counts, else the one given here. A process that is still alive after two seconds is killed, and RES_OK
 * returned: it had nothing to complain about.
 */
enum result transport_collect(struct transport *t, struct transport_conn *conn, struct diag *d);
/* The process has been told to end, and why it ends does not matter: waits until the deadline (clock_mono_ns()), then
 * kills it and waits no more. */
void transport_abandon(struct transport_conn *conn, int64_t deadline);
/* Ends the process if it still runs (waits a second at most, then kills) and closes everything; safe after collect. */
void transport_conn_release(struct transport_conn *conn);

/* What the mover needs to bootstrap; plain bytes so that it can be sent to the mover in a message. */
void transport_bootstrap_pack(const struct transport *t, const struct transport_receiver *r, struct buf *out);

/*
 * Brings the receiver to life at the other end of fd and returns when it has said its magic (8 bytes, consumed:
 * WIRE_MAGIC; login-shell noise before it is skipped up to 64 KiB). Looks for an installed receiver of the same
 * version, else uploads the helper (helper_fd, a descriptor of our own copy) into a fresh 0700 directory, checks its
 * hash, starts it from there; a shell stays behind it that removes the directory when it ends. shared_dir (in/out, 256
 * bytes): where an earlier connection of this run has put it, "" if none; set to the directory that is in use.
 * Blocking, bounded in time: 2 * connect_timeout + 60 s for the first answer (ten minutes when somebody may have to
 * type a password), two minutes without progress after that. False with d: TRANSPORT_* codes (no shell, cannot execute,
 * wrong architecture, sudo refused, root cannot be opened, version differs...), d unset when the stream ended without a
 * word (transport_collect() says why), or the code the receiver names in its line "REHOST-ERROR <RHnnnn> <errno>
 * <text>" (rooms receiver and confine; else TRANSPORT_ROOT). out_helper_bytes: size of the helper when it was sent, else
 * 0; after a failure what of it was sent: not 0 means that the target had answered. After the magic not a byte more is
 * read. Nothing may be written to fd before this returns.
 */
bool transport_bootstrap(int fd, const void *packed, size_t packed_len, int helper_fd, char shared_dir[256],
	uint64_t *out_helper_bytes, struct diag *d);

/* The link role ("--role=link STREAMFD CONTROLFD"): the mover's stream, and control, which carries the packed
 * spec in and the typed report out. Returns an exit code. Called with 0 and 1 and the right environment it is
 * the ProxyCommand that carries the system's ssh through target.proxy. */
int transport_link_main(int stream_fd, int control_fd);

/* Where our own copy of the receiver is: beside the program, or in ../lib/rehost/ or ../libexec/rehost/; NULL
 * when not found. The string is the room's and stays valid until the next call. */
const char *transport_helper_path(void);

/* The version of libssh2 in use. */
const char *transport_library_version(void);
