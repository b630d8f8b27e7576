/* Telling the caller. */
#include "verify/report.h"
#include "verify/describe.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>

#define CLOCKS_APART (5 * NS_PER_S)
#define FLAG_NOT_COMPRESSED 0x400u /* FS_NOCOMP_FL */

static const char *shown(const char *path)
{
	return *path ? path : ".";
}

enum verify_when verify_when(const struct verifier *v, int64_t ns)
{
	if (ns < v->since_ns)
		return WHEN_BEFORE;
	/* What is changed while it is looked at is a little earlier, by the coarser clock of inodes, or by a server's. */
	return ns <= clock_real_ns() + CLOCKS_APART ? WHEN_SINCE : WHEN_FUTURE;
}

enum verify_when verify_changed(struct verifier *v, const char *path, const struct verify_node *s)
{
	const enum verify_when when = verify_when(v, s->ctime_ns);

	if (when == WHEN_SINCE)
		lost_add(&v->lost, LOST_RECENT, "recent", 1, path, "");
	return when;
}

void verify_report(
	struct verifier *v, enum verify_kind kind, enum verify_when when, const char *path, struct finding *f)
{
	AUTO_FREE const char **fields = xcalloc(f->count + 1, sizeof(*fields));
	const char *s = (const char *)f->fields.data;

	if (when == WHEN_FUTURE)
		lost_add(&v->lost, LOST_FUTURE, "changed in the future", 1, path, "");
	for (size_t i = 0; i < f->count; i++, s += strlen(s) + 1)
		fields[i] = s;
	v->o.callbacks.difference(v->o.callbacks.arg,
		&(struct verifier_difference){
			.kind = when == WHEN_SINCE ? VERIFY_CHANGED : kind,
			.path = shown(path),
			.fields = fields,
			.field_count = f->count,
			.source = f->source.len ? buf_cstr(&f->source) : NULL,
			.target = f->target.len ? buf_cstr(&f->target) : NULL,
		});
}

void verify_report_findings(struct verifier *v, enum verify_when when, const char *path, struct findings *f)
{
	if (when == WHEN_SINCE)
		verify_finding_join(&f->content, &f->metadata);
	if (f->content.count)
		verify_report(v, VERIFY_CONTENT, when, path, &f->content);
	if (f->metadata.count)
		verify_report(v, VERIFY_METADATA, when, path, &f->metadata);
}

/* Of kind changed, the field says what it would have been. */
static void report_existence(struct verifier *v, enum verify_kind kind, const char *field, enum verify_when when,
	const char *path, struct finding *f)
{
	if (when == WHEN_SINCE) {
		buf_append(&f->fields, field, strlen(field) + 1);
		f->count = 1;
	}
	verify_report(v, kind, when, path, f);
	verify_finding_release(f);
}

void verify_report_missing(struct verifier *v, enum verify_when when, const char *path, const struct verify_node *s)
{
	struct finding f = {};

	verify_describe_node(&f.source, s);
	report_existence(v, VERIFY_MISSING, "missing", when, path, &f);
}

void verify_report_extra(struct verifier *v, enum verify_when when, const char *path, const struct verify_node *t)
{
	struct finding f = {};

	verify_describe_node(&f.target, t);
	report_existence(v, VERIFY_EXTRA, "extra", when, path, &f);
}

void verify_report_type(struct verifier *v, enum verify_when when, const char *path, uint8_t source, uint8_t target)
{
	struct finding f = {.count = 1};

	buf_append(&f.fields, "type", sizeof("type"));
	verify_describe_type(&f.source, source);
	if (target == VERIFY_T_NONE)
		buf_append_str(&f.target, "no directory");
	else
		verify_describe_type(&f.target, target);
	verify_report(v, VERIFY_TYPE, when, path, &f);
	verify_finding_release(&f);
}

void verify_report_held(
	struct verifier *v, const char *path, const struct verify_node *s, const struct verify_held *held)
{
	const struct {
		bool is;
		const char *what;
	} kinds[] = {{held->time, LOST_TIME}, {held->project, LOST_PROJECT}, {held->property, LOST_COMPRESSION},
		{held->label, LOST_LABEL}, {held->nocow, LOST_NOCOW_ADDED}};
	/* btrfs sets m by itself, on what it has found not worth compressing. */
	const uint32_t unknown = s->flags_lost & ~(s->fs_type == LOST_BTRFS_MAGIC ? FLAG_NOT_COMPRESSED : 0);

	if (!v->metadata)
		return;
	lost_add_flags(&v->lost, LOST_UNKNOWN, unknown, path, "");
	lost_add_flags(&v->lost, LOST_TARGET, held->flags, path, "");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].is)
			lost_add(&v->lost, LOST_TARGET, kinds[i].what, 1, path, "");
}

void verify_report_failure(struct verifier *v, bool target, uint32_t err, const char *path, const char *what)
{
	AUTO_FREE char *name = text_escaped(shown(path));
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, target ? DIAG_VERIFY_TARGET_READ : DIAG_VERIFY_SOURCE_READ, (int)err, shown(path),
		"cannot read %s of '%s' at the %s", what, name, target ? "target" : "source");
	v->counts.files_failed++;
	v->o.callbacks.diag(v->o.callbacks.arg, &d);
}
