#include "verify/links.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_PAIRS 256u

/* Devices are few: each is known by its place in a list. */
struct pair {
	uint64_t s_ino, t_ino;
	uint32_t s_dev, t_dev;
};

/* One mapping, in memory or in a file. */
struct area {
	void *p;
	size_t bytes;
};

struct index {
	struct area area; /* uint32_t: number of a pair + 1 */
	size_t mask;
};

struct verify_links {
	size_t memory_max;
	int spill_dirfd;
	bool spilled;
	struct area pairs;
	size_t count, room;
	struct index by_source, by_target;
	uint64_t *devs;
	size_t dev_count;
};

static void area_free(struct area *a)
{
	if (a->p)
		munmap(a->p, a->bytes);
	*a = (struct area){};
}

/* A file without a name; its blocks are there before it is mapped, so that a full disk is an error and no SIGBUS. */
static int spill_file(int dirfd, size_t bytes)
{
	char name[64];
	int fd;

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), ".links.%ld.%u", (long)getpid(), i);
		fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			continue;
		if (unlinkat(dirfd, name, 0) == 0 && posix_fallocate(fd, 0, (off_t)bytes) == 0)
			return fd;
		close(fd);
		return -1;
	}
	return -1;
}

/* Zeroes. */
static struct area area_new(struct verify_links *l, size_t bytes)
{
	struct area a = {.p = MAP_FAILED, .bytes = bytes};

	if (l->spilled) {
		AUTO_CLOSE int fd = spill_file(l->spill_dirfd, bytes);

		if (fd >= 0)
			a.p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (a.p == MAP_FAILED)
		a.p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a.p == MAP_FAILED) {
		/* As xmalloc() does: there is nothing left to save. */
		fputs("rehost: error: out of memory\n", stderr);
		_exit(1);
	}
	return a;
}

static struct pair *pair_at(const struct verify_links *l, uint32_t i)
{
	return (struct pair *)l->pairs.p + i;
}

static uint64_t mix(uint64_t ino, uint32_t dev)
{
	uint64_t h = (ino + UINT64_C(0x9e3779b97f4a7c15) * (dev + 1)) * UINT64_C(0xbf58476d1ce4e5b9);

	return (h ^ h >> 29) * UINT64_C(0x94d049bb133111eb) >> 16;
}

/* The slot where it is, or where it would go. */
static uint32_t *find(const struct verify_links *l, const struct index *x, bool target, uint64_t ino, uint32_t dev)
{
	uint32_t *slots = x->area.p;

	for (size_t at = mix(ino, dev) & x->mask;; at = (at + 1) & x->mask) {
		const struct pair *p;

		if (!slots[at])
			return &slots[at];
		p = pair_at(l, slots[at] - 1);
		if (target ? p->t_ino == ino && p->t_dev == dev : p->s_ino == ino && p->s_dev == dev)
			return &slots[at];
	}
}

/* The first pair of an inode stands for it, whatever further ones it is in. */
static void index_put(struct verify_links *l, struct index *x, bool target, uint32_t i)
{
	const struct pair *p = pair_at(l, i);
	uint32_t *slot = target ? find(l, x, true, p->t_ino, p->t_dev) : find(l, x, false, p->s_ino, p->s_dev);

	if (!*slot)
		*slot = i + 1;
}

static void index_make(struct verify_links *l, struct index *x, bool target, size_t slots)
{
	area_free(&x->area);
	x->area = area_new(l, slots * sizeof(uint32_t));
	x->mask = slots - 1;
	for (size_t i = 0; i < l->count; i++)
		index_put(l, x, target, (uint32_t)i);
}

/* Twice the room: 24 bytes a pair, and two indices of 4 bytes with twice as many slots as pairs. */
static void grow(struct verify_links *l)
{
	size_t room = l->room ? 2 * l->room : FIRST_PAIRS, slots = 2 * room;
	struct area pairs;

	l->spilled = l->spill_dirfd >= 0 && room * sizeof(struct pair) + 2 * slots * sizeof(uint32_t) > l->memory_max;
	pairs = area_new(l, room * sizeof(struct pair));
	if (l->count)
		memcpy(pairs.p, l->pairs.p, l->count * sizeof(struct pair));
	area_free(&l->pairs);
	l->pairs = pairs;
	l->room = room;
	index_make(l, &l->by_source, false, slots);
	index_make(l, &l->by_target, true, slots);
}

struct verify_links *verify_links_new(size_t memory_max, int spill_dirfd)
{
	struct verify_links *l = xcalloc(1, sizeof(*l));

	l->memory_max = memory_max;
	l->spill_dirfd = spill_dirfd;
	grow(l);
	return l;
}

void verify_links_free(struct verify_links *l)
{
	if (!l)
		return;
	area_free(&l->pairs);
	area_free(&l->by_source.area);
	area_free(&l->by_target.area);
	free(l->devs);
	if (l->spill_dirfd >= 0)
		close(l->spill_dirfd);
	free(l);
}

static uint32_t dev_number(struct verify_links *l, uint64_t dev)
{
	for (size_t i = 0; i < l->dev_count; i++)
		if (l->devs[i] == dev)
			return (uint32_t)i;
	l->devs = xrealloc(l->devs, (l->dev_count + 1) * sizeof(*l->devs));
	l->devs[l->dev_count] = dev;
	return (uint32_t)l->dev_count++;
}

enum verify_link_result verify_links_add(struct verify_links *l, struct verify_inode s, struct verify_inode t)
{
	struct pair p = {
		.s_ino = s.ino,
		.t_ino = t.ino,
		.s_dev = dev_number(l, s.dev),
		.t_dev = dev_number(l, t.dev),
	};
	uint32_t *a = find(l, &l->by_source, false, p.s_ino, p.s_dev);
	uint32_t *b = find(l, &l->by_target, true, p.t_ino, p.t_dev);
	const struct pair *known;
	bool split = false, apart = false, joined = false;

	if (*a) {
		known = pair_at(l, *a - 1);
		apart = known->t_dev != p.t_dev;
		split = apart || known->t_ino != p.t_ino;
	}
	if (*b) {
		known = pair_at(l, *b - 1);
		joined = known->s_ino != p.s_ino || known->s_dev != p.s_dev;
	}
	if (!*a || !*b) {
		if (l->count == l->room)
			grow(l);
		*pair_at(l, (uint32_t)l->count) = p;
		index_put(l, &l->by_source, false, (uint32_t)l->count);
		index_put(l, &l->by_target, true, (uint32_t)l->count);
		l->count++;
	}
	if (split && joined)
		return VERIFY_LINK_MIXED;
	if (apart)
		return VERIFY_LINK_APART;
	return split ? VERIFY_LINK_SPLIT : joined ? VERIFY_LINK_JOINED : VERIFY_LINK_OK;
}

void verify_link_texts(enum verify_link_result r, const char **out_source, const char **out_target)
{
	*out_source = r == VERIFY_LINK_JOINED ? "an inode of its own" : "linked with other names";
	*out_target = r == VERIFY_LINK_SPLIT ? "an inode of its own" : "linked with other names";
	if (r == VERIFY_LINK_APART)
		*out_target = "on another file system, where it cannot be linked with them";
	if (r == VERIFY_LINK_MIXED)
		*out_target = "linked with names it is not linked with at the source";
}

size_t verify_links_count(const struct verify_links *l)
{
	return l->count;
}
