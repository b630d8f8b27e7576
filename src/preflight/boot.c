/* Loaders, firmware, and what a boot needs. */
#include "preflight/look.h"
