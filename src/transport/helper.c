/* Our own copy of the receiver. */
#include "transport/helper.h"
#include "transport/child.h"

#include <stdio.h>
#include <unistd.h>

const char *transport_helper_path(void)
{
	static char path[4096];
	static const char *const places[] = {
		"rehost-receiver", "../lib/rehost/rehost-receiver", "../libexec/rehost/rehost-receiver"};
	char self[4000];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	slash[1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		snprintf(path, sizeof(path), "%s%s", self, places[i]);
		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

/* What our own copy says of itself: an installed one at the target must say the same, word for word. */
char *transport_helper_version(void)
{
	const char *path = transport_helper_path();
	char *argv[] = {(char *)path, (char *)"--version", NULL};
	AUTO_BUF out = BUF_INIT;
	AUTO_BUF err = BUF_INIT;
	int status = 0;
	char *line;

	if (!path || !child_capture(argv, 10, &out, &err, &status) || status != 0)
		return NULL;
	line = buf_cstr(&out);
	line[strcspn(line, "\r\n")] = '\0';
	if (strncmp(line, "rehost-receiver ", 16) != 0 || strlen(line) > 200)
		return NULL;
	return xstrdup(line);
}
