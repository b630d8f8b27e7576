/* meta_unpack() on any bytes: whatever it takes is canonical. The first two bytes choose the profile. */
#include "meta/meta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct meta m = META_INIT;
	AUTO_BUF again = BUF_INIT;
	struct buf raw = BUF_INIT;
	struct meta_xattr x;
	unsigned fields;
	size_t used, pos = 0;

	if (size < 2)
		return 0;
	fields = (data[0] | (unsigned)data[1] << 8) & META_F_ALL;
	data += 2;
	size -= 2;
	used = meta_unpack(data, size, fields, &m);
	if (used > size)
		abort();
	if (used) {
		meta_pack(&again, &m, fields);
		if (again.len != used || memcmp(again.data, data, used) != 0 || meta_diff(&m, &m, fields))
			abort();
	}
	meta_release(&m);

	/* And the iterator on bytes that nobody checked. */
	if (size) {
		raw.data = xmemdup(data, size);
		raw.len = size;
		while (meta_xattr_next(&raw, &pos, &x)) {
			if (strlen(x.name) == 0 || x.value + x.len > raw.data + raw.len)
				abort();
		}
		buf_release(&raw);
	}
	return 0;
}
