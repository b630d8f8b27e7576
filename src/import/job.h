/* The job that comes out: settings, rules, remarks. Private to the room. */
#pragma once

#include "import/import.h"

struct import_setting {
	char *section, *key, *value;
};

/* Filter rules of one mount, and where the first of them stood. */
struct import_filter {
	char *mount;
	struct buf rules; /* a rule a line */
};

struct import_job {
	struct buf remarks; /* "# FILE:LINE: what: why" */
	struct import_setting *settings;
	size_t count;
	struct import_filter *filters;
	size_t filter_count;
	char **mounts; /* directories that are known to become file systems of their own */
	size_t mount_count;
	struct {
		size_t index;
		char *path;
	} disks[32]; /* by the number that names of files have */
	size_t disk_count;
	bool has_config; /* a file that says which disk is mounted where */
	unsigned commands;
};

/* Where something stands. */
struct import_at {
	const char *file;
	unsigned line;
};

void import_job_release(struct import_job *j);
/* what: a name, never a value. */
void import_remark(struct import_job *j, const struct import_at *at, const char *what, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* A scalar, in the place of what is there, or of a list one more item. What the configuration does not take is a remark. */
void import_set(struct import_job *j, const struct import_at *at, const char *key, const char *value);
void import_set_fmt(struct import_job *j, const struct import_at *at, const char *key, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void import_mount(struct import_job *j, const char *path);
/* A rule of rsync's for what lies below mount. */
void import_rule(struct import_job *j, const struct import_at *at, const char *mount, const char *rule);
/* A pattern to exclude in both phases, by path where our lists can say it. */
void import_exclude(struct import_job *j, const struct import_at *at, const char *mount, const char *pattern);
/* Can a list of ours hold it: absolute, no wildcard but a final one? */
bool import_is_path(const char *pattern);
bool import_is_pseudo(const char *pattern);
void import_print(struct import_job *j, struct buf *out);

/* The formats. False with d set when the file is not what it should be. */
typedef bool import_format_fn(struct import_job *j, const struct import_file *f, struct diag *d);
import_format_fn import_sms_property, import_sms_disk, import_sms_auth, import_json, import_excludes, import_rsync;
bool import_malformed(const struct import_at *at, const char *why, struct diag *d);
