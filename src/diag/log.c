#include "diag/log.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "diag/log_plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct log {
	char *job;
	char *file_name, *json_name;
	int file, json; /* -1: none */
	enum log_level level;
	struct log_plugin *plugin;
	bool syslog;
	void (*complain)(void *arg, const struct diag *d);
	void *arg;
};

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};

	return names[level];
}

static void complain(struct log *log, const struct diag *d)
{
	if (log->complain)
		log->complain(log->arg, d);
}

/* Never through a symbolic link; never waiting for a reader of a fifo. */
static int open_file(struct log *log, const char *name)
{
	AUTO_DIAG d = DIAG_INIT;
	int fd;

	if (!name)
		return -1;
	fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd >= 0)
		return fd;
	diag_set(&d, DIAG_LOG_OPEN, errno, name, "cannot open the log '%s'", name);
	complain(log, &d);
	return -1;
}

static void open_system(struct log *log, const struct log_options *o)
{
	AUTO_FREE char *dir = o->plugin_dir ? xstrdup(o->plugin_dir) : log_plugin_dir();
	AUTO_DIAG d = DIAG_INIT;
	struct stat st;

	/* Where the plugin is not installed, syslog(3) reaches the journal as well, without the fields. */
	if (stat(o->journal_socket ? o->journal_socket : JOURNAL_SOCKET, &st) == 0 && S_ISSOCK(st.st_mode) &&
		log_plugin_exists(dir, "journal")) {
		log->plugin = log_plugin_load(dir, "journal", log->job, &d);
		if (log->plugin)
			return;
		complain(log, &d);
	}
	log->syslog = true;
	openlog("rehost", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

struct log *log_open(const struct log_options *o)
{
	struct log *log = xcalloc(1, sizeof(*log));

	log->job = xstrdup(o->job);
	log->level = o->level;
	log->complain = o->complain;
	log->arg = o->arg;
	log->file = open_file(log, o->file);
	log->json = open_file(log, o->json_file);
	log->file_name = o->file ? xstrdup(o->file) : NULL;
	log->json_name = o->json_file ? xstrdup(o->json_file) : NULL;
	if (o->system)
		open_system(log, o);
	return log;
}

void log_close(struct log *log)
{
	if (!log)
		return;
	if (log->file >= 0)
		close(log->file);
	if (log->json >= 0)
		close(log->json);
	if (log->plugin)
		log_plugin_free(log->plugin);
	if (log->syslog)
		closelog();
	free(log->file_name);
	free(log->json_name);
	free(log->job);
	free(log);
}

void log_set_level(struct log *log, enum log_level level)
{
	if (log)
		log->level = level;
}

bool log_wants(const struct log *log, enum log_level level)
{
	return log && level <= log->level && (log->file >= 0 || log->json >= 0 || log->plugin || log->syslog);
}

/* When the file was renamed or removed, as logrotate(8) does under a run that goes on, a new one is begun. */
static void follow_name(struct log *log, int *fd, const char *name)
{
	struct stat opened, named;

	if (fstat(*fd, &opened) < 0 || !S_ISREG(opened.st_mode))
		return;
	if (lstat(name, &named) == 0 && named.st_dev == opened.st_dev && named.st_ino == opened.st_ino)
		return;
	close(*fd);
	*fd = open_file(log, name);
}

static void write_record(struct log *log, int *fd, const char *name, const struct buf *b)
{
	AUTO_DIAG d = DIAG_INIT;

	follow_name(log, fd, name);
	if (*fd < 0)
		return;
	if (fd_write_full(*fd, b->data, b->len) == 0)
		return;
	diag_set(&d, DIAG_LOG_WRITE, errno, name, "cannot write the log '%s'", name);
	close(*fd);
	*fd = -1;
	complain(log, &d);
}

/* RFC 3339 with milliseconds, in local time with its offset. */
static void append_time(struct buf *out)
{
	int64_t ns = clock_real_ns();
	time_t s = (time_t)(ns / NS_PER_S);
	struct tm tm;
	char date[32], zone[8];

	localtime_r(&s, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	buf_printf(out, "%s.%03d%.3s:%s", date, (int)(ns % NS_PER_S / NS_PER_MS), zone, zone + 3);
}

/* "2026-01-31T08:00:00.123+01:00 info default[4711] text" */
static void write_text(struct log *log, const char *time, enum log_level level, const char *text)
{
	AUTO_BUF b = BUF_INIT;

	buf_printf(&b, "%s %s %s[%d] %s\n", time, log_level_name(level), log->job, (int)getpid(), text);
	write_record(log, &log->file, log->file_name, &b);
}

static void append_pair(struct buf *b, const char *name, const char *value)
{
	buf_append_u8(b, b->len == 0 ? '{' : ',');
	text_json_string(b, name, strlen(name));
	buf_append_u8(b, ':');
	if (value)
		text_json_string(b, value, strlen(value));
}

static void write_json(struct log *log, const char *time, enum log_level level, const char *code, const char *text,
	const struct log_field *fields, size_t count)
{
	AUTO_BUF b = BUF_INIT;

	append_pair(&b, "time", time);
	append_pair(&b, "level", log_level_name(level));
	append_pair(&b, "job", log->job);
	append_pair(&b, "pid", NULL);
	buf_printf(&b, "%d", (int)getpid());
	if (code)
		append_pair(&b, "code", code);
	append_pair(&b, "message", text);
	for (size_t i = 0; i < count; i++) {
		append_pair(&b, fields[i].name, fields[i].text);
		if (!fields[i].text)
			buf_printf(&b, fields[i].number > UINT64_C(1) << 53 ? "\"%llu\"" : "%llu",
				(unsigned long long)fields[i].number);
	}
	buf_append_str(&b, "}\n");
	write_record(log, &log->json, log->json_name, &b);
}

static void write_system(struct log *log, enum log_level level, const char *code, const char *text,
	const struct log_field *fields, size_t count)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARNING] = LOG_WARNING,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};

	if (log->plugin && log_plugin_record(log->plugin, level, code, text, fields, count) < 0) {
		AUTO_DIAG d = DIAG_INIT;

		diag_set(&d, DIAG_LOG_WRITE, errno, NULL, "cannot write to the journal");
		log_plugin_free(STEAL(log->plugin));
		complain(log, &d);
		return;
	}
	if (log->syslog)
		syslog(priorities[level], "%s: %s", log->job, text);
}

