/*
 * libsystemd's sd-bus, loaded when a scope is asked for: every role of rehost is this program, and those that read what
 * a remote host sends shall not have it, and all that it needs, in their memory. Without the library there is no back
 * end 'systemd'.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define BUS_FUNCTIONS(X)                  \
	X(sd_bus_open_system)             \
	X(sd_bus_new)                     \
	X(sd_bus_set_address)             \
	X(sd_bus_set_bus_client)          \
	X(sd_bus_start)                   \
	X(sd_bus_unref)                   \
	X(sd_bus_call)                    \
	X(sd_bus_error_free)              \
	X(sd_bus_message_new_method_call) \
	X(sd_bus_message_append)          \
	X(sd_bus_message_open_container)  \
	X(sd_bus_message_close_container) \
	X(sd_bus_message_unref)

struct bus {
	void *object;
	sd_bus *conn;
#define BUS_FIELD(f) __typeof__(&(f)) f;
	BUS_FUNCTIONS(BUS_FIELD)
#undef BUS_FIELD
};

/* A connection to the manager of this host, or to that of the user. 0 or a negative errno; close it in each case. */
int bus_open(struct bus *b);
void bus_close(struct bus *b);
