/* Contents: asked for in batches, hashed on both sides at the same time, compared when both hashes are there. */
#include "verify/contents.h"
#include "verify/report.h"

#include <errno.h>
#include <inttypes.h>

#define STEP_FILES 64u
#define STEP_BYTES (8u << 20)
#define BATCH_BYTES (32u << 20) /* a V_HASH is closed when its files reach this */

static void free_pending(struct pending *p)
{
	if (p->found)
		verify_findings_release(p->found);
	free(p->found);
	free(p->name);
	free(p);
}

void verify_contents_add(struct verifier *v, struct unit *u, const char *name, const struct verify_node *s,
	const struct verify_node *t, enum verify_when when, struct findings *found)
{
	struct pending *p = xcalloc(1, sizeof(*p));

	p->unit = u;
	p->name = xstrdup(name);
	p->size = s->size;
	p->target_ino = t->ino;
	p->when = when;
	if (found->metadata.count || found->content.count) {
		p->found = xcalloc(1, sizeof(*p->found));
		*p->found = *found;
		*found = (struct findings){};
	}
	if (v->files_tail)
		v->files_tail->next = p;
	else
		v->files = p;
	v->files_tail = p;
	v->pending_count++;
	u->pending++;
	if (!u->batch)
		u->batch = xcalloc(1, sizeof(*u->batch));
	u->batch->files[u->batch->count++] = p;
	u->batch_bytes += p->size;
	if (u->batch->count == VERIFY_HASH_FILES || u->batch_bytes >= BATCH_BYTES)
		verify_contents_send(v, u);
}

static int by_target_ino(const void *a, const void *b)
{
	const struct pending *x = *(struct pending *const *)a, *y = *(struct pending *const *)b;

	return (x->target_ino > y->target_ino) - (x->target_ino < y->target_ino);
}

/* The target reads them in the order its disk likes; we have our own. */
void verify_contents_send(struct verifier *v, struct unit *u)
{
	struct request *q = STEAL(u->batch);
	struct verify_hash m = {.path = u->dst};

	u->batch_bytes = 0;
	if (!q)
		return;
	q->unit = u;
	q->hash = true;
	qsort(q->files, q->count, sizeof(q->files[0]), by_target_ino);
	m.count = q->count;
	for (size_t i = 0; i < q->count; i++) {
		/* A single path may have another name at the target. */
		const char *name = u->only ? u->only_dst : q->files[i]->name;

		m.names[i] = (struct bytes){.p = (const uint8_t *)name, .len = strlen(name)};
	}
	verify_request_add(v, q);
	verify_hash_put(&v->wire.out, q->id, &m);
}

static void note_content(struct pending *p, struct finding *f)
{
	if (p->local_size != p->remote.size) {
		verify_finding_begin(f, "size");
		buf_printf(&f->source, "%" PRIu64, p->local_size);
		buf_printf(&f->target, "%" PRIu64, p->remote.size);
	} else if (p->local_crc != p->remote.crc) {
		verify_finding_begin(f, "content");
		buf_printf(&f->source, "crc64 %016" PRIx64, p->local_crc);
		buf_printf(&f->target, "crc64 %016" PRIx64, p->remote.crc);
	}
}

static void judge(struct verifier *v, struct pending *p, const char *src)
{
	struct findings none = {}, *found = p->found ? p->found : &none;
	const enum verify_when when = p->disturbed ? WHEN_SINCE : p->when;

	if (p->vanished) {
		v->counts.files_vanished++;
		return;
	}
	if (p->local_err) {
		verify_report_failure(v, false, p->local_err, src, "contents");
	} else if (p->remote.err == ENOENT) {
		struct verify_node s = {.type = VERIFY_T_REG, .size = p->local_size};

		verify_report_missing(v, when, src, &s);
		return;
	} else if (p->remote.err) {
		verify_report_failure(v, true, p->remote.err, src, "contents");
	} else {
		note_content(p, &found->content);
	}
	verify_report_findings(v, when, src, found);
	verify_findings_release(&none);
}

static void check_done(struct verifier *v, struct pending *p)
{
	struct unit *u = p->unit;
	AUTO_FREE char *src = NULL;

	if (!p->local_done || !p->remote_done)
		return;
	src = path_join(u->src, p->name);
	judge(v, p, src);
	free_pending(p);
	v->pending_count--;
	u->pending--;
	verify_unit_check_done(v, u);
}

static void local_end(struct verifier *v, int err)
{
	struct pending *p = v->files;

	v->files = p->next;
	if (!v->files)
		v->files_tail = NULL;
	p->local_done = true;
	p->vanished = err == ENOENT || err == ENXIO;
	p->local_err = (uint32_t)err;
	if (!err) {
		p->local_crc = v->hasher.crc;
		p->local_size = v->hasher.size;
		p->disturbed = !verify_hasher_undisturbed(&v->hasher) || p->local_size != p->size;
	}
	verify_hasher_close(&v->hasher);
	check_done(v, p);
}

void verify_contents_step(struct verifier *v)
{
	uint64_t bytes = 0;
	const uint64_t most = MIN(v->allowed, (uint64_t)STEP_BYTES);

	for (unsigned i = 0; v->files && i < STEP_FILES && bytes < most; i++) {
		struct pending *p = v->files;
		uint64_t before;
		int done;

		if (v->hasher.fd < 0 &&
			!verify_hasher_open(&v->hasher, p->unit->fd, p->name, v->o.noatime, v->o.leave_cache)) {
			local_end(v, errno);
			continue;
		}
		before = v->hasher.read;
		done = verify_hasher_step(&v->hasher, v->crc, v->buffer, most - bytes, &bytes);
		v->counts.bytes_read += v->hasher.read - before;
		if (done)
			local_end(v, done < 0 ? errno : 0);
	}
	v->counts.bytes_hashed += bytes;
}

bool verify_contents_hashed(struct verifier *v, struct request *q, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);

	/* All of it is checked before anything is reported. */
	for (size_t i = 0; i < q->count; i++)
		if (!verify_hashed_get(&r, &q->files[i]->remote))
			return false;
	if (!rd_done(&r))
		return false;
	for (size_t i = 0; i < q->count; i++) {
		q->files[i]->remote_done = true;
		check_done(v, q->files[i]);
	}
	return true;
}

/* A file is in the queue until it is hashed here, and in a batch until its answer has come. */
static void release_batch(struct request *q)
{
	for (size_t i = 0; i < q->count; i++)
		if (q->files[i]->local_done)
			free_pending(q->files[i]);
}

void verify_contents_release(struct verifier *v)
{
	struct request *q, *next_q;
	struct pending *p, *next_p;

	for (struct unit *u = v->units; u; u = u->next)
		if (u->batch)
			release_batch(u->batch);
	for (q = v->requests; q; q = next_q) {
		next_q = q->next;
		release_batch(q);
		free(q);
	}
	for (p = v->files; p; p = next_p) {
		next_p = p->next;
		free_pending(p);
	}
}
