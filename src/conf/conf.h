/*
 * The frozen configuration: what the files, --set and the command line amount to, checked once and never changed.
 *
 * Purpose: one plain struct that every other room reads. The option table in options.c says, for each key, its
 * section, type, bounds, default and one line of help; parser, --set, show-config, the man page's key list and the
 * completions all come from that table.
 * Ownership: the struct owns everything it points to; conf_free() releases it.
 * Units: sizes in bytes, rates in bytes a second, durations in seconds. Rate 0 means unlimited.
 */
#pragma once

#include "base/buf.h"
#include "conf/types.h"
#include "diag/diag.h"

struct conf {
	struct {
		char *name; /* NULL: "default", or "adhoc-HASH" with SRC DST */
	} job;
	struct {
		char *address; /* host, Host alias, "[v6]" or "local:"; user and port in it were moved to theirs; NULL: none */
		char *root; /* absolute with a configuration file; NULL when not given */
		unsigned port; /* 0: as ssh_config says, else 22 */
		char *user; /* NULL: as ssh_config says */
		struct conf_list identity; /* absolute, or "~/..." as ssh_config has it */
		char *known_hosts; /* the same; NULL: as ssh_config says */
		enum conf_host_key host_key;
		enum conf_transport transport;
		char *ssh_command; /* NULL: "ssh" */
		bool sudo;
		char *proxy; /* NULL, or host:port of an HTTP proxy ("http://host:port" too) */
		char *helper; /* NULL: auto */
		unsigned connect_timeout; /* seconds */
		char *image; /* FILE:SIZE, see conf_image_split(); NULL: none */
	} target;
	struct {
		char *root; /* absolute, default "/" */
		struct conf_list filesystems; /* default local */
		struct conf_list mounts; /* only these mount points, when not empty */
		struct conf_list skip_mounts;
		struct conf_map *maps;
		size_t map_count;
		bool copy_hidden; /* hidden: report false, copy true */
		enum conf_page_cache page_cache;
	} source;
	struct {
		struct conf_list exclude, copy_exclude, sync_only, sync_exclude; /* absolute paths on the source */
		struct conf_list filter_files; /* "FILE" or "MOUNT=FILE", both absolute; conf_filter_file() */
		struct conf_list filters; /* rsync filter rules, one an item, in order, as --filter has them */
		enum conf_delete delete_when;
		bool delete_set; /* given explicitly */
		int64_t max_delete; /* -1: no bound */
	} rules;
	struct {
		unsigned processes, sync_processes; /* 0: auto */
		enum conf_compression compression;
		int zstd_level;
		struct conf_bandwidth_window *windows; /* empty: unlimited; one window at minute 0: a fixed rate */
		size_t window_count;
		bool unlimited; /* no key: a signal has switched the bandwidth's limit off */
		enum conf_update update;
		bool delta; /* auto: true, off: false */
		bool ids_numeric; /* always true for now */
	} transfer;
	struct conf_limits limits;
	struct {
		unsigned interval; /* seconds before the first retry */
		unsigned step; /* seconds added to it after each */
		unsigned max_retries; /* 0: none */
	} retry;
	struct {
		enum conf_verify_mode mode;
		struct conf_list paths;
		bool metadata;
	} verify;
	struct {
		bool before_run;
		struct conf_list ignore; /* ids of checks */
		struct conf_list thresholds; /* "ID=NUMBER" */
	} check;
	struct {
		bool simple; /* always true for now */
		enum conf_firmware firmware;
		struct conf_list filesystems; /* "/=TYPE" */
	} layout;
	struct {
		char *file; /* NULL: LOGDIR/JOB.log for configured jobs */
		char *json_file; /* NULL: none */
		enum conf_log_level level;
		bool syslog;
	} log;
	struct {
		char *textfile; /* NULL: none */
	} metrics;
	struct {
		char *on_start, *on_success, *on_failure; /* shell commands, NULL: none */
		unsigned timeout; /* seconds, of each */
	} hooks;
	struct conf_origins *origins; /* where each scalar came from; private to the room */
};

