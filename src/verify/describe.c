/* What each side has, for people. Nothing here is read back by a program. */
#include "verify/describe.h"

#include "base/lost.h"
#include "base/text.h"

#include <inttypes.h>
#include <time.h>

void verify_describe_type(struct buf *out, uint8_t type)
{
	static const char *const names[VERIFY_T_END] = {
		[VERIFY_T_NONE] = "unknown",
		[VERIFY_T_REG] = "regular file",
		[VERIFY_T_DIR] = "directory",
		[VERIFY_T_LNK] = "symbolic link",
		[VERIFY_T_CHR] = "character device",
		[VERIFY_T_BLK] = "block device",
		[VERIFY_T_FIFO] = "fifo",
		[VERIFY_T_SOCK] = "socket",
	};

	buf_append_str(out, names[type < VERIFY_T_END ? type : VERIFY_T_NONE]);
}

void verify_describe_node(struct buf *out, const struct verify_node *n)
{
	verify_describe_type(out, n->type);
	if (n->type == VERIFY_T_REG)
		buf_printf(out, " of %" PRIu64 " bytes", n->size);
}

void verify_describe_time(struct buf *out, int64_t s, uint32_t ns)
{
	time_t t = (time_t)s;
	struct tm tm;
	char text[64];

	if ((int64_t)t == s && gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		buf_printf(out, "%s.%09" PRIu32 "Z", text, ns);
	else
		buf_printf(out, "%" PRId64 ".%09" PRIu32, s, ns);
}

void verify_describe_flags(struct buf *out, uint32_t flags)
{
	if (!flags)
		buf_append_str(out, "none");
	for (uint32_t bit = 1; bit; bit <<= 1)
		if (flags & bit)
			buf_append_u8(out, (uint8_t)lost_flag_letter(bit));
}

static uint32_t get_le(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

/* system.posix_acl_*: u32 version, then tag u16, permissions u16, id u32. */
void verify_describe_acl(struct buf *out, const struct verify_xattr *x)
{
	const size_t head = 4, entry = 8;

	if (x->len > VERIFY_VALUE_RAW) {
		buf_printf(out, "%" PRIu64 " entries, crc64 %016" PRIx64, (x->len - head) / entry, x->crc);
		return;
	}
	if (x->value.len < head || (x->value.len - head) % entry || get_le(x->value.p, head) != 2) {
		verify_describe_value(out, x);
		return;
	}
	for (size_t at = head; at < x->value.len; at += entry) {
		uint32_t tag = get_le(x->value.p + at, 2), perm = get_le(x->value.p + at + 2, 2);
		uint32_t id = get_le(x->value.p + at + 4, 4);
		const char *who = tag <= 0x02 ? "u:" : tag <= 0x08 ? "g:" : tag == 0x10 ? "m:" : "o:";

		buf_printf(out, "%s%s", at > head ? "," : "", who);
		if (tag == 0x02 || tag == 0x08)
			buf_printf(out, "%" PRIu32, id);
		buf_printf(out, ":%c%c%c", perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-', perm & 1 ? 'x' : '-');
	}
}

static bool printable(const struct bytes *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->p[i] < ' ' || b->p[i] > '~')
			return false;
	return true;
}

void verify_describe_value(struct buf *out, const struct verify_xattr *x)
{
	if (x->len > VERIFY_VALUE_RAW) {
		buf_printf(out, "%" PRIu64 " bytes, crc64 %016" PRIx64, x->len, x->crc);
	} else if (printable(&x->value)) {
		buf_append_u8(out, '"');
		text_escape(out, x->value.p, x->value.len);
		buf_append_u8(out, '"');
	} else {
		buf_append_str(out, "0x");
		for (size_t i = 0; i < x->value.len; i++)
			buf_printf(out, "%02x", x->value.p[i]);
	}
}
