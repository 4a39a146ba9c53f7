/* Trees and nodes: making, finding, copying, reading scalars. */
#include "recipe/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "recipe/source.h"

/* ---- Sources and trees ---- */

struct source *source_new(const char *name, const char *text, size_t length)
{
    struct source *source = memory_array(1, sizeof *source);
    if (!source)
        return NULL;
    source->name = strdup(name);
    source->text = memory_array(length + 1, 1);
    if (!source->name || !source->text) {
        free(source->name);
        free(source->text);
        free(source);
        return NULL;
    }
    memcpy(source->text, text, length);
    source->length = length;
    atomic_init(&source->trees, 1);
    return source;
}

void source_release(struct source *source)
{
    if (!source || atomic_fetch_sub(&source->trees, 1) > 1)
        return;
    free(source->name);
    free(source->text);
    free(source);
}

int tree_hold(struct tree *tree, struct source *source)
{
    for (size_t i = 0; i < tree->source_count; i++)
        if (tree->sources[i] == source)
            return 0;
    if (memory_grow(&tree->sources, &tree->source_capacity, tree->source_count + 1, sizeof *tree->sources))
        return -1;
    atomic_fetch_add(&source->trees, 1);
    tree->sources[tree->source_count++] = source;
    return 0;
}

struct tree *tree_new(const char *folder)
{
    struct tree *tree = memory_array(1, sizeof *tree);
    if (!tree)
        return NULL;
    tree->arena = arena_new();
    if (tree->arena)
        tree->folder = arena_copy(tree->arena, folder, strlen(folder));
    if (!tree->folder) {
        tree_free(tree);
        return NULL;
    }
    return tree;
}

void tree_free(struct tree *tree)
{
    if (!tree)
        return;
    for (size_t i = 0; i < tree->source_count; i++)
        source_release(tree->sources[i]);
    free(tree->sources);
    arena_free(tree->arena);
    free(tree);
}

struct tree *tree_copy(const struct tree *tree)
{
    struct tree *copy = tree_new(tree->folder);
    if (copy && tree->root) {
        copy->root = node_copy(copy, tree->root);
        if (!copy->root) {
            tree_free(copy);
            return NULL;
        }
    }
    return copy;
}

/* ---- Making nodes ---- */

struct node *node_new(struct tree *tree, enum node_kind kind, const struct node *place)
{
    struct node *node = arena_zero(tree->arena, 1, sizeof *node);
    if (!node)
        return NULL;
    node->kind = kind;
    if (place && place->source) {
        /* the source is the tree's to keep; only its own functions look through the const */
        if (tree_hold(tree, (struct source *)place->source))
            return NULL;
        node->source = place->source;
        node->line = place->line;
        node->column = place->column;
        node->width = place->width;
    }
    return node;
}

struct node *node_scalar(struct tree *tree, const char *text, bool plain, const struct node *place)
{
    struct node *node = node_new(tree, NODE_SCALAR, place);
    if (!node)
        return NULL;
    node->plain = plain;
    node->text = arena_copy(tree->arena, text, strlen(text));
    return node->text ? node : NULL;
}

/* Arrays of children hold the next power of two, at least 4. */
static struct node **grown(struct arena *arena, struct node **array, size_t count)
{
    if (count && (count < 4 || (count & (count - 1))))
        return array;
    struct node **more = arena_zero(arena, count ? count * 2 : 4, sizeof *more);
    if (more && count)
        memcpy(more, array, count * sizeof *more);
    return more;
}

int node_add(struct tree *tree, struct node *collection, struct node *key, struct node *value)
{
    struct node **values = grown(tree->arena, collection->values, collection->count);
    if (!values || !value)
        return -1;
    collection->values = values;
    if (collection->kind == NODE_MAP) {
        struct node **keys = grown(tree->arena, collection->keys, collection->count);
        if (!keys || !key)
            return -1;
        collection->keys = keys;
        keys[collection->count] = key;
    }
    values[collection->count++] = value;
    return 0;
}

void node_remove(struct node *map, const char *key)
{
    size_t kept = 0;
    if (!map || map->kind != NODE_MAP)
        return;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) != 0) {
            map->keys[kept] = map->keys[i];
            map->values[kept++] = map->values[i];
        }
    map->count = kept;
}

int node_append(struct tree *tree, struct node *collection, const char *key, struct node *value)
{
    if (!value)
        return -1;
    return node_add(tree, collection, key ? node_scalar(tree, key, true, value) : NULL, value);
}

