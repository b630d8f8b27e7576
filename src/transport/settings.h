/* Private to the room transport: what ssh_config says (ssh -G). */
#pragma once

#include "transport/words.h"

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
