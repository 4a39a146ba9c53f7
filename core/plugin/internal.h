/* What the files of core/plugin share; other layers see plugin.h alone. */
#ifndef PLUGIN_INTERNAL_H
#define PLUGIN_INTERNAL_H

#include "plugin/plugin.h"

/* The size of struct iso_plugin and struct iso_param when ABI 1 was laid down: no plugin has smaller ones. */
#define PLUGIN_SIZE_FIRST (offsetof(struct iso_plugin, entry_size) + sizeof(size_t))
#define PARAM_SIZE_FIRST (offsetof(struct iso_param, try_max) + sizeof(const char *))

/* Opens and verifies a file (verify.c). The plugin lives in the arena. kind 0: any, but the folder's, where the file
 * lies in a folder named like a kind. */
struct plugin *plugin_load(struct arena *arena, const char *file, enum iso_kind kind, struct iso_error *err);

/* Opens a module of the program and finds a symbol in it (verify.c). NULL and an error. */
const void *module_load(const char *file, const char *symbol, struct iso_error *err);
/* Refuses an object file that is cut off, before the loader maps it (object.c). */
int plugin_check_object(const char *path, struct iso_error *err);

/* Checks the functions and facts of a kind, and copies tables in them to this version's stride (verify_ops.c). */
int plugin_verify_ops(struct plugin *plugin, struct arena *arena, struct iso_error *err);

bool plugin_name_valid(const char *name); /* [a-z0-9_]+ */

/* The floating-point control word (exception flags left out), where it is known how to read it; else 0. */
unsigned plugin_float_mode(void);
void plugin_set_float_mode(unsigned mode);

/* ---- Values of parameters (values.c) ---- */

/* Bytes and alignment of a field of this type; 0: no such type. */
size_t value_size(int type);
size_t value_alignment(int type);

/* Reads a recipe's value into a field of param's type; lists and texts go to the arena. On failure, -1, words that
 * start with "must be", and *where is the part of `node` that is wrong. */
int value_read(const struct iso_param *param, const struct node *node, const char *folder, struct arena *arena,
               void *field, const struct node **where, struct iso_error *err);
/* The same from a text as it stands in a parameter table. */
int value_parse(const struct iso_param *param, const char *text, const char *folder, struct arena *arena, void *field,
                struct iso_error *err);
bool value_equal(int type, const void *a, const void *b);
/* "between 0 and 1", "at least 1", "" */
void value_bounds(const struct iso_param *param, struct text *out);
/* As canonical JSON. */
void value_json(const struct iso_param *param, const void *field, struct text *out);
/* Word number `index` of a choice; its length in *length. NULL: there are fewer. */
const char *value_choice(const char *choices, size_t index, size_t *length);
/* The earlier parameter of the table that `param`'s default names, or NULL. */
const struct iso_param *value_reference(const struct iso_param *params, const struct iso_param *param);

#endif
