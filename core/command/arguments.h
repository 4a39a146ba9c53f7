/* Values of options: numbers and words, read strictly. A text that is NULL (the option is not given) leaves *value as it
 * is. 0, or -1 and an error that says what is wanted. */
#ifndef COMMAND_ARGUMENTS_H
#define COMMAND_ARGUMENTS_H

#include <stdint.h>

#include "base/error.h"
#include "command/options.h"

int argument_count(const char *option, const char *text, uint64_t *value, struct iso_error *err);  /* at least 1 */
/* Above 0; or 0, where `zero`. */
int argument_seconds(const char *option, const char *text, bool zero, double *value, struct iso_error *err);
/* The index in `words`, which end with NULL. */
int argument_choice(const char *option, const char *text, const char *const *words, int *value, struct iso_error *err);


/* options_read for a command that takes between `least` and `most` arguments: arguments[0 ... most - 1] get them, and keep
 * what they hold where there are fewer. */
int arguments_read(int argc, char **argv, const struct option *options, const char **arguments, size_t least,
                    size_t most, const char *usage, struct iso_error *err);
/* Adds "backend=NAME" (NULL: nothing) to what --set gave; *made is to be freed when the list is. */
int arguments_add_backend(struct option_list *overrides, const char *backend, char **made, struct iso_error *err);

#endif
