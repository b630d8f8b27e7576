/*
 * Answers from a hostile prover. The bytes are its whole stream, given frame by frame, with time in between
 * for the verifier to ask; it compares a small source with them, and ends with an error, or idle.
 */
#include "base/fd.h"
#include "verify/verifier.h"
#include "wire/frame.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <stdio.h>
#include <unistd.h>

struct run {
	struct verifier *v;
	uint32_t next;
};

static void on_give(void *arg, const struct verifier_give *g)
{
	struct run *r = arg;

	verifier_add_dir(r->v, ++r->next, g->mount, g->src, g->dst);
}

static void on_difference(void *arg, const struct verifier_difference *d)
{
	if (d->kind >= VERIFY_KINDS || !d->path || !*d->path)
		abort();
}

static void on_pair(void *arg, const struct verifier_pair *p)
{
	if (!p->path)
		abort();
}

static void on_counts(void *arg, const struct verifier_counts *c)
{
	if (c->files_examined > 1000)
		abort();
}

static void on_diag(void *arg, const struct diag *d)
{
	if (!diag_is_set(d))
		abort();
}

static void on_done(void *arg, uint32_t unit)
{
	struct run *r = arg;

	if (unit > r->next)
		abort();
}

static char top[] = "/tmp/fuzz-verify.XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void remove_tree(void)
{
	nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int make_tree(void)
{
	int root, fd;

	if (!mkdtemp(top) || atexit(remove_tree))
		abort();
	root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || mkdirat(root, "d", 0755) < 0 || symlinkat("to", root, "l") < 0)
		abort();
	for (const char *const *name = (const char *const[]){"a", "b", "d/c", NULL}; *name; name++) {
		fd = openat(root, *name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || fd_write_full(fd, "123456789", 9) < 0)
			abort();
		close(fd);
	}
	return root;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As long as there is something to do without the prover; the outcome of the last step. */
static enum result work(struct verifier *v, struct diag *d)
{
	enum result res;

	do {
		res = verifier_step(v, d);
	} while (res == RES_OK && verifier_busy(v));
	return res;
}

/* The length of the frame at p, as its header says. */
static size_t frame_bytes(const uint8_t *p, size_t n)
{
	uint32_t len = n >= FRAME_HEADER ? p[2] | p[3] << 8 | p[4] << 16 | (uint32_t)p[5] << 24 : 0;

	return MIN(n, (size_t)FRAME_HEADER + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int root = -1;
	struct run r = {};
	struct verifier_mount mount = {.rel = "", .target_rel = ""};
	struct verifier_options o = {
		.mode = VERIFY_CRC64,
		.metadata = true,
		.fields = VERIFY_F_ALL,
		.mounts = &mount,
		.mount_count = 1,
		.changed_since_ns = INT64_MAX,
		.callbacks = {&r, on_give, on_difference, on_pair, on_counts, on_diag, on_diag, on_done},
	};
	enum result res;
	AUTO_DIAG d = DIAG_INIT;
	int pair[2];

	if (root < 0)
		root = make_tree();
	/* What fits into the socket's buffer. */
	if (size > 100000 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	mount.fd = root;
	o.wire_fd = pair[0];
	r.v = verifier_new(&o);
	verifier_add_dir(r.v, 0, 0, "", "");
	verifier_add_path(r.v, ++r.next, 0, "d/c", "d/c", true);
	res = work(r.v, &d);
	for (size_t at = 0, n; res == RES_OK && at < size; at += n) {
		n = frame_bytes(data + at, size - at);
		if (fd_write_full(pair[1], data + at, n) < 0)
			abort();
		res = work(r.v, &d);
	}
	if (res == RES_OK && shutdown(pair[1], SHUT_WR) == 0)
		res = work(r.v, &d);
	if (res == RES_OK || !diag_is_set(&d))
		abort();
	verifier_free(r.v);
	close(pair[0]);
	close(pair[1]);
	return 0;
}
