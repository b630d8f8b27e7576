/* Load, memory, limits. */
#include "preflight/look.h"
