/* Changing a tree by paths: what --set and a sweep do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "recipe/source.h"

const char *const tree_data_options[] = { "classes",     "train_size",  "validation_size", "test_size", "subset_seed",
                                          "label_noise", "normalise",   "epoch_size",      NULL };

bool tree_is_plugin_path(const char *path)
{
    static const char *const places[] = { "dataset", "loss", "optimizer", "schedule", "backend", "model.activation",
                                          "model.initializer" };
    static const char element[] = "model.activation.";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!strcmp(path, places[i]))
            return true;
    const char *index = path + sizeof element - 1;
    return !strncmp(path, element, sizeof element - 1) && *index && !index[strspn(index, "0123456789")];
}

/* ---- node_set ---- */

static bool is_data_option(const char *name)
{
    for (size_t i = 0; tree_data_options[i]; i++)
        if (!strcmp(tree_data_options[i], name))
            return true;
    return false;
}

/* The error of a path into another plugin than the one chosen. */
static int other_plugin(const char *path, const char *at, const char *chosen, const char *wanted, const char *rest,
                        struct iso_error *err)
{
    if (!strcmp(at, "dataset") && is_data_option(wanted))
        return iso_fail(err, "there is no %s: the dataset chosen is %s; did you mean %s.%s.%s%s?", path, chosen, at,
                        chosen, wanted, rest);
    if (!strcmp(at, "model.activation") && !wanted[strspn(wanted, "0123456789")])
        return iso_fail(err, "there is no %s: %s is %s in all hidden layers; set it to a list of one each", path, at,
                        chosen);
    return iso_fail(err, "there is no %s: the %s chosen is %s, not %s; set %s to choose another", path,
                    !strncmp(at, "model.", 6) ? at + 6 : at, chosen, wanted, at);
}

/* Makes {name: {}} of a plugin's name; the key keeps its place. */
static int promote(struct tree *tree, struct node **slot, struct iso_error *err)
{
    struct node *map = node_new(tree, NODE_MAP, *slot), *parameters = node_new(tree, NODE_MAP, *slot);
    if (!map || !parameters || node_add(tree, map, *slot, parameters))
        return error_memory(err);
    *slot = map;
    return 0;
}

/* One step down: *slot becomes the place of the child called by the first `length` bytes of `name`. `at` is the path of
 * *slot itself; what is made on the way takes its place from `place`. */
static int descend(struct tree *tree, const char *path, const char *at, const char *name, size_t length,
                   const struct node *place, struct node ***slot, struct iso_error *err)
{
    struct node *node = **slot;
    char *word = arena_copy(tree->arena, name, length);
    if (!word)
        return error_memory(err);
    if (!node || node_is_null(node)) {
        node = **slot = node_new(tree, NODE_MAP, node && node->source ? node : place);
        if (!node)
            return error_memory(err);
    } else if (tree_is_plugin_path(at) && node->kind != NODE_LIST) {
        const char *chosen = node->kind == NODE_SCALAR ? node->text : node->count == 1 ? node->keys[0]->text : word;
        if (strcmp(chosen, word))
            return other_plugin(path, at, chosen, word, name + length, err);
        if (node->kind == NODE_SCALAR && promote(tree, *slot, err))
            return -1;
        node = **slot;
    }
    if (node->kind == NODE_SCALAR)
        return iso_fail(err, "there is no %s: %s is %s", path, at, node_describe(node));
    const size_t child = node_child(node, name, length);
    if (child == SIZE_MAX && node->kind == NODE_LIST)
        return iso_fail(err, "there is no %s: %s is a list of %zu, counted from 0", path, at, node->count);
    if (child != SIZE_MAX) {
        *slot = &node->values[child];
        return 0;
    }
    struct node *none = node_scalar(tree, "", true, place);
    if (!none || node_append(tree, node, word, none))
        return error_memory(err);
    *slot = &node->values[node->count - 1];
    return 0;
}

/* Setting another data set keeps the options that every data set takes, unless they are given anew. Names of what is
 * left behind are added to `dropped`, which may be NULL. */
static int keep_data_options(struct tree *tree, const struct node *before, struct node **value, struct text *dropped,
                             struct iso_error *err)
{
    if (!before || before->kind != NODE_MAP || before->count != 1 || before->values[0]->kind != NODE_MAP)
        return 0;
    if ((*value)->kind == NODE_SCALAR && !node_is_null(*value) && promote(tree, value, err))
        return -1;
    struct node *map = *value;
    if (map->kind != NODE_MAP || map->count != 1)
        return 0;
    const bool same = !strcmp(map->keys[0]->text, before->keys[0]->text);
    if (node_is_null(map->values[0])) {
        map->values[0] = node_new(tree, NODE_MAP, map->values[0]);
        if (!map->values[0])
            return error_memory(err);
    }
    struct node *options = map->values[0];
    const struct node *old = before->values[0];
    for (size_t i = 0; options->kind == NODE_MAP && i < old->count; i++) {
        const char *name = old->keys[i]->text;
        if (node_get(options, name))
            continue;
        if (same || is_data_option(name)) {
            if (node_add(tree, options, old->keys[i], old->values[i]))
                return error_memory(err);
        } else if (dropped) {
            text_format(dropped, "%s%s", dropped->length ? ", " : "", name);
        }
    }
    return 0;
}

