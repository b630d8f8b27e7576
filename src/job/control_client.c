/* The side of the control socket that asks. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "job/control.h"
#include "job/lock.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_S 10
#define LATER_MS 50
#define LATER_TRIES 20 /* a job that has begun, or goes on with its next step, listens soon */
#define LISTED_MAX 16

/* By the descriptor of the directory: the path of a socket has no more than 108 bytes. */
void control_address(struct sockaddr_un *out, int dir_fd, const char *name)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/%.64s.sock", dir_fd, name);
}

cJSON *control_request(const char *command)
{
	cJSON *o = cJSON_CreateObject();

	cJSON_AddNumberToObject(o, "version", CONTROL_VERSION);
	cJSON_AddStringToObject(o, "command", command);
	return o;
}

/* Whoever may write to the run directory may put a socket there: it is to be the owner's, or root's. Root trusts no less. */
static bool peer_trusted(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
		(peer.uid == 0 || peer.uid == geteuid() || geteuid() == 0);
}

/* -1 with errno. */
static int connect_once(const char *run_dir, const char *name)
{
	struct timeval wait = {.tv_sec = ANSWER_S};
	struct sockaddr_un at;
	AUTO_CLOSE int dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (dir < 0 || (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	control_address(&at, dir, name);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0) {
		if (peer_trusted(fd))
			return fd;
		errno = EPERM;
	}
	close(fd);
	return -1;
}

static void busy(const char *name, const char *note, struct diag *d)
{
	AUTO_FREE char *safe = text_escaped(note);

	diag_set(d, DIAG_JOB_HOOK, 0, NULL, "job '%s' is busy with %s", name, safe);
}

static int connect_job(const char *run_dir, const char *name, struct diag *d)
{
	AUTO_FREE char *note = NULL;
	pid_t pid = 0;
	int fd, err = 0;

	for (int i = 0; i < LATER_TRIES; i++) {
		struct timespec later = {.tv_nsec = LATER_MS * NS_PER_MS};
		fd = connect_once(run_dir, name);
		err = errno;
		if (fd >= 0 || (err != ENOENT && err != ECONNREFUSED && err != ENOTDIR))
			break;
		pid = lock_holder(run_dir, name);
		note = pid ? lock_note(run_dir, name) : NULL;
		if (note || (!pid && i >= 2))
			break;
		nanosleep(&later, NULL);
	}
	if (fd >= 0)
		return fd;
	if (note)
		busy(name, note, d);
	else if (!pid && (err == ENOENT || err == ECONNREFUSED || err == ENOTDIR))
		diag_set(d, DIAG_JOB_NOT_RUNNING, 0, NULL, "job '%s' is not running", name);
	else
		diag_set(d, DIAG_JOB_CONTROL, err, NULL, "cannot reach the running job '%s'", name);
	return -1;
}

static bool send_line(int fd, cJSON *request)
{
	char *text = cJSON_PrintUnformatted(request);
	AUTO_BUF line = BUF_INIT;

	buf_printf(&line, "%s\n", text ? text : "");
	cJSON_free(text);
	return send(fd, line.data, line.len, MSG_NOSIGNAL) == (ssize_t)line.len;
}

static cJSON *receive_line(int fd)
{
	int64_t deadline = clock_mono_ns() + ANSWER_S * NS_PER_S;
	AUTO_BUF in = BUF_INIT;

	while (in.len < CONTROL_REPLY_MAX && clock_mono_ns() < deadline) {
		ssize_t n = recv(fd, buf_reserve(&in, 4096), 4096, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		in.len += (size_t)n;
		if (in.data[in.len - 1] == '\n')
			return cJSON_ParseWithLength((char *)in.data, in.len);
	}
	return NULL;
}

/* A reply that says no: by the code it gives, when this version knows it. */
static void refused(const cJSON *reply, struct diag *d)
{
	const cJSON *code = cJSON_GetObjectItemCaseSensitive(reply, "code");
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(reply, "error");
	enum diag_code known = cJSON_IsString(code) ? diag_find(code->valuestring) : DIAG_NONE;
	AUTO_BUF safe = BUF_INIT;

	if (cJSON_IsString(text))
		text_escape(&safe, text->valuestring, strlen(text->valuestring));
	diag_set(d, known ? known : DIAG_JOB_CONTROL, 0, NULL, "%s", safe.len ? buf_cstr(&safe) : "the job refused");
}

cJSON *control_ask(const char *run_dir, const char *name, cJSON *request, int *out_fd, struct diag *d)
{
	AUTO_CLOSE int fd = connect_job(run_dir, name, d);
	cJSON *reply = NULL;

	if (out_fd)
		*out_fd = -1;
	if (fd < 0)
		goto out;
	if (send_line(fd, request))
		reply = receive_line(fd);
	if (!reply) {
		diag_set(d, DIAG_JOB_CONTROL, 0, NULL, "the running job '%s' does not answer", name);
	} else if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "ok"))) {
		refused(reply, d);
		cJSON_Delete(STEAL(reply));
	} else if (out_fd) {
		*out_fd = fd;
		fd = -1;
	}
out:
	cJSON_Delete(request);
	return reply;
}

bool control_await_end(int fd, unsigned timeout_s)
{
	AUTO_CLOSE int own = fd;
	int64_t deadline = clock_mono_ns() + (int64_t)timeout_s * NS_PER_S;

	for (;;) {
		struct pollfd p = {.fd = own, .events = POLLIN};
		int64_t left = deadline - clock_mono_ns();
		char byte;

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)(left / NS_PER_MS) + 1) > 0 && recv(own, &byte, 1, MSG_DONTWAIT) <= 0)
			return true;
	}
}

bool control_end_by_signal(const char *run_dir, const char *name, unsigned timeout_s)
{
	int64_t deadline = clock_mono_ns() + (int64_t)timeout_s * NS_PER_S;
	pid_t pid = lock_holder(run_dir, name);

	if (!pid || lock_signal(run_dir, name, SIGTERM))
		return false;
	while (lock_holder(run_dir, name) == pid) {
		struct timespec later = {.tv_nsec = LATER_MS * NS_PER_MS};

		if (clock_mono_ns() > deadline)
			return false;
		nanosleep(&later, NULL);
	}
	return true;
}

void control_list(const char *run_dir, struct buf *out)
{
	static const char suffix[] = ".lock";
	DIR *dir = opendir(run_dir);
	struct dirent *entry;
	unsigned listed = 0;

	while (dir && listed < LISTED_MAX && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);
		AUTO_FREE char *name = NULL;

		if (n < sizeof(suffix) || !str_eq(entry->d_name + n - strlen(suffix), suffix))
			continue;
		name = xmemdup(entry->d_name, n - strlen(suffix));
		if (!lock_holder(run_dir, name))
			continue;
		if (listed++)
			buf_append_u8(out, ' ');
		text_escape(out, name, strlen(name));
	}
	if (dir)
		closedir(dir);
}
