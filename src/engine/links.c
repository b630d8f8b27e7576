#include "engine/links.h"
#include "engine/region.h"

#include <errno.h>

/*
 * Two open-addressing tables, source inode to target inode and back, and the paths, each in a mapping of an unlinked
 * file: however many links a host has, the kernel can write them out, and our memory is bounded.
 *
 * An entry stays to the end of the run, also when all names of its inode have been seen: a directory that is done again
 * asks for it again, and of the target's inode there may be names that are none of the source's.
 */

#define WAITERS_MAX (1u << 20) /* more than movers can hold names */

enum { EMPTY, CLAIMED, COMMITTED, FAILED };

struct link_entry {
	uint64_t dev, ino, group, tdev, tino, path;
	uint32_t worker; /* whose name is first, while CLAIMED */
	uint32_t state : 2;
	uint32_t waiting : 30; /* the youngest of those that wait for it, its number + 1 */
};

struct back_entry {
	uint64_t tdev, tino, dev, ino;
};

struct waiter {
	uint64_t token;
	uint32_t worker;
	uint32_t next; /* of the same inode, or free as this one; its number + 1 */
};

struct links {
	char *dir;
	struct region table, back, paths;
	size_t count, back_count; /* entries in use */
	struct waiter *waiters; /* few: names being held by movers */
	uint32_t waiter_len, waiter_cap, waiter_free;
	int err;
};

struct links *links_new(const char *dir)
{
	struct links *l = xcalloc(1, sizeof(*l));

	l->dir = dir ? xstrdup(dir) : NULL;
	l->table.fd = l->back.fd = l->paths.fd = -1;
	if (region_map(&l->table, dir, 1024 * sizeof(struct link_entry)) &&
		region_map(&l->back, dir, 1024 * sizeof(struct back_entry)) && region_map(&l->paths, dir, 65536))
		return l;
	links_free(l);
	return NULL;
}

int links_error(const struct links *l)
{
	return l->err;
}

void links_free(struct links *l)
{
	if (!l)
		return;
	region_unmap(&l->table);
	region_unmap(&l->back);
	region_unmap(&l->paths);
	free(l->waiters);
	free(l->dir);
	free(l);
}

static size_t slot_of(uint64_t a, uint64_t b, size_t slots)
{
	uint64_t h = (a * UINT64_C(0x9e3779b97f4a7c15) ^ b) * UINT64_C(0xff51afd7ed558ccd);

	return (h ^ h >> 32) & (slots - 1);
}

static struct link_entry *find(struct links *l, uint64_t dev, uint64_t ino, uint64_t group)
{
	struct link_entry *t = (struct link_entry *)l->table.p;
	size_t slots = l->table.cap / sizeof(*t);
	size_t i = slot_of(dev + group * UINT64_C(0xbf58476d1ce4e5b9), ino, slots);

	while (t[i].state != EMPTY && (t[i].dev != dev || t[i].ino != ino || t[i].group != group))
		i = (i + 1) & (slots - 1);
	return &t[i];
}

static struct back_entry *find_back(struct links *l, uint64_t tdev, uint64_t tino)
{
	struct back_entry *t = (struct back_entry *)l->back.p;
	size_t slots = l->back.cap / sizeof(*t);
	size_t i = slot_of(tdev, tino, slots);

	while (t[i].tino && (t[i].tdev != tdev || t[i].tino != tino))
		i = (i + 1) & (slots - 1);
	return &t[i];
}

/* Both tables are kept at most half full; a larger one is filled anew. */
static bool grow_table(struct links *l)
{
	struct region old = l->table;
	struct link_entry *t = (struct link_entry *)old.p;

	if (!region_map(&l->table, l->dir, old.cap * 2)) {
		l->err = errno;
		l->table = old;
		return false;
	}
	for (size_t i = 0; i < old.cap / sizeof(*t); i++)
		if (t[i].state != EMPTY)
			*find(l, t[i].dev, t[i].ino, t[i].group) = t[i];
	region_unmap(&old);
	return true;
}

static bool grow_back(struct links *l)
{
	struct region old = l->back;
	struct back_entry *t = (struct back_entry *)old.p;

	if (!region_map(&l->back, l->dir, old.cap * 2)) {
		l->err = errno;
		l->back = old;
		return false;
	}
	for (size_t i = 0; i < old.cap / sizeof(*t); i++)
		if (t[i].tino)
			*find_back(l, t[i].tdev, t[i].tino) = t[i];
	region_unmap(&old);
	return true;
}

static bool room_for_path(struct links *l, size_t n)
{
	while (l->paths.len + n > l->paths.cap)
		if (!region_grow(&l->paths, l->paths.cap * 2)) {
			l->err = errno;
			return false;
		}
	return true;
}

