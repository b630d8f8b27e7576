#include "cli/itemize.h"
#include "base/text.h"
#include "meta/meta.h"

/* Position of each letter behind YX, and the bits that show it. rsync's u (access time) is not kept: its
 * place shows inode flags. */
static const struct {
	char letter;
	uint32_t bits;
} columns[] = {
	{'c', META_D_CONTENT | META_D_LINK | META_D_RDEV},
	{'s', META_D_SIZE},
	{'t', META_D_MTIME},
	{'p', META_D_MODE},
	{'o', META_D_OWNER},
	{'g', META_D_GROUP},
	{'f', META_D_FLAGS | META_D_PROJECT},
	{'a', META_D_ACL},
	{'x', META_D_XATTR},
};

static char type_letter(uint8_t type)
{
	switch (type) {
	case META_DIR:
		return 'd';
	case META_LNK:
		return 'L';
	case META_CHR:
	case META_BLK:
		return 'D';
	case META_FIFO:
	case META_SOCK:
		return 'S';
	default:
		return 'f';
	}
}

static char update_letter(const struct item *i)
{
	switch (i->op) {
	case ITEM_LINK:
		return 'h';
	case ITEM_METADATA:
		return '.';
	default:
		return i->type == META_REG ? '<' : 'c';
	}
}

void itemize_format(struct buf *out, const struct item *i)
{
	bool is_new = i->op == ITEM_CREATE || i->why & META_D_TYPE ||
		(i->op == ITEM_LINK && !(i->why & ~(uint32_t)META_D_HARDLINK));

	if (i->op == ITEM_DELETE) {
		buf_append_str(out, "*deleting  ");
	} else {
		buf_append_u8(out, (uint8_t)update_letter(i));
		buf_append_u8(out, (uint8_t)type_letter(i->type));
		for (size_t c = 0; c < ARRAY_LEN(columns); c++)
			buf_append_u8(out,
				(uint8_t)(is_new                           ? '+'
						: i->why & columns[c].bits ? columns[c].letter
									   : '.'));
	}
	buf_append_u8(out, ' ');
	text_escape(out, i->path, strlen(i->path));
	if (i->type == META_DIR)
		buf_append_u8(out, '/');
	if (i->op == ITEM_LINK && i->link) {
		buf_append_str(out, " => ");
		text_escape(out, i->link, strlen(i->link));
	}
}
