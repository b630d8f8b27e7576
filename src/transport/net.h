/* Private to the room transport: connections over the network, and the relay for the system's ssh. */
#pragma once

#include "transport/spec.h"

struct net_error {
	enum link_report kind; /* LINK_RESOLVE, LINK_UNREACHABLE, LINK_PROXY */
	char text[512];
};
/* A connected, nonblocking TCP socket, every address tried; -1 with e. To the HTTP proxy when that is set: then
 * net_tunnel() is to follow, which hears it, and opens nothing. */
int net_open(
	const char *host, unsigned port, int family, unsigned timeout_s, const char *http_proxy, struct net_error *e);
bool net_tunnel(
	int fd, const char *host, unsigned port, unsigned timeout_s, const char *http_proxy, struct net_error *e);
/* Both. */
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
