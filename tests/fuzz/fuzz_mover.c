/*
 * Answers from a hostile receiver to a mover that works on a small tree, with an honest coordinator. The bytes say
 * which answers come, to what and when. The mover may end itself for what breaks the protocol; memory stays sound,
 * and what it tells the coordinator is always in order. If it has not ended, honest answers follow, and then it must
 * come to the end of all its work: nothing may wait for ever.
 */
#include <setjmp.h>

static _Noreturn void mover_exits(int code);
#define _exit mover_exits
#include "../../src/mover/leave.c"
#undef _exit

#include "base/fd.h"
#include "engine/engine.h"
#include "engine/links.h"
#include "mover/batch.h"
#include "mover/claim.h"
#include "mover/dir.h"
#include "mover/dispatch.h"
#include "mover/file.h"
#include "mover/link.h"
#include "mover/op.h"
#include "mover/steps.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define STEPS_MAX 100000

struct unit_at { /* a unit the mover has */
	uint32_t id;
	struct unit_at *next;
};

struct world {
	struct mover *m;
	struct links *links;
	struct buf replies; /* frames of the coordinator, not yet delivered */
	struct unit_at *units;
	uint32_t next_unit, given;
	const uint8_t *p, *end; /* the input */
	bool over;
};

/* What a mover that ends itself holds at that moment is lost: it is a process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static jmp_buf gone;
static char top[64];
static int top_fd = -1;

static _Noreturn void mover_exits(int code)
{
	longjmp(gone, code + 1);
}

#define MUST(x)                                                                    \
	do {                                                                       \
		if (!(x)) {                                                        \
			fprintf(stderr, "violated: %s (line %d)\n", #x, __LINE__); \
			abort();                                                   \
		}                                                                  \
	} while (0)

/* ---- the tree ---- */

