#include "engine/tell.h"
#include "base/text.h"
#include "engine/coordinator.h"

#include <stdarg.h>
#include <string.h>

void engine_diag(struct engine *e, const struct diag *d)
{
	if (e->observer->diag)
		e->observer->diag(e->observer->arg, d);
}

void engine_note(struct engine *e, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	AUTO_BUF safe = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (!e->observer->note)
		return;
	text_escape(&safe, text, strlen(text));
	e->observer->note(e->observer->arg, buf_cstr(&safe));
}

void engine_fatal(struct engine *e, struct diag *d)
{
	e->stop = true;
	if (diag_is_set(&e->out->fatal))
		return;
	if (!diag_is_set(d))
		diag_set(d, DIAG_ENGINE_WORKER, 0, NULL, "a working process ended without saying why");
	engine_diag(e, d);
	diag_move(&e->out->fatal, d);
}

void engine_malformed(struct engine *e, const char *what)
{
	AUTO_DIAG d = DIAG_INIT;

	diag_set(&d, DIAG_ENGINE_WORKER, 0, NULL, "a working process sent a malformed message (%s)", what);
	engine_fatal(e, &d);
}
