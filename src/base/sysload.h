/*
 * How busy a host is: what /proc/stat and /proc/meminfo say, read from descriptors that were opened while that was still
 * allowed. Times are the kernel's ticks, over all processors together, since the host was started; the load of a time is
 * the difference of two.
 */
#pragma once

#include "base/util.h"

struct sysload {
	uint64_t busy, total; /* ticks */
	uint32_t cpus;
	uint64_t mem_total, mem_available; /* bytes */
};

struct sysload_files {
	int stat, meminfo; /* -1: not there */
};

void sysload_open(struct sysload_files *f);
void sysload_close(struct sysload_files *f);
/* False when the host does not tell. */
bool sysload_read(const struct sysload_files *f, struct sysload *out);
/* The two files' texts. */
bool sysload_parse(const char *stat, const char *meminfo, struct sysload *out);
