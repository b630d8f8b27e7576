/* The mover's side of starting the receiver: sends the script, the helper when it is asked for, waits for the magic. */
#include "transport/script.h"
#include "transport/sha256.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOISE_MAX 65536
#define STEP_TIMEOUT_S 120

struct boot {
	const struct boot_spec *spec;
	int fd, helper_fd;
	int64_t deadline; /* for the next progress */
	struct buf line; /* the line that is being read */
	struct buf noise; /* everything that was neither answer nor magic */
	bool answered; /* our script runs */
	size_t heard; /* how much of the noise came before that */
	char dir[256];
	bool asked; /* for the helper */
	uint64_t sent; /* of it */
	struct diag *d;
};

static void progress(struct boot *b, unsigned seconds)
{
	b->deadline = clock_mono_ns() + (int64_t)seconds * NS_PER_S;
}

/*
 * The stream ended. Why, the process behind the connection knows (transport_collect), unless it was the shell or the
 * receiver that spoke: then d is left unset.
 */
static bool ended(struct boot *b, int err)
{
	AUTO_FREE char *said = noise_excerpt(buf_cstr(&b->noise) + b->heard, b->noise.len - b->heard);

	if (b->spec->kind == TRANSPORT_LOCAL)
		diag_set(b->d, DIAG_TRANSPORT_RECEIVER, err, NULL, "the receiver ended before it was ready%s%s",
			*said ? ": " : "", said);
	else if (*said && b->answered)
		diag_set(b->d, DIAG_TRANSPORT_RECEIVER, err, NULL, "the receiver could not be started: %s", said);
	else if (*said)
		diag_set(b->d, DIAG_TRANSPORT_NO_SHELL, 0, NULL, "the login gives no shell; it said: %s", said);
	return false;
}

static void answered(struct boot *b)
{
	if (!b->answered)
		b->heard = b->noise.len;
	b->answered = true;
	progress(b, STEP_TIMEOUT_S);
}

/* Waits until fd is ready for events; false with d at the deadline. */
static bool ready(struct boot *b, short events)
{
	for (;;) {
		struct pollfd p = {.fd = b->fd, .events = events};
		int64_t left = b->deadline - clock_mono_ns();
		int n;

		if (left <= 0) {
			AUTO_FREE char *said = noise_excerpt(b->noise.data, b->noise.len);
			diag_set(b->d, DIAG_TRANSPORT_TIMEOUT, 0, NULL,
				"the target does not answer while the receiver is started%s%s",
				*said ? "; it said: " : "", said);
			return false;
		}
		n = poll(&p, 1, (int)(MIN(left / NS_PER_MS, INT64_C(3600000)) + 1));
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return ended(b, errno);
	}
}

