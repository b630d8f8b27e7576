#include "cli/report_private.h"
#include "base/text.h"

struct report *report_new(const struct report_options *o)
{
	struct report *r = xcalloc(1, sizeof(*r));

	r->o = *o;
	r->source = xstrdup(o->source ? o->source : "");
	r->target = xstrdup(o->target ? o->target : "");
	r->step = o->command;
	r->ops = o->json ? &report_json_ops : &report_text_ops;
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	r->ops->release(r);
	for (size_t i = 0; i < ARRAY_LEN(r->said); i++)
		free(r->said[i]);
	free(r->source);
	free(r->target);
	free(r);
}

bool report_said(const struct report *r, const struct diag *d)
{
	AUTO_BUF b = BUF_INIT;

	diag_format(&b, d);
	return r->said[d->code] && str_eq(r->said[d->code], buf_cstr(&b));
}

void report_diag(struct report *r, const struct diag *d)
{
	struct buf b = BUF_INIT;

	if (!diag_is_set(d))
		return;
	r->ops->diag(r, d);
	diag_format(&b, d);
	free(r->said[d->code]);
	r->said[d->code] = buf_detach(&b);
}

void report_note(struct report *r, const char *text)
{
	r->ops->note(r, text);
}

void report_hook(struct report *r, enum diag_code code, const char *line)
{
	r->ops->hook(r, code, line);
}

void report_source(struct report *r, const struct source_fs *f)
{
	r->ops->source(r, f);
}

/* "left out: '/backup' (1.20 TiB in use, ext4 on /dev/sdb1): skip_mounts" */
void report_source_text(struct buf *out, const struct source_fs *f)
{
	AUTO_FREE char *path = text_escaped(f->path), *device = text_escaped(f->device);

	buf_printf(out, "%s: '%s' (", f->why ? "left out" : f->verified ? "verified" : "copied", path);
	if (f->used_bytes) {
		text_size(out, f->used_bytes);
		buf_append_str(out, " in use, ");
	}
	buf_printf(out, "%s on %s)", f->fstype, device);
	if (f->why)
		buf_printf(out, ": %s", f->why);
}

void report_item(struct report *r, const struct item *i)
{
	r->ops->item(r, i);
}

void report_difference(struct report *r, const struct difference *d)
{
	r->ops->difference(r, d);
}

void report_progress(struct report *r, const struct progress *p, bool now)
{
	r->ops->progress(r, p, now);
}

void report_step_begin(struct report *r, const char *step)
{
	r->step = step;
	r->ops->step_begin(r);
}

/* The engine may have reported what ended the run, or only put it into the summary. */
static void say_fatal(struct report *r, const struct summary *s)
{
	if (diag_is_set(&s->fatal) && !report_said(r, &s->fatal))
		report_diag(r, &s->fatal);
}

void report_step_end(struct report *r, const struct summary *s)
{
	say_fatal(r, s);
	r->ops->step_end(r, s);
}

bool report_never_began(const struct summary *s)
{
	return diag_is_set(&s->fatal) && !s->signal && s->counts.files_examined == 0 && s->counts.bytes_sent == 0;
}

void report_end(struct report *r, const struct summary *s, bool transferred, bool verified)
{
	if (report_never_began(s)) {
		if (!r->o.json)
			say_fatal(r, s);
		r->ops->exit_error(r, &s->fatal, s->exit_code);
		return;
	}
	say_fatal(r, s);
	r->ops->end(r, s, transferred, verified);
}

void report_exit_error(struct report *r, const struct diag *d)
{
	if (!r->o.json)
		report_diag(r, d);
	r->ops->exit_error(r, d, diag_info(d->code)->exit_class);
}

bool report_lost(struct report *r)
{
	return fflush(r->o.out) != 0 || ferror(r->o.out);
}

const char *report_kind_name(enum difference_kind kind)
{
	static const char *const names[] = {
		[DIFFERENCE_CONTENT] = "content",
		[DIFFERENCE_MISSING] = "missing",
		[DIFFERENCE_EXTRA] = "extra",
		[DIFFERENCE_TYPE] = "type",
		[DIFFERENCE_METADATA] = "metadata",
		[DIFFERENCE_HARDLINK] = "hardlink",
		[DIFFERENCE_CHANGED] = "changed",
	};

	return names[kind];
}

const char *report_op_name(enum item_op op)
{
	static const char *const names[] = {
		[ITEM_CREATE] = "create",
		[ITEM_UPDATE] = "update",
		[ITEM_METADATA] = "metadata",
		[ITEM_LINK] = "link",
		[ITEM_DELETE] = "delete",
	};

	return names[op];
}

const char *report_type_name(uint8_t type)
{
	static const char *const names[META_TYPE_END] = {
		[META_NONE] = "unknown",
		[META_REG] = "file",
		[META_DIR] = "directory",
		[META_LNK] = "symlink",
		[META_CHR] = "character-device",
		[META_BLK] = "block-device",
		[META_FIFO] = "fifo",
		[META_SOCK] = "socket",
	};

	return type < META_TYPE_END ? names[type] : names[META_NONE];
}
