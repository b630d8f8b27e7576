/* The roles: which means each uses, in the one order in which they work. */
#include "confine/private.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN
#endif
#endif

#ifdef HAVE_ASAN
/* The leak checker traces the process at its end, which no confined process may: it is off in those. */
int __lsan_is_turned_off(void);
static int leaks_unchecked;

int __lsan_is_turned_off(void)
{
	return leaks_unchecked;
}
#endif

/* The signal for the parent's death, which the kernel forgets at every change of rights. */
struct leash {
	int signal;
	pid_t parent;
};

static struct leash leash_take(void)
{
	struct leash l = {.parent = getppid()};

	if (prctl(PR_GET_PDEATHSIG, &l.signal, 0, 0, 0) < 0)
		l.signal = 0;
	return l;
}

static void leash_put_back(const struct leash *l)
{
	if (!l->signal)
		return;
	(void)prctl(PR_SET_PDEATHSIG, l->signal, 0, 0, 0);
	if (getppid() != l->parent)
		raise(l->signal); /* it died meanwhile */
}

static bool fail_rights(struct diag *d, const char *what)
{
	diag_set(d, DIAG_CONFINE_RIGHTS, errno, NULL, "cannot give up rights (%s)", what);
	return false;
}

static bool enter_dir(int fd, const char *path, struct diag *d)
{
	if (fchdir(fd) == 0 && chroot(".") == 0 && chdir("/") == 0)
		return true;
	diag_set(d, DIAG_CONFINE_ROOT, errno, path, "cannot make the directory the root of the process");
	return false;
}

static bool is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;
	unsigned count = 0;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while ((e = readdir(dir)))
		count += !str_eq(e->d_name, ".") && !str_eq(e->d_name, "..");
	closedir(dir);
	return count == 0;
}

static bool enter_empty(const char *path, struct diag *d)
{
	AUTO_CLOSE int fd = -1;
	struct stat st;

	if (fd_mkdir_p(path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		diag_set(d, DIAG_CONFINE_ROOT, errno, path, "cannot open the empty directory");
		return false;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022) || !is_empty(fd)) {
		diag_set(d, DIAG_CONFINE_ROOT, 0, path, "the directory is not empty, or others can write to it");
		return false;
	}
	return enter_dir(fd, path, d);
}

/* The last steps, the same for every role: from here on nothing can be won back. */
static bool seal(enum landlock_scope scope, int root_fd, bool landlock, unsigned sets, const struct leash *leash,
	struct buf *out_note, struct diag *d)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		if (errno != EINVAL) /* Linux before 3.5, patched ones aside */
			return fail_rights(d, "no new privileges");
		buf_append_str(out_note, "no no-new-privileges; ");
	}
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core files with contents, no tracing by the same user */
	if (landlock && landlock_restrict(scope, root_fd, out_note) < 0) {
		diag_set(d, DIAG_CONFINE_FILTER, errno, NULL, "cannot set up Landlock");
		return false;
	}
	leash_put_back(leash);
	if (!filter_load(sets, out_note)) {
		diag_set(d, DIAG_CONFINE_FILTER, errno, NULL, "cannot set the system-call filter");
		return false;
	}
#ifdef HAVE_ASAN
	leaks_unchecked = 1;
#endif
	return true;
}

bool confine_reader(const char *empty_dir, bool keep_trusted, struct buf *out_note, struct diag *d)
{
	const struct leash leash = leash_take();
	/* FOWNER, which without a right to write changes nothing: the kernel tells owners what is in the page cache. */
	const uint64_t keep =
		RIGHT(CAP_DAC_READ_SEARCH) | RIGHT(CAP_FOWNER) | (keep_trusted ? RIGHT(CAP_SYS_ADMIN) : 0);

	if (geteuid() == 0) {
		if (!enter_empty(empty_dir, d))
			return false;
		if (!rights_leave_root())
			return fail_rights(d, "another user");
	}
	if (!rights_keep(keep, out_note))
		return fail_rights(d, "capabilities");
	return seal(LANDLOCK_NO_WRITE, -1, true, FILTER_COMMON | FILTER_NO_WRITE, &leash, out_note, d);
}

bool confine_receiver(int root_fd, bool read_only, struct buf *out_note, struct diag *d)
{
	const struct leash leash = leash_take();
	const bool as_root = geteuid() == 0;
	const unsigned sets = FILTER_COMMON | (read_only ? FILTER_NO_WRITE : 0);
	uint64_t keep = RIGHT(CAP_DAC_READ_SEARCH) | RIGHT(CAP_FOWNER) | RIGHT(CAP_SYS_ADMIN);

	if (!read_only)
		keep |= RIGHT(CAP_CHOWN) | RIGHT(CAP_DAC_OVERRIDE) | RIGHT(CAP_FSETID) | RIGHT(CAP_LINUX_IMMUTABLE) |
			RIGHT(CAP_MKNOD) | RIGHT(CAP_SETFCAP) | RIGHT(CAP_MAC_ADMIN);
	if (as_root && !enter_dir(root_fd, NULL, d))
		return false;
	if (!rights_keep(keep, out_note))
		return fail_rights(d, "capabilities");
	return seal(read_only ? LANDLOCK_READ_BELOW : LANDLOCK_BELOW, root_fd, !as_root, sets, &leash, out_note, d);
}

static bool confine_stranger(enum landlock_scope scope, unsigned sets, struct buf *out_note, struct diag *d)
{
	const struct leash leash = leash_take();

	if (geteuid() == 0 && !rights_leave_root())
		return fail_rights(d, "another user");
	if (!rights_keep(0, out_note))
		return fail_rights(d, "capabilities");
	return seal(scope, -1, true, sets, &leash, out_note, d);
}

bool confine_handshake(struct buf *out_note, struct diag *d)
{
	return confine_stranger(LANDLOCK_NO_WRITE, FILTER_COMMON | FILTER_NO_WRITE, out_note, d);
}

bool confine_link(struct buf *out_note, struct diag *d)
{
	return confine_stranger(LANDLOCK_NOTHING, FILTER_COMMON | FILTER_NO_WRITE | FILTER_NO_OPEN, out_note, d);
}
