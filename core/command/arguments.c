/* Reads the values of options. */
#include "command/arguments.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"

int argument_count(const char *option, const char *text, uint64_t *value, struct iso_error *err)
{
    int64_t count;
    if (!text)
        return 0;
    if (!number_int(text, &count) || count < 1 || count > 1000000)
        return iso_fail(err, "%s needs a whole number from 1 to 1000000, not %s", option, text);
    *value = (uint64_t)count;
    return 0;
}

int argument_seconds(const char *option, const char *text, bool zero, double *value, struct iso_error *err)
{
    double seconds;
    if (!text)
        return 0;
    if (!number_real(text, &seconds) || !(seconds > 0 || (zero && seconds == 0)) || seconds > 1e9)
        return iso_fail(err, "%s needs a number of seconds%s above 0, not %s", option, zero ? ", 0 or" : "", text);
    *value = seconds;
    return 0;
}

int argument_choice(const char *option, const char *text, const char *const *words, int *value, struct iso_error *err)
{
    struct text list = { 0 };
    if (!text)
        return 0;
    for (int i = 0; words[i]; i++) {
        if (strcmp(text, words[i]) == 0) {
            text_free(&list);
            *value = i;
            return 0;
        }
        text_format(&list, "%s%s", i ? ", " : "", words[i]);
    }
    iso_fail(err, "%s must be one of %s, not %s", option, list.data ? list.data : "", text);
    text_free(&list);
    return -1;
}

int arguments_read(int argc, char **argv, const struct option *options, const char **arguments, size_t least,
                    size_t most, const char *usage, struct iso_error *err)
{
    const char **rest = memory_array((size_t)argc + 1, sizeof *rest);
    size_t count = 0;
    int status = rest ? options_read(argc, argv, options, rest, &count, least, most, usage, err) : error_memory(err);
    for (size_t i = 0; !status && i < count; i++)
        arguments[i] = rest[i];
    free(rest);
    return status;
}

int arguments_add_backend(struct option_list *overrides, const char *backend, char **made, struct iso_error *err)
{
    if (!backend)
        return 0;
    struct text text = { 0 };
    text_format(&text, "backend=%s", backend);
    *made = text_take(&text);
    if (!*made
        || memory_grow(&overrides->values, &overrides->capacity, overrides->count + 1, sizeof *overrides->values))
        return error_memory(err);
    overrides->values[overrides->count++] = *made;
    return 0;
}
