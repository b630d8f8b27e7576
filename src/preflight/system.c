/* The operating system, its kernel, and what it is. */
#include "preflight/look.h"
