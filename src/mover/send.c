#include "mover/send.h"
#include "base/clock.h"
#include "base/fd.h"
#include "mover/leave.h"
#include "mover/state.h"

#include <errno.h>
#include <unistd.h>

#define SLOW_LINK (32u << 20) /* bytes a second: compressing is considered below this */
#define WINDOWS_RESTED 20 /* after compressing in vain */
#define WINDOW_NS (500 * NS_PER_MS)

void mover_send_content(struct mover *m, uint8_t type, uint32_t id, const struct buf *payload)
{
	int level = m->zstd.fixed ? m->zstd.fixed : m->zstd.level;
	size_t before = m->wire.out.len;

	if (!level) {
		frame_encode(&m->wire.out, type, id, payload->data, payload->len);
		return;
	}
	frame_encode_zstd(&m->wire.out, type, id, payload->data, payload->len, level, &m->zstd.context);
	m->zstd.raw += payload->len;
	m->zstd.saved += payload->len - MIN(payload->len, m->wire.out.len - before);
}

/* Compression pays when the link, not we, is what is waited for, and is slow enough that zstd is faster. */
void mover_consider_compression(struct mover *m, int64_t now)
{
	int64_t elapsed = now - m->zstd.rate_ns;
	uint64_t sent = m->sent_total + m->wire.sent;
	double rate, blocked;

	if (!(m->flags & IPC_ZSTD_AUTO) || elapsed < WINDOW_NS)
		return;
	rate = (double)(sent - m->zstd.rate_sent) * 1e9 / (double)elapsed;
	blocked = (double)m->zstd.blocked_ns / (double)elapsed;
	m->zstd.slow_windows = blocked > 0.5 && rate < SLOW_LINK ? m->zstd.slow_windows + 1 : 0;
	if (m->zstd.rest)
		m->zstd.rest--;
	if (m->zstd.level && (blocked < 0.1 || m->zstd.saved < m->zstd.raw / 8)) {
		m->zstd.rest = blocked < 0.1 ? 0 : WINDOWS_RESTED; /* what is sent now does not get smaller */
		m->zstd.level = 0;
	} else if (!m->zstd.level && m->zstd.slow_windows >= 2 && !m->zstd.rest) {
		m->zstd.level = 1;
	} else if (m->zstd.level && blocked > 0.8 && rate < SLOW_LINK / 4) {
		m->zstd.level = 3;
	}
	m->zstd.raw = m->zstd.saved = 0;
	m->zstd.rate_ns = now;
	m->zstd.rate_sent = sent;
	m->zstd.blocked_ns = 0;
}

ssize_t mover_pread(struct mover *m, int fd, void *buf, size_t n, uint64_t off)
{
	ssize_t got = fd_pread_full(fd, buf, n, (off_t)off);

	if (got > 0)
		throttle_charge(m->throttle, THROTTLE_READ, (uint64_t)got, clock_mono_ns());
	return got;
}

void mover_chdir(struct mover *m, int fd)
{
	if (m->cwd_fd == fd)
		return;
	if (fchdir(fd) < 0) {
		AUTO_DIAG d = DIAG_INIT;
		diag_set(&d, DIAG_MOVER_READ, errno, NULL, "cannot enter a directory that is open");
		mover_die(m, &d);
	}
	m->cwd_fd = fd;
}

void mover_forget_cwd(struct mover *m, int fd)
{
	if (m->cwd_fd == fd)
		m->cwd_fd = -1;
}
