/*
 * The preflight: can this host be moved, to that one, over this network, and what will be missing? Judgements over documents, and
 * nothing else: the facts of both hosts (rehost-facts(7)), what was measured of the network, and what the job is. The same
 * documents give the same findings, so that each judgement can be replayed from a recorded host.
 *
 * Pure: no I/O, no clock. Ownership: the subject's documents are the caller's; findings own their texts.
 *
 * The document of the job (all members optional; what is missing is not known):
 *   adhoc, boot (the copy is to boot), local, live_source (the source root is this host's "/"): booleans
 *   source_root, target_root, target (for messages): texts
 *   privileged: may read every file
 *   connect: {code, text}: the target could not be reached, and why
 *   mounts: [{path, type, source, target (relative to the target root), used, inodes, whole, excluded}]: what will be copied
 *   left_out: [{path, type, source, why, concern ("missed", "meant", "elsewhere"), used}]
 *   hidden: [{path, files, bytes, more}]
 *   rules: some paths are left out by rules; delete: a sync will delete
 *   state: {copied (a full copy has completed, to this target), changed_rate}
 *   dirs: [{path, what, problem, available}]: rehost's own; problem null when all is well
 *   filesystems: the list of the configuration
 * and that of the network: mbit, loss, rtt, jitter, hours_best, hours_worst (numbers), rating ("good", "fair", "poor").
 */
#pragma once

#include "preflight/rows.h"

struct cJSON;

struct preflight_subject {
	const struct cJSON *source, *target, *network, *job; /* NULL: there is none; of the job never */
};

struct preflight_finding {
	const struct preflight_row *row;
	enum preflight_severity severity;
	char *evidence; /* path, value, threshold; several are parted by "; ". NULL when it is fine */
	char *cause, *remedy; /* the row's, filled */
	bool ignored; /* waived by the configuration: it does not fail */
	bool moot; /* not judged: evidence says what made it so; severity unknown */
};

struct preflight {
	struct preflight_finding findings[PREFLIGHT_ROWS]; /* one a row, in its order */
	unsigned counts[PREFLIGHT_SEVERITIES]; /* without the ignored and the moot */
	unsigned ignored, moot;
};

struct preflight_options {
	const char *const *ignore; /* ids */
	size_t ignore_count;
	double threshold[PREFLIGHT_ROWS]; /* preflight_options_init() sets the defaults */
};
void preflight_options_init(struct preflight_options *o);

/* out is to be released. */
void preflight_judge(const struct preflight_subject *s, const struct preflight_options *o, struct preflight *out);
void preflight_release(struct preflight *p);
