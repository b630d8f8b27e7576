/* Private to the room transport: a transport that is resolved. */
#pragma once

#include "transport/settings.h"
#include "transport/transport.h"

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
