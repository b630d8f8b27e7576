/* What the back ends of groups share. */
#pragma once

#include "limits/group.h"

#define ROOT_DEFAULT "/sys/fs/cgroup"

/* The hierarchies that matter. With version 2 they are one, and the directory is the same. */
enum slot { SLOT_CPU, SLOT_MEMORY, SLOT_IO, SLOT_PSI, SLOTS };

/* A group in one hierarchy. */
struct cg {
	const struct cg_ops *ops;
	const char *controller; /* "cpu"; "" of version 2 */
	char *mount; /* "/sys/fs/cgroup/cpu", NULL: there is none */
	char *home; /* where this process was before, below mount: "" or "/a/b" */
	char *rel; /* the group, the same way */
	pid_t first; /* goes where this process goes; of struct group_place */
	bool made; /* by us */
	bool fake; /* a test's, in which the kernel puts no files */
};

/* How groups of version 1 are handled: by libcgroup or by writing files. 0, or an errno. */
struct cg_ops {
	int (*make)(const struct cg *c); /* with what is above it; EEXIST when it is there */
	int (*set)(const struct cg *c, const char *file, const char *value);
	int (*attach)(const struct cg *c, const char *rel, pid_t pid);
	int (*remove)(const struct cg *c);
};
extern const struct cg_ops cg_files;
#ifdef REHOST_LIBCGROUP
extern const struct cg_ops cg_lib;
/* False when the library finds no groups here. */
bool cg_lib_usable(void);
#endif

struct group {
	enum conf_backend kind; /* CGROUP1, CGROUP2 or SYSTEMD */
	unsigned version; /* of the files: 1 or 2 */
	struct group_place place;
	struct cg slots[SLOTS];
	char *name;
	char *unit; /* systemd's */
	char *base; /* version 2: the group in which 'rehost' is, below mount */
	unsigned enabled; /* version 2: controllers (slots) that were enabled for us in base */
	unsigned set; /* parts that have been set */
	char **disks; /* that have had a limit */
	size_t disk_count;
};

/* cgroup.c */
char *cg_path(const struct cg *c, const char *rel, const char *file);
bool cg_is_v1(const struct group_place *p, const char *dir);
bool cg_is_v2(const struct group_place *p, const char *dir);
/* Where this process is in the hierarchy of a controller ("" for version 2), below mount; never NULL. */
char *cg_home(const struct group_place *p, const char *mount, const char *controller);
/* Makes the group rehost/JOB.PID beneath base, and moves all processes of the job into it. 0 or errno. */
int cg_enter(struct cg *c, const char *base, const char *job);
/* Moves this process back, and the first, and removes the group. */
void cg_leave(struct cg *c);
/* All processes of the job: this one, whose failure ends it; the first; what this one has started, and theirs. 0 or what fn gave. */
int cg_each_own(pid_t first, int (*fn)(void *arg, pid_t pid), void *arg);
void cg_release(struct cg *c);
/* "rehost-x": a job's name as part of the name of a group or unit. */
char *cg_job_name(const char *job);
bool cg_systemd_runs(const struct group_place *p);
/* Where the hierarchy of version 2 is, NULL: nowhere. */
char *cg_v2_mount(const struct group_place *p);
/* Microseconds of processor time in a period; never less than a fifth of a processor. */
#define CG_PERIOD_US 100000
uint64_t cg_cpu_quota_us(unsigned percent, long cpus);

/* cgroup1.c, cgroup2.c, scope.c: open fills g, or says why not; set puts values in force, false with out_why. */
bool group1_open(struct group *g, const char *job, unsigned parts, struct buf *out_why);
bool group2_open(struct group *g, const char *job, unsigned parts, struct buf *out_why);
bool scope_open(struct group *g, const char *job, unsigned parts, struct buf *out_why);
/* True when systemd runs this host and has given our own group to us. */
bool group2_delegated(const struct group_place *p);
int group1_set(struct group *g, enum group_part part, const struct group_values *v, const char **out_what);
int group2_set(struct group *g, enum group_part part, const struct group_values *v, const char **out_what);
unsigned scope_set(struct group *g, const struct group_values *v, struct buf *out_why);
void group2_close(struct group *g);

/* ---- what a scope is asked for (scope.c), apart so that it can be tested ---- */

struct scope_property {
	const char *name;
	enum { SCOPE_U64, SCOPE_DISKS } type;
	uint64_t value; /* UINT64_MAX: no limit */
	const char *const *disks;
	size_t count;
};
#define SCOPE_PROPERTIES 6
/* The properties of those parts; their number. */
size_t scope_properties(const struct group_values *v, unsigned parts, struct scope_property out[SCOPE_PROPERTIES]);
