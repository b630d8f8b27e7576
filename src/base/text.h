/*
 * Text for people and for JSON: escaping, UTF-8, base64, sizes, rates and durations both ways.
 * Paths are bytes; nothing from a file system is ever printed unescaped.
 */
#pragma once

#include "base/buf.h"

bool text_is_utf8(const void *p, size_t n);
/* Appends bytes with control characters, invalid UTF-8 and backslash as \n, \t, \\ or \xNN: safe on any terminal. */
void text_escape(struct buf *out, const void *p, size_t n);
/* The same for text that somebody has escaped, or says so: backslashes stay as they are, and newlines are \x0a. */
void text_clean(struct buf *out, const void *p, size_t n);
/* text_escape() as a new string, to be freed. */
char *text_escaped(const char *s);
/* Appends a JSON string literal with its quotes; invalid UTF-8 comes as \xNN text (see text_escape). */
void text_json_string(struct buf *out, const void *p, size_t n);
void text_base64(struct buf *out, const void *p, size_t n);
/* "1.50 GiB", "15.2 MiB", "312 B". */
void text_size(struct buf *out, uint64_t bytes);
/* "0:42", "1:02:03". */
void text_duration(struct buf *out, uint64_t seconds);

/* "64M", "1.5G", "4096": powers of 1024, a trailing B or iB is allowed. False when it is no size or overflows. */
bool text_parse_size(const char *s, uint64_t *out_bytes);
/* "30s", "5m", "2h", "1d", "90" (seconds): seconds. */
bool text_parse_duration(const char *s, uint64_t *out_seconds);
bool text_parse_u64(const char *s, uint64_t max, uint64_t *out);

/* Levenshtein distance, two neighbours swapped count as one change; for "did you mean". */
unsigned text_distance(const char *a, const char *b);
/* The nearest of n names, or NULL when none is near enough to be meant. */
const char *text_nearest(const char *word, const char *const *names, size_t n);
