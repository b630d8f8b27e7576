/*
 * Temporary names: in one directory of the target root, or beside the file where that is on another file
 * system.
 */
#include "receiver/place.h"
#include "receiver/remove.h"
#include "receiver/resolve.h"
#include "receiver/root.h"
#include "receiver/state.h"
#include "receiver/tmp.h"
#include "receiver/unlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t next_random(struct session *s)
{
	uint64_t z;

	if (!s->tmp.rng) {
		const void *at_random = (const void *)getauxval(AT_RANDOM);
		struct timespec now;
		uint64_t seed = 0;
#ifdef SYS_getrandom
		if (syscall(SYS_getrandom, &seed, sizeof(seed), 0) != (long)sizeof(seed))
#endif
		{
			/* Names need only be new: creation is exclusive. */
			if (at_random)
				memcpy(&seed, at_random, sizeof(seed));
			clock_gettime(CLOCK_MONOTONIC, &now);
			seed ^= (uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid() << 44;
		}
		s->tmp.rng = seed | 1;
	}
	z = s->tmp.rng += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* A directory of ours, that nobody else can write to: else none at all. */
static int take_dir(struct session *s)
{
	struct meta m = META_INIT, want = META_INIT;
	int fd = resolve_child(s, s->root.fd, s->tmp.dir, true);
	unsigned failed;

	if (fd < 0)
		return -1;
	if (meta_read_fd(fd, META_F_ALL, &m) < 0 || m.uid != s->uid || m.dev != s->root.dev) {
		meta_release(&m);
		close(fd);
		return -1;
	}
	/* Nothing that files in it would inherit. */
	want.type = META_DIR;
	want.mode = 0700;
	failed = meta_apply_fd(fd, &want, &m, META_F_MODE | META_F_ACL | META_F_FLAGS);
	s->tmp.plain = !failed && meta_read_fd(fd, META_F_ALL, &m) == 0 && meta_is_plain(&m);
	meta_release(&m);
	return fd;
}

static int tmp_dir(struct session *s)
{
	struct root_times times;
	struct stat st;

	if (s->tmp.fd >= 0) {
		if (fstat(s->tmp.fd, &st) == 0 && st.st_nlink > 0)
			return s->tmp.fd;
		close(s->tmp.fd); /* another receiver has ended and removed it */
		s->tmp.fd = -1;
		s->cwd = -1;
	}
	root_times_hold(s, &times);
	if (mkdirat(s->root.fd, s->tmp.dir, 0700) < 0 && errno != EEXIST)
		s->tmp.fd = -1;
	else
		s->tmp.fd = take_dir(s);
	root_times_restore(s, &times);
	return s->tmp.fd;
}

void tmp_empty(struct session *s)
{
	int fd, mode;

	if (s->dry || s->root.fd < 0)
		return;
	mode = root_widen(s);
	fd = resolve_child(s, s->root.fd, s->tmp.dir, true);
	root_narrow(s, mode);
	if (fd < 0)
		return;
	remove_contents(s, fd);
	close(fd);
}

void tmp_start(struct session *s, bool empty)
{
	s->tmp.fd = -1;
	if (empty)
		tmp_empty(s);
}

void tmp_end(struct session *s)
{
	if (s->dry || s->root.fd < 0)
		return;
	if (s->tmp.fd >= 0) {
		close(s->tmp.fd);
		s->tmp.fd = -1;
		s->cwd = -1;
	}
	if (faccessat(s->root.fd, s->tmp.dir, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return;
	root_remove_dir(s, s->tmp.dir); /* others may still use it */
}

void tmp_place(struct session *s, struct place *at, struct tmpname *t)
{
	t->dirfd = at->beside || at->dev != s->root.dev ? -1 : tmp_dir(s);
	t->beside = t->dirfd < 0;
	if (t->beside)
		t->dirfd = at->fd;
	if (t->beside)
		own_name_file(t->name, at->ino, (uint32_t)next_random(s));
	else
		snprintf(t->name, sizeof(t->name), "%016llx", (unsigned long long)next_random(s));
}

int tmp_create(struct session *s, struct place *at, struct tmpname *t)
{
	for (int tries = 0; tries < 8; tries++) {
		int fd;

		tmp_place(s, at, t);
		fd = openat(t->dirfd, t->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (t->beside && entry_unlock(s, at, NULL, errno))
			continue;
		if (errno != EEXIST && errno != ENOENT)
			break;
	}
	t->dirfd = -1;
	return -1;
}

bool tmp_is_plain(const struct session *s, const struct place *at, const struct tmpname *t)
{
	return t->beside ? at->plain : s->tmp.plain;
}

void tmp_discard(struct tmpname *t)
{
	int keep = errno;

	if (t->dirfd >= 0)
		(void)unlinkat(t->dirfd, t->name, 0);
	t->dirfd = -1;
	errno = keep;
}
