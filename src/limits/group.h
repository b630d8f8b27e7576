/*
 * A control group that holds all processes of a job: made at its start, removed at its end.
 *
 * Three back ends: a transient scope that systemd makes for us, control groups of version 2, and of version 1. What is
 * asked for is what the first of them that works here can keep; group_open() says why those before it do not. A group
 * never leaves the one that rehost was started in, so that what is set there holds as well.
 *
 * Process: the coordinator, before it starts workers: they are born inside; the first process is moved beside it. A run
 * that is killed leaves empty groups; group_sweep() of the next one removes them.
 * Errors: text for people, appended to a buffer. Units: bytes, bytes a second, percent of all processors together.
 */
#pragma once

#include "base/buf.h"
#include "conf/conf.h"

/* What a group may hold; a set of them. */
enum group_part {
	GROUP_CPU = 1 << 0,
	GROUP_MEMORY = 1 << 1,
	GROUP_IO_READ = 1 << 2,
	GROUP_IO_WRITE = 1 << 3,
};

/* Where things are. NULL: where they always are; a directory and a file of their own in tests. */
struct group_place {
	const char *root; /* /sys/fs/cgroup */
	const char *self; /* /proc/self/cgroup */
	/* A parent of this process that is of the job, too: it does nothing but wait for this one; 0: there is none. */
	pid_t first;
};

struct group_values { /* 0: no limit */
	unsigned cpu;
	uint64_t memory, io_read, io_write;
	/* Whole disks ("8:0"), of group_disks(). */
	const char *const *read_disks, *const *write_disks;
	size_t read_count, write_count;
};

struct group;

/* Removes what runs that were killed have left. */
void group_sweep(const struct group_place *place);
/* Makes the group and moves this process into it, and what it has started. parts: what is going to be set.
 * NULL: out_why says for each back end that was tried why it does not work. */
struct group *group_open(enum conf_backend backend, const char *job, unsigned parts, const struct group_place *place,
	struct buf *out_why);
/* Moves this process back and removes the group. */
void group_close(struct group *g);
/* "systemd scope 'rehost-x-12.scope'", "control group (version 2) 'rehost/x.12'". */
const char *group_name(const struct group *g);

/* Puts values in force; those that were and are not asked for any more are taken back. Returns the parts that hold of
 * those that are asked for; out_why says why others do not. */
unsigned group_set(struct group *g, const struct group_values *v, struct buf *out_why);

struct group_usage {
	uint64_t memory; /* all of it */
	uint64_t unreclaimable; /* what the kernel cannot take back: not the page cache */
	uint64_t oom_kills; /* processes the kernel has killed since the group was made */
};
/* False when it cannot be known. */
bool group_usage(const struct group *g, struct group_usage *out);
/* The directory with the group's own pressure files, NULL when there is none; and where its hierarchy begins. */
const char *group_psi_dir(const struct group *g, const char **out_mount);

/*
 * The whole disks behind a device, as "MAJOR:MINOR" strings, appended to a list without repeats: partitions become
 * their disk, stacked devices (LVM, RAID, encryption) what they are made of. Nothing for a device that is none (tmpfs).
 * sys: "/sys" or a test's.
 */
void group_disks(const char *sys, dev_t dev, char ***disks, size_t *count);

/* The back ends built in, for --version. */
const char *group_backends(void);
