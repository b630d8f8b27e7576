/* Disks, volumes, file systems and mounts. */
#include "preflight/look.h"
