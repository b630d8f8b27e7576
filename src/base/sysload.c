#include "base/sysload.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT_MAX (256u << 10) /* the lines that are wanted come first: of some 3000 processors all */

void sysload_open(struct sysload_files *f)
{
	f->stat = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	f->meminfo = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
}

void sysload_close(struct sysload_files *f)
{
	cleanup_close(&f->stat);
	cleanup_close(&f->meminfo);
	f->stat = f->meminfo = -1;
}

static bool parse_cpu(const char *text, struct sysload *out)
{
	unsigned long long user, nice, sys, idle, wait = 0, irq = 0, soft = 0, steal = 0;

	/* Times of guests are part of user's. */
	if (sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &sys, &idle, &wait, &irq, &soft,
		    &steal) < 4)
		return false;
	out->busy = user + nice + sys + irq + soft + steal;
	out->total = out->busy + idle + wait;
	out->cpus = 0;
	while ((text = strstr(text, "\ncpu"))) {
		text += 4;
		out->cpus++;
	}
	return out->cpus > 0;
}

/* "NAME:   123 kB" in bytes; 0 when it is not there. */
static uint64_t amount(const char *text, const char *name)
{
	unsigned long long kib;
	const char *p = strstr(text, name);

	if (!p || (p != text && p[-1] != '\n') || sscanf(p + strlen(name), ": %llu kB", &kib) != 1)
		return 0;
	return kib << 10;
}

static bool parse_memory(const char *text, struct sysload *out)
{
	out->mem_total = amount(text, "MemTotal");
	out->mem_available = amount(text, "MemAvailable");
	if (!out->mem_available) /* before Linux 3.14 */
		out->mem_available = amount(text, "MemFree") + amount(text, "Buffers") + amount(text, "Cached");
	out->mem_available = MIN(out->mem_available, out->mem_total);
	return out->mem_total > 0;
}

bool sysload_parse(const char *stat, const char *meminfo, struct sysload *out)
{
	*out = (struct sysload){};
	return parse_cpu(stat, out) && parse_memory(meminfo, out);
}

static char *text_of(int fd)
{
	char *text = xmalloc(TEXT_MAX);
	ssize_t n = fd < 0 ? -1 : fd_pread_full(fd, text, TEXT_MAX - 1, 0);

	text[MAX(n, (ssize_t)0)] = '\0';
	return text;
}

bool sysload_read(const struct sysload_files *f, struct sysload *out)
{
	AUTO_FREE char *stat = text_of(f->stat);
	AUTO_FREE char *meminfo = text_of(f->meminfo);

	return sysload_parse(stat, meminfo, out);
}
