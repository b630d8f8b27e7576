/* Private to the room transport: the link (libssh2). */
#pragma once

#include "transport/link_keys.h"
#include "transport/spec.h"

typedef struct _LIBSSH2_SESSION LIBSSH2_SESSION;
typedef struct _LIBSSH2_CHANNEL LIBSSH2_CHANNEL;

struct link {
	const struct link_spec *spec;
	int stream, control, sock;
	pid_t proxy;
	int proxy_err; /* stderr of the proxy command, or -1 */
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *channel;
	struct buf out; /* bytes for the socket; sent up to out_head */
	size_t out_head;
	uint64_t received; /* bytes from the socket, ever */
	int64_t last_received; /* clock_mono_ns */
	int64_t deadline; /* for what is being waited for; 0: none */
	size_t noise_left; /* of LINK_STDERR still to be forwarded */
	bool broken; /* the socket cannot be written any more */
	bool ended; /* nor read */
	bool dismissed; /* the server has said that it ends the connection */
};
/* ---- link_io.c ---- */

/* Puts the socket's functions in force. */
void link_callbacks(struct link *l);
/* Reports and returns false, for the caller's return. */
bool link_fail(struct link *l, enum link_report type, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* As link_fail, with libssh2's last error behind the text. */
bool link_fail_ssh(struct link *l, enum link_report type, const char *what);
/* Sends what waits in l->out, as far as the socket takes it. */
void link_flush(struct link *l);
/* Waits until the socket can be read (or written, when something waits to be); false at the deadline. */
bool link_wait(struct link *l);
void link_proxy_noise(struct link *l);
/* Repeats a libssh2 call that says EAGAIN, until the deadline. */
#define LINK_CALL(l, call)                                          \
	({                                                          \
		int call_rc_;                                       \
		while ((call_rc_ = (call)) == LIBSSH2_ERROR_EAGAIN) \
			if (!link_wait(l)) {                        \
				call_rc_ = LIBSSH2_ERROR_TIMEOUT;   \
				break;                              \
			}                                           \
		call_rc_;                                           \
	})
/* ---- link_auth.c, link_pump.c ---- */

bool link_check_host_key(struct link *l, const struct link_keys *keys);
bool link_authenticate(struct link *l, struct link_keys *keys);
/* Carries bytes until one side has ended; reports why. */
bool link_pump(struct link *l);
