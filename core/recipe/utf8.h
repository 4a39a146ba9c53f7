/* UTF-8 and lines as libyaml sees them. */
#ifndef RECIPE_UTF8_H
#define RECIPE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at `at` (at < end); 1 where it is no valid one. */
size_t utf8_length(const char *at, const char *end);
/* The code point at `at`, or -1 where the bytes there are no valid UTF-8. */
long utf8_decode(const char *at, const char *end, size_t *length);
/* Whether a text can be shown and written as JSON: not NULL nor empty, valid, one line, no control characters. */
bool utf8_printable(const char *text);
/* Bytes of the line break at `at`, 0 where there is none. */
size_t utf8_break(const char *at, const char *end);
/* Finds a line by its number from 1. False: there are not so many. */
bool utf8_line(const char *text, size_t length, unsigned number, const char **line, const char **line_end);

#endif
