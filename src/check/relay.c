#include "check/relay.h"
#include "check/sections.h"
#include "operator/proto.h"

void relay_hello(struct probe *p)
{
	static const char version[] = REHOST_VERSION;
	const struct operator_hello m = {OPERATOR_PROTOCOL, bytes_of(version)};
	struct operator_hello ok;
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	operator_hello_put(&b, &m);
	probe_ask(p, OPERATOR_HELLO, &b);
	f = probe_await(p, OPERATOR_HELLO_OK, HELLO_NS);
	if (!operator_hello_get(&f, &ok))
		probe_protocol(p, "a malformed greeting");
	if (ok.protocol == OPERATOR_PROTOCOL) {
		p->version = bytes_dup(&ok.version);
		return;
	}
	diag_set(&d, DIAG_CHECK_PROTOCOL, 0, NULL, "rehost %s speaks protocol %d, the operator '%.*s' speaks %u",
		version, OPERATOR_PROTOCOL, (int)ok.version.len, (const char *)ok.version.p, ok.protocol);
	probe_die(p, &d);
}

/* To the coordinator, in parts again. */
static void pass_on(struct probe *p, const struct facts_section *s)
{
	const size_t n = s->unknown ? MIN(strlen(s->unknown), (size_t)OPERATOR_REASON_MAX) : s->text.len;
	const uint8_t *text = s->unknown ? (const uint8_t *)s->unknown : s->text.data;
	size_t at = 0;

	do {
		const size_t part = MIN(n - at, (size_t)OPERATOR_PART_BYTES);
		struct operator_part m = {.name = bytes_of(s->name), .text = {text + at, part}};
		AUTO_BUF b = BUF_INIT;

		at += part;
		m.flags = (at == n ? OPERATOR_PART_LAST : 0) | (s->unknown ? OPERATOR_PART_UNKNOWN : 0);
		operator_part_put(&b, &m);
		probe_answer(p, PROBE_FACTS_PART, &b);
	} while (at < n);
}

static void end(struct probe *p, struct sections *s, const struct frame *f)
{
	struct operator_facts_done m;
	AUTO_BUF b = BUF_INIT;

	if (!operator_facts_done_get(f, &m) || m.schema != FACTS_SCHEMA || m.sections != s->got.count || s->open)
		probe_protocol(p, "facts that do not end as they should");
	operator_facts_done_put(&b, &m);
	probe_answer(p, PROBE_FACTS_DONE, &b);
}

static void part(struct probe *p, struct sections *s, const struct frame *f)
{
	struct operator_part m;
	struct facts_section *last;

	if (f->type != OPERATOR_FACTS_PART || f->id != p->next_id)
		probe_unexpected(p, f);
	switch (operator_part_get(f, &m) ? sections_take(s, &m) : SECTIONS_BAD) {
	case SECTIONS_BAD:
		probe_protocol(p, "facts that cannot be");
	case SECTIONS_MORE:
		return;
	case SECTIONS_WHOLE:
		last = &s->got.all[s->got.count - 1];
		pass_on(p, last);
		buf_release(&last->text);
	}
}

void relay_facts(struct probe *p, uint32_t limit_ms)
{
	struct operator_facts m = {.limit_ms = MAX(MIN(limit_ms, FACTS_LIMIT_MAX_MS), 1u)};
	struct sections *s = xcalloc(1, sizeof(*s));
	int64_t silence = m.limit_ms * NS_PER_MS + SILENCE_NS;
	AUTO_BUF b = BUF_INIT;

	operator_facts_put(&b, &m);
	probe_ask(p, OPERATOR_FACTS, &b);
	for (;;) {
		struct frame f = probe_next(p, silence);

		if (f.type == OPERATOR_FACTS_DONE && f.id == p->next_id) {
			end(p, s, &f);
			break;
		}
		part(p, s, &f);
		silence = SILENCE_NS;
	}
	sections_release(s);
	free(s);
}

void relay_image(struct probe *p, const struct frame *command)
{
	struct operator_image_done done;
	AUTO_BUF b = BUF_INIT;
	struct frame f;

	buf_append(&b, command->payload, command->len);
	probe_ask(p, OPERATOR_IMAGE, &b);
	f = probe_await(p, OPERATOR_IMAGE_DONE, IMAGE_NS);
	if (!operator_image_done_get(&f, &done))
		probe_protocol(p, "a malformed answer");
	buf_clear(&b);
	operator_image_done_put(&b, &done);
	probe_answer(p, PROBE_IMAGE_DONE, &b);
}
