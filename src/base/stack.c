#include "base/stack.h"

#include <sys/resource.h>

#define WANTED ((rlim_t)1 << 20)
#define LEAST ((rlim_t)128 << 10)

bool stack_make_room(void)
{
	struct rlimit l, more;

	if (getrlimit(RLIMIT_STACK, &l) < 0 || l.rlim_cur >= WANTED)
		return true;
	more = (struct rlimit){.rlim_cur = WANTED, .rlim_max = MAX(l.rlim_max, WANTED)};
	if (setrlimit(RLIMIT_STACK, &more) == 0)
		return true;
	more = (struct rlimit){
		.rlim_cur = MIN(l.rlim_max, WANTED), .rlim_max = l.rlim_max}; /* root alone may have more */
	return (setrlimit(RLIMIT_STACK, &more) == 0 ? more.rlim_cur : l.rlim_cur) >= LEAST;
}
