/*
 * What the target's file systems cannot hold: taken out of what is to be set, so that both come to rest, and told.
 *
 * Ownership: descriptors are borrowed; the session owns what is to be told until hold_tell(). Errors: none.
 */
#pragma once

#include "base/lost.h"
#include "diag/diag.h"
#include "meta/meta.h"
#include "receiver/place.h"

struct session;

struct holds {
	struct hold_fs {
		uint64_t dev, type; /* f_type of statfs */
		enum lost_times times;
		bool asked;
		struct lost_grain grain; /* the answer */
	} fs[8]; /* the last ones asked of */
	size_t n;
	struct lost lost; /* not told yet */
};

struct held { /* what was taken out of one inode's */
	uint32_t flags;
	bool tried_flags; /* they could not be set */
	bool time, project, property, label, nocow;
};

/*
 * want becomes what the file system of at can have of it. have: what is there, NULL for what is new. Of the target's own
 * stays what the source does not speak of: the project, where the source's file has none; attributes, where the source's
 * could not all be read. That a time was cut off is not taken from what it looks like, but asked of a temporary file.
 */
void hold_fit(struct session *s, struct place *at, struct meta *want, const struct meta *have, struct held *out);
/* meta_apply_fd(), of whose failures those are taken out, into h, that are the file system's. The rest, with errno. */
unsigned hold_apply(struct session *s, int fd, const struct meta *m, const struct meta *have, struct held *h);
/* META_D_* that differ for all that has been tried. */
unsigned hold_beyond(const struct held *h);
/* Of what was made anew, and has this ctime: is its time less exact? */
void hold_look(struct session *s, const struct place *at, struct held *h, const struct meta *want, uint32_t ctime_ns);
/* Notes it as that file's. */
void hold_say(struct session *s, const struct place *at, const char *name, const struct held *h);
/* Says what was noted, ahead of the answers that wait. */
void hold_tell(struct session *s);
