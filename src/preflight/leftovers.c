/* Clouds, agents, time, security, earlier runs. */
#include "preflight/look.h"
