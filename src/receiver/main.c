/*
 * rehost-receiver: the target's side, started over SSH. It opens the target root, confines itself to it, says
 * that it is there, and serves one mover (or proves to one verifier). As operator it does none of that: see operator.h.
 *
 * Until the magic is out, whatever goes wrong is one line on standard output, which the transport knows how to read.
 */
#include "base/bootid.h"
#include "base/fd.h"
#include "base/stack.h"
#include "confine/confine.h"
#include "meta/meta.h"
#include "operator/operator.h"
#include "receiver/below.h"
#include "receiver/mountid.h"
#include "receiver/session.h"
#include "receiver/way.h"
#include "wire/msg.h"
#ifdef REHOST_HAVE_PROVER
#include "verify/prover.h"
#endif

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES_WANTED ((rlim_t)1024)

struct options {
	char *root; /* owned */
	bool create, read_only, prove, operate;
};

static bool say(const char *p, size_t n)
{
	return fd_write_full(STDOUT_FILENO, p, n) == 0;
}

/* Before the magic: the one line, and the end. */
static int give_up(const struct diag *d)
{
	AUTO_BUF line = BUF_INIT;

	buf_printf(&line, WIRE_ERROR_PREFIX "%s %d %s\n", diag_info(d->code)->id, d->err, d->detail ? d->detail : "");
	say((const char *)line.data, line.len);
	return 1;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Any bytes but NUL; "" is the working directory. NULL: no such thing. */
static char *unhex(const char *hex)
{
	size_t n = strlen(hex);
	char *out;

	if (n % 2 || n / 2 >= 4096)
		return NULL;
	out = xcalloc(n / 2 + 2, 1);
	for (size_t i = 0; i < n; i += 2) {
		int hi = hex_digit(hex[i]), lo = hex_digit(hex[i + 1]);
		if (hi < 0 || lo < 0 || hi + lo == 0) {
			free(out);
			return NULL;
		}
		out[i / 2] = (char)(hi << 4 | lo);
	}
	if (!*out)
		*out = '.';
	return out;
}

static bool parse(int argc, char **argv, struct options *o, struct diag *d)
{
	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--root-hex") && i + 1 < argc && !o->root && (o->root = unhex(argv[i + 1])))
			i++;
		else if (str_eq(argv[i], "--create"))
			o->create = true;
		else if (str_eq(argv[i], "--read-only"))
			o->read_only = true;
		else if (str_eq(argv[i], "--prove"))
			o->prove = o->read_only = true;
		else if (str_eq(argv[i], "--operator"))
			o->operate = true;
		else {
			diag_set(d, DIAG_RECEIVER_USAGE, 0, NULL, "unexpected argument %d", i);
			return false;
		}
	}
	if (!o->root)
		diag_set(d, DIAG_RECEIVER_USAGE, 0, NULL, "no target root given");
	else if (o->operate && (o->create || o->read_only))
		diag_set(d, DIAG_RECEIVER_USAGE, 0, NULL, "an operator takes no other option");
	return !diag_is_set(d);
}

/*
 * To the disk with it: a root that a power failure had taken back could not be told from one whose file system is not
 * mounted yet, and for that the run would wait. Not every file system can sync a directory.
 */
static void keep_root(int fd)
{
	AUTO_CLOSE int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)fsync(fd);
	if (parent >= 0)
		(void)fsync(parent);
}

/* A directory of the user's own that he may not read: opened with u+rwx added for that moment. */
static int open_closed(const char *path, int flags)
{
	struct stat st;
	int fd;

	if (geteuid() == 0 || lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
		meta_chmod(AT_FDCWD, path, (st.st_mode & 07777) | 0700) < 0) {
		errno = EACCES;
		return -1;
	}
	fd = open(path, flags | O_NOFOLLOW);
	if (meta_chmod(AT_FDCWD, path, st.st_mode & 07777) < 0 && fd >= 0)
		(void)fchmod(fd, st.st_mode & 07777);
	return fd;
}

