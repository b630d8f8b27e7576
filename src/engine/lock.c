#include "base/fd.h"
#include "engine/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/* The lock is the kernel's (flock): it goes with the process, however that ends. The number in the file is for people. */

static pid_t read_pid(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return (pid_t)strtol(text, NULL, 10);
}

/* What was killed is gone in a moment: it is waited for. */
static int lock(int fd)
{
	for (int tries = 0;; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK || tries == 10)
			return -1;
		usleep(50000);
	}
}

int job_lock(const struct job *job, struct diag *d)
{
	const char *run_dir = job->run_dir, *name = job->name;
	AUTO_FREE char *path = xasprintf("%s/%s.lock", run_dir, name);
	int fd;

	if (fd_mkdir_p(run_dir, 0700) < 0) {
		diag_set(d, DIAG_ENGINE_STATE, errno, run_dir, "cannot make directory '%s'", run_dir);
		return -1;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		diag_set(d, DIAG_ENGINE_STATE, errno, path, "cannot open lock '%s'", path);
		return -1;
	}
	if (lock(fd) < 0) {
		if (errno == EWOULDBLOCK)
			diag_set(d, DIAG_ENGINE_LOCKED, 0, path, "job '%s' is being run by process %d", name, (int)read_pid(fd));
		else
			diag_set(d, DIAG_ENGINE_STATE, errno, path, "cannot lock '%s'", path);
		close(fd);
		return -1;
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)(job->pid ? job->pid : getpid())) < 0) {
		diag_set(d, DIAG_ENGINE_STATE, errno, path, "cannot write lock '%s'", path);
		close(fd);
		return -1;
	}
	return fd;
}

pid_t lock_holder(const char *run_dir, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/%s.lock", run_dir, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	return read_pid(fd);
}
