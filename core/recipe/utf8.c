/* UTF-8 and lines as libyaml sees them. */
#include "recipe/utf8.h"

#include <string.h>

long utf8_decode(const char *at, const char *end, size_t *length)
{
    const unsigned char first = (unsigned char)*at;
    const size_t n = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (!n || (size_t)(end - at) < n)
        return -1;
    long code = n == 1 ? first : first & (0x7F >> n);
    for (size_t i = 1; i < n; i++) {
        const unsigned char next = (unsigned char)at[i];
        if ((next & 0xC0) != 0x80)
            return -1;
        code = code << 6 | (next & 0x3F);
    }
    /* overlong forms, surrogates, beyond Unicode */
    if ((n == 3 && code < 0x800) || (n == 4 && code < 0x10000) || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return -1;
    *length = n;
    return code;
}

size_t utf8_length(const char *at, const char *end)
{
    size_t length;
    return utf8_decode(at, end, &length) < 0 ? 1 : length;
}

bool utf8_printable(const char *text)
{
    const char *end = text ? text + strlen(text) : NULL;
    size_t length;
    if (!text || !*text)
        return false;
    for (; text < end; text += length) {
        const long code = utf8_decode(text, end, &length);
        if (code < 0x20 || (code >= 0x7F && code < 0xA0)) /* no character, or one of control */
            return false;
    }
    return true;
}

size_t utf8_break(const char *at, const char *end)
{
    const size_t left = (size_t)(end - at);
    if (left >= 1 && *at == '\n')
        return 1;
    if (left >= 1 && *at == '\r')
        return left >= 2 && at[1] == '\n' ? 2 : 1;
    if (left >= 2 && !memcmp(at, "\xC2\x85", 2))
        return 2;
    if (left >= 3 && (!memcmp(at, "\xE2\x80\xA8", 3) || !memcmp(at, "\xE2\x80\xA9", 3)))
        return 3;
    return 0;
}

bool utf8_line(const char *text, size_t length, unsigned number, const char **line, const char **line_end)
{
    const char *at = text, *end = text + length;
    for (unsigned i = 1;; i++) {
        const char *start = at;
        while (at < end && !utf8_break(at, end))
            at++;
        if (i == number) {
            *line = start;
            *line_end = at;
            return true;
        }
        if (at == end)
            return false;
        at += utf8_break(at, end);
    }
}
