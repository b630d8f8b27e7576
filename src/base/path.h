/*
 * Paths as walks and the wire have them: relative, of names joined by '/', "" is the root. Any bytes but NUL.
 * What is returned as char * is a new string, to be freed.
 */
#pragma once

#include "base/util.h"

#define PATH_NAME_MAX 255 /* bytes of one name, as every Linux file system has it */

/* A single name: 1..255 bytes, no '/', no NUL, not "." or "..". */
bool path_name_valid(const uint8_t *p, size_t n);
/* "", or such names joined by '/'. p may be NULL when n is 0. */
bool path_valid(const uint8_t *p, size_t n);

/* "dir/name"; where one of them is "", the other. */
char *path_join(const char *dir, const char *name);
/* The same of n bytes without NUL. */
char *path_join_n(const char *dir, const void *name, size_t n);
/* Splits "a/b/c" into "a/b" and "c" (a new string and a pointer into path); "c" has the directory "". */
char *path_split(const char *path, const char **out_name);
/* True when path is base or beneath it; the rest, without a slash, is out_rest. */
bool path_within(const char *base, const char *path, const char **out_rest);
