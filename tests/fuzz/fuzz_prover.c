/*
 * Requests from a hostile verifier. The bytes are the stream as it comes; the prover serves them on a small
 * tree, and has to end, whatever they are. Its root is the only thing it may see: a name of the directory
 * above must never come back.
 */
#include "base/fd.h"
#include "verify/prover.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "above-the-root"

static char top[] = "/tmp/fuzz-prover.XXXXXX";

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
	char path[64];
	int root;

	if (!mkdtemp(top) || atexit(remove_tree) || chdir(top) < 0 || mkdir("root", 0700) < 0 ||
		mkdir(SECRET, 0700) < 0)
		abort();
	root = open("root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || mkdirat(root, "d", 0700) < 0 || symlinkat("..", root, "d/up") < 0 ||
		symlinkat("../..", root, "out") < 0)
		abort();
	for (int i = 0; i < 3; i++) {
		int fd;

		snprintf(path, sizeof(path), "d/f%d", i);
		fd = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || fd_write_full(fd, "0123456789", (size_t)i * 3) < 0)
			abort();
		close(fd);
	}
	return root;
}

static int file_of(const void *p, size_t n)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || fd_write_full(fd, p, n) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int root = -1;
	int in, out;
	struct stat st;
	void *answers;

	if (root < 0)
		root = make_tree();
	in = file_of(data, size);
	out = file_of("", 0);
	verify_prover_main(in, out, root);
	if (fstat(out, &st) == 0 && st.st_size) {
		answers = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, out, 0);
		if (answers == MAP_FAILED || memmem(answers, (size_t)st.st_size, SECRET, strlen(SECRET)))
			abort();
		munmap(answers, (size_t)st.st_size);
	}
	close(in);
	close(out);
	return 0;
}
