/* Build-time tool: writes rehost-checks(7) from the table of rows to standard output. */
#include "preflight/rows.h"
#include "base/mdoc.h"

#include <stdio.h>

static const char head[] =
	".\\\" Made from src/preflight/rows/*.def by rehost-gen-checks. Changes belong there.\n"
	".Dd November 27, 2026\n"
	".Dt REHOST-CHECKS 7\n"
	".Os\n"
	".Sh NAME\n"
	".Nm rehost-checks\n"
	".Nd what rehost looks at before a move\n"
	".Sh DESCRIPTION\n"
	".Ic rehost check\n"
	"judges what is known of the source, the target and the network between them by these checks.\n"
	"Each finding comes with what was found, and its texts name it.\n"
	"A check that fails ends\n"
	".Ic rehost run\n"
	"before anything is written; one that fails\n"
	".Dq when the copy is to boot\n"
	"is a warning else.\n"
	"What could not be looked at is reported as unknown, never as fine.\n"
	".Pp\n"
	".Cm [check] ignore\n"
	"takes an id: the finding stays in the report and does not fail.\n"
	".Cm [check] threshold\n"
	"takes id=value, where a threshold is given here.\n"
	".Ic rehost explain\n"
	"takes ids, too.\n"
	".Bl -tag -width Ds\n";

static const char tail[] = ".El\n"
			   ".Sh SEE ALSO\n"
			   ".Xr rehost.conf 5 ,\n"
			   ".Xr rehost-diagnostics 7 ,\n"
			   ".Xr rehost-facts 7 ,\n"
			   ".Xr rehost 8\n";

static void put_moot(const char *moot)
{
	printf(".br\nSays nothing after\n");
	while (*moot) {
		int n = (int)strcspn(moot, " ");

		printf(".Sy %.*s%s\n", n, moot, moot[n] ? " ," : " .");
		moot += n + strspn(moot + n, " ");
	}
}

static void put_text(const char *text)
{
	AUTO_FREE char *filled = preflight_filled(text, "");

	mdoc_text(stdout, filled);
}

static void put_row(const struct preflight_row *r)
{
	printf(".It Sy %s\n", r->id);
	mdoc_text(stdout, r->title);
	printf(".Pq %s, %s%s", preflight_side_name(r->side), preflight_severity_name(r->severity),
		r->boot ? " when the copy is to boot" : "");
	printf("\n.br\n");
	put_text(r->cause);
	if (r->threshold >= 0)
		printf("Threshold: %g%s%s.\n", r->threshold, *r->unit ? " " : "", r->unit);
	printf(".br\n.Em Remedy :\n");
	put_text(r->remedy);
	if (*r->moot)
		put_moot(r->moot);
}

int main(void)
{
	fputs(head, stdout);
	for (int i = 0; i < PREFLIGHT_ROWS; i++)
		put_row(preflight_row((enum preflight_id)i));
	fputs(tail, stdout);
	return fflush(stdout) != 0;
}
