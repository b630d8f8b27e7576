/* Private to the room transport: lists of strings, quoting, and what ssh's words mean. */
#pragma once

#include "base/buf.h"
#include "diag/diag.h"

/* Owned, NULL-terminated, so that v is an argv. */
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
/* Words as ssh_config and a simple shell would split them: blanks, '..', "..", backslash. False: a quote is open. */
bool strv_split(struct strv *out, const char *text, size_t n);

/* 'it'\''s': one word for any POSIX shell. */
void shell_quote(struct buf *out, const char *s);
/* The last non-empty line of bounded noise, for messages; at most 300 bytes. To be freed. */
char *noise_excerpt(const void *p, size_t n);

/*
 * Classifies the words of OpenSSH's client (its stderr). True when they explain the end. exit_255: ssh itself
 * failed, not the remote command.
 */
bool words_classify(const void *err, size_t n, const char *name, struct diag *d);
