/*
 * Private to the room facts: tables as text, with a line an entry and fields between blanks, in which blanks are \040 and the
 * like. Everything points into the text, which is taken apart.
 */
#pragma once

#include "base/util.h"

/* The next line; NULL at the end. */
char *fields_line(char **text);
/* The next field; NULL when there is none. */
char *fields_word(char **line);
/* The same where one space alone parts them: a field can be empty. */
char *fields_cell(char **line);
