/* The stack of the main thread, which grows up to a limit that was handed down to us. */
#pragma once

#include "base/util.h"

/* Raises the limit where it is low and may be raised; in force at once. False: it stays too low to work with. */
bool stack_make_room(void);
