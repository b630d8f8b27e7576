#include "diag/diag.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

static const struct diag_info infos[] = {
	[DIAG_NONE] = {"RH0000", "NONE", DIAG_INFO, 0, "nothing", "Nothing went wrong.", "Nothing is to be done."},
#define DIAG(name, number, severity, exit_class, title, cause, remedy) \
	[DIAG_##name] = {"RH" #number, #name, DIAG_##severity, exit_class, title, cause, remedy},
#include "diag/codes.def"
#undef DIAG
};

void diag_set(struct diag *d, enum diag_code code, int err, const char *path, const char *fmt, ...)
{
	int keep = errno;
	struct buf b = BUF_INIT;
	char *text;
	va_list ap;

	if (!d)
		return;
	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diag_release(d);
	text_escape(&b, text, strlen(text));
	free(text);
	d->code = code;
	d->err = err;
	d->path = path ? xstrdup(path) : NULL;
	d->detail = buf_detach(&b);
	errno = keep;
}

void diag_release(struct diag *d)
{
	free(d->path);
	free(d->detail);
	*d = (struct diag)DIAG_INIT;
}

void diag_move(struct diag *dst, struct diag *src)
{
	diag_release(dst);
	*dst = *src;
	*src = (struct diag)DIAG_INIT;
}

const struct diag_info *diag_info(enum diag_code code)
{
	if ((unsigned)code >= DIAG_CODES_END)
		code = DIAG_INTERNAL;
	return &infos[code];
}

enum diag_code diag_find(const char *id)
{
	if (strncasecmp(id, "RH", 2) == 0)
		id += 2;
	for (size_t i = 1; i < ARRAY_LEN(infos); i++)
		if (str_eq(infos[i].id + 2, id))
			return (enum diag_code)i;
	return DIAG_NONE;
}

void diag_format(struct buf *out, const struct diag *d)
{
	const struct diag_info *info = diag_info(d->code);

	buf_printf(out, "[%s] %s", info->id, d->detail && *d->detail ? d->detail : info->title);
	if (d->err)
		buf_printf(out, ": %s", strerror(d->err));
}
