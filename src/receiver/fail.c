/* What went wrong with one file or directory. */
#include "base/text.h"
#include "receiver/fail.h"
#include "receiver/resolve.h"
#include "receiver/state.h"

#include <errno.h>
#include <sys/statvfs.h>

#define ROOM (1u << 20) /* free bytes with which a disk is not full for an attribute */

/* Some errors say the same wherever they come from. */
static enum diag_code code_for(enum diag_code code, int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
		return DIAG_RECEIVER_FULL;
	case EROFS:
		return DIAG_RECEIVER_READ_ONLY;
	case EFBIG:
	case ENAMETOOLONG:
	case EMLINK:
	case EILSEQ:
		return DIAG_RECEIVER_FS_LIMIT;
	}
	return code;
}

void fail_entry(
	struct diag *d, enum diag_code code, int err, const struct place *at, const char *name, const char *what)
{
	const char *src_dir = at ? at->src : "", *dst_dir = at ? at->dst : "";
	AUTO_FREE char *src = name ? path_join(src_dir, name) : xstrdup(src_dir);
	AUTO_FREE char *dst = name ? path_join(dst_dir, name) : xstrdup(*dst_dir ? dst_dir : ".");
	AUTO_FREE char *shown = text_escaped(dst);

	diag_set(d, code_for(code, err), err, src, "%s '%s' at the target", what, shown);
}

/* An attribute's size, and not that the disk is full: the kernel says the same of both. */
static bool too_large(int err, const struct place *at)
{
	struct statvfs fs;

	if (err == E2BIG || err == ERANGE)
		return true;
	return err == ENOSPC && at && at->fd >= 0 && fstatvfs(at->fd, &fs) == 0 &&
		(uint64_t)fs.f_bavail * fs.f_frsize > ROOM;
}

void fail_metadata(struct diag *diag, unsigned mask, int err, const struct place *at, const char *name)
{
	AUTO_BUF what = BUF_INIT;

	if (!mask)
		return;
	if ((mask & (META_D_XATTR | META_D_ACL)) && too_large(err, at)) {
		buf_append_str(&what, "too large to be set (");
		meta_diff_names(&what, mask);
		buf_append_str(&what, ") by the file system of");
		fail_entry(diag, DIAG_RECEIVER_ATTRIBUTE_SIZE, 0, at, name, buf_cstr(&what));
		return;
	}
	buf_append_str(&what, "cannot set ");
	meta_diff_names(&what, mask);
	buf_append_str(&what, " of");
	fail_entry(diag, DIAG_RECEIVER_METADATA, err, at, name, buf_cstr(&what));
}
