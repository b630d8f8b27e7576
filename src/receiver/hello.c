/* HELLO: what the session is to be, and what it can do. */
#include "base/text.h"
#include "receiver/answer.h"
#include "receiver/dents.h"
#include "receiver/epoch.h"
#include "receiver/handlers.h"
#include "receiver/resolve.h"
#include "receiver/root.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define ROOT_ONLY (META_F_OWNER | META_F_FLAGS_PRIV | META_F_XATTR_TRUSTED | META_F_XATTR_SECURITY)

/* What mkfs puts into a new file system: with nothing in it, it is nobody's file. */
static bool is_fresh_lost_found(int fd, const char *name)
{
	AUTO_CLOSE int sub = -1;
	char raw[256] __attribute__((aligned(8)));
	size_t used = 0;
	ssize_t n;

	if (!str_eq(name, "lost+found"))
		return false;
	sub = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	while (sub >= 0 && (n = dents_read(sub, raw, sizeof(raw))) > 0)
		for (ssize_t pos = 0; pos < n; pos += ((const struct dent *)(const void *)(raw + pos))->reclen)
			used++;
	return sub >= 0 && used <= 2;
}

static bool root_is_empty(struct session *s)
{
	AUTO_CLOSE int fd = resolve_dir(s, "");
	char raw[4096] __attribute__((aligned(8)));
	ssize_t n;

	if (fd < 0)
		return true;
	while ((n = dents_read(fd, raw, sizeof(raw))) > 0) {
		for (ssize_t pos = 0; pos < n;) {
			const struct dent *e = (const void *)(raw + pos);

			pos += e->reclen;
			if (!str_eq(e->name, ".") && !str_eq(e->name, "..") && !str_eq(e->name, TMP_DIR) &&
				!is_fresh_lost_found(fd, e->name))
				return false;
		}
	}
	return n == 0;
}

static void answer_hello(struct session *s, const struct frame *f)
{
	struct msg_hello_ok m = {.protocol = WIRE_PROTOCOL,
		.version = {(const uint8_t *)s->version, strlen(s->version)},
		.fields = s->fields,
		.root_uid = s->is_root,
		.root_dev = s->root.dev,
		.root_ino = s->root.ino,
		.root_mount = s->root.mount,
		.root_empty = root_is_empty(s),
		.now = epoch_clock()};
	size_t start = frame_begin(&s->out, MSG_HELLO_OK, f->id);

	memcpy(m.boot_id, s->boot_id, sizeof(m.boot_id));
	msg_hello_ok_put(&s->out, &m);
	frame_end(&s->out, start);
}

bool on_hello(struct session *s, const struct frame *f)
{
	struct msg_hello m;

	if (s->ready)
		return answer_error(s, DIAG_RECEIVER_PROTOCOL, "second greeting");
	if (!msg_hello_get(f, &m))
		return answer_malformed(s, "greeting");
	if (m.protocol != WIRE_PROTOCOL) {
		AUTO_BUF theirs = BUF_INIT;
		text_escape(&theirs, m.version.p, m.version.len);
		return answer_error(s, DIAG_RECEIVER_VERSION,
			"the source has version %s (protocol %u), the target %s (protocol %u)", buf_cstr(&theirs),
			m.protocol, s->version, WIRE_PROTOCOL);
	}
	if (m.rules.len && !rules_unpack(m.rules.p, m.rules.len, &s->scope.rules))
		return answer_malformed(s, "rules");
	if (!path_set_read(&s->scope.hidden, m.hidden) || !path_set_read(&s->scope.kept, m.kept))
		return answer_malformed(s, "paths of other units");
	s->scope.has_rules = s->scope.rules && !rules_empty(s->scope.rules);
	s->fields = s->is_root ? m.fields : m.fields & ~(uint32_t)ROOT_ONLY;
	s->flags = m.flags;
	s->dry = s->read_only || (m.flags & HELLO_DRY_RUN);
	digest_key_init(&s->digest, m.seed);
	delta_key_init(&s->delta, m.seed);
	if (!epoch_init(s))
		return answer_error(s, DIAG_RECEIVER_SYNC, "cannot make a pipe: %s", strerror(errno));
	tmp_start(s, m.flags & HELLO_FIRST);
	s->ready = true;
	answer_hello(s, f);
	return true;
}
