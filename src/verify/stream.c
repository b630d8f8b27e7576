/* The stream to the prover: requests out, answers in, in the same order. */
#include "verify/stream.h"
#include "verify/contents.h"
#include "verify/private.h"
#include "verify/slices.h"

#include <errno.h>

static enum result broken(struct diag *d, const struct frame *f)
{
	diag_set(
		d, DIAG_VERIFY_PROTOCOL, 0, NULL, "the prover sent a message of type %u that cannot be right", f->type);
	return RES_FATAL;
}

static enum result greeting(struct verifier *v, const struct frame *f, struct diag *d)
{
	struct verify_hello_ok m;
	uint32_t theirs;

	if (f->type == V_ERROR && verify_error_get(f, &theirs)) {
		diag_set(d, DIAG_VERIFY_VERSION, 0, NULL, "the prover speaks version %u of the verify protocol, not %u",
			theirs, VERIFY_PROTOCOL);
		return RES_FATAL;
	}
	if (f->type != V_HELLO_OK || !verify_hello_ok_get(f, &m) || (m.fields & ~v->fields))
		return broken(d, f);
	v->greeted = true;
	v->prover_uid = m.uid;
	v->fields = v->reader.fields = m.fields;
	return RES_OK;
}

static bool records(struct verifier *v, struct request *q, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	struct unit *u = q->unit;
	struct bytes record;

	if (q->hash)
		return false;
	while (verify_record_next(&r, &record))
		if (!verify_table_add(&u->table, record, u->own && !u->only, v->o.seed))
			return false;
	return rd_done(&r) && !(u->only && table_count(&u->table) > 1);
}

static bool answer(struct verifier *v, struct request *q, const struct frame *f)
{
	struct verify_list_end end;
	bool ok;

	switch (f->type) {
	case V_RECORDS:
		return records(v, q, f);
	case V_TICK:
		return q->hash && f->len == sizeof(uint64_t);
	case V_LIST_END:
		if (q->hash || !verify_list_end_get(f, &end))
			return false;
		verify_request_take(v);
		verify_unit_listed(v, q->unit, &end);
		free(q);
		return true;
	case V_HASHED:
		if (!q->hash)
			return false;
		ok = verify_contents_hashed(v, q, f);
		if (ok) {
			verify_request_take(v);
			free(q);
		}
		return ok;
	default:
		return false;
	}
}

static bool used(struct verifier *v, const struct frame *f)
{
	struct pace_used m;

	if (!pacer_answer(&v->pacer, f, &m))
		return false;
	v->o.callbacks.used(v->o.callbacks.arg, &m);
	return true;
}

static enum result decode(struct verifier *v, struct diag *d)
{
	struct frame f = {};
	enum result res = RES_OK;

	while (res == RES_OK) {
		switch (frame_decode(&v->wire.in, &f)) {
		case FRAME_NEED_MORE:
			return RES_OK;
		case FRAME_BAD:
			return broken(d, &f);
		case FRAME_READY:
			if (!v->greeted)
				res = greeting(v, &f, d);
			else if (f.type == PACE_USED)
				res = used(v, &f) ? RES_OK : broken(d, &f);
			else if (!v->requests || v->requests->id != f.id || !answer(v, v->requests, &f))
				res = broken(d, &f);
		}
	}
	return res;
}

static enum result lost(int err, struct diag *d)
{
	diag_set(d, DIAG_VERIFY_LINK_LOST, err, NULL, "the connection to the prover has ended");
	return RES_RETRY;
}

enum result verify_stream_receive(struct verifier *v, struct diag *d)
{
	bool more = chan_fill(&v->wire);
	int err = errno;
	enum result res = decode(v, d);

	return res != RES_OK || more ? res : lost(err, d);
}

enum result verify_stream_send(struct verifier *v, struct diag *d)
{
	int64_t wait;

	return chan_flush(&v->wire, &wait) ? RES_OK : lost(errno, d);
}
