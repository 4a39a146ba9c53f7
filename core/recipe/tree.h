/* A recipe as a tree whose every node knows where it was written. Trees are read from YAML (1.2 core schema) by
 * tree_read and live in one arena. */
#ifndef RECIPE_TREE_H
#define RECIPE_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"

/* A text that nodes come from: a file, or the argument of a --set. Shared by the trees that hold its nodes. */
struct source {
    char *name; /* as the user named it; "--set" for overrides */
    char *text;
    size_t length;
    atomic_uint trees; /* that hold it; the last frees it */
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    const struct source *source; /* NULL: made by the program */
    unsigned line, column;       /* from 1 */
    unsigned width;              /* columns to underline, at least 1 */
    char *text;                  /* a scalar's; "" for an empty one */
    bool plain;                  /* a scalar without quotes: may be a number, true, false or null */
    size_t count;                /* of a list or map */
    struct node **keys;          /* of a map: scalars */
    struct node **values;        /* of a list or map */
};

struct tree {
    struct arena *arena;
    struct node *root;
    char *folder; /* that paths in it are relative to; in the arena */
    struct source **sources;
    size_t source_count, source_capacity;
};

/* ---- Messages: errors and remarks with their place, collected so that all are shown at once ---- */

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };

struct diagnostics;
struct diagnostics *diagnostics_new(void);
void diagnostics_free(struct diagnostics *found);
/* Adds one message about a node (NULL: about no place). Printf-like. Always returns -1. Equal messages at one place
 * are kept once. */
#if defined __GNUC__
__attribute__((format(printf, 4, 5)))
#endif
int diagnostics_add(struct diagnostics *found, enum severity severity, const struct node *where, const char *format,
                    ...);
size_t diagnostics_count(const struct diagnostics *found, enum severity severity);
/* All messages in order of file, line, column, as "FILE:LINE:COL: error: TEXT" with source line and caret. */
void diagnostics_text(const struct diagnostics *found, struct text *out);

/* ---- Reading ---- */

/* NULL and messages in `found` where the file can't be read or is no YAML. Duplicate keys, tags and unknown anchors are
 * errors too, but the rest of the tree is given, so that all mistakes can be told at once: whoever acts on a tree looks
 * at diagnostics_count first. Size, depth and the expansion of aliases are bounded. */
struct tree *tree_read(const char *path, struct diagnostics *found);
/* The same from a text, such as a recipe stored elsewhere. */
struct tree *tree_parse(const char *name, const char *text, size_t length, struct diagnostics *found);
struct tree *tree_copy(const struct tree *tree); /* NULL: out of memory */
void tree_free(struct tree *tree);
/* A tree without nodes: root is NULL. */
struct tree *tree_new(const char *folder);

/* ---- Nodes ---- */

struct node *node_get(const struct node *map, const char *key); /* NULL: no such key, or no map */
struct node *node_key(const struct node *map, const char *key); /* the key's own node, for its place */
/* By path "a.b.0.c": list elements by index. NULL: nothing there. */
struct node *node_at(const struct node *root, const char *path);
/* Sets a path, making maps on the way; keeps the place of `value`, which becomes part of the tree. A scalar plugin name
 * on the way becomes {name: {}}: `node_set(root, "schedule.exponential.rate", ...)` works on `schedule: exponential`. A
 * path into another plugin than the one chosen, or through a scalar or past a list's end, is an error in words. Setting
 * `dataset` to another data set keeps the options that every data set takes. */
int node_set(struct tree *tree, const char *path, struct node *value, struct iso_error *err);
struct node *node_scalar(struct tree *tree, const char *text, bool plain, const struct node *place);
struct node *node_new(struct tree *tree, enum node_kind kind, const struct node *place);
int node_append(struct tree *tree, struct node *collection, const char *key, struct node *value); /* key NULL: a list */
void node_remove(struct node *map, const char *key); /* nothing where there is no such key, or no map */
struct node *node_copy(struct tree *into, const struct node *node);
bool node_is_null(const struct node *node);
/* Scalars by the core schema; false where the node is something else. */
bool node_real(const struct node *node, double *value);
bool node_int(const struct node *node, int64_t *value);
bool node_flag(const struct node *node, bool *value);
/* "a list", "a mapping", "the number 3", "nothing", for messages. One of a few static texts of the calling thread: good
 * for the message at hand. */
const char *node_describe(const struct node *node);
/* Reports every key of a mapping that is none of `allowed` (ends with NULL), with a suggestion and the list. `what`
 * names the mapping: "train has no key ...". 0 or -1. */
int node_check_keys(const struct node *map, const char *what, const char *const *allowed, struct diagnostics *found);

/* Canonical JSON: keys sorted, numbers in shortest exact form, no spaces. */
void node_json(const struct node *node, struct text *out);
/* As YAML that reads back the same, in the order of the tree. */
void node_yaml(const struct node *node, struct text *out);

/* Applies PATH=VALUE (VALUE is YAML). Below `sweep` the rest of the path is one key. Setting a path that is swept is an
 * error that names sweep.PATH. */
int tree_override(struct tree *tree, const char *assignment, struct diagnostics *found);

/* The options that the core gives every dataset, whatever the plugin; ends with NULL. */
extern const char *const tree_data_options[];
/* Is `path` a place where a plugin is chosen, such as "schedule" or "model.activation.0"? */
bool tree_is_plugin_path(const char *path);

/* The values that a sweep's right-hand side stands for: a list as it is, or {from, to, step|points, scale: linear|log}
 * (on a log scale, step is a factor). Values are computed in decimal, so that 0.01 + 6 * 0.01 is 0.07; those that are
 * no finite decimals are rounded to 12 significant digits. `integer`: values are rounded, duplicates dropped. Gives a
 * list node, NULL and messages where it is wrong. */
struct node *tree_values(struct tree *tree, const struct node *range, bool integer, struct diagnostics *found);

#endif
