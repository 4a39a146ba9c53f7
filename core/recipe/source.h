/* What the files of core/recipe share. */
#ifndef RECIPE_SOURCE_H
#define RECIPE_SOURCE_H

#include "recipe/tree.h"

struct source *source_new(const char *name, const char *text, size_t length); /* held once, by the caller */
void source_release(struct source *source);
int tree_hold(struct tree *tree, struct source *source); /* once a tree; 0 or -1 */
/* Appends; key is a node (NULL for a list). */
int node_add(struct tree *tree, struct node *collection, struct node *key, struct node *value);
/* The position of a child by key, or by index in a list; SIZE_MAX: there is none. */
size_t node_child(const struct node *node, const char *name, size_t length);
/* Reads the YAML that starts at `offset` of a source. NULL and messages. */
struct node *yaml_read(struct tree *tree, struct source *source, size_t offset, struct diagnostics *found);

#endif
