#include "job/lock.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Locks are the kernel's (flock): they go with the process, however that ends. RUN/JOB.lock is the one that all look at. Which
 * run directory it is depends on the session for an ordinary user, so STATE/JOB/lock keeps those apart that share a state; it
 * says besides which run directory its holder has. RUN/JOB.lock says besides what a job does that cannot be asked.
 */

#define TEXT_BYTES_MAX 4200 /* a number and a path */

static char *run_path(const char *run_dir, const char *name)
{
	return xasprintf("%s/%s.lock", run_dir, name);
}

static char *state_path(const char *state_dir, const char *name)
{
	return xasprintf("%s/%s/lock", state_dir, name);
}

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

/* -1 with d. */
static int take(const char *path, const struct job *job, const char *more, struct diag *d)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		diag_set(d, DIAG_JOB_STATE, errno, path, "cannot open lock '%s'", path);
		return -1;
	}
	if (lock(fd) < 0) {
		if (errno == EWOULDBLOCK)
			diag_set(d, DIAG_JOB_LOCKED, 0, path, "job '%s' is being run by process %d", job->name,
				(int)read_pid(fd));
		else
			diag_set(d, DIAG_JOB_STATE, errno, path, "cannot lock '%s'", path);
		close(fd);
		return -1;
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n%s", (int)(job->pid ? job->pid : getpid()), more) < 0) {
		diag_set(d, DIAG_JOB_STATE, errno, path, "cannot write lock '%s'", path);
		close(fd);
		return -1;
	}
	return fd;
}

static bool make_dir(const char *dir, struct diag *d)
{
	if (fd_mkdir_p(dir, 0700) == 0)
		return true;
	diag_set(d, DIAG_JOB_STATE, errno, dir, "cannot make directory '%s'", dir);
	return false;
}

bool job_lock(const struct job *job, struct job_locks *out, struct diag *d)
{
	AUTO_FREE char *dir = xasprintf("%s/%s", job->state_dir, job->name);
	AUTO_FREE char *run = run_path(job->run_dir, job->name), *state = state_path(job->state_dir, job->name);
	AUTO_FREE char *where = xasprintf("%s\n", job->run_dir);

	*out = JOB_LOCKS_NONE;
	if (make_dir(job->run_dir, d) && make_dir(dir, d) && (out->run = take(run, job, "", d)) >= 0 &&
		(out->state = take(state, job, where, d)) >= 0)
		return true;
	job_unlock(out);
	return false;
}

void job_unlock(struct job_locks *l)
{
	if (l->run >= 0)
		close(l->run);
	if (l->state >= 0)
		close(l->state);
	*l = JOB_LOCKS_NONE;
}

/* The descriptor of a lock that some process holds, or -1. */
static int open_held(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return fd;
	close(fd);
	return -1;
}

pid_t lock_holder(const char *run_dir, const char *name)
{
	AUTO_FREE char *path = run_path(run_dir, name);
	AUTO_CLOSE int fd = open_held(path);

	return fd < 0 ? 0 : read_pid(fd);
}

pid_t lock_state_holder(const char *state_dir, const char *name)
{
	AUTO_FREE char *path = state_path(state_dir, name);
	AUTO_CLOSE int fd = open_held(path);

	return fd < 0 ? 0 : read_pid(fd);
}

/* What follows the number, to be freed; NULL: nothing, or nobody holds the lock. */
static char *read_more(const char *path)
{
	AUTO_CLOSE int fd = open_held(path);
	char text[TEXT_BYTES_MAX], *more, *end;
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return NULL;
	text[n] = '\0';
	more = strchr(text, '\n');
	end = more ? strrchr(more + 1, '\n') : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	return xstrdup(more + 1);
}

char *job_run_dir(const char *state_dir, const char *name)
{
	AUTO_FREE char *path = state_path(state_dir, name);
	char *dir = read_more(path);

	if (dir && *dir != '/')
		free(STEAL(dir));
	return dir;
}

void job_lock_note(const struct job_locks *l, const char *note)
{
	char text[32];
	ssize_t n = pread(l->run, text, sizeof(text), 0);
	const char *end = n > 0 ? memchr(text, '\n', (size_t)n) : NULL;
	off_t at = end ? end + 1 - text : 0;

	/* The number stays where it is: it may be read at any time. Without a note the answer is only a worse one. */
	if (end && ftruncate(l->run, at) == 0 && note && lseek(l->run, at, SEEK_SET) == at)
		dprintf(l->run, "%s\n", note);
}

char *lock_note(const char *run_dir, const char *name)
{
	AUTO_FREE char *path = run_path(run_dir, name);

	return read_more(path);
}

int lock_signal(const char *run_dir, const char *name, int sig)
{
	AUTO_FREE char *path = run_path(run_dir, name);
	AUTO_CLOSE int fd = open_held(path);
	pid_t pid = fd < 0 ? 0 : read_pid(fd);
	struct stat st;

	if (pid <= 1)
		return ESRCH;
	if (fstat(fd, &st) < 0 ||
		st.st_uid != geteuid()) /* root kills nothing because a user has written its number there */
		return EPERM;
	return kill(pid, sig) < 0 ? errno : 0;
}
