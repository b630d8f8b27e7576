/* Private to the room transport: known_hosts. */
#pragma once

#include "transport/words.h"

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
/* Whether it can be read, or is not there. False with errno. */
bool known_readable(const char *path);
/* Reads the lines that concern the host. A file that is missing is no error; one that is there and cannot be read is:
 * false with errno and out_unread. The lines that it holds are not to be taken for absent. */
bool known_load(struct known *k, const struct strv *files, const char *host, unsigned port, const char *alias,
	const char **out_unread);
/* One file's text, for known_load and the fuzzer. */
void known_scan(struct known *k, const char *file, const char *text, size_t n);
void known_release(struct known *k);
enum known_result known_check(
	const struct known *k, const char *type, const void *blob, size_t n, const char **out_file, unsigned *out_line);
/* Is a key of this type known for the host? Orders the host-key methods. */
bool known_has_type(const struct known *k, const char *type);
/* Decodes base64; false when it is none. */
bool base64_decode(struct buf *out, const char *text, size_t n);
