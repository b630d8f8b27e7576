/*
 * A request to a running job: whatever the line, there is one reply, a line of JSON that says yes or no, and after a no the
 * limits are what they were.
 */
#include "base/fd.h"
#include "engine/control.h"
#include "conf/change.h"
#include "engine/coordinator.h"
#include "job/control.h"

#include <cjson/cJSON.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_limit(void *arg, const char *name, const char *value)
{
	buf_printf(arg, "%s=%s\n", name, value);
}

static bool check_reply(struct buf *reply)
{
	cJSON *o = cJSON_Parse(buf_cstr(reply));
	const cJSON *ok = cJSON_GetObjectItemCaseSensitive(o, "ok");
	bool yes = cJSON_IsTrue(ok);

	if (!cJSON_IsBool(ok) || memchr(reply->data, '\n', reply->len) != reply->data + reply->len - 1 ||
		reply->len > CONTROL_REPLY_MAX)
		abort();
	if (!yes && !cJSON_IsString(cJSON_GetObjectItemCaseSensitive(o, "error")))
		abort();
	cJSON_Delete(o);
	return yes;
}

/* Of the kind that needs nobody; once, for it looks for the receiver. */
static struct transport *transport(const struct conf *c)
{
	static struct transport *t;
	AUTO_DIAG d = DIAG_INIT;

	if (!t && !transport_resolve(c, true, &t, &d))
		abort();
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* No group of the kernel's, which would be the host's. */
	const char *const sets[] = {"target.address=local:", "limits.backend=none"};
	const struct conf_sources sources = {.no_files = true, .sets = sets, .set_count = ARRAY_LEN(sets)};
	struct conf_errors errors = {0};
	struct conf *c = conf_load(&sources, &errors);
	struct job_kept kept = {};
	struct job job = {.conf = c, .name = (char *)"fuzz", .kept = &kept};
	struct observer observer = {};
	struct summary out = {};
	struct engine e = {.job = &job, .observer = &observer, .out = &out};
	AUTO_BUF reply = BUF_INIT;
	AUTO_BUF before = BUF_INIT;
	AUTO_BUF after = BUF_INIT;
	bool stops;

	e.limits.throttle = throttle_new(&e.limits.throttle_fd);
	if (!c || !e.limits.throttle)
		abort();
	e.transport = transport(c);
	if (!limits_apply(&e, &c->limits, NULL))
		abort();
	conf_each_limit(c, add_limit, &before);
	stops = control_answer(&e, (const char *)data, size, &reply);
	conf_each_limit(c, add_limit, &after);
	if (!check_reply(&reply) && !str_eq(buf_cstr(&before), buf_cstr(&after)))
		abort();
	if (stops != e.stop)
		abort();
	limits_release(&e);
	throttle_unmap(e.limits.throttle);
	close(e.limits.throttle_fd);
	summary_release(&out);
	conf_free(c);
	conf_errors_release(&errors);
	return 0;
}