void log_record(struct log *log, enum log_level level, const char *code, const char *text,
	const struct log_field *fields, size_t count)
{
	AUTO_BUF clean = BUF_INIT, time = BUF_INIT;

	if (!log_wants(log, level))
		return;
	text_clean(&clean, text, strlen(text));
	append_time(&time);
	if (log->file >= 0)
		write_text(log, buf_cstr(&time), level, buf_cstr(&clean));
	if (log->json >= 0)
		write_json(log, buf_cstr(&time), level, code, buf_cstr(&clean), fields, count);
	write_system(log, level, code, buf_cstr(&clean), fields, count);
}

void log_diag(struct log *log, const struct diag *d)
{
	const struct diag_info *info = diag_info(d->code);
	static const enum log_level levels[] = {
		[DIAG_INFO] = LOG_LEVEL_INFO,
		[DIAG_WARNING] = LOG_LEVEL_WARNING,
		[DIAG_ERROR] = LOG_LEVEL_ERROR,
	};
	struct log_field fields[] = {{"path", d->path, 0}};
	AUTO_BUF b = BUF_INIT;

	if (!log_wants(log, levels[info->severity]))
		return;
	diag_format(&b, d);
	log_record(log, levels[info->severity], info->id, buf_cstr(&b), fields, d->path ? 1 : 0);
}
