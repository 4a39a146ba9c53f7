/* The keys of a recipe, in one table. */
#ifndef TRAIN_KEYS_H
#define TRAIN_KEYS_H

#include <stddef.h>

struct settings_key {
    const char *path;          /* "train.batch" */
    const char *const *words;  /* the words that its value, or an element of it, may be; ends with NULL. NULL: it has none */
};

/* In the order of the manual; ends with { NULL }. What is below a plugin's name, a sweep or a figure's name is not in
 * it: those have tables of their own. */
extern const struct settings_key settings_keys[];

const struct settings_key *settings_key_find(const char *path); /* NULL: there is none */
/* The last part of the key's path where the key stands directly below `section` ("": the whole recipe), else NULL. */
const char *settings_key_below(const struct settings_key *key, const char *section);

#endif
