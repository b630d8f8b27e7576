/*
 * Private to the room transport: all that the link needs of this host, gathered while it still may: before the first byte
 * of the other side is read, it gives up the rights that this takes.
 *
 * Ownership: link_keys_release() releases all, and forgets the keys.
 */
#pragma once

#include "transport/knownhosts.h"
#include "transport/spec.h"

#include <libssh2.h>

#define AGENT_KEYS_MAX 4 /* servers count every key as a failure: MaxAuthTries is 6 */
#define FILE_KEYS_MAX 4

struct key_text {
	const char *path; /* borrowed from the specification */
	char *text;
	size_t n;
};

struct link_keys {
	struct known known;
	int known_fd; /* the user's known_hosts, to append to; -1: not to be, or it cannot be */
	LIBSSH2_AGENT *agent; /* connected; NULL: none */
	struct libssh2_agent_publickey *ids[AGENT_KEYS_MAX]; /* the agent's, lent by it */
	unsigned id_count;
	struct key_text files[FILE_KEYS_MAX];
	unsigned file_count;
	struct buf passed_over; /* why keys are not tried */
};
#define LINK_KEYS_INIT         \
	{                      \
		.known_fd = -1 \
	}

struct link;

/* Reports and returns false where known_hosts cannot be read; a key that cannot is passed over. */
bool link_keys_gather(struct link *l, struct link_keys *k);
void link_keys_pass_over(struct link_keys *k, const char *what, const char *why);
void link_keys_release(struct link_keys *k);
