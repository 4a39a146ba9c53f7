/* Reading a command's arguments: options in any place, --name VALUE or --name=VALUE; `--` ends them. */
#ifndef COMMAND_OPTIONS_H
#define COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* One option; exactly one of flag, value and list is set. A table of them ends with { 0 }. */
struct option {
    const char *name;   /* with its dashes: "--out" */
    bool *flag;         /* set to true */
    const char **value; /* given at most once */
    struct option_list *list; /* may be repeated */
};

/* Values of an option that may be repeated; values is freed with free(). */
struct option_list {
    const char **values;
    size_t count, capacity;
};

/* Takes options out of argv[1] ..., leaves *count other arguments in `rest`, which must have room for argc. 0 or -1
 * with an unknown option (and a suggestion), a missing or an unwanted value, more than `most` arguments or fewer than
 * `least`. `usage`: the command's arguments, named in the last case. */
int options_read(int argc, char **argv, const struct option *options, const char **rest, size_t *count, size_t least,
                 size_t most, const char *usage, struct iso_error *err);

#endif
