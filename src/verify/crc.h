/* CRC-64/XZ (ECMA-182, reflected): "123456789" gives 995dc9bbdf1939fa. A running value begins with 0. */
#pragma once

#include "base/util.h"

typedef uint64_t (*verify_crc_fn)(uint64_t crc, const void *p, size_t n);

/* liblzma's: everywhere. */
uint64_t verify_crc_lzma(uint64_t crc, const void *p, size_t n);
/* The fastest of this build: ISA-L's where it was there, which has no static library. Only in `verify`. */
verify_crc_fn verify_crc_best(void);
/* As if n zero bytes followed, in time log(n). */
uint64_t verify_crc_zeros(uint64_t crc, uint64_t n);
