/* What single values of the configuration are; conf.h puts them together. */
#pragma once

#include "base/util.h"

/* A list of strings. Each keeps where it came from, for show-config, rules and error messages. */
struct conf_item {
	char *value;
	char *file; /* a file's name, or the option of the command line it came by ("--set", "--exclude") */
	unsigned line; /* 0: not of a file */
};

struct conf_list {
	struct conf_item *items;
	size_t len;
};

enum conf_host_key { CONF_HOST_KEY_DEFAULT, CONF_HOST_KEY_STRICT, CONF_HOST_KEY_ACCEPT_NEW };
enum conf_transport { CONF_TRANSPORT_AUTO, CONF_TRANSPORT_LIBSSH2, CONF_TRANSPORT_SSH };
enum conf_delete { CONF_DELETE_DURING, CONF_DELETE_AFTER, CONF_DELETE_NO };
enum conf_update { CONF_UPDATE_AUTO, CONF_UPDATE_REPLACE, CONF_UPDATE_INPLACE };
enum conf_compression { CONF_COMPRESSION_AUTO, CONF_COMPRESSION_OFF, CONF_COMPRESSION_ZSTD };
enum conf_verify_mode { CONF_VERIFY_QUICK, CONF_VERIFY_CRC64, CONF_VERIFY_OFF };
enum conf_page_cache { CONF_PAGE_CACHE_LEAVE, CONF_PAGE_CACHE_USE };
enum conf_firmware { CONF_FIRMWARE_AUTO, CONF_FIRMWARE_BIOS, CONF_FIRMWARE_UEFI, CONF_FIRMWARE_BOTH };
enum conf_log_level { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG };

enum conf_backend {
	CONF_BACKEND_AUTO,
	CONF_BACKEND_SYSTEMD,
	CONF_BACKEND_CGROUP2,
	CONF_BACKEND_CGROUP1,
	CONF_BACKEND_NONE,
};

/* One window of the bandwidth timetable: from this minute of the week on, this rate. */
struct conf_bandwidth_window {
	unsigned minute; /* since Sunday 00:00, ascending */
	uint64_t rate;
};
#define CONF_WEEK_MINUTES (7u * 24 * 60)

/* What rehost may take of its hosts; 0: no limit. */
struct conf_limits {
	unsigned cpu, target_cpu; /* percent of all cores together */
	uint64_t memory; /* bytes */
	uint64_t io_read, io_write, target_io; /* bytes a second */
	struct conf_pressure {
		unsigned io, cpu, memory; /* percent of the time that somebody waits, from which on rehost yields */
	} pressure;
	enum conf_backend backend;
	bool require; /* a limit that cannot be kept is fatal */
};

/* map = MOUNT=TARGETDIR */
struct conf_map {
	char *mount; /* absolute, no trailing slash but for "/" */
	char *target; /* relative to the target root, no leading slash, "" is the root */
	struct conf_item origin;
};
