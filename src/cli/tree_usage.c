/* How much a directory holds that is not a file system of its own, which statvfs(2) would tell. */
#include "cli/layout.h"

#include <fts.h>
#include <sys/stat.h>

#define BLOCK 512

bool tree_usage(const char *dir, uint64_t *out_bytes, uint64_t *out_inodes)
{
	char *const roots[] = {(char *)dir, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	uint64_t bytes = 0, shared = 0, inodes = 0;
	bool opened = true;
	FTSENT *e;

	if (!tree)
		return false;
	while ((e = fts_read(tree))) {
		if (e->fts_level == FTS_ROOTLEVEL && (e->fts_info == FTS_DNR || e->fts_info == FTS_NS))
			opened = false;
		if (e->fts_info == FTS_DP || e->fts_info == FTS_NS || e->fts_info == FTS_ERR || e->fts_info == FTS_DNR)
			continue;
		if (S_ISDIR(e->fts_statp->st_mode) || e->fts_statp->st_nlink < 2) {
			bytes += (uint64_t)e->fts_statp->st_blocks * BLOCK;
			inodes++;
		} else {
			shared += (uint64_t)e->fts_statp->st_blocks * BLOCK / e->fts_statp->st_nlink;
			inodes++; /* more than there are, which does no harm */
		}
	}
	fts_close(tree);
	*out_bytes = bytes + shared;
	*out_inodes = inodes;
	return opened;
}
