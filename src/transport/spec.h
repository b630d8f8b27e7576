/* Private to the room transport: the link's specification and its report, and what the mover needs to bootstrap. */
#pragma once

#include "transport/settings.h"
#include "transport/transport.h"

struct link_spec {
	char *hostname, *user;
	unsigned port;
	int family;
	unsigned connect_timeout;
	char *key_name; /* the name known_hosts knows the host by: HostKeyAlias, else NULL */
	enum host_key_mode host_key;
	struct strv known_files, identities;
	bool identities_only;
	char *agent; /* a path, or NULL: none */
	struct strv proxy_argv; /* a child that is the connection */
	char *http_proxy;
	char *command;
	bool want_tcp; /* send the TCP socket over control */
};
void link_spec_pack(const struct link_spec *s, struct buf *out);
bool link_spec_unpack(struct link_spec *s, const void *p, size_t n);
void link_spec_release(struct link_spec *s);
/* Fills the specification from the transport; false when libssh2 cannot honour the settings (out_why, to be freed). */
bool link_spec_from(const struct transport *t, struct link_spec *s, char **out_why);

/* The report: records of one type byte, four bytes of length (big endian), text. */
enum link_report {
	LINK_CONNECTED = 'C', /* authenticated, the command runs */
	LINK_STDERR = 'S', /* what the remote side, or a proxy command, wrote there */
	LINK_ENDED = 'E', /* decimal exit status, or "signal NAME" */
	LINK_UNSUPPORTED = 'u', /* libssh2 cannot; ssh may */
	LINK_RESOLVE = 'r',
	LINK_UNREACHABLE = 'n',
	LINK_PROXY = 'p',
	LINK_LOST = 'l',
	LINK_AUTH = 'a',
	LINK_KEY_CHANGED = 'k',
	LINK_KEY_UNKNOWN = 'K',
	LINK_KNOWN_HOSTS = 'h', /* known_hosts cannot be read */
	LINK_LOCAL = 'i', /* something on this side */
};
void link_report_send(int fd, enum link_report type, const char *text, size_t n);
struct link_verdict {
	bool connected;
	enum link_report end; /* 0: the link said nothing */
	char *text;
	struct buf noise; /* what came as LINK_STDERR */
};
void link_report_parse(const void *p, size_t n, struct link_verdict *out);
void link_verdict_release(struct link_verdict *v);

/* What the mover needs. */
struct boot_spec {
	enum transport_kind kind;
	char *args; /* --root-hex ... : characters that need no quoting */
	bool sudo;
	char *helper; /* NULL: auto */
	char *version; /* the whole line our own helper prints, or NULL */
	char *arch; /* uname -m of this host */
	unsigned first_timeout; /* seconds until the first words */
};
void boot_spec_pack(const struct boot_spec *s, struct buf *out);
bool boot_spec_unpack(struct boot_spec *s, const void *p, size_t n);
void boot_spec_release(struct boot_spec *s);
/* "--root-hex HEX [--create] [--read-only] [--prove]" */
char *receiver_args(const struct transport_receiver *r);
