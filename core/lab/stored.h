/* Recipes out of a store, made to be run by themselves from anywhere. */
#ifndef LAB_STORED_H
#define LAB_STORED_H

#include "plugin/plugin.h"

struct sqlite3;

/* The resolved recipe of a trial, by its whole key: sections in the usual order, `seeds` a list, relative paths made
 * absolute, so that it gives the same key again. Plugins that are not found leave their paths as they are. NULL and an
 * error. */
struct tree *stored_recipe(struct sqlite3 *database, const char *key, struct plugins *plugins, struct iso_error *err);
struct tree *stored_recipe_in(const char *folder, const char *key, struct plugins *plugins, struct iso_error *err);

#endif
