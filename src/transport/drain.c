/* The words of the process behind a connection, as they come. */
#include "transport/transport.h"
#include "base/fd.h"

#include <errno.h>
#include <unistd.h>

#define ERR_MAX 65536
#define ERR_HEAD 16384 /* of which the beginning is kept, where ssh says why it cannot connect */

void transport_drain(struct transport_conn *conn)
{
	for (unsigned turns = 0; conn->err_fd >= 0 && turns < 64; turns++) {
		uint8_t *p = buf_reserve(&conn->err, 4096);
		int fd = -1;
		ssize_t n = conn->want_tcp ? fd_read_or_fd(conn->err_fd, p, 4096, &fd) : read(conn->err_fd, p, 4096);

		if (fd >= 0) {
			cleanup_close(&conn->tcp_fd);
			conn->tcp_fd = fd;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 && fd < 0) {
			close(conn->err_fd);
			conn->err_fd = -1;
			return;
		}
		conn->err.len += (size_t)n;
		/* The link bounds its report itself; here only the words of ssh can be this many: the middle goes. */
		if (conn->err.len > ERR_MAX) {
			size_t drop = ERR_MAX / 2;

			memmove(conn->err.data + ERR_HEAD, conn->err.data + ERR_HEAD + drop,
				conn->err.len - ERR_HEAD - drop);
			conn->err.len -= drop;
		}
	}
}
