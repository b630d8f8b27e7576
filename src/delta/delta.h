/*
 * Delta: fixed chunk hashes first, librsync for what differs. The only includer of librsync.h.
 *
 * Tier one: both sides hash fixed chunks of a segment with XXH3-128, keyed by the session's seed; equal chunks are kept.
 * Tier two: for a run of unequal chunks the target sends the librsync signature of a window of its basis, the source
 * answers with a delta against it; the result is checked by a keyed XXH3-128 of the whole run. A wrong result (a weak
 * collision, a basis that changed) makes the target ask for the run literally.
 *
 * Pure: works on memory, does no I/O. Errors: false, out buffers undefined. Inputs from the wire are hostile: header,
 * block length, strong length, every COPY range and the output size are checked against bounds given by the caller.
 */
#pragma once

#include "base/buf.h"
#include "base/secret.h"

struct delta_hash {
	uint64_t lo, hi;
};

/* The key of a session: 16 random bytes, expanded once. */
struct delta_key {
	uint8_t secret[SECRET_BYTES];
};
void delta_key_init(struct delta_key *k, const uint8_t seed[16]);
struct delta_hash delta_hash(const struct delta_key *k, const void *p, size_t n);

/* Signature of a basis window. block_len 0: chosen by its length; else 64..65536 and at most 8192 blocks (512 MiB are
 * the longest window). Appends librsync's signature bytes. */
bool delta_signature(const void *basis, size_t n, uint32_t block_len, struct buf *out_sig);

/* Delta of data against a signature from the wire. window_len: length of the basis window it describes.
 * Appends librsync's delta bytes, at most n + n / 1000 + 64 of an honest signature. out_matched: bytes that are copied
 * from the basis. A signature made to cost time gives one literal after about two seconds. */
bool delta_make(const void *sig, size_t sig_len, size_t window_len, const void *data, size_t n, struct buf *out_delta,
	uint64_t *out_matched);

/* Applies a delta from the wire to the basis window; the result must have exactly result_len bytes (appended). */
bool delta_apply(
	const void *delta, size_t delta_len, const void *basis, size_t basis_len, size_t result_len, struct buf *out);

/* Upper bound of a signature's size for a window, for checks of counts on the wire. */
size_t delta_signature_bound(size_t window_len);

/* The version of librsync in use. */
const char *delta_library_version(void);
