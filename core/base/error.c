/* Errors in words. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int error_context(struct iso_error *err, const char *format, ...)
{
    if (!err)
        return -1;
    char context[sizeof err->text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
    const size_t length = strlen(context), room = sizeof err->text - 1;
    if (!err->text[0]) {
        memcpy(err->text, context, length + 1);
        return -1;
    }
    if (length + 2 >= room)
        return -1; /* no room for the cause: it says more than its context */
    size_t kept = strlen(err->text);
    if (kept > room - length - 2)
        kept = room - length - 2;
    memmove(err->text + length + 2, err->text, kept);
    memcpy(err->text, context, length);
    memcpy(err->text + length, ": ", 2);
    err->text[length + 2 + kept] = 0;
    return -1;
}

int error_memory(struct iso_error *err)
{
    return iso_fail(err, "out of memory");
}

int error_system(struct iso_error *err, const char *what, const char *path)
{
    const int number = errno;
    char reason[256];
    if (strerror_r(number, reason, sizeof reason))
        snprintf(reason, sizeof reason, "error %d", number);
    return iso_fail(err, "%s %s: %s", what, path, reason);
}
