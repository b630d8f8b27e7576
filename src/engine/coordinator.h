/*
 * The coordinator's one object: what the files of this room work on, each owner with a struct and a header of its own. One thread,
 * one loop (run.c).
 */
#pragma once

#include "engine/budget.h"
#include "engine/doubt.h"
#include "engine/doubts.h"
#include "engine/durable.h"
#include "engine/engine.h"
#include "engine/hold.h"
#include "engine/limits.h"
#include "engine/link_state.h"
#include "engine/progress.h"
#include "engine/target.h"
#include "engine/tell.h"
#include "engine/totals.h"
#include "engine/verifyjob.h"
#include "engine/walk.h"
#include "engine/worker.h"
#include "job/state.h"
#include "mounts/mounts.h"
#include "rules/rules.h"

struct engine {
	const struct job *job;
	const struct observer *observer;
	struct summary *out;
	struct job_state state;
	struct mount_plan plan;
	bool source_lost; /* something of the source is not there: known.h */
	struct rules *rules;
	struct transport *transport;
	struct limits limits;
	struct holding hold;
	struct walk walk;
	struct workers workers;
	struct link_state link;
	struct target_seen target;
	struct durable durable;
	struct doubt doubt;
	struct links *links;
	struct share *shares;
	struct budget budget;
	struct totals totals;
	struct progress_state progress;
	struct verifying verify;
	struct doubts doubts;
	struct control *control; /* NULL: none */
	int64_t started_ns, started_real;
	int signal_fd;
	bool stop; /* a fatal diagnostic or a signal */
	bool ending, synced; /* all is done; and on the disk */
};
