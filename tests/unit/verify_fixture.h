/*
 * A verifier and a prover, over a socket pair, on two trees "s" and "t" in a temporary directory.
 * Included by the test programs of verify; what a program does not use costs nothing.
 */
#pragma once

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "verify/links.h"
#include "verify/compare.h"
#include "verify/private.h"
#include "verify/proto.h"
#include "verify/tree.h"
#include "verify/prover.h"
#include "verify/verifier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

struct fixture {
	char top[64];
	char source[80], target[80];
	struct verifier_options o;
	struct verifier_mount mounts[3];
	struct verifier *v;
	struct verify_links *links;
	struct buf said; /* a line a difference, "kind path fields", sorted when it is compared */
	struct buf texts;
	struct buf diags;
	struct verifier_counts counts;
	unsigned units_open, units_done;
	uint32_t next_unit;
};

/* ---- trees ---- */

static UNUSED void path_of(const struct fixture *f, char side, const char *path, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%s", side == 's' ? f->source : f->target, path);
}

static UNUSED void still(const char *path)
{
	struct timespec t[2] = {
		{.tv_sec = 1700000000, .tv_nsec = 123456789}, {.tv_sec = 1700000000, .tv_nsec = 123456789}};

	assert_int_equal(utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW), 0);
}

/* The calls below act on both sides when side is 'b'. */
static UNUSED void put(struct fixture *f, char side, const char *path, const char *content)
{
	char p[PATH_MAX];
	int fd;

	if (side == 'b') {
		put(f, 's', path, content);
		side = 't';
	}
	path_of(f, side, path, p);
	fd = open(p, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, content, strlen(content)), 0);
	close(fd);
	still(p);
}

static UNUSED void make_dir(struct fixture *f, char side, const char *path)
{
	char p[PATH_MAX];

	if (side == 'b') {
		make_dir(f, 's', path);
		side = 't';
	}
	path_of(f, side, path, p);
	assert_int_equal(mkdir(p, 0755), 0);
}

static UNUSED void sym(struct fixture *f, char side, const char *path, const char *to)
{
	char p[PATH_MAX];

	if (side == 'b') {
		sym(f, 's', path, to);
		side = 't';
	}
	path_of(f, side, path, p);
	assert_int_equal(symlink(to, p), 0);
	still(p);
}

static UNUSED void hard(struct fixture *f, char side, const char *path, const char *old)
{
	char p[PATH_MAX], q[PATH_MAX];

	if (side == 'b') {
		hard(f, 's', path, old);
		side = 't';
	}
	path_of(f, side, old, p);
	path_of(f, side, path, q);
	assert_int_equal(link(p, q), 0);
}

static UNUSED int still_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	still(path);
	return 0;
}

static UNUSED int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static UNUSED int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	snprintf(f->top, sizeof(f->top), "/tmp/verify.XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	snprintf(f->source, sizeof(f->source), "%s/s", f->top);
	snprintf(f->target, sizeof(f->target), "%s/t", f->top);
	if (mkdir(f->source, 0755) < 0 || mkdir(f->target, 0755) < 0)
		return -1;
	f->mounts[0] = (struct verifier_mount){.fd = -1, .rel = "", .target_rel = ""};
	f->o = (struct verifier_options){
		.mode = VERIFY_CRC64,
		.metadata = true,
		.fields = VERIFY_F_ALL,
		.mounts = f->mounts,
		.mount_count = 1,
		.noatime = true,
		.leave_cache = true,
		.seed = 0x123456789abcdef,
		/* All that the tests make is older than this. */
		.changed_since_ns = clock_real_ns() + 3600 * NS_PER_S,
	};
	*state = f;
	return 0;
}

static UNUSED void forget(struct fixture *f)
{
	buf_clear(&f->said);
	buf_clear(&f->texts);
	buf_clear(&f->diags);
	f->counts = (struct verifier_counts){};
	f->units_done = 0;
	f->next_unit = 0;
}

