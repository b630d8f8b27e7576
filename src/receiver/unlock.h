/*
 * Names that are about to be changed or to go: what keeps that from them, and what must not be left of them.
 *
 * Errors: what fails here shows in the call that is tried again.
 */
#pragma once

#include "receiver/place.h"

struct session;

/* After EPERM or EACCES (err; errno is err again afterwards): clears i and a of the directory and of what the name
 * is, NULL: of nothing else. True: worth trying again. */
bool entry_unlock(struct session *s, struct place *at, const char *name, int err);
/*
 * A name is about to go, which gives its inode a new ctime: a suspect one that has other names must not look equal by
 * that, and loses its time. Before the greeting is answered nobody knows which ones are suspect: then it is every one.
 */
void entry_unname(struct session *s, int dirfd, const char *name);
