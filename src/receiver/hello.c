/* HELLO: what the session is to be, and what it can do. */
#include "base/text.h"
#include "receiver/answer.h"
#include "receiver/epoch.h"
#include "receiver/handlers.h"
#include "receiver/places.h"
#include "receiver/scope.h"
#include "receiver/state.h"
#include "receiver/tmp.h"

#include <errno.h>

#define ROOT_ONLY (META_F_OWNER | META_F_FLAGS_PRIV | META_F_XATTR_TRUSTED | META_F_XATTR_SECURITY)

static void answer_hello(struct session *s, const struct frame *f)
{
	struct msg_hello_ok m = {.protocol = WIRE_PROTOCOL,
		.version = {(const uint8_t *)s->version, strlen(s->version)},
		.fields = s->fields,
		.root_uid = s->is_root,
		.root_dev = s->root.dev,
		.root_ino = s->root.ino,
		.root_mount = s->root.mount,
		.root_live = s->root.live,
		.now = epoch_clock()};
	AUTO_BUF places = BUF_INIT;
	size_t start;

	places_put(s, &places);
	m.places = (struct bytes){places.data, places.len};
	start = frame_begin(&s->out, MSG_HELLO_OK, f->id);
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
