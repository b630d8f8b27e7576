#include "limits/throttle.h"
#include "base/util.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NS 1e9
#define BURST_NS INT64_C(500000000) /* what a disk that has others to serve may cost without the rate being missed */
#define PIECE_MIN 16384 /* smaller ones are not worth a system call */
#define PAGE 4096

_Static_assert(sizeof(struct throttle) <= PAGE, "one page holds it");

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct throttle *throttle_map(int fd)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* An unlinked file where there is no memfd (before Linux 3.17). */
static int page_fd(void)
{
	char name[] = "/dev/shm/rehost-XXXXXX";
	int fd = (int)syscall(SYS_memfd_create, "rehost-throttle", 1u /* MFD_CLOEXEC */);

	if (fd < 0 && (fd = mkostemp(name, O_CLOEXEC)) >= 0)
		unlink(name);
	return fd;
}

struct throttle *throttle_new(int *out_fd)
{
	struct throttle *t = NULL;

	*out_fd = page_fd();
	if (*out_fd < 0)
		return NULL;
	if (ftruncate(*out_fd, PAGE) == 0)
		t = throttle_map(*out_fd);
	if (!t) {
		close(*out_fd);
		*out_fd = -1;
	}
	return t;
}

void throttle_unmap(struct throttle *t)
{
	if (t)
		munmap(t, PAGE);
}

void throttle_set_rate(struct throttle *t, enum throttle_lane lane, uint64_t rate)
{
	/* The clock of the old rate would be a debt of the new one. */
	if (atomic_exchange(&t->rate[lane], rate) != rate)
		atomic_store(&t->used_until[lane], 0);
}

uint64_t throttle_allow(
	const struct throttle *t, enum throttle_lane lane, uint64_t want, int64_t now_ns, int64_t *out_wait_ns)
{
	uint64_t rate = atomic_load_explicit(&t->rate[lane], memory_order_relaxed), piece;
	int64_t ahead;

	*out_wait_ns = 0;
	if (throttle_held(t)) {
		*out_wait_ns = THROTTLE_ASK_NS;
		return 0;
	}
	if (!rate)
		return want;
	ahead = atomic_load_explicit(&t->used_until[lane], memory_order_relaxed) - now_ns;
	if (ahead > 0) {
		*out_wait_ns = earlier(ahead, THROTTLE_ASK_NS);
		return 0;
	}
	piece = MAX(rate / 16, (uint64_t)PIECE_MIN);
	return MIN(want, piece);
}

void throttle_charge(struct throttle *t, enum throttle_lane lane, uint64_t n, int64_t now_ns)
{
	uint64_t rate = atomic_load_explicit(&t->rate[lane], memory_order_relaxed);
	int64_t was = atomic_load_explicit(&t->used_until[lane], memory_order_relaxed), from;
	double cost;

	if (!rate || !n)
		return;
	cost = (double)n * NS / (double)rate;
	if (cost > 3600 * NS) /* whatever was charged: a changed rate must be felt within the hour */
		cost = 3600 * NS;
	do {
		from = was < now_ns - BURST_NS ? now_ns - BURST_NS : was;
	} while (!atomic_compare_exchange_weak(&t->used_until[lane], &was, from + (int64_t)(cost + 0.5)));
}
