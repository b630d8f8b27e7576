/*
 * refuse ERRNO CALL... -- PROGRAM ARGS...: runs a program, and all that it starts, on a kernel that seems older than it is.
 * The calls fail with ENOSYS, as where they do not exist, or with EPERM, as under the filters of some containers.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From 424 on numbers are the same everywhere (almost), and older headers do not know them. */
static const struct {
	const char *name;
	unsigned nr[3];
} calls[] = {
	{"openat2", {437}}, {"fchmodat2", {452}}, {"statx", {SYS_statx}}, {"landlock", {444, 445, 446}},
	{"clones", {428, 442}}, /* open_tree, mount_setattr */
};

#define CALLS (sizeof(calls) / sizeof(*calls))
#define LINES_MAX 64

static unsigned add(struct sock_filter *code, unsigned n, const char *name, int err)
{
	for (size_t i = 0; i < CALLS; i++) {
		if (strcmp(calls[i].name, name) != 0)
			continue;
		for (size_t k = 0; k < 3 && calls[i].nr[k] && n + 3 < LINES_MAX; k++) {
			code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].nr[k], 0, 1);
			code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err);
		}
		return n;
	}
	fprintf(stderr, "refuse: no call '%s'\n", name);
	_exit(125);
}

int main(int argc, char **argv)
{
	const int err = argc > 1 && strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS;
	struct sock_filter code[LINES_MAX] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	struct sock_fprog prog = {.filter = code};
	unsigned n = 1;
	int i = 2;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		n = add(code, n, argv[i], err);
	if (i + 1 >= argc) {
		fprintf(stderr, "usage: refuse ENOSYS|EPERM CALL... -- PROGRAM ARGS...\n");
		return 125;
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0) {
		perror("refuse: seccomp");
		return 125;
	}
	execvp(argv[i + 1], argv + i + 1);
	perror(argv[i + 1]);
	return 126;
}
