/* Room at the target, and what is there already. */
#include "preflight/look.h"
