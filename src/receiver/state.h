/*
 * The session's state, put together of what the files of this room own: each struct is its own file's, and stands in
 * that file's header.
 *
 * Everything happens relative to a descriptor of a directory, with one bare name; only resolve.c takes paths, and it
 * never follows a symbolic link.
 *
 * Process: the receiver's only thread, but for what epoch.h says. Ownership: session_free() releases all of it;
 * version, load, below and mounts are the caller's of session_new().
 */
#pragma once

#include "delta/delta.h"
#include "pace/pace.h"
#include "receiver/dir.h"
#include "receiver/epoch.h"
#include "receiver/file.h"
#include "receiver/hold.h"
#include "receiver/root.h"
#include "receiver/scope.h"
#include "receiver/session.h"
#include "receiver/suspect.h"
#include "receiver/tmp.h"
#include "receiver/written.h"
#include "wire/msg.h"

struct session {
	/* who we are, from the beginning */
	struct root root;
	uint8_t boot_id[16];
	const char *version;
	const struct below *below;
	const struct mount_ids *mounts;
	bool read_only, is_root;
	uint64_t uid;
	int64_t started_s;

	/* what HELLO has made of it */
	bool ready; /* it has been answered */
	bool dry; /* nothing is changed */
	uint32_t flags, fields;
	struct digest_key digest;
	struct delta_key delta;
	struct scope scope;

	/* answers: answer.h */
	struct buf out;
	int out_fd; /* -1: the caller takes the answers */
	bool lost; /* out_fd could not be written */
	bool bye, error; /* the session is over */

	struct dirs dirs;
	size_t kept_bytes; /* of listings between DIR and LIST */
	struct files files;
	struct {
		struct buf window, result;
	} scratch; /* of segment.c */
	int cwd; /* of place_enter(): descriptor the current directory was set from, -1: unknown */
	struct tmp tmp;

	struct written written;
	struct epoch epoch;
	struct suspects suspects;
	struct holds holds;

	int64_t leased_ns; /* lease.c: waited for leases so far */
	struct pace pace;
	struct {
		const struct sysload_files *load;
		uint64_t filled; /* bytes of FILL */
	} measure; /* of measure.c */
};
