/*
 * The journal plugin as it is built, loaded as the log room loads it. The journal is played by our own
 * sendmsg(), which takes the place of the C library's for libsystemd: no daemon is needed and no socket of
 * the system's is touched.
 */
#include "rehost-plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <cmocka.h>

static struct {
	char text[4096];
	size_t len;
	char to[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fail;
} journal;

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	const struct sockaddr_un *to = m->msg_name;
	ssize_t n = 0;

	if (journal.fail) {
		errno = journal.fail;
		return -1;
	}
	if (to)
		snprintf(journal.to, sizeof(journal.to), "%s", to->sun_path);
	journal.len = 0;
	for (size_t i = 0; i < m->msg_iovlen; i++) {
		const struct iovec *v = &m->msg_iov[i];

		if (journal.len + v->iov_len >= sizeof(journal.text))
			abort();
		memcpy(journal.text + journal.len, v->iov_base, v->iov_len);
		journal.len += v->iov_len;
		n += (ssize_t)v->iov_len;
	}
	journal.text[journal.len] = '\0';
	return n;
}

static const struct rehost_plugin *load(void **out_object)
{
	rehost_plugin_init_fn init;

	*out_object = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
	if (!*out_object)
		fail_msg("%s", dlerror());
	*(void **)&init = dlsym(*out_object, REHOST_PLUGIN_INIT);
	assert_non_null(init);
	return init();
}

static void test_table(void **state)
{
	void *object;
	const struct rehost_plugin *p = load(&object);

	assert_int_equal(p->size, sizeof(*p));
	assert_int_equal(p->version, REHOST_PLUGIN_VERSION);
	assert_int_equal(p->kind, REHOST_PLUGIN_LOG);
	assert_string_equal(p->name, "journal");
	dlclose(object);
}

static void has_line(const char *line)
{
	size_t len = strlen(line);

	for (const char *p = journal.text; (p = strstr(p, line)); p += len)
		if ((p == journal.text || p[-1] == '\n') && p[len] == '\n')
			return;
	fail_msg("'%s' lacks the line '%s'", journal.text, line);
}

static void test_record(void **state)
{
	struct rehost_plugin_job job = {sizeof(job), "rehost", "web"};
	const struct rehost_plugin_field fields[] = {
		{"files_examined", "12"}, {"path", "a b"}, {"not a name", "x"}, {"without", NULL}};
	void *object, *handle;
	const struct rehost_plugin *p = load(&object);

	handle = p->open(&job);
	assert_non_null(handle);
	assert_int_equal(p->record(handle, REHOST_LEVEL_WARNING, "RH0010", "cannot open 'x'", fields, 4), 0);
	assert_string_equal(journal.to, "/run/systemd/journal/socket");
	has_line("MESSAGE=cannot open 'x'");
	has_line("PRIORITY=4");
	has_line("SYSLOG_IDENTIFIER=rehost");
	has_line("REHOST_JOB=web");
	has_line("REHOST_CODE=RH0010");
	has_line("REHOST_FILES_EXAMINED=12");
	has_line("REHOST_PATH=a b");
	assert_null(strstr(journal.text, "WITHOUT"));
	assert_null(strstr(journal.text, "=x"));

	assert_int_equal(p->record(handle, REHOST_LEVEL_INFO, NULL, "begins", NULL, 0), 0);
	has_line("MESSAGE=begins");
	assert_null(strstr(journal.text, "REHOST_CODE"));
	p->close(handle);
	dlclose(object);
}

static void test_failure(void **state)
{
	struct rehost_plugin_job job = {sizeof(job), "rehost", "web"};
	void *object, *handle;
	const struct rehost_plugin *p = load(&object);

	handle = p->open(&job);
	journal.fail = EPERM;
	errno = 0;
	assert_int_equal(p->record(handle, REHOST_LEVEL_INFO, NULL, "x", NULL, 0), -1);
	assert_int_equal(errno, EPERM);
	journal.fail = 0;
	p->close(handle);
	dlclose(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
