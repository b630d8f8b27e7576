/* TCP_INFO, of which the headers of a system may know less than its kernel, and the other way round. */
#include "check/tcp.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define TCP_INFO_OPTION 11

/* The kernel's struct tcp_info, which only grows; what it does not fill stays 0. */
struct info {
	uint8_t bytes[8];
	uint32_t rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received; /* Linux 3.15, 4.1 */
	uint32_t segs_out, segs_in; /* 4.2 */
	uint32_t notsent_bytes, min_rtt, data_segs_in, data_segs_out; /* 4.6 */
};

bool tcp_read(int fd, struct tcp_counts *out)
{
	struct info i = {};
	socklen_t len = sizeof(i);

	*out = (struct tcp_counts){};
	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO_OPTION, &i, &len) < 0 ||
		len < offsetof(struct info, pacing_rate))
		return false;
	out->rtt = i.rtt / 1e3;
	out->rtt_var = i.rttvar / 1e3;
	out->retransmitted = i.total_retrans;
	out->segments = i.data_segs_out ? i.data_segs_out : i.segs_out;
	return true;
}
