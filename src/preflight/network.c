/* The network between, and what the copy's network will be. */
#include "preflight/look.h"
