/* Reading a command's arguments. */
#include "command/options.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static int fail_unknown(const char *word, const struct option *options, struct iso_error *err)
{
    const char *names[64];
    size_t count = 0;
    struct text text = { 0 };
    for (; options->name && count < 64; options++)
        names[count++] = options->name;
    text_format(&text, "there is no option %.*s", (int)strcspn(word, "="), word);
    text_suggest(&text, word, names, count);
    if (!count)
        text_add_string(&text, "; this command has none");
    iso_fail(err, "%s", text.data ? text.data : "out of memory");
    text_free(&text);
    return -1;
}

static int store(const struct option *option, const char *value, struct iso_error *err)
{
    struct option_list *list = option->list;
    if (option->flag) {
        *option->flag = true;
    } else if (list) {
        if (memory_grow(&list->values, &list->capacity, list->count + 1, sizeof *list->values))
            return error_memory(err);
        list->values[list->count++] = value;
    } else if (*option->value) {
        return iso_fail(err, "option %s is given twice", option->name);
    } else {
        *option->value = value;
    }
    return 0;
}

int options_read(int argc, char **argv, const struct option *options, const char **rest, size_t *count, size_t least,
                 size_t most, const char *usage, struct iso_error *err)
{
    bool ended = false;
    *count = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = NULL;
        const size_t length = strcspn(word, "=");
        const struct option *option = options;
        if (ended || word[0] != '-' || !word[1]) {
            rest[(*count)++] = word;
            continue;
        }
        if (!strcmp(word, "--")) {
            ended = true;
            continue;
        }
        while (option->name && (strlen(option->name) != length || strncmp(option->name, word, length)))
            option++;
        if (!option->name)
            return fail_unknown(word, options, err);
        if (word[length])
            value = word + length + 1;
        if (option->flag && value)
            return iso_fail(err, "option %s takes no value", option->name);
        if (!option->flag && !value && !(value = argv[++i]))
            return iso_fail(err, "option %s needs a value", option->name);
        if (store(option, value, err))
            return -1;
    }
    if (*count < least || *count > most)
        return iso_fail(err, "%s: usage: isoflop %s %s", *count < least ? "something is missing" : "too many arguments",
                        argv[0], usage);
    return 0;
}