static int set(struct tree *tree, const char *path, struct node *value, struct text *dropped, struct iso_error *err)
{
    struct node **slot = &tree->root;
    if (!path[0] || strstr(path, "..") || path[0] == '.' || path[strlen(path) - 1] == '.')
        return iso_fail(err, "\"%s\" is no path; one looks like train.batch or model.hidden.0", path);
    const char *name = path;
    while (*name) {
        const size_t length = strcspn(name, ".");
        char *at = arena_copy(tree->arena, path, name == path ? 0 : (size_t)(name - path) - 1);
        if (!at)
            return error_memory(err);
        if (descend(tree, path, at, name, length, value, &slot, err))
            return -1;
        name += length + (name[length] == '.');
    }
    if (!strcmp(path, "dataset") && keep_data_options(tree, *slot, &value, dropped, err))
        return -1;
    *slot = value;
    return 0;
}

int node_set(struct tree *tree, const char *path, struct node *value, struct iso_error *err)
{
    return set(tree, path, value, NULL, err);
}

/* ---- --set ---- */

/* Is `path` what a key of the sweep gives, or inside of it? */
static bool covers(const char *key, const char *path)
{
    const size_t length = strlen(key);
    return !strncmp(key, path, length) && (!path[length] || path[length] == '.');
}

/* The key of the sweep that gives `path` its values, and where in the sweep it stands ("" at the top); NULL: none. */
static const char *swept_by(const struct node *sweep, const char *path, const char **inside)
{
    *inside = "";
    for (size_t i = 0; sweep && sweep->kind == NODE_MAP && i < sweep->count; i++) {
        const char *key = sweep->keys[i]->text;
        const struct node *value = sweep->values[i];
        if (covers(key, path))
            return key;
        const bool cases = !strcmp(key, "cases");
        if (value->kind != NODE_MAP || (!cases && strcmp(key, "zip") && strcmp(key, "sample")))
            continue;
        for (size_t k = 0; k < value->count; k++) {
            const struct node *one = cases ? value->values[k] : NULL;
            *inside = key;
            if (!cases && covers(value->keys[k]->text, path))
                return value->keys[k]->text;
            for (size_t c = 0; one && one->kind == NODE_MAP && c < one->count; c++)
                if (covers(one->keys[c]->text, path))
                    return one->keys[c]->text;
        }
        *inside = "";
    }
    return NULL;
}

static int apply(struct tree *tree, const char *path, struct node *value, const struct node *where,
                 struct diagnostics *found)
{
    static const char below[] = "sweep.";
    struct iso_error err = ERROR_NONE;
    struct text dropped = { 0 };
    int result = 0;
    if (!strncmp(path, below, sizeof below - 1) && path[sizeof below - 1]) {
        const char *key = path + sizeof below - 1;
        struct node *sweep = node_get(tree->root, "sweep");
        if (!sweep || node_is_null(sweep)) {
            sweep = node_new(tree, NODE_MAP, where);
            if (!sweep || set(tree, "sweep", sweep, NULL, &err))
                error_memory(&err);
        }
        if (!err.text[0] && sweep->kind != NODE_MAP) {
            iso_fail(&err, "sweep is %s, where a mapping of paths is expected", node_describe(sweep));
        } else if (!err.text[0]) {
            const size_t child = node_child(sweep, key, strlen(key));
            if (child != SIZE_MAX)
                sweep->values[child] = value;
            else if (node_append(tree, sweep, key, value))
                error_memory(&err);
        }
    } else {
        const char *inside, *key = swept_by(node_get(tree->root, "sweep"), path, &inside);
        if (key && *inside)
            iso_fail(&err, "%s is swept (%s in sweep.%s); set sweep.%s to change its values", path, key, inside,
                     inside);
        else if (key)
            iso_fail(&err, "%s is swept; set sweep.%s to change its values", path, key);
        else
            set(tree, path, value, &dropped, &err);
    }
    if (err.text[0])
        result = diagnostics_add(found, SEVERITY_ERROR, where, "%s", err.text);
    else if (dropped.length)
        diagnostics_add(found, SEVERITY_NOTE, where, "this drops what the data set chosen before took: %s",
                        dropped.data);
    text_free(&dropped);
    return result;
}

int tree_override(struct tree *tree, const char *assignment, struct diagnostics *found)
{
    const char *equals = strchr(assignment, '=');
    const size_t length = strlen(assignment), path_length = equals ? (size_t)(equals - assignment) : length;
    struct source *source = source_new("--set", assignment, length);
    int result = -1;
    if (!source || tree_hold(tree, source)) {
        diagnostics_add(found, SEVERITY_ERROR, NULL, "out of memory");
        goto out;
    }
    const struct node where = { .source = source, .line = 1, .column = 1, .width = (unsigned)path_length };
    if (!equals || !path_length) {
        diagnostics_add(found, SEVERITY_ERROR, &where, "expected PATH=VALUE, such as train.batch=100");
        goto out;
    }
    if (!equals[1 + strspn(equals + 1, " \t")]) {
        diagnostics_add(found, SEVERITY_ERROR, &where, "no value follows the =; write null for none");
        goto out;
    }
    struct node *value = yaml_read(tree, source, path_length + 1, found);
    char *path = arena_copy(tree->arena, assignment, path_length);
    if (!value || !path)
        goto out;
    result = apply(tree, path, value, &where, found);
out:
    source_release(source);
    return result;
}
