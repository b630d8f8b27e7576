#include "operator/operator.h"
#include "base/buf.h"
#include "base/text.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

/* By hand: syslog(3) waits for a log that does not read. */
void operator_syslog(const char *line)
{
	const struct sockaddr_un log = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	AUTO_BUF b = BUF_INIT;

	if (fd < 0)
		return;
	buf_printf(&b, "<%d>rehost-receiver[%d]: operator: ", LOG_DAEMON | LOG_INFO, (int)getpid());
	text_escape(&b, line, strlen(line));
	(void)sendto(fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&log, sizeof(log));
}
