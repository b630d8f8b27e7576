#include "diag/log_plugin.h"
#include "rehost-plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct log_plugin {
	void *object;
	struct rehost_plugin table; /* as much of the plugin's as both sides know */
	void *handle;
};

static char *plugin_path(const char *dir, const char *name)
{
	return xasprintf("%s/rehost-plugin-%s.so", dir, name);
}

bool log_plugin_exists(const char *dir, const char *name)
{
	AUTO_FREE char *path = plugin_path(dir, name);

	return access(path, F_OK) == 0;
}

char *log_plugin_dir(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		char *slash;
		AUTO_FREE char *beside = NULL;

		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		beside = xasprintf("%s/../plugins", self);
		if (access(beside, X_OK) == 0)
			return STEAL(beside);
	}
	return xstrdup(REHOST_PLUGIN_DIR);
}

/* What we load runs with our rights: it must be nobody else's. The descriptor that was looked at is the one loaded. */
static int open_trusted(const char *path, struct diag *d)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0) {
		diag_set(d, DIAG_LOG_PLUGIN, errno, path, "cannot open the plugin '%s'", path);
	} else if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
		st.st_mode & (S_IWGRP | S_IWOTH)) {
		diag_set(d, DIAG_LOG_PLUGIN, 0, path,
			"will not load the plugin '%s': others than root and this user may change it", path);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool take_table(struct log_plugin *p, const struct rehost_plugin *theirs)
{
	size_t needed = offsetof(struct rehost_plugin, close) + sizeof(theirs->close);

	if (!theirs || theirs->size < needed || theirs->kind != REHOST_PLUGIN_LOG)
		return false;
	memcpy(&p->table, theirs, MIN(theirs->size, sizeof(p->table)));
	return p->table.open && p->table.record && p->table.close;
}

struct log_plugin *log_plugin_load(const char *dir, const char *name, const char *job, struct diag *d)
{
	AUTO_FREE char *path = plugin_path(dir, name);
	AUTO_CLOSE int fd = open_trusted(path, d);
	struct rehost_plugin_job about = {sizeof(about), "rehost", job};
	rehost_plugin_init_fn init = NULL;
	struct log_plugin *p;
	char by_fd[64];

	if (fd < 0)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	p->object = dlopen(by_fd, RTLD_NOW | RTLD_LOCAL);
	if (p->object)
		*(void **)&init = dlsym(p->object, REHOST_PLUGIN_INIT);
	if (!init || !take_table(p, init())) {
		const char *why = init ? "it is for another version of rehost" : dlerror();

		diag_set(d, DIAG_LOG_PLUGIN, 0, path, "cannot use the plugin '%s': %s", path, why ? why : "unknown");
		goto fail;
	}
	errno = 0;
	p->handle = p->table.open(&about);
	if (p->handle)
		return p;
	diag_set(d, DIAG_LOG_PLUGIN, errno, path, "the plugin '%s' cannot work here", path);
fail:
	log_plugin_free(p);
	return NULL;
}

int log_plugin_record(struct log_plugin *p, enum log_level level, const char *code, const char *text,
	const struct log_field *fields, size_t count)
{
	static const int levels[] = {
		[LOG_LEVEL_ERROR] = REHOST_LEVEL_ERROR,
		[LOG_LEVEL_WARNING] = REHOST_LEVEL_WARNING,
		[LOG_LEVEL_INFO] = REHOST_LEVEL_INFO,
		[LOG_LEVEL_DEBUG] = REHOST_LEVEL_DEBUG,
	};
	struct rehost_plugin_field *theirs = xcalloc(count, sizeof(*theirs));
	char(*numbers)[24] = xcalloc(count, sizeof(*numbers));
	int rc;

	for (size_t i = 0; i < count; i++) {
		theirs[i].name = fields[i].name;
		theirs[i].value = fields[i].text;
		if (theirs[i].value)
			continue;
		snprintf(numbers[i], sizeof(numbers[i]), "%llu", (unsigned long long)fields[i].number);
		theirs[i].value = numbers[i];
	}
	rc = p->table.record(p->handle, levels[level], code, text, theirs, count);
	free(theirs);
	free(numbers);
	return rc;
}

void log_plugin_free(struct log_plugin *p)
{
	if (p->handle)
		p->table.close(p->handle);
	if (p->object)
		dlclose(p->object);
	free(p);
}
