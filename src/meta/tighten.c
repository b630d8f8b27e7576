/* Taking rights away before new contents come: what is given is given at the end (apply.c). */
#include "meta/private.h"

#include <unistd.h>

/* Of the permission bits those that it has and is to have; none of a group's, which with an ACL are its mask, when that
 * group, or who else the ACL names, is not to stay the same. The owner, who is ourselves, keeps what work needs. */
static mode_t common_mode(const struct meta *want, const struct meta *have, unsigned diff)
{
	const bool is_dir = want->type == META_DIR;
	mode_t special = have->mode & 07000;
	mode_t mode = have->mode & want->mode & 0777;

	if (!is_dir)
		special &= diff & (META_D_OWNER | META_D_GROUP) ? 0 : want->mode;
	if (diff & (META_D_GROUP | META_D_ACL))
		mode &= ~(mode_t)070;
	return special | mode | (is_dir ? 0700 : 0600);
}

int meta_tighten_fd(int fd, const struct meta *want, const struct meta *have, unsigned fields)
{
	const unsigned diff = meta_diff(have, want, fields) & (META_D_MODE | META_D_OWNER | META_D_GROUP | META_D_ACL);
	const mode_t mode = common_mode(want, have, diff);
	const bool disown = (diff & META_D_OWNER) && have->uid != geteuid() && geteuid() == 0;

	if (!disown && !(have->mode & ~mode))
		return 0;
	/* Its owner could give himself back what is taken. */
	if (disown && fchown(fd, geteuid(), (gid_t)-1) < 0)
		return -1;
	return fchmod(fd, mode) < 0 ? -1 : 1;
}
