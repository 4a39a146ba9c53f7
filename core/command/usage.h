/* What a command's own usage says of its arguments and options: read from the texts that `isoflop help` prints, so that
 * completion knows what help knows. */
#ifndef COMMAND_USAGE_H
#define COMMAND_USAGE_H

#include "base/memory.h"
#include "command/command.h"

/* An option of a command. */
struct usage_option {
    const char *name;  /* "--format" */
    const char *value; /* "text|json", "DIR"; NULL: it takes none */
};
/* Those of `arguments` and of the left column of `help`, ends with { NULL }; each once, with the value that lists
 * choices where there are two. In the arena; NULL: out of memory. */
const struct usage_option *usage_options(const struct command *command, struct arena *arena);

/* The words that `arguments` has at the place of positional argument number `count`, after the `count` given ones:
 * "DIR", "RECIPE|PLUGIN.so", "list". Ends with NULL; in the arena; NULL: out of memory. */
const char *const *usage_positional(const struct command *command, const char *const *given, size_t count,
                                    struct arena *arena);

#endif
