#include "verify/crc.h"

#ifdef REHOST_HAVE_ISAL
#include <isa-l/crc64.h>

static uint64_t crc_isal(uint64_t crc, const void *p, size_t n)
{
	return crc64_ecma_refl(crc, p, n);
}

verify_crc_fn verify_crc_best(void)
{
	return crc_isal;
}
#else
verify_crc_fn verify_crc_best(void)
{
	return verify_crc_lzma;
}
#endif
