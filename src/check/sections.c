#include "check/sections.h"
#include "base/jsontext.h"
#include "base/text.h"

static struct facts_section *last(struct sections *s)
{
	return &s->got.all[s->got.count - 1];
}

static bool begin(struct sections *s, const struct bytes *name)
{
	struct facts_section *new;

	if (s->got.count == FACTS_SECTIONS_MAX || name->len > FACTS_NAME_MAX)
		return false;
	for (size_t i = 0; i < s->got.count; i++)
		if (strlen(s->got.all[i].name) == name->len && memcmp(s->got.all[i].name, name->p, name->len) == 0)
			return false;
	new = &s->got.all[s->got.count++];
	*new = (struct facts_section){.text = BUF_INIT};
	memcpy(new->name, name->p, name->len);
	s->open = true;
	return true;
}

static bool goes_on(struct sections *s, const struct bytes *name)
{
	return strlen(last(s)->name) == name->len && memcmp(last(s)->name, name->p, name->len) == 0;
}

/* It ends up in messages, whatever it is. */
static char *reason(const struct bytes *text)
{
	struct buf b = BUF_INIT;

	text_clean(&b, text->p, text->len);
	return buf_detach(&b);
}

enum sections_took sections_take(struct sections *s, const struct operator_part *m)
{
	const bool first = !s->open;
	struct facts_section *of;

	if (first ? !begin(s, &m->name) : !goes_on(s, &m->name))
		return SECTIONS_BAD;
	of = last(s);
	s->bytes += m->text.len;
	if (of->text.len + m->text.len > FACTS_SECTION_MAX || s->bytes > SECTIONS_BYTES)
		return SECTIONS_BAD;
	if (m->flags & OPERATOR_PART_UNKNOWN) {
		if (!first)
			return SECTIONS_BAD;
		of->unknown = reason(&m->text);
	} else {
		buf_append(&of->text, m->text.p, m->text.len);
	}
	if (!(m->flags & OPERATOR_PART_LAST))
		return SECTIONS_MORE;
	s->open = false;
	if (!of->unknown && !jsontext_valid(of->text.data, of->text.len, FACTS_DEPTH, FACTS_VALUES)) {
		of->unknown = xstrdup("what the target sent is malformed");
		buf_release(&of->text);
	}
	return SECTIONS_WHOLE;
}

void sections_release(struct sections *s)
{
	facts_sections_release(&s->got);
	*s = (struct sections){};
}
