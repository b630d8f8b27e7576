/*
 * What the coordinator of netcheck hears of a probe, which an evil host may have taken over: the first byte says what is
 * awaited, the rest is the stream.
 */
#include "check/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines *all = xcalloc(1, sizeof(*all));
	struct line *l = &all->line[0];
	struct frame f;

	if (!size)
		goto out;
	frame_decoder_init(&l->ipc.in);
	l->waits_for = (uint8_t)(PROBE_READY + data[0] % 8);
	memcpy(frame_decoder_space(&l->ipc.in, size), data + 1, size - 1);
	frame_decoder_filled(&l->ipc.in, size - 1);
	while (frame_decode(&l->ipc.in, &f) == FRAME_READY && line_frame(all, l, &f))
		l->waits_for = f.type == PROBE_FACTS_PART ? PROBE_FACTS_DONE : f.type;
	if (l->rtt_count > PINGS_MAX || strlen(all->shared_dir) >= sizeof(all->shared_dir) ||
		l->load.busy > l->load.total)
		abort();
	if (l->facts) {
		if (l->facts->got.count > FACTS_SECTIONS_MAX || l->facts->bytes > SECTIONS_BYTES + OPERATOR_PART_BYTES)
			abort();
		sections_release(l->facts);
		free(l->facts);
	}
	diag_release(&l->diag);
	frame_decoder_release(&l->ipc.in);
out:
	free(all);
	return 0;
}
