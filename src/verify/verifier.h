/*
 * The verifier: the source's side of verify. It walks directories of the source, asks its prover for the same
 * of the target, compares, and tells the caller each difference.
 *
 * Independent of the code that copies: its own walk, its own reading of metadata, its own hashing.
 *
 * Process: `rehost --role=verifier`, one prover each. The caller owns the loop: it waits for verifier_fd()
 * with verifier_events() (not at all while verifier_busy()), then calls verifier_step(), which does a bounded
 * piece of work (some hundred entries, some megabytes) and never waits for the prover. Several directories
 * are in flight, and both sides hash at the same time. The working directory of the process changes: extended
 * attributes of what cannot be opened are read by bare name.
 *
 * Ownership: verifier_new() copies the options' arrays (mounts, skip, strings); it borrows rules and the descriptors.
 * Strings handed to callbacks are valid during the call. Paths are bytes, relative to the source (src) or target (dst)
 * root, without a leading slash; the root is "" in src and dst, and "." in the path of a difference.
 *
 * What is compared: entries by type; regular files by size and, in crc64 mode, by CRC-64/XZ of all bytes; symbolic
 * links by target; devices by number; all by the metadata of `fields`. Modification times of regular files are compared
 * in quick mode even without `metadata`: with the size they are what quick goes by. Of a directory that is missing,
 * only the directory itself is named, not what it holds; so too of one that is extra, but where the path lists protect
 * something beneath it, and it may have to stay: then what it holds is looked at instead.
 */
#pragma once

#include "base/lost.h"
#include "base/pathset.h"
#include "base/result.h"
#include "diag/diag.h"
#include "pace/message.h"
#include "rules/rules.h"
#include "verify/fields.h"

/* In the order of the engine's enum difference_kind. */
enum verify_kind {
	VERIFY_CONTENT, /* size, content */
	VERIFY_MISSING, /* at the target */
	VERIFY_EXTRA, /* at the target */
	VERIFY_TYPE,
	VERIFY_METADATA, /* mode, owner, group, mtime, acl, xattr:NAME, flags, link, rdev */
	VERIFY_HARDLINK, /* links: reported by struct verify_links, never by the verifier itself */
	/* As one of the others, but the source's inode changed after changed_since_ns or while it was read. */
	VERIFY_CHANGED,
	VERIFY_KINDS
};

enum verify_mode { VERIFY_QUICK, VERIFY_CRC64 };

struct verifier_mount {
	int fd; /* the way in, a directory */
	const char *rel, *target_rel;
};

struct verifier_inode {
	uint64_t dev, ino;
};

struct verifier_difference {
	enum verify_kind kind;
	const char *path; /* source path, "." for the root */
	const char *const *fields; /* names of xattrs are escaped */
	size_t field_count;
	const char *source, *target; /* what each side has, escaped, for people; NULL where there is nothing */
};

/* A sub-directory to be worked on: a unit for whoever is free. */
struct verifier_give {
	uint32_t unit; /* in which it was found */
	uint32_t mount;
	/* It is the root of `mount`, another than the unit's: its mount point was found in the walk. */
	bool mount_root;
	const char *name; /* the last component */
	const char *src, *dst;
};

/* One name of an inode with more than one link on either side; goes to verify_links_add(). */
struct verifier_pair {
	uint64_t source_dev, source_ino, target_dev, target_ino;
	bool changed; /* a difference is to be reported as VERIFY_CHANGED */
	const char *path;
};

/* What was added since the last call. */
struct verifier_counts {
	uint64_t files_examined; /* entries of the source, of every type */
	uint64_t files_vanished; /* gone while they were looked at */
	uint64_t files_failed; /* could not be read on one of the sides; each has its diag */
	uint64_t bytes_total; /* sizes of the regular files examined */
	uint64_t bytes_hashed; /* of the source */
	uint64_t bytes_read; /* the same without holes */
};

