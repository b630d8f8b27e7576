/* The kernel's boot, by which two hosts that share a machine, or one that was restarted, are told apart. */
#pragma once

#include "base/util.h"

/* False, and zeros, where it is not told. */
bool boot_id_read(uint8_t id[16]);
