/*
 * Private to the room transport: what its files share. Nothing here is seen by other rooms.
 */
#pragma once

#include "transport/transport.h"

/* ---- lists of strings (owned, NULL-terminated, so that v is an argv) ---- */

struct strv {
	char **v;
	size_t n;
};
#define AUTO_STRV __attribute__((cleanup(strv_release))) struct strv

void strv_add(struct strv *s, const char *value);
/* Takes ownership of value. */
void strv_take(struct strv *s, char *value);
void strv_addf(struct strv *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strv_add_all(struct strv *s, const struct strv *from);
void strv_release(struct strv *s);
/* Words as ssh_config and a simple shell would split them: blanks, '..', "..", backslash. False: a quote is
 * open. */
bool strv_split(struct strv *out, const char *text, size_t n);

/* 'it'\''s': one word for any POSIX shell. */
void shell_quote(struct buf *out, const char *s);
/* The last non-empty line of bounded noise, for messages; at most 300 bytes. To be freed. */
char *noise_excerpt(const void *p, size_t n);

/* ---- the address of the target ---- */

struct address {
	char *user; /* NULL: not given */
	char *host; /* brackets removed */
	unsigned port; /* 0: not given */
	bool local;
};
/* "[user@]host[:port]", "[v6]", "[v6]:port", "local:". False: malformed, or something that could be taken for
 * an option. */
bool address_parse(const char *text, struct address *out);
void address_release(struct address *a);
/* A host or user name that is safe as an argument of ssh. */
bool address_word_ok(const char *s);

/* ---- what ssh_config says (ssh -G) ---- */

enum host_key_mode { HOST_KEY_STRICT, HOST_KEY_ACCEPT_NEW, HOST_KEY_OFF };

struct ssh_settings {
	char *hostname;
	unsigned port;
	char *user;
	struct strv identities; /* as written: ~ and % tokens unexpanded */
	struct strv known_files; /* user's files first: the first is where accept-new appends */
	char *host_key_alias;
	enum host_key_mode host_key;
	char *proxy_jump;
	char *proxy_command; /* tokens unexpanded */
	char *agent; /* NULL: SSH_AUTH_SOCK; "none"; a path */
	unsigned connect_timeout; /* 0: not given */
	int family; /* AF_UNSPEC, AF_INET, AF_INET6 */
	bool identities_only;
	bool told; /* by ssh -G, not guessed */
	bool special; /* ssh connects in a way we do not (BindAddress, BindInterface, CanonicalizeHostname) */
	char *unsuited; /* why libssh2 cannot honour it; NULL when it can */
};
/* Reads the output of ssh -G; unknown keys are passed over. Fills what is missing with OpenSSH's defaults. */
void ssh_settings_parse(struct ssh_settings *s, const char *text, size_t n);
/* The defaults for a host nobody has configured. */
void ssh_settings_default(struct ssh_settings *s, const char *host);
void ssh_settings_release(struct ssh_settings *s);
/* Expands ~, ${VAR} and %-tokens. NULL: a token we do not know. To be freed. */
char *ssh_settings_expand(const struct ssh_settings *s, const char *host, const char *text, bool is_path);
/* The login's home and name, from the password file, else $HOME and $USER. To be freed. */
char *home_dir(void);
char *local_user(void);

/* ---- child processes ---- */

#define CHILD_FDS 5
struct child {
	char *const *argv; /* argv[0] is looked for in PATH unless path is set */
	const char *path;
	int fd[CHILD_FDS]; /* descriptor i of the child; -1: /dev/null for 0 and 1, ours for 2, none for
	                           others */
	const struct strv *env; /* NAME=VALUE to add, or NULL */
	bool own_group; /* away from the terminal's signals */
	bool ignore_int; /* on the terminal, for prompts, but not ended by Ctrl-C: that is ours to handle */
};
#define CHILD_INIT                           \
	{                                    \
		.fd = { -1, -1, -1, -1, -1 } \
	}
/* Forks and executes; -1 with errno when that failed (the exec's errno included). The child dies with its
 * parent. */
pid_t child_start(const struct child *c);
/* Runs to its end, stdout and stderr collected (64 KiB each). False: errno (ETIMEDOUT after the timeout, and when a signal
 * comes that ends us). */
bool child_capture(char *const *argv, unsigned timeout_s, struct buf *out, struct buf *err, int *out_status);
/* Waits until deadline (clock_mono_ns), or a signal that ends us, draining conn's err_fd; true when reaped. */
bool child_reap(pid_t pid, int64_t deadline, struct transport_conn *conn, int *out_status);
/* Large buffers on both ends, so that a busy peer does not stall the other. */
void socket_enlarge(int fd);

/* ---- what ssh's words mean ---- */

/*
 * Classifies the words of OpenSSH's client (its stderr). True when they explain the end. exit_255: ssh itself
 * failed, not the remote command.
 */
bool words_classify(const void *err, size_t n, const char *name, struct diag *d);

/* ---- the transport ---- */

struct transport {
	enum transport_kind kind;
	enum conf_transport wanted;
	bool batch, sudo;
	bool want_tcp; /* see transport_want_socket() */
	char *name, *note;
	char *host; /* as the user wrote it: the Host alias */
	char *user; /* override, or NULL */
	unsigned port; /* override, or 0 */
	struct strv ssh_words;
	struct strv identity; /* override */
	char *known_hosts; /* override */
	enum conf_host_key host_key; /* override */
	char *http_proxy; /* host:port */
	unsigned connect_timeout;
	struct ssh_settings settings;
	char *version; /* what our own helper says of itself, or NULL */
};

/* ---- the link's specification, and its report ---- */

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
/* Fills the specification from the transport; false when libssh2 cannot honour the settings (out_why, to be
 * freed). */
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

/* ---- what the mover needs ---- */

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

/* The command given to the login shell, whatever shell that is; it reads the script from its stdin. */
#define BOOT_COMMAND "exec sh -c 'read -r n && eval \"$(dd bs=1 count=$n 2>/dev/null)\"'"
#define BOOT_PREFIX "REHOST-BOOT "
/* The script that finds or receives the helper and runs it. */
void script_build(const struct boot_spec *s, const char *shared_dir, struct buf *out);

enum boot_line {
	BOOT_NOISE, /* a login shell's words */
	BOOT_MAGIC,
	BOOT_NEED, /* send the helper; text: the directory it will be in */
	BOOT_USING, /* started from there; text: the directory, or "-" for an installed one */
	BOOT_FAILED, /* d is set */
};
/* Judges one line (with or without its newline). text is filled, at most 256 bytes, for NEED and USING. */
enum boot_line boot_line_parse(const struct boot_spec *s, const char *line, size_t n, char text[256], struct diag *d);

/* ---- digests ---- */

struct sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[64];
};
void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *p, size_t n);
void sha256_final(struct sha256 *s, uint8_t out[32]);
void hmac_sha1(const void *key, size_t key_len, const void *msg, size_t n, uint8_t out[20]);