struct node *node_copy(struct tree *into, const struct node *node)
{
    struct node *copy = node_new(into, node->kind, node);
    if (!copy)
        return NULL;
    if (node->kind == NODE_SCALAR) {
        copy->plain = node->plain;
        copy->text = arena_copy(into->arena, node->text, strlen(node->text));
        return copy->text ? copy : NULL;
    }
    for (size_t i = 0; i < node->count; i++) {
        struct node *key = NULL, *value = node_copy(into, node->values[i]);
        if (node->kind == NODE_MAP)
            key = node_copy(into, node->keys[i]);
        if (!value || node_add(into, copy, key, value))
            return NULL;
    }
    return copy;
}

/* ---- Finding ---- */

static size_t position(const struct node *map, const char *key, size_t length)
{
    if (map && map->kind == NODE_MAP)
        for (size_t i = 0; i < map->count; i++)
            if (!strncmp(map->keys[i]->text, key, length) && !map->keys[i]->text[length])
                return i;
    return SIZE_MAX;
}

struct node *node_get(const struct node *map, const char *key)
{
    const size_t i = position(map, key, strlen(key));
    return i == SIZE_MAX ? NULL : map->values[i];
}

struct node *node_key(const struct node *map, const char *key)
{
    const size_t i = position(map, key, strlen(key));
    return i == SIZE_MAX ? NULL : map->keys[i];
}

size_t node_child(const struct node *node, const char *name, size_t length)
{
    if (node && node->kind == NODE_LIST) {
        char digits[12];
        int64_t index;
        if (length && length < sizeof digits && strspn(name, "0123456789") >= length) {
            memcpy(digits, name, length);
            digits[length] = 0;
            if (number_int(digits, &index) && (uint64_t)index < node->count)
                return (size_t)index;
        }
        return SIZE_MAX;
    }
    return position(node, name, length);
}

struct node *node_at(const struct node *root, const char *path)
{
    const struct node *node = root;
    while (node && *path) {
        const size_t length = strcspn(path, "."), i = node_child(node, path, length);
        node = i == SIZE_MAX ? NULL : node->values[i];
        path += length;
        if (*path == '.')
            path++;
    }
    return (struct node *)node;
}

/* ---- Scalars by YAML 1.2's core schema ---- */

static bool plain_one_of(const struct node *node, const char *a, const char *b, const char *c)
{
    return node && node->kind == NODE_SCALAR && node->plain &&
           (!strcmp(node->text, a) || !strcmp(node->text, b) || !strcmp(node->text, c));
}

bool node_is_null(const struct node *node)
{
    return plain_one_of(node, "null", "Null", "NULL") || plain_one_of(node, "~", "", "");
}

bool node_real(const struct node *node, double *value)
{
    return node && node->kind == NODE_SCALAR && node->plain && number_real(node->text, value);
}

bool node_int(const struct node *node, int64_t *value)
{
    return node && node->kind == NODE_SCALAR && node->plain && number_int(node->text, value);
}

bool node_flag(const struct node *node, bool *value)
{
    if (plain_one_of(node, "true", "True", "TRUE"))
        return *value = true, true;
    if (plain_one_of(node, "false", "False", "FALSE"))
        return *value = false, true;
    return false;
}

/* ---- Words for messages ---- */

const char *node_describe(const struct node *node)
{
    static _Thread_local char texts[4][96];
    static _Thread_local unsigned turn;
    char *text = texts[turn++ % 4];
    double number;
    bool flag;
    if (!node || node_is_null(node))
        return "nothing";
    if (node->kind == NODE_LIST)
        return node->count ? "a list" : "an empty list";
    if (node->kind == NODE_MAP)
        return node->count ? "a mapping" : "an empty mapping";
    const char *more = strlen(node->text) > 40 ? "..." : "";
    if (node_real(node, &number))
        snprintf(text, sizeof texts[0], "the number %.40s%s", node->text, more);
    else if (node_flag(node, &flag))
        snprintf(text, sizeof texts[0], "%s", flag ? "true" : "false");
    else
        snprintf(text, sizeof texts[0], "the text \"%.40s%s\"", node->text, more);
    return text;
}

int node_check_keys(const struct node *map, const char *what, const char *const *allowed, struct diagnostics *found)
{
    int result = 0;
    size_t count = 0;
    while (allowed[count])
        count++;
    for (size_t i = 0; map && map->kind == NODE_MAP && i < map->count; i++) {
        const char *key = map->keys[i]->text;
        size_t k = 0;
        while (k < count && strcmp(allowed[k], key))
            k++;
        if (k < count)
            continue;
        struct text text = { 0 };
        text_format(&text, "%s has no key \"%.100s\"", what, key);
        text_suggest(&text, key, allowed, count);
        text_add_string(&text, count ? " (it takes " : " (it takes none");
        for (k = 0; k < count; k++)
            text_format(&text, "%s%s", k ? ", " : "", allowed[k]);
        text_add_string(&text, ")");
        char *message = text_take(&text);
        result = diagnostics_add(found, SEVERITY_ERROR, map->keys[i], "%s", message ? message : "out of memory");
        free(message);
    }
    return result;
}