/* One more waits for e. */
static void wait_for(struct links *l, struct link_entry *e, uint32_t worker, uint64_t token)
{
	uint32_t n = l->waiter_free;

	if (n) {
		l->waiter_free = l->waiters[n - 1].next;
	} else if (l->waiter_len == WAITERS_MAX) {
		l->err = E2BIG;
		return;
	} else {
		if (l->waiter_len == l->waiter_cap) {
			l->waiter_cap = l->waiter_cap ? l->waiter_cap * 2 : 64;
			l->waiters = xrealloc(l->waiters, l->waiter_cap * sizeof(*l->waiters));
		}
		n = ++l->waiter_len;
	}
	l->waiters[n - 1] = (struct waiter){token, worker, e->waiting};
	e->waiting = n;
}

/* The waiter of that number is no more; gives the one behind it. */
static uint32_t forget(struct links *l, uint32_t n)
{
	uint32_t next = l->waiters[n - 1].next;

	l->waiters[n - 1].next = l->waiter_free;
	l->waiter_free = n;
	return next;
}

static struct link_target target_of(const struct links *l, const struct link_entry *e)
{
	return (struct link_target){e->tdev, e->tino, (const char *)l->paths.p + e->path};
}

enum claim links_claim(struct links *l, uint64_t dev, uint64_t ino, uint64_t group, uint32_t worker, uint64_t token,
	struct link_target *out)
{
	struct link_entry *e = find(l, dev, ino, group);

	if (e->state == COMMITTED) {
		*out = target_of(l, e);
		return CLAIM_TO;
	}
	if (e->state == CLAIMED) {
		wait_for(l, e, worker, token);
		return CLAIM_WAIT;
	}
	if (e->state == EMPTY) {
		if ((l->count + 1) * 2 > l->table.cap / sizeof(*e) && !grow_table(l))
			return CLAIM_WAIT;
		l->count++;
		e = find(l, dev, ino, group);
	}
	*e = (struct link_entry){.dev = dev, .ino = ino, .group = group, .worker = worker, .state = CLAIMED};
	return CLAIM_FIRST;
}

bool links_bind(struct links *l, uint64_t dev, uint64_t ino, uint64_t tdev, uint64_t tino)
{
	struct back_entry *b = find_back(l, tdev, tino);

	if (b->tino)
		return b->dev == dev && b->ino == ino;
	/* Taken at once: the commit that follows must not find that another was faster. */
	if ((l->back_count + 1) * 2 > l->back.cap / sizeof(*b)) {
		if (!grow_back(l))
			return false;
		b = find_back(l, tdev, tino);
	}
	l->back_count++;
	*b = (struct back_entry){tdev, tino, dev, ino};
	return true;
}

static void wake(struct links *l, struct link_entry *e, links_wake_fn fn, void *arg)
{
	uint32_t n = e->waiting;

	if (e->state == COMMITTED) {
		struct link_target to = target_of(l, e);

		e->waiting = 0;
		while (n) {
			struct waiter w = l->waiters[n - 1];
			n = forget(l, n);
			fn(arg, w.worker, w.token, false, &to);
		}
	} else if (n) { /* the first one failed: this name takes its place, the others go on waiting */
		struct waiter w = l->waiters[n - 1];
		e->waiting = forget(l, n);
		e->state = CLAIMED;
		e->worker = w.worker;
		fn(arg, w.worker, w.token, true, NULL);
	}
}

void links_commit(struct links *l, uint64_t dev, uint64_t ino, uint64_t group, uint64_t tdev, uint64_t tino,
	const char *path, links_wake_fn fn, void *arg)
{
	struct link_entry *e = find(l, dev, ino, group);
	size_t n = strlen(path) + 1;

	if (e->state != CLAIMED || !room_for_path(l, n))
		return;
	memcpy(l->paths.p + l->paths.len, path, n);
	e->path = l->paths.len;
	l->paths.len += n;
	e->tdev = tdev;
	e->tino = tino;
	e->state = COMMITTED;
	if (tino)
		links_bind(l, dev, ino, tdev, tino);
	wake(l, e, fn, arg);
}

void links_fail(struct links *l, uint64_t dev, uint64_t ino, uint64_t group, links_wake_fn fn, void *arg)
{
	struct link_entry *e = find(l, dev, ino, group);

	if (e->state != CLAIMED)
		return;
	e->state = FAILED;
	wake(l, e, fn, arg);
}

/* The worker's leave the line. */
static void leave(struct links *l, struct link_entry *e, uint32_t worker)
{
	uint32_t kept = 0;

	for (uint32_t n = e->waiting; n;) {
		struct waiter *w = &l->waiters[n - 1];
		uint32_t next = w->next;

		if (w->worker == worker) {
			forget(l, n);
		} else {
			w->next = kept;
			kept = n;
		}
		n = next;
	}
	e->waiting = kept;
}

void links_worker_gone(struct links *l, uint32_t worker, links_wake_fn fn, void *arg)
{
	struct link_entry *t = (struct link_entry *)l->table.p;
	size_t slots = l->table.cap / sizeof(*t);

	for (size_t i = 0; i < slots; i++)
		if (t[i].waiting)
			leave(l, &t[i], worker);
	for (size_t i = 0; i < slots; i++)
		if (t[i].state == CLAIMED && t[i].worker == worker) {
			t[i].state = FAILED;
			wake(l, &t[i], fn, arg);
		}
}
