#include "engine/control.h"
#include "base/clock.h"
#include "base/fd.h"
#include "conf/change.h"
#include "engine/coordinator.h"
#include "engine/status.h"
#include "job/control.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX (CONTROL_FDS - 1)
#define LINE_MAX_BYTES 4096
#define IDLE_NS (10 * NS_PER_S)
#define LIMITS_MAX 32 /* in one request */

struct client {
	int fd;
	bool stops; /* it has asked the job to end, and waits for that */
	int64_t active_ns;
	struct buf in, out;
};

struct control {
	int fd, dir_fd;
	char *file; /* in the directory */
	struct client clients[CLIENTS_MAX];
	size_t count;
};

/* ---- the socket ---- */

void control_open(struct engine *e)
{
	struct control *c = xcalloc(1, sizeof(*c));
	struct sockaddr_un at;
	AUTO_DIAG d = DIAG_INIT;
	mode_t mask;
	bool ok;

	c->file = xasprintf("%.64s.sock", e->job->name);
	c->dir_fd = open(e->job->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	control_address(&at, c->dir_fd, e->job->name);
	unlinkat(c->dir_fd, c->file, 0); /* of a run that was killed: the lock is ours */
	mask = umask(0177);
	ok = c->dir_fd >= 0 && c->fd >= 0 && bind(c->fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		listen(c->fd, CLIENTS_MAX) == 0;
	umask(mask);
	e->control = c;
	if (ok)
		return;
	diag_set(&d, DIAG_ENGINE_NO_CONTROL, errno, e->job->run_dir, "cannot make the socket '%s' in '%s'", c->file,
		e->job->run_dir);
	engine_diag(e, &d);
	control_close(e);
}

static void drop(struct control *c, size_t i)
{
	struct client *cl = &c->clients[i];

	close(cl->fd);
	buf_release(&cl->in);
	buf_release(&cl->out);
	c->clients[i] = c->clients[--c->count];
}

/* Who waits for the end keeps his connection: the end of the process ends it. */
void control_close(struct engine *e)
{
	struct control *c = e->control;

	if (!c)
		return;
	while (c->count) {
		if (c->clients[c->count - 1].stops)
			c->clients[c->count - 1].fd = -1;
		drop(c, c->count - 1);
	}
	if (c->dir_fd >= 0) {
		unlinkat(c->dir_fd, c->file, 0);
		close(c->dir_fd);
	}
	if (c->fd >= 0)
		close(c->fd);
	free(c->file);
	free(STEAL(e->control));
}

/* ---- requests ---- */

static const char *text_field(const cJSON *o, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);

	return cJSON_IsString(v) ? v->valuestring : NULL;
}

static void refuse(cJSON *reply, const struct diag *d)
{
	cJSON_ReplaceItemInObjectCaseSensitive(reply, "ok", cJSON_CreateFalse());
	cJSON_AddStringToObject(reply, "code", diag_info(d->code)->id);
	cJSON_AddStringToObject(reply, "error", d->detail);
}

static PRINTF_LIKE(2, 3) void refuse_text(cJSON *reply, const char *fmt, ...)
{
	AUTO_FREE char *text = NULL;
	AUTO_DIAG d = DIAG_INIT;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	diag_set(&d, DIAG_ENGINE_REQUEST, 0, NULL, "%s", text);
	refuse(reply, &d);
}

static void do_pause(struct engine *e, cJSON *reply, bool on)
{
	bool was = e->hold.why & HOLD_USER;

	engine_hold(e, HOLD_USER, on);
	cJSON_AddBoolToObject(reply, "changed", was != on);
	if (was != on)
		engine_note(e, on ? "paused by 'rehost pause'" : "resumed by 'rehost resume'");
}

static void do_stop(struct engine *e)
{
	e->out->signal = SIGTERM;
	e->stop = true;
	if (!diag_is_set(&e->out->fatal))
		diag_set(&e->out->fatal, DIAG_SIGNAL, 0, NULL, "ended by 'rehost stop'");
}

struct limit_list {
	const struct engine *e;
	cJSON *array;
};

static void add_limit(void *arg, const char *name, const char *value)
{
	struct limit_list *l = arg;
	cJSON *o = cJSON_CreateObject();
	AUTO_BUF keeper = BUF_INIT;

	limits_keeper(l->e, name, &keeper);
	cJSON_AddStringToObject(o, "name", name);
	cJSON_AddStringToObject(o, "value", value);
	cJSON_AddStringToObject(o, "keeper", buf_cstr(&keeper));
	cJSON_AddItemToArray(l->array, o);
}

/* All of them or none. */
static bool change_limits(struct engine *e, const cJSON *set, cJSON *reply)
{
	const char *names[LIMITS_MAX], *values[LIMITS_MAX];
	AUTO_BUF why = BUF_INIT;
	AUTO_DIAG d = DIAG_INIT;
	const cJSON *v;
	struct conf *new;
	size_t n = 0;

	cJSON_ArrayForEach(v, set) {
		if (!cJSON_IsString(v) || !v->string || n == LIMITS_MAX) {
			refuse_text(reply, "limits are texts, and no more than %d", LIMITS_MAX);
			return false;
		}
		names[n] = v->string;
		values[n++] = v->valuestring;
	}
	new = conf_change_limits(e->job->conf, names, values, n, &why);
	if (!new) {
		buf_cstr(&why)[strcspn(buf_cstr(&why), "\n")] = '\0';
		refuse_text(reply, "%s", (char *)why.data);
		return false;
	}
	if (limits_apply(e, &new->limits, &d)) {
		conf_take_limits(e->job->conf, new);
		limits_bandwidth(e);
	} else {
		refuse(reply, &d);
	}
	conf_free(new);
	return !diag_is_set(&d);
}

static void do_limits(struct engine *e, const cJSON *request, cJSON *reply)
{
	const cJSON *set = cJSON_GetObjectItemCaseSensitive(request, "set");

	struct limit_list list = {.e = e};

	if (set && !cJSON_IsObject(set)) {
		refuse_text(reply, "'set' is no object");
		return;
	}
	if (set && !change_limits(e, set, reply))
		return;
	list.array = cJSON_AddArrayToObject(reply, "limits");
	conf_each_limit(e->job->conf, add_limit, &list);
}

static void obey(struct engine *e, const cJSON *request, cJSON *reply)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(request, "version");
	const char *command = text_field(request, "command");

	if (!cJSON_IsNumber(version) || !command)
		refuse_text(reply, "this is no request");
	else if (version->valuedouble != CONTROL_VERSION)
		refuse_text(reply, "the running job speaks version %d of the control protocol only", CONTROL_VERSION);
	else if (str_eq(command, "status"))
		status_tell(e, reply);
	else if (str_eq(command, "pause") || str_eq(command, "resume"))
		do_pause(e, reply, str_eq(command, "pause"));
	else if (str_eq(command, "limits"))
		do_limits(e, request, reply);
	else if (str_eq(command, "stop"))
		do_stop(e);
	else
		refuse_text(reply, "unknown command '%s'", command);
}

