/*
 * The plugin interface of rehost: all that a plugin may include of it.
 *
 * A plugin is a shared object rehost-plugin-NAME.so with one function, rehost_plugin_init(), which returns a
 * struct rehost_plugin that stays valid while the object is loaded. Every struct here begins with its size as
 * its maker knew it: fields are only ever appended, and each side looks at no more than the smaller of both
 * sizes. A field that is not there, or NULL, is not used.
 *
 * rehost loads a plugin only from its plugin directory, and only a regular file that belongs to root or to the user who
 * runs rehost and that nobody else may write. Plugins run in the coordinator, with its rights, one thread: a function
 * must not block for long, must not change signal handlers, and must not end the process.
 */
#ifndef REHOST_PLUGIN_H
#define REHOST_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define REHOST_PLUGIN_VERSION 1

/* What a plugin is for. */
enum rehost_plugin_kind {
	REHOST_PLUGIN_LOG = 1, /* takes log records: open, record, close */
};

/* Of syslog(3): the numbers are its priorities. */
enum rehost_level {
	REHOST_LEVEL_ERROR = 3,
	REHOST_LEVEL_WARNING = 4,
	REHOST_LEVEL_INFO = 6,
	REHOST_LEVEL_DEBUG = 7,
};

struct rehost_plugin_job {
	size_t size;
	const char *program; /* "rehost" */
	const char *job; /* the job's name */
};

/* One named value of a record; elements of arrays, so this struct never grows. Names are lower case letters,
 * digits and '_'; values are text. */
struct rehost_plugin_field {
	const char *name;
	const char *value;
};

struct rehost_plugin {
	size_t size; /* sizeof(struct rehost_plugin) */
	uint32_t version; /* REHOST_PLUGIN_VERSION it was made for */
	uint32_t kind; /* enum rehost_plugin_kind */
	const char *name; /* as in the file's name */
	/* NULL when it cannot work here; errno says why. The handle is passed to the others. */
	void *(*open)(const struct rehost_plugin_job *job);
	/* code is "RH0101" or NULL; text is one line without control characters. 0, or -1 with errno: the
	 * plugin is then closed and not used again in this run. fields is an array of count elements. */
	int (*record)(void *handle, int level, const char *code, const char *text,
		const struct rehost_plugin_field *fields, size_t count);
	void (*close)(void *handle);
	/* Version 1 ends here. */
};

/* The one symbol that is looked up. */
#define REHOST_PLUGIN_INIT "rehost_plugin_init"
typedef const struct rehost_plugin *(*rehost_plugin_init_fn)(void);

#ifdef __cplusplus
extern "C"
#endif
	__attribute__((visibility("default"))) const struct rehost_plugin *
	rehost_plugin_init(void);

#endif