static UNUSED int teardown(void **state)
{
	struct fixture *f = *state;

	nftw(f->top, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	buf_release(&f->said);
	buf_release(&f->texts);
	buf_release(&f->diags);
	free(f);
	return 0;
}

/* ---- running ---- */

static const char *const kinds[VERIFY_KINDS] = {
	"content", "missing", "extra", "type", "metadata", "hardlink", "changed"};

static UNUSED void on_difference(void *arg, const struct verifier_difference *d)
{
	struct fixture *f = arg;

	buf_printf(&f->said, "%s ", kinds[d->kind]);
	text_escape(&f->said, d->path, strlen(d->path));
	for (size_t i = 0; i < d->field_count; i++)
		buf_printf(&f->said, "%c%s", i ? ',' : ' ', d->fields[i]);
	buf_append_u8(&f->said, '\n');
	buf_printf(&f->texts, "%s | %s\n", d->source ? d->source : "-", d->target ? d->target : "-");
}

static UNUSED void on_give(void *arg, const struct verifier_give *g)
{
	struct fixture *f = arg;

	f->units_open++;
	verifier_add_dir(f->v, ++f->next_unit, g->mount, g->src, g->dst);
}

static UNUSED void on_pair(void *arg, const struct verifier_pair *p)
{
	struct fixture *f = arg;
	struct verify_inode s = {p->source_dev, p->source_ino}, t = {p->target_dev, p->target_ino};

	if (verify_links_add(f->links, s, t) != VERIFY_LINK_OK)
		buf_printf(&f->said, "%s %s\n", p->changed ? "changed" : "hardlink", p->path);
}

static UNUSED void on_counts(void *arg, const struct verifier_counts *c)
{
	struct fixture *f = arg;

	f->counts.files_examined += c->files_examined;
	f->counts.files_vanished += c->files_vanished;
	f->counts.files_failed += c->files_failed;
	f->counts.bytes_total += c->bytes_total;
	f->counts.bytes_hashed += c->bytes_hashed;
}

static UNUSED void on_diag(void *arg, const struct diag *d)
{
	struct fixture *f = arg;

	diag_format(&f->diags, d);
	buf_append_u8(&f->diags, '\n');
}

static UNUSED void on_done(void *arg, uint32_t unit)
{
	struct fixture *f = arg;

	f->units_open--;
	f->units_done++;
}

static UNUSED pid_t start_prover(struct fixture *f, int *out_fd)
{
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int root = open(f->target, O_RDONLY | O_DIRECTORY);

		close(pair[0]);
		_exit(verify_prover_main(pair[1], pair[1], root));
	}
	close(pair[1]);
	*out_fd = pair[0];
	return pid;
}

struct start {
	const char *path; /* NULL: the root as a directory */
	bool recurse;
	void (*between)(struct fixture *f); /* before each step */
};

static UNUSED void run_from(struct fixture *f, const struct start *from)
{
	int status, fd;
	pid_t pid = start_prover(f, &fd);
	AUTO_DIAG d = DIAG_INIT;

	forget(f);
	f->links = verify_links_new(1 << 20, -1);
	f->mounts[0].fd = open(f->source, O_RDONLY | O_DIRECTORY);
	f->o.wire_fd = fd;
	f->o.callbacks =
		(struct verifier_callbacks){f, on_give, on_difference, on_pair, on_counts, on_diag, on_diag, on_done};
	f->v = verifier_new(&f->o);
	f->units_open = 1;
	if (from && from->path)
		verifier_add_path(f->v, 0, 0, from->path, from->path, from->recurse);
	else
		verifier_add_dir(f->v, 0, 0, "", "");
	while (!verifier_idle(f->v)) {
		struct pollfd p = {.fd = verifier_fd(f->v), .events = verifier_events(f->v)};

		if (from && from->between)
			from->between(f);
		if (!verifier_busy(f->v))
			assert_int_equal(poll(&p, 1, 10000), 1);
		if (verifier_step(f->v, &d) != RES_OK) {
			AUTO_BUF text = BUF_INIT;

			diag_format(&text, &d);
			fail_msg("%s", buf_cstr(&text));
		}
	}
	assert_int_equal(f->units_open, 0);
	verifier_free(f->v);
	verify_links_free(f->links);
	close(fd);
	close(f->mounts[0].fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static UNUSED int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What was said, sorted. */
static UNUSED void expect(struct fixture *f, const char *want)
{
	AUTO_BUF sorted = BUF_INIT;
	char *lines[1000], *all = buf_cstr(&f->said);
	size_t n = 0;

	for (char *s = strtok(all, "\n"); s; s = strtok(NULL, "\n"))
		lines[n++] = s;
	qsort(lines, n, sizeof(lines[0]), by_line);
	for (size_t i = 0; i < n; i++)
		buf_printf(&sorted, "%s\n", lines[i]);
	assert_string_equal(buf_cstr(&sorted), want);
	assert_string_equal(buf_cstr(&f->diags), "");
}

static UNUSED void run(struct fixture *f, const char *want)
{
	nftw(f->source, still_one, 32, FTW_DEPTH | FTW_PHYS);
	nftw(f->target, still_one, 32, FTW_DEPTH | FTW_PHYS);
	run_from(f, NULL);
	expect(f, want);
}

static UNUSED void said_text(struct fixture *f, const char *part)
{
	if (!strstr(buf_cstr(&f->texts), part))
		fail_msg("'%s' is not in: %s", part, buf_cstr(&f->texts));
}
