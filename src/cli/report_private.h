/* What the two kinds of report share with report.c. */
#pragma once

#include "cli/report.h"

struct report_ops {
	void (*diag)(struct report *r, const struct diag *d);
	void (*note)(struct report *r, const char *text);
	void (*hook)(struct report *r, enum diag_code code, const char *line);
	void (*source)(struct report *r, const struct source_fs *f);
	void (*item)(struct report *r, const struct item *i);
	void (*difference)(struct report *r, const struct difference *d);
	void (*progress)(struct report *r, const struct progress *p, bool now);
	void (*step_begin)(struct report *r);
	void (*step_end)(struct report *r, const struct summary *s);
	void (*end)(struct report *r, const struct summary *s, bool transferred, bool verified);
	void (*exit_error)(struct report *r, const struct diag *d, int exit_code);
	void (*release)(struct report *r);
};

struct report {
	const struct report_ops *ops;
	struct report_options o;
	char *source, *target;
	const char *step; /* of `run`, else o.command */
	/* The last text reported of each code: the run's fatal diagnostic is not said twice. */
	char *said[DIAG_CODES_END];
	void *own; /* of the implementation */
};

extern const struct report_ops report_text_ops, report_json_ops;

/* True when the run ended before it did anything: then its end is an exit_error and no summary. */
bool report_never_began(const struct summary *s);
