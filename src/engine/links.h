/*
 * The bijection of hard links: which inode of the target stands for which of the source. links.c keeps it; linking.c answers
 * what movers ask.
 */
#pragma once

#include "ipc/ipc.h"

struct links;
/* dir: for the files behind it; NULL: memory. NULL with errno when there is no room. */
struct links *links_new(const char *dir);
/* errno when there was no room for what it was given, which is then lost; 0. */
int links_error(const struct links *l);
void links_free(struct links *l);

enum claim { CLAIM_FIRST, CLAIM_WAIT, CLAIM_TO };
struct link_target {
	uint64_t dev, ino;
	const char *path; /* valid until the next call */
};
/* group: 0, or another one for names that cannot be links of those: of one inode each group has a first name of its own.
 * worker and token identify the name that asks; for WAIT it is remembered. */
enum claim links_claim(struct links *l, uint64_t dev, uint64_t ino, uint64_t group, uint32_t worker, uint64_t token,
	struct link_target *out);
/* May this target inode stand for this source inode? */
bool links_bind(struct links *l, uint64_t dev, uint64_t ino, uint64_t tdev, uint64_t tino);
/* Called for everything that waits when the first name is there (first false) or has failed (the next is first). */
typedef void (*links_wake_fn)(void *arg, uint32_t worker, uint64_t token, bool first, const struct link_target *to);
void links_commit(struct links *l, uint64_t dev, uint64_t ino, uint64_t group, uint64_t tdev, uint64_t tino,
	const char *path, links_wake_fn wake, void *arg);
void links_fail(struct links *l, uint64_t dev, uint64_t ino, uint64_t group, links_wake_fn wake, void *arg);
/* A mover is gone: what it was first for goes to the next, what it waited for is forgotten. */
void links_worker_gone(struct links *l, uint32_t worker, links_wake_fn wake, void *arg);