/* Where diagnostics of the configuration go: every error of a run, in order. */
struct conf_errors {
	struct buf text; /* lines "file:line: message" */
	unsigned count;
};

/*
 * Builds the configuration. path NULL: /etc/rehost/rehost.conf and the files of conf.d when they are there (etc_dir
 * replaces "/etc/rehost" in tests; NULL for the default); with no_files set nothing is read (SRC DST).
 * sets: "SECTION.KEY=VALUE" strings in order; of a scalar the last one holds, those of lists are appended to what the
 * list is by then (its default included); an empty value empties a list. Options of the command line that are keys
 * (--bwlimit, --processes) are best handed in as sets too: they are then checked and shown like any other.
 * All errors are collected in out_errors (initialise with zeroes).
 * Returns a configuration, or NULL when out_errors->count > 0; the exit class is then EXIT_CONFIG_ERROR.
 * With only_name set errors elsewhere do not matter: NULL only when one of them makes [job] name, or its default, uncertain.
 */
struct conf_sources {
	const char *path;
	const char *etc_dir;
	bool no_files;
	bool only_name;
	const char *const *sets;
	size_t set_count;
};
struct conf *conf_load(const struct conf_sources *from, struct conf_errors *out_errors);
void conf_free(struct conf *c);
void conf_errors_release(struct conf_errors *e);
/* Adds a line: at is the place without its colon ("file:line"). */
void conf_errors_add(struct conf_errors *e, const char *at, const char *message);
/* The one diagnostic that stands for them: "3 errors in the configuration". */
void conf_errors_diag(const struct conf_errors *e, struct diag *d);

/* Copies value and file into a new item at the end. */
void conf_list_add(struct conf_list *list, const char *value, const char *file, unsigned line);
void conf_list_clear(struct conf_list *list);
/* A rule as --filter takes it; it is checked by rules_new(). where: the option's name ("--filter"). */
void conf_add_filter(struct conf *c, const char *rule, const char *where);
/* A pattern as --exclude (include false) and --include take it: "- " or "+ " before it is honoured, "!" alone clears
 * the rules so far, an empty one is nothing. */
void conf_add_pattern(struct conf *c, const char *pattern, bool include, const char *where, unsigned line);
/* An item of filter_files: its file, and its mount in out_mount (to be freed), NULL when it names none. */
const char *conf_filter_file(const char *item, char **out_mount);
/* A path as the lists hold it: one slash between components, no ".", none at the end. False, with a reason in
 * out_why (static), when it is not absolute or holds "..". */
bool conf_normalize_path(const char *path, char **out_path, const char **out_why);

/* "FILE:SIZE" with an absolute FILE, to be freed. False with a reason (static) in out_why. */
bool conf_image_split(const char *value, char **out_file, uint64_t *out_size, const char **out_why);
#define CONF_IMAGE_MAX (UINT64_C(1) << 50)

/* Every key with its value, an item of a list a line, and "# FILE:LINE" or "# default" behind it, for people to read.
 * Keys without a value begin with a '#'; what holds instead stands behind them. */
void conf_print(const struct conf *c, struct buf *out);
/* The values alone: a file that gives the same configuration again. */
void conf_print_plain(const struct conf *c, struct buf *out);
/* The rate in force at a minute of the local week, which begins on Sunday (0 unlimited). */
uint64_t conf_bandwidth_at(const struct conf *c, unsigned minute_of_week);
uint64_t conf_bandwidth_now(const struct conf *c);

/* The key table for completions and the man page: calls fn for each (section, key, form of the value, default or "",
 * help). A value_form such as "strict|accept-new" lists the values there are. */
void conf_each_option(void (*fn)(void *arg, const char *section, const char *key, const char *value_form,
			      const char *default_value, const char *help),
	void *arg);
