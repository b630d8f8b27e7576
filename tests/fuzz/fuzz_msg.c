/*
 * The messages of the protocol, all get functions: the first byte chooses the message. What is accepted must be accepted
 * once more after it was put, as the same bytes. The payload is copied to a block of its own, so that a read behind its
 * end is seen.
 */
#include "../unit/msg_codecs.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO_FREE uint8_t *own = NULL;

	if (n < 1)
		return 0;
	own = xmalloc(n);
	memcpy(own, p + 1, n - 1);
	if (!codec_stable(msg_codecs[*p % ARRAY_LEN(msg_codecs)].fn, own, n - 1))
		abort();
	return 0;
}
