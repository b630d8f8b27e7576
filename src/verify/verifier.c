#include "verify/verifier.h"
#include "verify/contents.h"
#include "verify/private.h"
#include "verify/slices.h"
#include "verify/stream.h"
#include "verify/walk.h"

#include "base/clock.h"

#include <poll.h>
#include <sys/stat.h>

#define UNITS_WANTED 24u /* more than these are not asked for */
#define PENDING_MAX 4096u /* files waiting for their hashes: above, no entry is looked at */

static void copy_options(struct verifier *v, const struct verifier_options *o)
{
	struct verifier_mount *mounts = xcalloc(o->mount_count, sizeof(*mounts));
	struct verifier_inode *skip = xcalloc(o->skip_count + 1, sizeof(*skip));

	for (size_t i = 0; i < o->mount_count; i++)
		mounts[i] = (struct verifier_mount){
			.fd = o->mounts[i].fd,
			.rel = xstrdup(o->mounts[i].rel),
			.target_rel = xstrdup(o->mounts[i].target_rel),
		};
	for (size_t i = 0; i < o->skip_count; i++)
		skip[i] = o->skip[i];
	v->o = *o;
	v->o.mounts = mounts;
	v->o.skip = skip;
	if (o->rules && rules_empty(o->rules))
		v->o.rules = NULL;
}

struct verifier *verifier_new(const struct verifier_options *o)
{
	struct verifier *v = xcalloc(1, sizeof(*v));

	copy_options(v, o);
	v->metadata = o->metadata;
	v->fields = o->metadata ? o->fields & VERIFY_F_ALL : 0;
	v->since_ns = o->changed_since_ns ? o->changed_since_ns : clock_real_ns();
	v->crc = verify_crc_best();
	v->reader = (struct verify_reader){.fields = v->fields, .noatime = o->noatime, .crc = v->crc};
	v->hasher.fd = -1;
	v->allowed = UINT64_MAX;
	v->buffer = xmalloc(VERIFY_READ_BYTES);
	chan_init(&v->wire, o->wire_fd);
	verify_hello_put(&v->wire.out,
		&(struct verify_hello){
			.protocol = VERIFY_PROTOCOL,
			.flags = o->leave_cache ? VERIFY_LEAVE_CACHE : 0,
			.fields = v->fields,
			.seed = o->seed,
		});
	return v;
}

void verifier_free(struct verifier *v)
{
	if (!v)
		return;
	verify_contents_release(v);
	while (v->units)
		verify_unit_free(v, v->units);
	verify_hasher_close(&v->hasher);
	v->wire.fd = -1;
	chan_release(&v->wire);
	verify_reader_release(&v->reader);
	lost_clear(&v->lost);
	for (size_t i = 0; i < v->o.mount_count; i++) {
		free((char *)v->o.mounts[i].rel);
		free((char *)v->o.mounts[i].target_rel);
	}
	free((void *)v->o.mounts);
	free((void *)v->o.skip);
	path_set_release(&v->o.fenced);
	path_set_release(&v->o.opened);
	path_set_release(&v->o.kept);
	free(v->buffer);
	free(v);
}

/* The directory joins the end of the line. */
void verifier_add_dir(struct verifier *v, uint32_t unit, uint32_t mount, const char *src, const char *dst)
{
	verify_unit_new(v, unit, mount, src, dst);
}

void verifier_add_path(
	struct verifier *v, uint32_t unit, uint32_t mount, const char *src, const char *dst, bool recurse)
{
	AUTO_FREE char *src_dir = NULL, *dst_dir = NULL;
	const char *name, *dst_name;
	struct unit *u;

	if (!*src || !*dst || str_eq(src, v->o.mounts[mount].rel)) {
		u = verify_unit_new(v, unit, mount, src, dst);
		u->entries = recurse;
		return;
	}
	src_dir = path_split(src, &name);
	dst_dir = path_split(dst, &dst_name);
	u = verify_unit_new(v, unit, mount, src_dir, dst_dir);
	u->only = xstrdup(name);
	u->only_dst = xstrdup(dst_name);
	u->recurse = recurse;
}

bool verifier_doubt(struct verifier *v, bool all, const void *names, size_t len)
{
	v->units_tail->doubts.all = all;
	return nameset_take(&v->units_tail->doubts, names, len);
}

void verifier_allow(struct verifier *v, uint64_t bytes)
{
	v->allowed = bytes;
}

void verifier_pace(struct verifier *v, uint32_t cpu, uint64_t io)
{
	pacer_set(&v->pacer, cpu, io);
}

bool verifier_wants_work(const struct verifier *v)
{
	return v->unit_count < UNITS_WANTED && v->pending_count < PENDING_MAX / 2;
}

bool verifier_idle(const struct verifier *v)
{
	return !v->units;
}

int verifier_fd(const struct verifier *v)
{
	return v->o.wire_fd;
}

short verifier_events(const struct verifier *v)
{
	return (short)(POLLIN | (chan_unsent(&v->wire) ? POLLOUT : 0));
}

static struct unit *next_walking(const struct verifier *v)
{
	struct unit *u = v->units;

	if (v->pending_count >= PENDING_MAX)
		return NULL;
	while (u && u->state != UNIT_WALKING)
		u = u->next;
	return u;
}

bool verifier_busy(const struct verifier *v)
{
	return v->files || next_walking(v) || verify_unit_may_start(v);
}

static void tell_counts(struct verifier *v)
{
	const struct verifier_counts *c = &v->counts;

	for (size_t i = 0; i < v->lost.n && v->o.callbacks.lost; i++)
		v->o.callbacks.lost(v->o.callbacks.arg, &v->lost.all[i]);
	lost_clear(&v->lost);
	if (c->files_examined || c->files_vanished || c->files_failed || c->bytes_total || c->bytes_hashed)
		v->o.callbacks.counts(v->o.callbacks.arg, c);
	v->counts = (struct verifier_counts){};
}

enum result verifier_step(struct verifier *v, struct diag *d)
{
	enum result res = verify_stream_receive(v, d);
	struct unit *u;

	if (res == RES_OK) {
		verify_unit_start_some(v);
		/* The walk first: it finds what the prover can hash while we do. */
		if ((u = next_walking(v)))
			verify_walk_step(v, u);
		verify_contents_step(v);
		verify_unit_start_some(v);
		if (v->greeted)
			pacer_ask(&v->pacer, &v->wire.out, v->wire.sent + chan_unsent(&v->wire), clock_mono_ns());
		res = verify_stream_send(v, d);
	}
	tell_counts(v);
	return res;
}

bool verifier_prover_uid(const struct verifier *v, uint32_t *out_uid)
{
	*out_uid = v->prover_uid;
	return v->greeted;
}
