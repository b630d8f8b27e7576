/* Private to the room transport: our own copy of the receiver; its path is in transport.h. */
#pragma once

#include "transport/transport.h"

/* What it says of itself: an installed one at the target must say the same, word for word. NULL: nothing. To be freed. */
char *transport_helper_version(void);