/* out_fd -1: it does not exist, and nothing is to be written. */
static bool open_root(const struct options *o, int *out_fd, bool *out_made, struct diag *d)
{
	bool made = false;

	*out_fd = way_open(o->root, o->create, &made, d);
	if (*out_fd < 0 && errno == EACCES && !o->read_only && !diag_is_set(d))
		*out_fd = open_closed(o->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*out_made = made;
	if (made && *out_fd >= 0)
		keep_root(*out_fd);
	if (*out_fd >= 0 || (!diag_is_set(d) && errno == ENOENT && o->read_only && !o->prove))
		return true;
	if (!diag_is_set(d))
		diag_set(d, DIAG_RECEIVER_ROOT, errno, o->root, "cannot open the target root '%.300s'", o->root);
	return false;
}

/* Whatever it is called: a bind mount of it is it as well. */
static bool is_live(int fd)
{
	struct stat root, st;

	return fd >= 0 && fstat(fd, &st) == 0 && stat("/", &root) == 0 && st.st_dev == root.st_dev &&
		st.st_ino == root.st_ino;
}

/* The number of the root's mount, as no other mount gets it until the kernel is started anew. 0: Linux before 6.8. */
static uint64_t mount_number(int fd)
{
	enum { MNT_ID_UNIQUE = 0x4000, WORD_MNT_ID = 18 }; /* of statx(), which headers may not know */
	uint64_t words[32] = {0};
	uint32_t mask = 0;

#ifdef SYS_statx
	if (fd >= 0 && syscall(SYS_statx, fd, "", AT_EMPTY_PATH, MNT_ID_UNIQUE, words) == 0)
		memcpy(&mask, words, sizeof(mask));
#endif
	return mask & MNT_ID_UNIQUE ? words[WORD_MNT_ID] : 0;
}

static void raise_limits(void)
{
	struct rlimit l;

	(void)stack_make_room(); /* else as much as there is */
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < FILES_WANTED) {
		l.rlim_cur = MIN(l.rlim_max, FILES_WANTED);
		setrlimit(RLIMIT_NOFILE, &l);
	}
	/* A file too large for the limit is that file's failure, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

static bool confine(int root_fd, bool read_only, struct diag *d)
{
	AUTO_BUF note = BUF_INIT;
	/* A root that does not exist leaves nothing to be confined to: the working directory, and only to read. */
	AUTO_CLOSE int here = root_fd < 0 ? open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (root_fd < 0 && here < 0) {
		diag_set(d, DIAG_RECEIVER_ROOT, errno, NULL, "cannot open the working directory");
		return false;
	}
	return confine_receiver(root_fd < 0 ? here : root_fd, read_only, &note, d);
}

static int prove(int root_fd)
{
#ifdef REHOST_HAVE_PROVER
	return verify_prover_main(STDIN_FILENO, STDOUT_FILENO, root_fd);
#else
	(void)root_fd;
	return 1;
#endif
}

/* Not confined, and no root is opened: see operator.h. */
static int operate(const char *root)
{
	const struct operator_config c = {.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.root = root,
		.version = REHOST_VERSION,
		.log = operator_syslog};

	umask(077);
	return say(WIRE_MAGIC, sizeof(WIRE_MAGIC) - 1) ? operator_serve(&c) : 1;
}

static int serve(const struct session_config *c)
{
	struct session *s = session_new(c);
	int ret = session_serve(s, STDIN_FILENO, STDOUT_FILENO);

	session_free(s);
	return ret;
}

int main(int argc, char **argv)
{
	AUTO_DIAG d = DIAG_INIT;
	struct options o = {};
	struct sysload_files load;
	struct below below;
	struct mount_ids mounts;
	struct session_config c = {
		.root_fd = -1, .version = REHOST_VERSION, .load = &load, .below = &below, .mounts = &mounts};
	int ret;

	if (argc == 2 && str_eq(argv[1], "--version")) {
		printf("rehost-receiver %s\n", REHOST_VERSION);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	raise_limits();
	(void)boot_id_read(c.boot_id);
	if (parse(argc, argv, &o, &d) && o.operate) {
		ret = operate(o.root);
		free(o.root);
		return ret;
	}
	if (diag_is_set(&d) || !open_root(&o, &c.root_fd, &c.root_made, &d)) {
		free(o.root);
		return give_up(&d);
	}
#ifndef REHOST_HAVE_PROVER
	if (o.prove) {
		diag_set(&d, DIAG_RECEIVER_USAGE, 0, NULL, "this receiver was built without verification");
		return give_up(&d);
	}
#endif
	sysload_open(&load); /* for netcheck; there is no /proc where we are going */
	below_open(&below, c.root_fd);
	mount_ids_open(&mounts);
	c.read_only = o.read_only;
	c.root_mount = mount_number(c.root_fd);
	c.root_live = is_live(c.root_fd);
	umask(0);
	if (!confine(c.root_fd, o.read_only, &d))
		return give_up(&d);
	if (!say(WIRE_MAGIC, sizeof(WIRE_MAGIC) - 1))
		return 1;
	ret = o.prove ? prove(c.root_fd) : serve(&c);
	below_close(&below);
	mount_ids_close(&mounts);
	free(o.root);
	return ret;
}