/* ---- known_hosts ---- */

enum known_result {
	KNOWN_NEW, /* the host, or its key of this type, is not there */
	KNOWN_MATCH,
	KNOWN_CHANGED, /* another key of the same type */
	KNOWN_COMPLEX, /* a @cert-authority or @revoked line concerns it: only ssh can judge */
};
struct known {
	char *name; /* as looked up: "host" or "[host]:port" */
	char *plain; /* without port; NULL when name has none */
	struct known_entry *entries; /* lines that name the host */
	size_t count;
	bool complex;
};
/* Reads the lines that concern the host. A file that is missing is no error. */
void known_load(struct known *k, const struct strv *files, const char *host, unsigned port, const char *alias);
/* One file's text, for known_load and the fuzzer. */
void known_scan(struct known *k, const char *file, const char *text, size_t n);
void known_release(struct known *k);
enum known_result known_check(
	const struct known *k, const char *type, const void *blob, size_t n, const char **out_file, unsigned *out_line);
/* Is a key of this type known for the host? Orders the host-key methods. */
bool known_has_type(const struct known *k, const char *type);
/* Decodes base64; false when it is none. */
bool base64_decode(struct buf *out, const char *text, size_t n);

/* ---- private keys ---- */

enum key_kind { KEY_MISSING, KEY_PLAIN, KEY_RSA, KEY_UNUSABLE };
/* What kind of key a file's text holds, without decrypting anything. */
enum key_kind key_classify(const char *text, size_t n);

/* ---- the network ---- */

struct net_error {
	enum link_report kind; /* LINK_RESOLVE, LINK_UNREACHABLE, LINK_PROXY */
	char text[512];
};
/* A connected, nonblocking TCP socket, every address tried; -1 with e. Through an HTTP proxy when that is
 * set. */
int net_connect(
	const char *host, unsigned port, int family, unsigned timeout_s, const char *http_proxy, struct net_error *e);
/* "host:port", "[v6]:port", "http://host:port/"; false when malformed. To be freed. */
bool net_proxy_parse(const char *text, char **out_host, unsigned *out_port);
/* The HTTP status of a proxy's answer: 200..., or 0 when it is none. */
unsigned net_http_status(const char *text, size_t n);
/* A proxy command for ssh: carries bytes between stdin, stdout and a connection, or hands that over. Exit code. */
int net_relay_main(void);
#define NET_RELAY_PROXY "REHOST_RELAY_PROXY" /* host:port of the HTTP proxy; absent: none */
#define NET_RELAY_TARGET "REHOST_RELAY_TARGET" /* host:port */
#define NET_RELAY_FAMILY "REHOST_RELAY_FAMILY" /* decimal, without a proxy */
#define NET_RELAY_SOCKET "REHOST_RELAY_SOCKET" /* set: give the socket to ssh, on stdout, and to us, on stderr */

/* ---- the link (libssh2) ---- */

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
bool link_check_host_key(struct link *l, const struct known *k);
bool link_authenticate(struct link *l);
/* Carries bytes until one side has ended; reports why. */
bool link_pump(struct link *l);
