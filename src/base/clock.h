/* Time: monotonic for durations, real for what is shown and compared with inodes. Nanoseconds everywhere. */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static inline int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* Nanoseconds of an inode's time: a damaged one has more than a second holds, which count as the last of it. */
static inline uint32_t clock_file_nanos(const struct timespec *t)
{
	return t->tv_nsec >= 0 && t->tv_nsec < NS_PER_S ? (uint32_t)t->tv_nsec : (uint32_t)(NS_PER_S - 1);
}

/* An inode's time as one number, for comparisons: what is centuries away wraps. */
static inline int64_t clock_file_key(int64_t s, uint32_t ns)
{
	return (int64_t)((uint64_t)s * (uint64_t)NS_PER_S + ns);
}

static inline int64_t clock_file_ns(const struct timespec *t)
{
	return clock_file_key(t->tv_sec, clock_file_nanos(t));
}

static inline int64_t clock_mono_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static inline int64_t clock_real_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}
