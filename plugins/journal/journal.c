/*
 * The journal plugin: log records with their fields, so that `journalctl REHOST_JOB=web REHOST_CODE=RH0610` finds them.
 */
#include "rehost-plugin.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define PREFIX "REHOST_"
#define FIELDS_MAX 64 /* more of one record are left out */
#define NAME_MAX_LEN (64 - sizeof(PREFIX)) /* journald drops a field with a longer name */

struct journal {
	char *program, *job;
};

static void journal_close(void *handle)
{
	struct journal *j = handle;

	free(j->program);
	free(j->job);
	free(j);
}

static void *journal_open(const struct rehost_plugin_job *about)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->program = strdup(about->program);
	j->job = strdup(about->job);
	if (j->program && j->job)
		return j;
	journal_close(j);
	errno = ENOMEM;
	return NULL;
}

/* "NAME=value" at the next place; what cannot be had is left out. */
static void add(struct iovec *iov, size_t *n, const char *name, const char *value)
{
	char *text;
	int len;

	if (!value || *n == FIELDS_MAX)
		return;
	len = asprintf(&text, "%s=%s", name, value);
	if (len >= 0)
		iov[(*n)++] = (struct iovec){text, (size_t)len};
}

/* Names are ours, lower case; the journal wants upper case letters, digits and '_'. */
static void add_field(struct iovec *iov, size_t *n, const struct rehost_plugin_field *f)
{
	char name[64] = PREFIX;
	size_t len = strlen(f->name);

	if (len > NAME_MAX_LEN)
		return;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)f->name[i];

		if (!isalnum(c) && c != '_')
			return;
		name[sizeof(PREFIX) - 1 + i] = (char)toupper(c);
	}
	name[sizeof(PREFIX) - 1 + len] = '\0';
	add(iov, n, name, f->value);
}

static int journal_record(void *handle, int level, const char *code, const char *text,
	const struct rehost_plugin_field *fields, size_t count)
{
	const struct journal *j = handle;
	struct iovec iov[FIELDS_MAX];
	char priority[16];
	size_t n = 0;
	int rc;

	snprintf(priority, sizeof(priority), "%d", level);
	add(iov, &n, "MESSAGE", text);
	add(iov, &n, "PRIORITY", priority);
	add(iov, &n, "SYSLOG_IDENTIFIER", j->program);
	add(iov, &n, PREFIX "JOB", j->job);
	add(iov, &n, PREFIX "CODE", code);
	for (size_t i = 0; i < count; i++)
		add_field(iov, &n, &fields[i]);
	rc = sd_journal_sendv(iov, (int)n);
	for (size_t i = 0; i < n; i++)
		free(iov[i].iov_base);
	if (rc >= 0)
		return 0;
	errno = -rc;
	return -1;
}

static const struct rehost_plugin plugin = {
	.size = sizeof(struct rehost_plugin),
	.version = REHOST_PLUGIN_VERSION,
	.kind = REHOST_PLUGIN_LOG,
	.name = "journal",
	.open = journal_open,
	.record = journal_record,
	.close = journal_close,
};

const struct rehost_plugin *rehost_plugin_init(void)
{
	return &plugin;
}
