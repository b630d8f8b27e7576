/* What runs, and must not be copied while it runs. */
#include "preflight/look.h"
