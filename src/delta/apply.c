#include "delta/delta.h"
#include "delta/private.h"

/*
 * librsync's delta format, read by ourselves: it is small, and nothing in it is trusted. Commands are one
 * byte; numbers are big endian.
 *
 *   00       end
 *   01..40   literal of that many bytes
 *   41..44   literal, length of 1, 2, 4, 8 bytes
 *   45..54   copy: position of 1, 2, 4, 8 bytes, then length of 1, 2, 4, 8 bytes
 */
enum { OP_END = 0, OP_LITERAL_N = 0x41, OP_COPY = 0x45, OP_COPY_LAST = 0x54 };

struct reader {
	const uint8_t *p, *end;
};

static bool number_get(struct reader *r, unsigned log2_size, uint64_t *out)
{
	size_t size = (size_t)1 << log2_size;

	if ((size_t)(r->end - r->p) < size)
		return false;
	*out = 0;
	while (size--)
		*out = *out << 8 | *r->p++;
	return true;
}

/* One command that makes bytes: where they are and how many. */
static bool command_get(struct reader *r, uint8_t op, const uint8_t *basis, size_t basis_len, const uint8_t **out_from,
	uint64_t *out_len)
{
	uint64_t pos;

	if (op >= OP_COPY) {
		if (op > OP_COPY_LAST || !number_get(r, (op - OP_COPY) / 4u, &pos) ||
			!number_get(r, (op - OP_COPY) % 4u, out_len))
			return false;
		if (pos > basis_len || *out_len > basis_len - pos)
			return false;
		*out_from = basis + pos;
		return true;
	}
	*out_len = op;
	if (op >= OP_LITERAL_N && !number_get(r, op - OP_LITERAL_N, out_len))
		return false;
	if (*out_len > (size_t)(r->end - r->p))
		return false;
	*out_from = r->p;
	r->p += *out_len;
	return true;
}

bool delta_apply(
	const void *delta, size_t delta_len, const void *basis, size_t basis_len, size_t result_len, struct buf *out)
{
	struct reader r = {.p = delta, .end = (const uint8_t *)delta + delta_len};
	size_t left = result_len;
	uint64_t magic;

	if (!number_get(&r, 2, &magic) || magic != RS_DELTA_MAGIC)
		return false;
	buf_reserve(out, result_len);
	while (r.p < r.end) {
		uint8_t op = *r.p++;
		const uint8_t *from;
		uint64_t len;

		if (op == OP_END)
			return left == 0 && r.p == r.end;
		if (!command_get(&r, op, basis, basis_len, &from, &len) || len == 0 || len > left)
			return false;
		buf_append(out, from, (size_t)len);
		left -= (size_t)len;
	}
	return false; /* it has no end */
}
