/*
 * Requests from a hostile mover. The bytes are the stream as it comes, executed on a small tree that has
 * symbolic links to the outside. The session has to end, and what lies outside must be as it was, whatever
 * the bytes are.
 */
#include "base/fd.h"
#include "receiver/session.h"
#include "wire/frame.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[64];

static void unlock(const char *name)
{
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), none = 0;

	if (fd < 0)
		return;
	ioctl(fd, FS_IOC_SETFLAGS, &none);
	close(fd);
}

/* The name of one entry of the working directory. One at a time, so that no level keeps a descriptor. */
static bool any_entry(char name[256])
{
	DIR *d = opendir(".");
	struct dirent *e;

	if (!d)
		abort();
	do {
		e = readdir(d);
	} while (e && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
	if (e)
		strcpy(name, e->d_name);
	closedir(d);
	return e != NULL;
}

static void remove_here(void)
{
	char name[256];
	struct stat st;

	unlock(".");
	while (any_entry(name)) {
		if (lstat(name, &st) < 0)
			abort();
		if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
			unlock(name);
		if (S_ISDIR(st.st_mode)) {
			if (chmod(name, 0700) < 0 || chdir(name) < 0)
				abort();
			remove_here();
			if (chdir("..") < 0)
				abort();
		}
		if (unlinkat(AT_FDCWD, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0)
			abort();
	}
}

static void remove_tree(void)
{
	if (chdir(top) < 0)
		abort();
	remove_here();
	if (chdir("/") < 0 || rmdir(top) < 0)
		abort();
}

static int make_tree(void)
{
	int fd, root;

	snprintf(top, sizeof(top), "%s/fuzz-target.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(top) || chdir(top) < 0 || mkdir("root", 0700) < 0 || mkdir("outside", 0700) < 0)
		abort();
	fd = open("outside/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_full(fd, "precious", 8) < 0)
		abort();
	close(fd);
	root = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || mkdirat(root, "d", 0700) < 0 || symlinkat("../outside", root, "evil") < 0 ||
		symlinkat("../../outside", root, "d/dir") < 0 || symlinkat("../../outside/file", root, "d/f") < 0 ||
		symlinkat("../outside/file", root, "f") < 0)
		abort();
	fd = openat(root, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_full(fd, "0123456789", 10) < 0)
		abort();
	close(fd);
	return root;
}

struct outside {
	struct stat dir, file;
};

static void look(struct outside *o)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/outside", top);
	if (lstat(path, &o->dir) < 0)
		abort();
	snprintf(path, sizeof(path), "%s/outside/file", top);
	if (lstat(path, &o->file) < 0)
		abort();
}

static bool untouched(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_size == b->st_size &&
		a->st_nlink == b->st_nlink && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rlimit small = {64u << 20, 64u << 20};
	struct session_config c = {.version = "0.0"};
	struct outside before, after;
	struct frame_decoder in;
	struct frame f;
	struct session *s;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	umask(0);
	c.root_fd = make_tree();
	look(&before);
	s = session_new(&c);
	frame_decoder_init(&in);
	memcpy(frame_decoder_space(&in, size + 1), data, size);
	frame_decoder_filled(&in, size);
	while (frame_decode(&in, &f) == FRAME_READY && session_handle(s, &f))
		buf_clear(session_out(s));
	frame_decoder_release(&in);
	session_free(s);
	look(&after);
	if (!untouched(&before.dir, &after.dir) || !untouched(&before.file, &after.file))
		abort();
	remove_tree();
	return 0;
}