static void make_file(const char *path, size_t len)
{
	int fd = openat(top_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	AUTO_BUF b = BUF_INIT;

	memset(buf_extend(&b, len), 'x', len);
	MUST(fd >= 0 && fd_write_full(fd, b.data, len) == 0);
	close(fd);
}

static void make_tree(void)
{
	int fd;

	snprintf(top, sizeof(top), "%s/fuzz-mover.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	MUST(mkdtemp(top));
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	MUST(top_fd >= 0 && mkdirat(top_fd, "d", 0755) == 0 && mkdirat(top_fd, "d/e", 0755) == 0 &&
		mkdirat(top_fd, "d/f", 0755) == 0);
	for (int i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), "d/n%d", i);
		make_file(name, (size_t)i * 10);
	}
	make_file("small", 5);
	make_file("d/big", 200000);
	make_file("d/e/big", 600000);
	make_file("d/e/l1", 140000);
	make_file("d/f/k1", 10);
	MUST(linkat(top_fd, "d/e/l1", top_fd, "d/e/l2", 0) == 0 && linkat(top_fd, "d/e/l1", top_fd, "d/l3", 0) == 0 &&
		linkat(top_fd, "d/f/k1", top_fd, "d/f/k2", 0) == 0 && linkat(top_fd, "d/f/k1", top_fd, "k3", 0) == 0);
	MUST(symlinkat("nowhere", top_fd, "d/s") == 0 && mkfifoat(top_fd, "d/p", 0600) == 0 &&
		linkat(top_fd, "d/s", top_fd, "d/s2", 0) == 0);
	fd = openat(top_fd, "d/f/huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	MUST(fd >= 0 && ftruncate(fd, (off_t)IPC_SHARE_MIN + 5000) == 0);
	close(fd);
}

static void remove_tree(void)
{
	AUTO_FREE char *command = xasprintf("rm -rf '%s'", top);

	if (system(command) != 0)
		fprintf(stderr, "cannot remove '%s'\n", top);
}

/* ---- input ---- */

static uint8_t u8(struct world *w)
{
	if (w->p == w->end) {
		w->over = true;
		return 0;
	}
	return *w->p++;
}

/* Mostly small, sometimes any. */
static uint64_t number(struct world *w)
{
	uint8_t a = u8(w);
	uint64_t v = 0;

	if (a < 0xc0)
		return a & 0x3f;
	for (unsigned i = 0; i < 2u + (a & 7); i++)
		v = v << 8 | u8(w);
	return v;
}

/* ---- the coordinator ---- */

static void reply(struct world *w, uint8_t type, const struct buf *payload)
{
	frame_encode(&w->replies, type, 0, payload->data, payload->len);
}

static void wake(void *arg, uint32_t serial, uint64_t token, bool first, const struct link_target *to)
{
	AUTO_BUF b = BUF_INIT;

	(void)serial;
	wr_u64(&b, token);
	if (!first) {
		wr_u64(&b, to->dev);
		wr_u64(&b, to->ino);
		wr_str(&b, to->path);
	}
	reply(arg, first ? IPC_LINK_FIRST : IPC_LINK_TO, &b);
}

static struct unit_at **unit_at(struct world *w, uint32_t id)
{
	struct unit_at **p = &w->units;

	while (*p && (*p)->id != id)
		p = &(*p)->next;
	return p;
}

static void send_unit(struct world *w, const char *path, uint8_t flags)
{
	struct ipc_unit u = {.id = ++w->next_unit, .kind = UNIT_DIR, .flags = flags};
	struct unit_at *at = xcalloc(1, sizeof(*at));
	AUTO_BUF b = BUF_INIT;

	at->id = u.id;
	at->next = w->units;
	w->units = at;
	u.src = u.dst = (struct bytes){(const uint8_t *)path, strlen(path)};
	ipc_unit_put(&b, &u);
	reply(w, IPC_UNIT, &b);
}

static void told_give(struct world *w, struct rd *r)
{
	static const char *const paths[] = {"d", "d/e", "d/f"};
	struct ipc_given g;

	MUST(*unit_at(w, rd_u32(r)));
	while (ipc_given_get(r, &g)) {
		for (size_t i = 0; i < ARRAY_LEN(paths) && w->given < 64; i++) {
			const char *slash = strrchr(paths[i], '/'), *name = slash ? slash + 1 : paths[i];
			if (strlen(name) == g.name.len && memcmp(name, g.name.p, g.name.len) == 0) {
				w->given++;
				send_unit(w, paths[i], g.flags);
			}
		}
	}
	MUST(rd_done(r));
}

static void told_link(struct world *w, uint8_t type, struct rd *r)
{
	uint64_t token = type == IPC_LINK_CLAIM || type == IPC_LINK_BIND ? rd_u64(r) : 0;
	uint64_t dev = rd_u64(r), ino = rd_u64(r), group = type == IPC_LINK_BIND ? 0 : rd_u64(r), tdev, tino;
	struct link_target to = {};
	AUTO_BUF b = BUF_INIT;
	enum claim c;

	switch (type) {
	case IPC_LINK_CLAIM:
		c = links_claim(w->links, dev, ino, group, 1, token, &to);
		if (c != CLAIM_WAIT)
			wake(w, 1, token, c == CLAIM_FIRST, &to);
		break;
	case IPC_LINK_BIND:
		tdev = rd_u64(r);
		tino = rd_u64(r);
		wr_u64(&b, token);
		wr_u8(&b, links_bind(w->links, dev, ino, tdev, tino));
		reply(w, IPC_LINK_BOUND, &b);
		break;
	case IPC_LINK_COMMIT: {
		tdev = rd_u64(r);
		tino = rd_u64(r);
		AUTO_FREE char *path = rd_path(r, WIRE_PATH_MAX);
		MUST(path);
		links_commit(w->links, dev, ino, group, tdev, tino, path, wake, w);
		break;
	}
	default:
		links_fail(w->links, dev, ino, group, wake, w);
	}
	MUST(rd_done(r));
}

static void told(struct world *w, const struct frame *f)
{
	struct rd r = rd_init(f->payload, f->len);
	AUTO_BUF b = BUF_INIT;
	struct ipc_count c;
	struct ipc_item i;
	struct ipc_share s;
	struct unit_at **at, *old;

	switch (f->type) {
	case IPC_GIVE:
		told_give(w, &r);
		break;
	case IPC_UNIT_DONE:
		at = unit_at(w, rd_u32(&r));
		MUST(*at);
		old = *at;
		*at = old->next;
		free(old);
		break;
	case IPC_LINK_CLAIM:
	case IPC_LINK_BIND:
	case IPC_LINK_COMMIT:
	case IPC_LINK_FAIL:
		told_link(w, f->type, &r);
		break;
	case IPC_SHARE:
		MUST(ipc_share_get(f, &s) && *unit_at(w, s.unit));
		wr_u32(&b, s.file);
		wr_u8(&b, s.size & 1);
		wr_u8(&b, 1);
		reply(w, IPC_SHARE_DONE, &b);
		break;
	case IPC_BUDGET:
		wr_u64(&b, rd_u64(&r));
		wr_u64(&b, 3);
		reply(w, IPC_GRANT, &b);
		break;
	case IPC_REFUND:
		MUST(rd_u64(&r) <= 3);
		break;
	case IPC_DEFER:
	case IPC_LISTED:
		MUST(*unit_at(w, rd_u32(&r)));
		break;
	case IPC_COUNT:
		MUST(ipc_count_get(f, &c));
		break;
	case IPC_ITEM:
		MUST(ipc_item_get(f, &i) && i.op <= ITEM_DELETE && i.type < META_TYPE_END);
		break;
	case IPC_DIAG:
	case IPC_NOTE:
	case IPC_SYNCED:
		break;
	default:
		MUST(!"a message that is known");
	}
}

/* Takes in what the mover has said; what it has sent to the receiver is only looked at for being frames. */
static void listen(struct world *w)
{
	struct frame_decoder in;
	struct frame f;
	enum frame_status s;
	struct chan *chans[] = {&w->m->ipc, &w->m->wire};

	for (int i = 0; i < 2; i++) {
		size_t n = chan_unsent(chans[i]);
		frame_decoder_init(&in);
		if (n)
			memcpy(frame_decoder_space(&in, n), chans[i]->out.data + chans[i]->out_pos, n);
		frame_decoder_filled(&in, n);
		buf_clear(&chans[i]->out);
		chans[i]->out_pos = 0;
		while ((s = frame_decode(&in, &f)) == FRAME_READY)
			if (i == 0)
				told(w, &f);
		MUST(s == FRAME_NEED_MORE && in.pos == in.in.len);
		frame_decoder_release(&in);
	}
}

/* Delivers the first reply of the coordinator. */
static bool deliver(struct world *w)
{
	struct frame_decoder in;
	struct frame f;

	if (!w->replies.len)
		return false;
	frame_decoder_init(&in);
	memcpy(frame_decoder_space(&in, w->replies.len), w->replies.data, w->replies.len);
	frame_decoder_filled(&in, w->replies.len);
	MUST(frame_decode(&in, &f) == FRAME_READY);
	AUTO_BUF payload = BUF_INIT;
	buf_append(&payload, f.payload, f.len);
	buf_consume(&w->replies, FRAME_HEADER + f.len);
	f.payload = payload.data;
	frame_decoder_release(&in);
	on_ipc_frame(w->m, &f);
	tasks_unblock(&w->m->tasks);
	return true;
}

static void run(struct world *w, unsigned steps)
{
	while (steps-- && w->m->tasks.head)
		mover_run_one(w->m);
	link_run_ready(w->m);
	if (w->m->batch && !w->m->tasks.head)
		batch_flush(w->m);
	listen(w);
}

/* ---- the receiver ---- */

static void answer(struct world *w, uint8_t type, uint32_t id, const struct buf *payload)
{
	struct frame f = {.type = type, .id = id, .payload = payload->data, .len = payload->len};

	on_wire_frame(w->m, &f);
	tasks_unblock(&w->m->tasks);
	listen(w);
}

static void any_diag(struct world *w, struct diag *d)
{
	if (u8(w) & 1)
		diag_set(d, u8(w) & 1 ? DIAG_RECEIVER_PROTECTED : DIAG_RECEIVER_WRITE, 5, NULL, "failed");
}

static uint32_t nth_slot(struct world *w, unsigned n, enum slot_kind kind)
{
	const struct slots *s = &w->m->slots;
	uint32_t ids[256], count = 0;

	for (uint32_t i = 1; i < s->count && count < ARRAY_LEN(ids); i++)
		if (s->slots[i].kind != SLOT_FREE && (kind == SLOT_FREE || s->slots[i].kind == kind))
			ids[count++] = (uint32_t)s->slots[i].generation << 18 | i;
	return count ? ids[n % count] : n;
}

static void build_need(struct world *w, struct buf *b)
{
	wr_u8(b, u8(w) & 1);
	for (unsigned n = u8(w) % 8; n--;) {
		struct need need = {.index = (uint32_t)number(w),
			.op = (uint8_t)(1 + u8(w) % NEED_FAILED),
			.why = (uint32_t)(number(w) % META_D_END),
			.basis = number(w),
			.exists = u8(w) & 1,
			.dev = number(w),
			.ino = number(w),
			.nlink = number(w)};
		if (need.op == NEED_FAILED)
			diag_set(&need.diag, DIAG_RECEIVER_WRITE, 5, NULL, "failed");
		msg_need_put(b, &need);
		diag_release(&need.diag);
	}
}

static void build_again(struct world *w, struct msg_file_done *done, struct buf *runs)
{
	for (unsigned n = u8(w) % 4; n--;)
		msg_again_put(runs, number(w), (uint32_t)number(w));
	done->runs = (struct bytes){runs->data, runs->len};
}

static void build_seg_need(struct world *w, struct buf *b)
{
	wr_u64(b, number(w));
	wr_u8(b, u8(w) & 1);
	for (unsigned n = u8(w) % 4; n--;) {
		AUTO_BUF sig = BUF_INIT;
		struct seg_run run = {.off = number(w),
			.len = (uint32_t)number(w),
			.window_off = number(w),
			.window_len = (uint32_t)number(w)};
		if (u8(w) & 1) {
			uint8_t basis[2048] = {0};
			run.window_len = 1 + (uint32_t)(number(w) % sizeof(basis));
			delta_signature(basis, run.window_len, 64, &sig);
			if (sig.len && u8(w) & 1)
				sig.data[u8(w) % sig.len] ^= u8(w);
		}
		run.sig = (struct bytes){sig.data, sig.len};
		msg_seg_run_put(b, &run);
	}
}

static void build_done(struct world *w, uint8_t type, struct buf *b)
{
	AUTO_DIAG d = DIAG_INIT;
	AUTO_BUF runs = BUF_INIT;

	any_diag(w, &d);
	if (type == MSG_FILE_DONE) {
		struct msg_file_done m = {.status = u8(w) % 4,
			.why = (uint32_t)(number(w) % META_D_END),
			.dev = number(w),
			.ino = number(w),
			.diag = d};
		if (m.status == FILE_AGAIN)
			build_again(w, &m, &runs);
		msg_file_done_put(b, &m);
	} else if (type == MSG_OP_DONE) {
		struct msg_op_done m = {.failed = u8(w) & 1,
			.changed = u8(w) & 1,
			.why = (uint32_t)(number(w) % META_D_END),
			.dev = number(w),
			.ino = number(w),
			.diag = d};
		msg_op_done_put(b, &m);
	} else if (type == MSG_DIR_DONE) {
		struct msg_dir_done m = {.set = (uint32_t)(number(w) % META_D_END), .failed = 0, .diag = d};
		msg_dir_done_put(b, &m);
	} else {
		struct msg_delete_done m = {.flags = u8(w) & 1, .deleted = number(w), .budget_reached = u8(w) & 1};
		struct delete_record rec = {
			.type = diag_is_set(&d) ? META_NONE : META_REG, .path = {(const uint8_t *)"x", 1}, .diag = d};
		msg_delete_done_head_put(b, &m);
		if (u8(w) & 1)
			msg_delete_record_put(b, &rec);
	}
}

static void build_put_done(struct world *w, struct buf *b)
{
	for (unsigned n = u8(w) % 6, index = 0; n--;) {
		struct put_done p = {.index = index += (uint32_t)number(w),
			.failed = u8(w) & 1,
			.made = u8(w) & 1,
			.dev = number(w),
			.ino = number(w)};
		if (p.failed)
			diag_set(&p.diag, DIAG_RECEIVER_WRITE, 5, NULL, "failed");
		msg_put_done_put(b, &p);
		diag_release(&p.diag);
		index++;
	}
}

static void build_diff(struct world *w, uint32_t id, struct buf *b)
{
	const struct dir *d = slots_get(&w->m->slots, id, SLOT_DIR);
	struct msg_dir_diff m = {.empty = u8(w) & 1};
	AUTO_BUF sums = BUF_INIT;

	for (uint32_t i = 0; d && !m.empty && i < d->scan.buckets && d->scan.bucket_sums; i++)
		wr_u64(&sums, d->scan.bucket_sums[i] + (u8(w) & 1));
	m.buckets = (struct bytes){sums.data, sums.len};
	msg_dir_diff_put(b, &m);
}

static void build(struct world *w, uint8_t type, uint32_t id, struct buf *b)
{
	AUTO_DIAG d = DIAG_INIT;

	switch (type) {
	case MSG_DIR_EQUAL:
		wr_u32(b, (uint32_t)number(w));
		break;
	case MSG_DIR_SPLIT:
		wr_u32(b, u8(w) % 8); /* a million would be allowed, and take its time */
		break;
	case MSG_DIR_DIFF:
		build_diff(w, id, b);
		break;
	case MSG_DIR_FAIL:
		diag_set(&d, DIAG_RECEIVER_DIR, 5, NULL, "failed");
		wr_diag(b, &d);
		break;
	case MSG_NEED:
		build_need(w, b);
		break;
	case MSG_EXTRA:
		wr_u8(b, u8(w) & 1);
		for (unsigned n = u8(w) % 6; n--;) {
			char name[8];
			snprintf(name, sizeof(name), "%c%d", "xnd"[u8(w) % 3], u8(w));
			wr_u8(b, META_REG);
			wr_str(b, name);
		}
		break;
	case MSG_PUT_DONE:
		build_put_done(w, b);
		break;
	case MSG_FILE_OK: {
		struct msg_file_ok m = {.path = {(const uint8_t *)"t", 1}, .basis = number(w)};
		msg_file_ok_put(b, &m);
		break;
	}
	case MSG_SEG_NEED:
		build_seg_need(w, b);
		break;
	default:
		build_done(w, type, b);
	}
}

static void hostile(struct world *w)
{
	static const struct {
		uint8_t type;
		enum slot_kind kind;
	} answers[] = {{MSG_DIR_EQUAL, SLOT_DIR}, {MSG_DIR_DIFF, SLOT_DIR}, {MSG_DIR_SPLIT, SLOT_DIR},
		{MSG_DIR_FAIL, SLOT_DIR}, {MSG_NEED, SLOT_DIR}, {MSG_EXTRA, SLOT_DIR}, {MSG_DIR_DONE, SLOT_DIR},
		{MSG_PUT_DONE, SLOT_BATCH}, {MSG_FILE_OK, SLOT_FILE}, {MSG_SEG_NEED, SLOT_FILE},
		{MSG_FILE_DONE, SLOT_FILE}, {MSG_OP_DONE, SLOT_OP}, {MSG_DELETE_DONE, SLOT_OP}};
	uint8_t a = u8(w), n = u8(w);
	size_t i = (a & 0x7f) % ARRAY_LEN(answers);
	uint32_t id = nth_slot(w, n, a & 0x80 ? SLOT_FREE : answers[i].kind);
	AUTO_BUF b = BUF_INIT;

	build(w, answers[i].type, id, &b);
	if ((n & 0x80) && answers[i].type != MSG_DIR_SPLIT) /* not quite what a receiver would write */
		for (unsigned k = u8(w) % 4; k-- && b.len;)
			b.data[number(w) % b.len] = u8(w);
	answer(w, answers[i].type, id, &b);
}

/* ---- honest answers, to the end ---- */

static void honest_need(const struct dir *d, struct buf *b)
{
	wr_u8(b, MSG_LAST);
	for (uint32_t i = 0; i < d->compare.listed_len; i++)
		if (d->compare.needs[i].link) {
			struct need n = {.index = i, .op = NEED_LINK_STATE};
			msg_need_put(b, &n);
		}
}

static bool honest_dir(struct world *w, uint32_t id, const struct dir *d)
{
	AUTO_BUF b = BUF_INIT;

	if (d->state == DIR_STATE_DIGEST) {
		wr_u32(&b, 0);
		answer(w, MSG_DIR_EQUAL, id, &b);
	} else if (d->state == DIR_STATE_NEED && !d->compare.need_done) {
		honest_need(d, &b);
		answer(w, MSG_NEED, id, &b);
	} else if (d->state == DIR_STATE_NEED) {
		wr_u8(&b, MSG_LAST);
		answer(w, MSG_EXTRA, id, &b);
	} else if (d->state == DIR_STATE_DONE && !d->batches) {
		struct msg_dir_done m = {};
		msg_dir_done_put(&b, &m);
		answer(w, MSG_DIR_DONE, id, &b);
	} else {
		return false;
	}
	return true;
}

static bool honest_file(struct world *w, uint32_t id, const struct file *f)
{
	AUTO_BUF b = BUF_INIT;

	if (f->state == FILE_STATE_SHARE) {
		struct msg_file_ok m = {.path = {(const uint8_t *)"t", 1}};
		msg_file_ok_put(&b, &m);
		answer(w, MSG_FILE_OK, id, &b);
	} else if (f->outstanding) {
		wr_u64(&b, 0);
		wr_u8(&b, MSG_LAST);
		answer(w, MSG_SEG_NEED, id, &b);
	} else if (f->state == FILE_STATE_END) {
		struct msg_file_done m = {.status = FILE_COMMITTED, .dev = 1, .ino = id};
		msg_file_done_put(&b, &m);
		answer(w, MSG_FILE_DONE, id, &b);
	} else {
		return false;
	}
	return true;
}

static bool honest_op(struct world *w, uint32_t id, const struct op *op)
{
	AUTO_BUF b = BUF_INIT;

	if (op->type == MSG_DELETE) {
		struct msg_delete_done m = {.flags = MSG_LAST};
		msg_delete_done_head_put(&b, &m);
		answer(w, MSG_DELETE_DONE, id, &b);
	} else {
		struct msg_op_done m = {.dev = 1, .ino = 7};
		msg_op_done_put(&b, &m);
		answer(w, MSG_OP_DONE, id, &b);
	}
	return true;
}

static bool honest(struct world *w)
{
	const struct slots *s = &w->m->slots;
	AUTO_BUF none = BUF_INIT;

	for (uint32_t i = 1; i < s->count; i++) {
		uint32_t id = (uint32_t)s->slots[i].generation << 18 | i;
		void *o = s->slots[i].object;
		switch (s->slots[i].kind) {
		case SLOT_DIR:
			if (honest_dir(w, id, o))
				return true;
			break;
		case SLOT_FILE:
			if (honest_file(w, id, o))
				return true;
			break;
		case SLOT_BATCH:
			if (o == w->m->batch)
				break;
			answer(w, MSG_PUT_DONE, id, &none);
			return true;
		case SLOT_OP:
			return honest_op(w, id, o);
		default:
			break;
		}
	}
	return false;
}

static void finish_honestly(struct world *w)
{
	struct mover *m = w->m;

	for (unsigned i = 0; i < STEPS_MAX; i++) {
		bool any = m->tasks.head || deliver(w);
		run(w, 64);
		any = honest(w) || any;
		if (!any && !m->tasks.head && !w->replies.len)
			break;
		MUST(i + 1 < STEPS_MAX);
	}
	MUST(!w->units && !m->dirs && !m->files && !m->links && !m->unacked && !m->ready && !m->tasks.blocked);
	MUST(!m->listing_bytes);
}

/* ---- one run ---- */

static struct mover *mover_make(uint32_t flags)
{
	static const uint8_t seed[16] = {1, 2, 3}, zeros[WIRE_CHUNK];
	static struct throttle unlimited;
	struct mover *m = xcalloc(1, sizeof(*m));
	char root[] = "/";
	struct conf c = {.source.root = root};
	AUTO_DIAG d = DIAG_INIT;

	m->flags = flags;
	m->dry_run = flags & IPC_DRY_RUN;
	m->checksum = flags & IPC_CHECKSUM;
	m->fields = meta_fields_possible(false);
	m->cwd_fd = -1;
	m->wire.fd = m->ipc.fd = -1;
	frame_decoder_init(&m->wire.in);
	frame_decoder_init(&m->ipc.in);
	digest_key_init(&m->digest_key, seed);
	delta_key_init(&m->delta_key, seed);
	m->zero_hash = delta_hash(&m->delta_key, zeros, sizeof(zeros));
	m->read_buf = xmalloc(FILE_READ);
	m->mount_count = 1;
	m->throttle = &unlimited;
	m->mounts = xcalloc(1, sizeof(*m->mounts));
	m->mounts[0] = (struct mover_mount){.rel = xstrdup(""), .target_rel = xstrdup(""), .fd = top_fd};
	MUST(rules_new(&c, RULES_SYNC, &m->rules, &d));
	return m;
}

static void object_free(struct mover *m, struct slot *s)
{
	switch (s->kind) {
	case SLOT_DIR: {
		struct dir *d = s->object;
		listing_release(m, &d->scan.listing);
		names_release(&d->names);
		free(d->scan.bucket_sums);
		free(d->compare.bitmap);
		free(d->compare.listed_index);
		free(d->compare.needs);
		buf_release(&d->delete.extra);
		buf_release(&d->packed);
		meta_release(&d->meta);
		free(d->src);
		free(d->dst);
		if (d->fd >= 0)
			close(d->fd);
		break;
	}
	case SLOT_FILE: {
		struct file *f = s->object;
		buf_release(&f->packed);
		buf_release(&f->hashes);
		buf_release(&f->sigs);
		free(f->runs);
		free(f->name);
		free(f->src);
		free(f->path);
		free(f->basis_path);
		if (f->fd >= 0)
			close(f->fd);
		break;
	}
	case SLOT_BATCH: {
		struct batch *b = s->object;
		buf_release(&b->payload);
		buf_release(&b->names);
		free(b->recs);
		break;
	}
	case SLOT_LINK: {
		struct link_wait *l = s->object;
		free(l->name);
		free(l->to);
		free(l->copy_of);
		break;
	}
	case SLOT_OP: {
		struct op *op = s->object;
		free(op->name);
		break;
	}
	default:
		return;
	}
	free(s->object);
}

static void world_free(struct world *w)
{
	struct mover *m = w->m;

	for (uint32_t i = 1; i < m->slots.count; i++)
		object_free(m, &m->slots.slots[i]);
	free(m->slots.slots);
	while (w->units) {
		struct unit_at *u = w->units;
		w->units = u->next;
		free(u);
	}
	chan_release(&m->wire);
	chan_release(&m->ipc);
	while (m->way.n)
		close(m->way.kept[--m->way.n].fd);
	free(m->way.path);
	meta_release(&m->scratch);
	buf_release(&m->msg);
	free(m->read_buf);
	free(m->mounts[0].rel);
	free(m->mounts[0].target_rel);
	free(m->mounts);
	rules_free(m->rules);
	links_free(w->links);
	buf_release(&w->replies);
	free(m);
	free(w);
}

static void play(struct world *w)
{
	while (!w->over) {
		uint8_t op = u8(w);
		if (w->over)
			break;
		if (op < 0x40)
			run(w, op & 7);
		else if (op < 0x60)
			deliver(w);
		else if (op < 0x80)
			honest(w);
		else
			hostile(w);
	}
	finish_honestly(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t flags[] = {IPC_DELETE, IPC_DELETE | IPC_MAX_DELETE, IPC_DRY_RUN, IPC_CHECKSUM,
		IPC_SHARING, IPC_DELETE | IPC_DELETE_AFTER, IPC_NO_DELTA, IPC_ITEMS};
	struct world *w = xcalloc(1, sizeof(*w));
	uint32_t chosen = 0;
	uint8_t a, b;

	if (top_fd < 0) {
		make_tree();
		atexit(remove_tree);
	}
	w->p = data;
	w->end = data + size;
	a = u8(w);
	b = u8(w);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		chosen |= a >> i & 1 ? flags[i] : 0;
	w->m = mover_make(chosen);
	w->links = links_new(NULL);
	send_unit(w, "", (b & 1 ? UNIT_NEW : 0) | (b & 2 ? UNIT_PARENTS : 0) | (b & 4 ? UNIT_REVISIT : 0));
	if (setjmp(gone) == 0)
		play(w);
	world_free(w);
	return 0;
}