/* None but the last two may be NULL. They may add units. */
struct verifier_callbacks {
	void *arg;
	void (*give)(void *arg, const struct verifier_give *g);
	void (*difference)(void *arg, const struct verifier_difference *d);
	void (*pair)(void *arg, const struct verifier_pair *p);
	void (*counts)(void *arg, const struct verifier_counts *c); /* at most once a step */
	/* A file that could not be compared: d->path is its source path. */
	void (*diag)(void *arg, const struct diag *d);
	void (*warning)(void *arg, const struct diag *d); /* of what is left out, and should not be in silence */
	void (*unit_done)(void *arg, uint32_t unit); /* everything it had to say has been said */
	void (*used)(void *arg, const struct pace_used *u); /* NULL without verifier_pace() */
	void (*lost)(void *arg, const struct lost_kind *k); /* since the last: no differences; may be NULL */
};

struct verifier_options {
	int wire_fd; /* a stream socket, behind the receiver's magic */
	enum verify_mode mode;
	bool metadata;
	uint32_t fields; /* VERIFY_F_* that this process can read; narrowed by what the prover says */
	const struct verifier_mount *mounts;
	size_t mount_count;
	const struct verifier_inode *skip; /* directories left out on both sides: state, log, the target root itself */
	size_t skip_count;
	struct path_set fenced; /* of the source: stand for what is not walked; taken over */
	struct path_set opened; /* of the source: beneath these nothing is extra; taken over */
	struct path_set kept; /* of the target: these are not extra; taken over */
	const struct rules *rules; /* or NULL */
	int64_t changed_since_ns; /* start of the last sync, real time; 0: the start of this verifier */
	bool leave_cache; /* drop from the page cache what was not there before */
	bool noatime; /* try O_NOATIME (not needed on no-atime clones) */
	uint64_t seed; /* random: key of the name hashes that slice large directories */
	struct verifier_callbacks callbacks;
};

struct verifier;

struct verifier *verifier_new(const struct verifier_options *o);
void verifier_free(struct verifier *v);

/*
 * Gives it a directory (of mounts[mount]) to compare: its own metadata and its entries; sub-directories come back
 * through give(), mount points of the other mounts too (with mount_root, for whoever has not yet given that mount out).
 * Missing at the target: a difference. Missing at the source: nothing. src must lie within the mount.
 */
void verifier_add_dir(struct verifier *v, uint32_t unit, uint32_t mount, const char *src, const char *dst);
/*
 * One path of any type: the entry itself, with the rules of its ancestors. When it is a directory on both
 * sides, its own metadata too and, with recurse, its entries as verifier_add_dir() does. "" and a mount's
 * root are directories.
 */
void verifier_add_path(
	struct verifier *v, uint32_t unit, uint32_t mount, const char *src, const char *dst, bool recurse);

/* In the unit that was added last, in quick mode too: the contents of these files (as struct nameset takes them), or of all,
 * are compared. False: they are no such names. */
bool verifier_doubt(struct verifier *v, bool all, const void *names, size_t len);

/* Of contents, how many bytes a step may read at most; so it is until the next call. */
void verifier_allow(struct verifier *v, uint64_t bytes);
/* Limits for the prover, as struct pace_limits has them; what it uses comes back by the callback used(). */
void verifier_pace(struct verifier *v, uint32_t cpu, uint64_t io);

/* True while another unit would keep it busier; units given nevertheless wait inside. */
bool verifier_wants_work(const struct verifier *v);
/* True when no unit is left inside. */
bool verifier_idle(const struct verifier *v);

int verifier_fd(const struct verifier *v);
short verifier_events(const struct verifier *v); /* POLLIN, POLLOUT */
bool verifier_busy(const struct verifier *v); /* has work that waits for nobody: call step without waiting */
/*
 * RES_OK; RES_RETRY: the link is lost, units without unit_done() must be done again by another verifier;
 * RES_FATAL: the prover broke the protocol or is of another version. d is set for both, and the verifier is
 * only good for verifier_free().
 */
enum result verifier_step(struct verifier *v, struct diag *d);
/* The prover's effective uid; meaningful after the first answer (false before). */
bool verifier_prover_uid(const struct verifier *v, uint32_t *out_uid);
