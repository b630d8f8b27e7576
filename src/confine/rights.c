/* Capabilities and identity. */
#include "confine/private.h"

#include <errno.h>
#include <grp.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

bool rights_leave_root(void)
{
	/* Without keepcaps the change of uid would drop the capabilities that are to stay. */
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
		setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

bool rights_have(unsigned cap)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (!caps)
		return false;
	if (cap_get_flag(caps, (cap_value_t)cap, CAP_PERMITTED, &value) < 0)
		value = CAP_CLEAR;
	cap_free(caps);
	return value == CAP_SET;
}

/* A change of uid has left what is permitted, but nothing that is in effect. */
static bool raise_right(cap_value_t cap)
{
	cap_t caps = cap_get_proc();
	bool ok = caps && cap_set_flag(caps, CAP_EFFECTIVE, 1, &cap, CAP_SET) == 0 && cap_set_proc(caps) == 0;

	cap_free(caps);
	return ok;
}

/* The bounding set, which decides what an exec could give back: another lock behind no-new-privileges, for those who
 * may set it. */
static void drop_bounding(uint64_t keep, struct buf *out_note)
{
	bool refused = false;

	if (!rights_have(CAP_SETPCAP) || !raise_right(CAP_SETPCAP))
		return;
	for (unsigned cap = 0; cap < 64; cap++) {
		if ((keep & RIGHT(cap)) || prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			refused = true;
	}
	if (refused)
		buf_append_str(out_note, "bounding set kept; ");
}

bool rights_keep(uint64_t keep, struct buf *out_note)
{
	cap_t caps;
	bool ok = true;
	int err;

	drop_bounding(keep, out_note);
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* Linux 4.3; before, there is none to clear */
	caps = cap_init();
	if (!caps)
		return false;
	for (unsigned cap = 0; cap < 64; cap++) {
		const cap_value_t value = (cap_value_t)cap;
		if (!(keep & RIGHT(cap)) || !rights_have(cap))
			continue;
		ok = ok && cap_set_flag(caps, CAP_PERMITTED, 1, &value, CAP_SET) == 0;
		ok = ok && cap_set_flag(caps, CAP_EFFECTIVE, 1, &value, CAP_SET) == 0;
	}
	ok = ok && cap_set_proc(caps) == 0;
	err = errno;
	cap_free(caps);
	(void)prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	errno = err;
	return ok;
}
