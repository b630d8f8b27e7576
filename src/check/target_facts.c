#include "check/target_facts.h"
#include "check/line.h"
#include "base/clock.h"
#include "base/fd.h"
#include "facts/document.h"

#include <cjson/cJSON.h>
#include <errno.h>

#define LIMIT_MS 10000
#define REST_NS (40 * NS_PER_S) /* beyond the limit of the sections: until they are here */

static bool ask(struct lines *l, const struct target_facts_options *o, struct diag *d)
{
	const uint32_t limit = o->limit_ms ? MIN(o->limit_ms, FACTS_LIMIT_MAX_MS) : LIMIT_MS;
	AUTO_BUF b = BUF_INIT;

	l->answer_ns = limit * NS_PER_MS + REST_NS;
	wr_u32(&b, limit);
	return lines_ask(l, 1, PROBE_FACTS, &b, d);
}

bool target_facts_get(const struct target_facts_options *o, struct target_facts *out, struct diag *d)
{
	struct lines l = {.conf = o->conf, .operate = true, .throttle_fd = -1};
	bool ok = transport_resolve(o->conf, o->batch, &l.transport, d);

	*out = (struct target_facts){};
	if (ok && !(l.throttle = throttle_new(&l.throttle_fd))) {
		diag_set(d, DIAG_CHECK_PROCESS, errno, NULL, "cannot get shared memory");
		ok = false;
	}
	ok = ok && lines_add(&l, d) && ask(&l, o, d);
	if (ok) {
		const char *why = transport_note(l.transport);

		out->document = facts_document(&l.line[0].facts->got, "/", REHOST_VERSION);
		out->where = xstrdup(transport_name(l.transport));
		out->note = why ? xstrdup(why) : NULL;
	}
	lines_end(&l);
	throttle_unmap(l.throttle);
	cleanup_close(&l.throttle_fd);
	transport_free(l.transport);
	return ok;
}

void target_facts_release(struct target_facts *f)
{
	cJSON_Delete(f->document);
	free(f->where);
	free(f->note);
	*f = (struct target_facts){};
}
