/* A log plugin for test_log: appends each call as a line to the file PLUGIN_TEST_OUTPUT names. */
#include "rehost-plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *test_open(const struct rehost_plugin_job *job)
{
	FILE *f;

	if (job->size < sizeof(*job) || getenv("PLUGIN_TEST_REFUSE")) {
		errno = ENOTSUP;
		return NULL;
	}
	f = fopen(getenv("PLUGIN_TEST_OUTPUT"), "a");
	if (f)
		fprintf(f, "open %s %s\n", job->program, job->job);
	return f;
}

static int test_record(void *handle, int level, const char *code, const char *text,
	const struct rehost_plugin_field *fields, size_t count)
{
	if (strcmp(text, "fail") == 0) {
		errno = ENOBUFS;
		return -1;
	}
	fprintf(handle, "record %d %s %s", level, code ? code : "-", text);
	for (size_t i = 0; i < count; i++)
		fprintf(handle, " %s=%s", fields[i].name, fields[i].value);
	fputc('\n', handle);
	return 0;
}

static void test_close(void *handle)
{
	fputs("close\n", handle);
	fclose(handle);
}

/* As a later version would have it: longer than what the host knows. */
static const struct {
	struct rehost_plugin v1;
	void *later[4];
} plugin = {
	.v1 =
		{
			.size = sizeof(plugin),
			.version = REHOST_PLUGIN_VERSION + 1,
			.kind = REHOST_PLUGIN_LOG,
			.name = "journal",
			.open = test_open,
			.record = test_record,
			.close = test_close,
		},
};

const struct rehost_plugin *rehost_plugin_init(void)
{
	return &plugin.v1;
}
