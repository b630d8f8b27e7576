/* Text into a manual page: what could be taken for a request or an escape of mdoc(7) is disarmed. For the build's tools. */
#pragma once

#include <stdio.h>

/* A new sentence goes on a new line, and no line is very long; ends with a newline. */
void mdoc_text(FILE *out, const char *text);
