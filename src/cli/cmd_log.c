/* log: the job's log file, its last lines, and what is added. */
#include "cli/commands.h"
#include "cli/running.h"
#include "cli/work.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 65536
#define FOLLOW_NS (250 * NS_PER_MS)

/* Where the last `lines` lines begin. */
static off_t tail_of(int fd, off_t end, uint64_t lines)
{
	char block[BLOCK];
	uint64_t seen = 0;

	for (off_t at = end; at > 0;) {
		size_t n = (size_t)MIN(at, (off_t)sizeof(block));

		at -= (off_t)n;
		if (pread(fd, block, n, at) != (ssize_t)n)
			return 0;
		for (size_t i = n; i-- > 0;)
			if (block[i] == '\n' && at + (off_t)i + 1 < end && ++seen == lines)
				return at + (off_t)i + 1;
	}
	return 0;
}

/* Prints from at on; where it came to. */
static off_t print_from(int fd, off_t at)
{
	char block[BLOCK];
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), at)) > 0 && fwrite(block, 1, (size_t)n, stdout) == (size_t)n)
		at += n;
	fflush(stdout);
	return at;
}

/* Until a signal or the reader of our output ends us. A file that was rotated, or begins anew, is followed under its name. */
static void follow(const char *path, int *fd, off_t at)
{
	const struct timespec pause = {.tv_nsec = FOLLOW_NS};

	while (!ferror(stdout)) {
		struct stat mine, named;
		bool other = fstat(*fd, &mine) == 0 && stat(path, &named) == 0 &&
			(mine.st_dev != named.st_dev || mine.st_ino != named.st_ino);

		if (mine.st_size < at)
			at = 0;
		at = print_from(*fd, at);
		if (other) {
			int next = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

			if (next >= 0) {
				close(*fd);
				*fd = next;
				at = 0;
				continue;
			}
		}
		nanosleep(&pause, NULL);
	}
}

static int open_log(const char *path, const char *name, struct usage_error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	if (fd >= 0) {
		close(fd);
		errno = EINVAL;
	}
	if (errno == ENOENT)
		usage_set(e, DIAG_CLI_LOG, xstrdup("'rehost jobs' lists the jobs that have run here"),
			"job '%s' has no log: there is no '%s'", name, path);
	else
		diag_set(&e->diag, DIAG_CLI_LOG, errno, path, "cannot read the log '%s'", path);
	return -1;
}

int cmd_log(const struct options *o)
{
	struct usage_error e = {0};
	struct running r = {0};
	AUTO_FREE char *path = NULL;
	AUTO_CLOSE int fd = -1;
	int code = EXIT_DONE;
	struct stat st;

	if (o->operand_count) {
		running_operands_error(o, &e);
	} else if (running_find(&r, o, &e)) {
		path = r.conf->log.file ? xstrdup(r.conf->log.file) : xasprintf("%s/%s.log", r.dirs.log, r.name);
		fd = open_log(path, r.name, &e);
	}
	if (fd >= 0 && fstat(fd, &st) == 0) {
		off_t at = print_from(fd, o->lines ? tail_of(fd, st.st_size, o->lines) : st.st_size);

		if (o->given[OPT_FOLLOW])
			follow(path, &fd, at);
	} else {
		code = work_refuse(o, &e);
	}
	running_release(&r);
	usage_release(&e);
	return code;
}