static bool send_all(struct boot *b, const void *data, size_t n)
{
	const uint8_t *p = data;

	while (n) {
		ssize_t w;

		if (!ready(b, POLLOUT))
			return false;
		w = send(b->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (w < 0 && errno != EAGAIN && errno != EINTR)
			return ended(b, errno);
		if (w > 0) {
			p += w;
			n -= (size_t)w;
			progress(b, STEP_TIMEOUT_S);
		}
	}
	return true;
}

/*
 * Appends to b->line up to and including the next newline, and takes not a byte more: behind the magic the
 * receiver's frames follow, and those are not ours.
 */
static bool read_line(struct boot *b)
{
	char peek[4096];

	buf_clear(&b->line);
	for (;;) {
		ssize_t n;
		const char *eol;
		size_t take;

		if (!ready(b, POLLIN))
			return false;
		n = recv(b->fd, peek, sizeof(peek), MSG_PEEK | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0) {
			buf_append(&b->noise, b->line.data, b->line.len);
			return ended(b, n < 0 ? errno : 0);
		}
		eol = memchr(peek, '\n', (size_t)n);
		take = eol ? (size_t)(eol - peek) + 1 : (size_t)n;
		if (recv(b->fd, peek, take, MSG_DONTWAIT) != (ssize_t)take)
			return ended(b, errno);
		buf_append(&b->line, peek, take);
		if (eol)
			return true;
		if (b->line.len + b->noise.len > NOISE_MAX) {
			diag_set(b->d, DIAG_TRANSPORT_REPLY, 0, NULL, "the target's login prints more than %u bytes",
				NOISE_MAX);
			return false;
		}
	}
}

static bool helper_digest(struct boot *b, uint64_t *out_size, char hex[65])
{
	static char chunk[65536];
	struct sha256 sha;
	struct stat st;
	uint8_t raw[32];
	off_t at = 0;
	ssize_t n;

	if (b->helper_fd < 0 || fstat(b->helper_fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
		diag_set(b->d, DIAG_TRANSPORT_NO_HELPER, 0, NULL,
			"the target needs the helper, and 'rehost-receiver' is missing here");
		return false;
	}
	sha256_init(&sha);
	while ((n = fd_pread_full(b->helper_fd, chunk, sizeof(chunk), at)) > 0) {
		sha256_update(&sha, chunk, (size_t)n);
		at += n;
	}
	if (n < 0) {
		diag_set(b->d, DIAG_TRANSPORT_NO_HELPER, errno, NULL, "cannot read 'rehost-receiver'");
		return false;
	}
	sha256_final(&sha, raw);
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	*out_size = (uint64_t)at;
	return true;
}

static bool send_helper(struct boot *b)
{
	static char chunk[65536];
	char header[128], hex[65];
	uint64_t size, at = 0;

	if (b->asked) {
		diag_set(b->d, DIAG_TRANSPORT_REPLY, 0, NULL, "the target asks for the helper twice");
		return false;
	}
	b->asked = true;
	if (!helper_digest(b, &size, hex))
		return false;
	snprintf(header, sizeof(header), "%llu %s\n", (unsigned long long)size, hex);
	if (!send_all(b, header, strlen(header)))
		return false;
	while (at < size) {
		ssize_t n = fd_pread_full(b->helper_fd, chunk, MIN((uint64_t)sizeof(chunk), size - at), (off_t)at);

		if (n <= 0) {
			diag_set(b->d, DIAG_TRANSPORT_NO_HELPER, n < 0 ? errno : 0, NULL,
				"cannot read 'rehost-receiver'");
			return false;
		}
		if (!send_all(b, chunk, (size_t)n))
			return false;
		at += (uint64_t)n;
		b->sent = at;
	}
	return true;
}

static bool converse(struct boot *b)
{
	char text[256];

	for (;;) {
		if (!read_line(b))
			return false;
		switch (boot_line_parse(b->spec, (char *)b->line.data, b->line.len, text, b->d)) {
		case BOOT_MAGIC:
			return true;
		case BOOT_FAILED:
			return false;
		case BOOT_NEED:
			answered(b);
			if (!send_helper(b))
				return false;
			break;
		case BOOT_USING:
			answered(b);
			snprintf(b->dir, sizeof(b->dir), "%s", text);
			break;
		case BOOT_NOISE:
			buf_append(&b->noise, b->line.data, b->line.len);
			if (b->noise.len > NOISE_MAX) {
				diag_set(b->d, DIAG_TRANSPORT_REPLY, 0, NULL,
					"the target's login prints more than %u bytes", NOISE_MAX);
				return false;
			}
			break;
		}
	}
}

bool transport_bootstrap(int fd, const void *packed, size_t packed_len, int helper_fd, char shared_dir[256],
	uint64_t *out_helper_bytes, struct diag *d)
{
	struct boot_spec spec;
	struct boot b = {.spec = &spec, .fd = fd, .helper_fd = helper_fd, .d = d};
	AUTO_BUF script = BUF_INIT;
	bool ok = true;

	*out_helper_bytes = 0;
	if (!boot_spec_unpack(&spec, packed, packed_len)) {
		diag_set(d, DIAG_TRANSPORT_START, EINVAL, NULL, "cannot read what is to be started");
		return false;
	}
	if (spec.kind != TRANSPORT_LOCAL) {
		script_build(&spec, shared_dir, &script);
		/* Fits the socket's buffer: the time until the first answer is that of connecting and logging in. */
		progress(&b, spec.first_timeout);
		ok = send_all(&b, script.data, script.len);
	}
	progress(&b, spec.kind == TRANSPORT_LOCAL ? STEP_TIMEOUT_S : spec.first_timeout);
	ok = ok && converse(&b);
	*out_helper_bytes = b.sent;
	if (ok)
		snprintf(shared_dir, 256, "%s", b.dir);
	buf_release(&b.line);
	buf_release(&b.noise);
	boot_spec_release(&spec);
	return ok;
}
