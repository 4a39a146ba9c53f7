/* What the files of the command `complete` share: a list of candidates, and what they are made from. */
#ifndef COMMAND_COMPLETE_H
#define COMMAND_COMPLETE_H

#include "base/text.h"
#include "command/command.h"
#include "plugin/plugin.h"

struct completion {
    struct arena *arena;
    struct plugins *plugins; /* along the search path, --plugin-path included; none is opened but for its parameters */
    const struct command *command;
    const char *const *given; /* positional arguments before the word */
    size_t given_count;
    const char *word;   /* what was typed of the value */
    const char *before; /* what is put before each candidate: "--format=" */
    struct text *out;   /* a candidate a line */
    bool failed;        /* out of memory */
};

/* A candidate that starts with the word; the parts are put together. */
void complete_offer(struct completion *completion, const char *start, const char *rest);
/* Candidates for an operand of the usage, such as "DIR", "text|json", "KIND[/NAME]"; `option`: whose value it is, or
 * NULL. */
void complete_value(struct completion *completion, const char *operand, const char *option);
/* Names of a kind's plugins, each after `start`. */
void complete_plugins(struct completion *completion, enum iso_kind kind, const char *start, const char *end);
/* PATH=VALUE of --set, for a recipe (complete_set.c). */
void complete_set(struct completion *completion);

#endif
