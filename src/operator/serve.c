/* The operator's end: requests in, answers out. Whoever sends them may be anybody. */
#include "operator/operator.h"
#include "base/clock.h"
#include "base/fd.h"
#include "facts/facts.h"
#include "operator/image.h"
#include "operator/proto.h"
#include "wire/msg.h"

#include <errno.h>
#include <unistd.h>

#define READ_BYTES (64u << 10)

struct operator
{
	const struct operator_config *c;
	struct frame_decoder in;
	bool greeted;
	int code; /* of the process */
};

static void note(struct operator* o, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void note(struct operator* o, const char *fmt, ...)
{
	AUTO_FREE char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	if (o->c->log)
		o->c->log(line);
}

/* False: nobody takes it any more. */
static bool answer(struct operator* o, uint8_t type, uint32_t id, const struct buf *payload)
{
	AUTO_BUF b = BUF_INIT;

	frame_encode(&b, type, id, payload->data, payload->len);
	return fd_write_full(o->c->out, b.data, b.len) == 0;
}

/* The last answer: always false. */
static bool refuse(struct operator* o, uint32_t id, const char *what, unsigned type)
{
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;

	diag_set(&d, DIAG_OPERATOR_REQUEST, 0, NULL, "%s (request %u)", what, type);
	wr_diag(&b, &d);
	note(o, "refused: %s (request %u)", what, type);
	answer(o, OPERATOR_ERROR, id, &b);
	o->code = 1;
	return false;
}

/* ---- the requests ---- */

static bool on_hello(struct operator* o, const struct frame *f)
{
	struct operator_hello m, ok = {OPERATOR_PROTOCOL, bytes_of(o->c->version)};
	AUTO_BUF b = BUF_INIT;

	if (o->greeted || !operator_hello_get(f, &m))
		return refuse(o, f->id, "a malformed greeting", f->type);
	o->greeted = m.protocol == OPERATOR_PROTOCOL;
	operator_hello_put(&b, &ok);
	return answer(o, OPERATOR_HELLO_OK, f->id, &b) && o->greeted;
}

static bool send_section(struct operator* o, uint32_t id, const struct facts_section *s)
{
	const char *text = s->unknown ? s->unknown : (const char *)s->text.data;
	const size_t n = s->unknown ? MIN(strlen(text), (size_t)OPERATOR_REASON_MAX) : s->text.len;
	size_t at = 0;
	bool ok;

	do {
		const size_t part = MIN(n - at, (size_t)OPERATOR_PART_BYTES);
		struct operator_part m = {.name = bytes_of(s->name), .text = {(const uint8_t *)text + at, part}};
		AUTO_BUF b = BUF_INIT;

		at += part;
		m.flags = (at == n ? OPERATOR_PART_LAST : 0) | (s->unknown ? OPERATOR_PART_UNKNOWN : 0);
		operator_part_put(&b, &m);
		ok = answer(o, OPERATOR_FACTS_PART, id, &b);
	} while (ok && at < n);
	return ok;
}

static bool send_sections(struct operator* o, uint32_t id, const struct facts_sections *s)
{
	const struct operator_facts_done done = {FACTS_SCHEMA, (uint32_t)s->count, s->live, s->taken};
	AUTO_BUF b = BUF_INIT;

	for (size_t i = 0; i < s->count; i++)
		if (!send_section(o, id, &s->all[i]))
			return false;
	operator_facts_done_put(&b, &done);
	return answer(o, OPERATOR_FACTS_DONE, id, &b);
}

static bool on_facts(struct operator* o, const struct frame *f)
{
	struct facts_options fo = {.target = o->c->root, .has_peer = true, .peer = o->c->in};
	const int64_t began = clock_mono_ns();
	struct facts_sections *s;
	struct operator_facts m;
	AUTO_DIAG d = DIAG_INIT;
	bool ok;

	if (!operator_facts_get(f, &m))
		return refuse(o, f->id, "a malformed request", f->type);
	fo.limit_ms = m.limit_ms;
	s = xcalloc(1, sizeof(*s));
	ok = facts_gather_sections(&fo, s, &d);
	note(o, "facts of this host, at most %u ms each: %zu sections in %lld ms%s", m.limit_ms, s->count,
		(long long)((clock_mono_ns() - began) / NS_PER_MS), ok ? "" : ", in vain");
	ok = ok && send_sections(o, f->id, s);
	facts_sections_release(s);
	free(s);
	return ok;
}

static bool on_image(struct operator* o, const struct frame *f)
{
	struct operator_image_done done = {0};
	struct operator_image m;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;
	bool ok, made = false;

	if (!operator_image_get(f, &m)) {
		operator_image_release(&m);
		return refuse(o, f->id, "a malformed request", f->type);
	}
	note(o, "image '%s' of %llu bytes: begun", m.file, (unsigned long long)m.size);
	ok = image_make(&m, o->c->in, &made, &d);
	note(o, "image '%s': %s", m.file, !ok ? "failed" : made ? "made" : "was there");
	operator_image_release(&m);
	done.made = made;
	if (ok)
		operator_image_done_put(&b, &done);
	else
		wr_diag(&b, &d);
	return answer(o, ok ? OPERATOR_IMAGE_DONE : OPERATOR_ERROR, f->id, &b) && ok;
}

static bool on_bye(struct operator* o, const struct frame *f)
{
	return f->len ? refuse(o, f->id, "a malformed request", f->type) : false;
}

static const struct {
	uint8_t type;
	bool (*handle)(struct operator*, const struct frame *);
} handlers[] = {
#define X(NAME, name, number) {OPERATOR_##NAME, on_##name},
	OPERATOR_REQUESTS(X)
#undef X
};

/* False: it was the last one. */
static bool execute(struct operator* o, const struct frame *f)
{
	if (!o->greeted && f->type != OPERATOR_HELLO)
		return refuse(o, f->id, "a request before the greeting", f->type);
	for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
		if (handlers[i].type == f->type)
			return handlers[i].handle(o, f);
	return refuse(o, f->id, "it is not known here", f->type);
}

static bool execute_all(struct operator* o)
{
	struct frame f;

	for (;;) {
		switch (frame_decode(&o->in, &f)) {
		case FRAME_NEED_MORE:
			return true;
		case FRAME_BAD:
			return refuse(o, 0, "it is no frame", 0);
		case FRAME_READY:
			if (!execute(o, &f))
				return false;
		}
	}
}

int operator_serve(const struct operator_config *c)
{
	struct operator o = {.c = c};

	frame_decoder_init(&o.in);
	while (execute_all(&o)) {
		ssize_t n = read(c->in, frame_decoder_space(&o.in, READ_BYTES), READ_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		frame_decoder_filled(&o.in, (size_t)n);
	}
	frame_decoder_release(&o.in);
	return o.code;
}
