/*
 * The bijection of source and target inodes: two names are links of one inode at the target exactly when they
 * are at the source. Fed with the names that exist on both sides and have several links on either.
 *
 * Process: the coordinator. Memory: about 45 bytes for each pair of inodes (not for each name). Above memory_max the
 * tables move into an unlinked file in spill_dirfd, mapped shared, which the kernel can write back and drop under
 * pressure; without such a directory, or when the file cannot be made, they stay in memory.
 *
 * The order of names does not matter to whether there is a difference; it decides which of the names is
 * called different. Adding a name again changes nothing.
 */
#pragma once

#include "base/util.h"

struct verify_inode {
	uint64_t dev, ino;
};

enum verify_link_result {
	VERIFY_LINK_OK,
	VERIFY_LINK_SPLIT, /* linked at the source, separate at the target */
	VERIFY_LINK_APART, /* the same, on two file systems of the target: no link can be made */
	VERIFY_LINK_JOINED, /* linked at the target, separate at the source */
	VERIFY_LINK_MIXED, /* linked on both sides, to different names */
};

struct verify_links;

/* Takes spill_dirfd; -1: there is none. */
struct verify_links *verify_links_new(size_t memory_max, int spill_dirfd);
void verify_links_free(struct verify_links *l);
/* The name is one of source inode s and target inode t: what that says. */
enum verify_link_result verify_links_add(struct verify_links *l, struct verify_inode s, struct verify_inode t);
/* The text of each side for a difference of kind hardlink; constants. */
void verify_link_texts(enum verify_link_result r, const char **out_source, const char **out_target);
size_t verify_links_count(const struct verify_links *l);
