/* Private to the room transport: private keys. */
#pragma once

#include "base/util.h"

enum key_kind { KEY_MISSING, KEY_PLAIN, KEY_RSA, KEY_UNUSABLE };
/* What kind of key a file's text holds, without decrypting anything. */
enum key_kind key_classify(const char *text, size_t n);
