/* Checks of JSON that somebody else has written, before anything parses it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the n bytes are one JSON text (RFC 8259) in UTF-8, without U+0000 and half characters, in which no more than `depth`
 * arrays and objects lie in each other, with at most `values` values.
 */
bool jsontext_valid(const void *p, size_t n, unsigned depth, size_t values);
