#include "verify/prover.h"
#include "verify/fields.h"
#include "verify/hash.h"
#include "verify/prover_private.h"
#include "verify/tree.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define FLUSH_BYTES (128u << 10)
#define STEP_BYTES (16u << 20) /* without limits */
#define TICK_NS (5 * NS_PER_S)

static bool greet(struct prover *p, const struct frame *f)
{
	struct verify_hello m;
	uint32_t uid = geteuid();

	if (!verify_hello_get(f, &m))
		return false;
	if (m.protocol != VERIFY_PROTOCOL) {
		verify_error_put(&p->out, VERIFY_PROTOCOL);
		prover_flush(p);
		return false;
	}
	p->greeted = true;
	p->leave_cache = m.flags & VERIFY_LEAVE_CACHE;
	p->seed = m.seed;
	p->reader.fields = m.fields & (uid == 0 ? VERIFY_F_ALL : VERIFY_F_USER_TARGET);
	verify_hello_ok_put(&p->out,
		&(struct verify_hello_ok){.protocol = VERIFY_PROTOCOL, .fields = p->reader.fields, .uid = uid});
	return true;
}

/* A large file takes minutes: the verifier hears that we are alive, and we notice when it is not. */
static void tick(struct prover *p, uint32_t id, uint64_t bytes, int64_t *last)
{
	int64_t now = clock_mono_ns();
	size_t at;

	if (now - *last < TICK_NS)
		return;
	*last = now;
	at = frame_begin(&p->out, V_TICK, id);
	wr_u64(&p->out, bytes);
	frame_end(&p->out, at);
	prover_flush(p);
}

struct hash_progress {
	uint32_t id;
	uint64_t bytes;
	int64_t last;
};

static struct verify_hashed hash_one(struct prover *p, int dirfd, const char *name, struct hash_progress *g)
{
	struct verify_hasher h = VERIFY_HASHER_INIT;
	struct verify_hashed m = {};
	int done = 0;

	if (!verify_hasher_open(&h, dirfd, name, p->reader.noatime, p->leave_cache))
		return (struct verify_hashed){.err = (uint32_t)errno};
	while (done == 0 && !p->lost && !p->pace.eof) {
		const uint64_t before = h.read;

		done = verify_hasher_step(
			&h, p->reader.crc, p->buffer, pace_limited(&p->pace) ? PACE_PIECE : STEP_BYTES, &g->bytes);
		if (done < 0)
			m.err = (uint32_t)errno;
		pace_io(&p->pace, h.read - before);
		pace_rest(&p->pace);
		tick(p, g->id, g->bytes, &g->last);
	}
	m.size = h.size;
	m.crc = h.crc;
	verify_hasher_close(&h);
	return m;
}

bool prover_hash(struct prover *p, const struct frame *f)
{
	struct verify_hash m;
	struct hash_progress g = {.id = f->id, .last = clock_mono_ns()};
	AUTO_BUF answer = BUF_INIT;
	AUTO_CLOSE int dirfd = -1;
	int err;

	if (!verify_hash_get(f, &m))
		return false;
	/* A batch can take long: what has gathered need not wait for it. */
	prover_flush(p);
	dirfd = verify_tree_open(p->root_fd, m.path, p->reader.noatime);
	err = dirfd < 0 ? errno : 0;
	for (size_t i = 0; i < m.count; i++) {
		struct verify_hashed one = {.err = (uint32_t)err};
		char name[VERIFY_NAME_MAX + 1];

		memcpy(name, m.names[i].p, m.names[i].len);
		name[m.names[i].len] = '\0';
		if (!err)
			one = hash_one(p, dirfd, name, &g);
		verify_hashed_put(&answer, &one);
	}
	free(m.path);
	frame_encode(&p->out, V_HASHED, f->id, answer.data, answer.len);
	return true;
}

static bool serve(struct prover *p, const struct frame *f)
{
	if (!p->greeted)
		return f->type == V_HELLO && greet(p, f);
	switch (f->type) {
	case V_LIST:
		return prover_list(p, f);
	case V_HASH:
		return prover_hash(p, f);
	case PACE_LIMITS:
		return pace_turn(&p->pace, f);
	default:
		return false;
	}
}

/* Serves every whole frame there is; false when one is malformed. */
static bool serve_all(struct prover *p, struct frame_decoder *d)
{
	struct frame f;

	for (;;) {
		switch (frame_decode(d, &f)) {
		case FRAME_NEED_MORE:
			return true;
		case FRAME_BAD:
			return false;
		case FRAME_READY:
			if (!serve(p, &f))
				return false;
			if (p->out.len >= FLUSH_BYTES)
				prover_flush(p);
			if (pace_due(&p->pace)) {
				prover_flush(p);
				pace_rest(&p->pace);
			}
			if (p->lost || p->pace.eof)
				return !p->lost;
		}
	}
}

static int run(struct prover *p, struct frame_decoder *d)
{
	for (;;) {
		uint8_t *space = frame_decoder_space(d, FLUSH_BYTES);
		ssize_t n = pace_read(&p->pace, space, FLUSH_BYTES);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0;
		frame_decoder_filled(d, (size_t)n);
		if (!serve_all(p, d))
			return 1;
		prover_flush(p);
	}
}

int verify_prover_main(int in_fd, int out_fd, int root_fd)
{
	struct prover p = {
		.in_fd = in_fd,
		.out_fd = out_fd,
		.root_fd = root_fd,
		.reader = {.crc = verify_crc_lzma, .noatime = true},
		.buffer = xmalloc(VERIFY_READ_BYTES),
	};
	struct frame_decoder d;
	int code;

	signal(SIGPIPE, SIG_IGN);
	frame_decoder_init(&d);
	pace_init(&p.pace, in_fd, out_fd);
	code = run(&p, &d);
	frame_decoder_release(&d);
	pace_release(&p.pace);
	verify_reader_release(&p.reader);
	buf_release(&p.out);
	buf_release(&p.records);
	frame_zstd_free(p.zstd);
	free(p.buffer);
	return code;
}
