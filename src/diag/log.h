/*
 * Log sinks: a text file, a file of JSON lines, and the system's log (the journal through its plugin, else syslog(3)).
 *
 * A library of its own beside the room diag (target `log`): it loads plugins, which the receiver must not.
 * Process: the coordinator, one thread. A sink that cannot be opened or written is a warning and is left out,
 * never a failure of the run. Every record is one write(2) to a file opened for appending, so that several
 * processes may share it.
 */
#pragma once

#include "diag/diag.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* One named value of a record: text, or a number when text is NULL. Names are lower case: "files_examined". */
struct log_field {
	const char *name;
	const char *text;
	uint64_t number;
};

struct log_options {
	const char *job;
	const char *file, *json_file; /* absolute, NULL: none */
	bool system; /* the journal, or syslog */
	enum log_level level; /* records beyond it are dropped */
	const char *plugin_dir; /* NULL: ../plugins beside the program, then the installed directory */
	const char *journal_socket; /* NULL: the system's */
	void (*complain)(void *arg, const struct diag *d);
	void *arg;
};

struct log;

/* Never NULL; options are copied but for arg. */
struct log *log_open(const struct log_options *o);
void log_close(struct log *log);
/* From now on. log NULL: nothing is done. */
void log_set_level(struct log *log, enum log_level level);
/* code: "RH0101" or NULL. text may hold any bytes. log NULL: nothing is done. */
void log_record(struct log *log, enum log_level level, const char *code, const char *text,
	const struct log_field *fields, size_t field_count);
void log_diag(struct log *log, const struct diag *d);
/* Whether records of this level go anywhere: spares making them. */
bool log_wants(const struct log *log, enum log_level level);
/* "error", "warning", "info", "debug" */
const char *log_level_name(enum log_level level);
