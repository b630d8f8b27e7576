/*
 * Build-time tool: writes rehost-diagnostics(7) from the table of codes to standard output; with --names, one
 * line "RHnnnn NAME" a code, for the test that each is documented and raised.
 */
#include "base/mdoc.h"
#include "diag/diag.h"

#include <stdio.h>

static const struct {
	const char *prefix, *title;
} rooms[] = {
	{"RH00", "Anywhere"},
	{"RH01", "Configuration"},
	{"RH02", "Rules"},
	{"RH03", "Mounts"},
	{"RH04", "Metadata"},
	{"RH05", "Protocol"},
	{"RH06", "Connection"},
	{"RH07", "Source"},
	{"RH08", "Target"},
	{"RH09", "Verification"},
	{"RH10", "Jobs"},
	{"RH11", "Command line"},
	{"RH12", "Confinement"},
	{"RH13", "Checks"},
	{"RH14", "Limits"},
	{"RH15", "Facts"},
	{"RH16", "Operator"},
	{"RH17", "Layout"},
	{"RH18", "Import"},
};

static const char head[] = ".\\\" Made from src/diag/codes/*.def by rehost-gen-diagnostics. Changes belong there.\n"
			   ".Dd November 20, 2026\n"
			   ".Dt REHOST-DIAGNOSTICS 7\n"
			   ".Os\n"
			   ".Sh NAME\n"
			   ".Nm rehost-diagnostics\n"
			   ".Nd diagnostic codes of rehost, their causes and remedies\n"
			   ".Sh DESCRIPTION\n"
			   "Every warning and error of\n"
			   ".Xr rehost 8\n"
			   "has a code that keeps its meaning in all later versions.\n"
			   "It stands in brackets in the message, as\n"
			   ".Sq code\n"
			   "in JSON output and in logs, and is what\n"
			   ".Ic rehost explain\n"
			   "takes.\n"
			   "An error that ends the run gives the exit code shown with it;\n"
			   "an error of one file is listed, the rest goes on, and the run exits with 3.\n";

static const char tail[] = ".Sh SEE ALSO\n"
			   ".Xr rehost 8\n";

static const char *severity_text(const struct diag_info *info)
{
	static const char *const names[] = {"note", "warning", "error"};

	return names[info->severity];
}

static void put_code(const struct diag_info *info)
{
	printf(".It Sy %s\n", info->id);
	mdoc_text(stdout, info->title);
	printf(".Pq %s", severity_text(info));
	if (info->severity == DIAG_ERROR)
		printf(", exit code %d", info->exit_class);
	printf("\n.br\n");
	mdoc_text(stdout, info->cause);
	printf(".br\n.Em Remedy :\n");
	mdoc_text(stdout, info->remedy);
}

static bool in_room(const struct diag_info *info, const char *prefix)
{
	return strncmp(info->id, prefix, strlen(prefix)) == 0;
}

static void put_room(const char *prefix, const char *title)
{
	bool begun = false;

	for (int c = 1; c < DIAG_CODES_END; c++) {
		const struct diag_info *info = diag_info((enum diag_code)c);

		if (!in_room(info, prefix))
			continue;
		if (!begun)
			printf(".Ss %s\n.Bl -tag -width RH0000\n", title);
		begun = true;
		put_code(info);
	}
	if (begun)
		puts(".El");
}

int main(int argc, char **argv)
{
	if (argc > 1 && str_eq(argv[1], "--names")) {
		for (int c = 1; c < DIAG_CODES_END; c++)
			printf("%s %s\n", diag_info((enum diag_code)c)->id, diag_info((enum diag_code)c)->name);
	} else {
		fputs(head, stdout);
		for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
			put_room(rooms[i].prefix, rooms[i].title);
		fputs(tail, stdout);
	}
	return fflush(stdout) != 0;
}