bool control_answer(struct engine *e, const char *line, size_t n, struct buf *out)
{
	cJSON *request = cJSON_ParseWithLength(line, n), *reply = cJSON_CreateObject();
	bool stopped = e->stop;
	char *text;

	cJSON_AddNumberToObject(reply, "version", CONTROL_VERSION);
	cJSON_AddTrueToObject(reply, "ok");
	obey(e, request, reply);
	text = cJSON_PrintUnformatted(reply);
	buf_append_str(out, text ? text : "{}");
	buf_append_u8(out, '\n');
	cJSON_free(text);
	cJSON_Delete(request);
	cJSON_Delete(reply);
	return e->stop && !stopped;
}

/* ---- the clients ---- */

static bool may_ask(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && (peer.uid == 0 || peer.uid == geteuid());
}

static void admit(struct control *c)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (!may_ask(fd)) {
		close(fd);
		return;
	}
	c->clients[c->count++] = (struct client){.fd = fd, .active_ns = clock_mono_ns()};
}

/* False: it is to be dropped. */
static bool flush(struct client *cl)
{
	while (cl->out.len) {
		ssize_t n = send(cl->fd, cl->out.data, cl->out.len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		cl->active_ns = clock_mono_ns();
		buf_consume(&cl->out, (size_t)n);
	}
	return true;
}

/* A line at a time: the next is looked at when the reply has gone. */
static bool take_lines(struct engine *e, struct client *cl)
{
	while (!cl->out.len && cl->in.len) {
		uint8_t *end = memchr(cl->in.data, '\n', cl->in.len);

		if (!end)
			return cl->in.len < LINE_MAX_BYTES;
		cl->stops = control_answer(e, (char *)cl->in.data, (size_t)(end - cl->in.data), &cl->out) || cl->stops;
		buf_consume(&cl->in, (size_t)(end - cl->in.data) + 1);
		if (!flush(cl))
			return false;
	}
	return true;
}

static bool serve(struct engine *e, struct client *cl, short revents)
{
	ssize_t n;

	if (revents & POLLOUT && !flush(cl))
		return false;
	if (revents & (POLLIN | POLLHUP | POLLERR) && cl->in.len < LINE_MAX_BYTES) {
		n = recv(cl->fd, buf_reserve(&cl->in, LINE_MAX_BYTES), LINE_MAX_BYTES - cl->in.len, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (n > 0) {
			cl->in.len += (size_t)n;
			cl->active_ns = clock_mono_ns();
		}
	}
	return take_lines(e, cl) && (cl->stops || clock_mono_ns() - cl->active_ns < IDLE_NS);
}

size_t control_poll(const struct engine *e, struct pollfd *p)
{
	const struct control *c = e->control;
	size_t n = 0;

	if (!c)
		return 0;
	p[n++] = (struct pollfd){.fd = c->count < CLIENTS_MAX ? c->fd : -1, .events = POLLIN};
	for (size_t i = 0; i < c->count; i++)
		p[n++] = (struct pollfd){
			.fd = c->clients[i].fd, .events = (short)(c->clients[i].out.len ? POLLOUT : POLLIN)};
	return n;
}

void control_serve(struct engine *e, const struct pollfd *p)
{
	struct control *c = e->control;

	if (!c)
		return;
	/* Backwards: a dropped one's place is taken by the last, which has been served. */
	for (size_t i = c->count; i-- > 0;)
		if (!serve(e, &c->clients[i], p[i + 1].revents))
			drop(c, i);
	if (p[0].revents)
		admit(c);
}
