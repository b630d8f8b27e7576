/* Loading one log plugin: private to the log sinks. */
#pragma once

#include "diag/log.h"

struct log_plugin;

/* Loads rehost-plugin-NAME.so from dir and opens it for the job. NULL with d set when there is none, when it
 * is not safe to load, or when it cannot work here. */
struct log_plugin *log_plugin_load(const char *dir, const char *name, const char *job, struct diag *d);
/* True when dir holds such a file. */
bool log_plugin_exists(const char *dir, const char *name);
/* 0, or -1 with errno. */
int log_plugin_record(struct log_plugin *p, enum log_level level, const char *code, const char *text,
	const struct log_field *fields, size_t count);
void log_plugin_free(struct log_plugin *p);
/* Where plugins are: beside the program in a build tree, else installed. To be freed. */
char *log_plugin_dir(void);
