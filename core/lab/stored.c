/* Stored recipes, made to stand alone. */
#include "lab/stored.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lab/database.h"

/* `seeds: 3` of a resolved trial is one seed; as a recipe it has to be [3]. */
static int make_seeds_a_list(struct tree *tree)
{
    struct node *seeds = node_get(tree->root, "seeds");
    if (!seeds || seeds->kind == NODE_LIST)
        return 0;
    struct node **streams = seeds->kind == NODE_MAP ? seeds->values : &seeds;
    const size_t count = seeds->kind == NODE_MAP ? seeds->count : 1;
    for (size_t i = 0; i < count; i++) {
        if (streams[i]->kind == NODE_LIST)
            continue;
        struct node *list = node_new(tree, NODE_LIST, NULL);
        if (!list || node_append(tree, list, NULL, streams[i]))
            return -1;
        streams[i] = list;
    }
    for (size_t i = 0; i < tree->root->count; i++)
        if (seeds->kind == NODE_LIST && strcmp(tree->root->keys[i]->text, "seeds") == 0)
            tree->root->values[i] = seeds;
    return 0;
}

/* The store has keys by name; people read them in the order of the manual. */
static void order_sections(struct node *root)
{
    static const char *const order[] = { "name", "title", "dataset", "model", "loss", "optimizer", "schedule", "backend",
                                         "train", "seeds" };
    size_t placed = 0;
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (size_t i = placed; i < root->count; i++)
            if (strcmp(root->keys[i]->text, order[k]) == 0) {
                struct node *key = root->keys[i], *value = root->values[i];
                memmove(root->keys + placed + 1, root->keys + placed, (i - placed) * sizeof key);
                memmove(root->values + placed + 1, root->values + placed, (i - placed) * sizeof value);
                root->keys[placed] = key;
                root->values[placed++] = value;
                break;
            }
}

static int make_absolute(struct tree *tree, struct node *node, const char *folder)
{
    if (!node || node->kind != NODE_SCALAR || !node->text[0] || node->text[0] == '/')
        return 0;
    char *path = file_join(folder, node->text), *whole = path ? file_absolute(path) : NULL;
    node->text = whole ? arena_copy(tree->arena, whole, strlen(whole)) : node->text;
    const int status = whole && node->text ? 0 : -1;
    free(path);
    free(whole);
    return status;
}

/* Parameters of a plugin that are paths: node is `{name: {parameters}}`. */
static int make_plugin_absolute(struct tree *tree, struct node *node, enum iso_kind kind, const char *folder,
                                struct plugins *plugins)
{
    struct iso_error ignored = ERROR_NONE;
    if (!node || node->kind != NODE_MAP || node->count != 1 || node->values[0]->kind != NODE_MAP)
        return 0;
    const struct plugin *plugin = plugins_find(plugins, kind, node->keys[0]->text, &ignored);
    int status = 0;
    for (size_t i = 0; plugin && !status && i < plugin->param_count; i++)
        if (plugin->params[i].type == ISO_TYPE_PATH)
            status = make_absolute(tree, node_get(node->values[0], plugin->params[i].name), folder);
    return status;
}

static int make_paths_absolute(struct tree *tree, const char *folder, struct plugins *plugins)
{
    static const struct { const char *path; enum iso_kind kind; } places[] = {
        { "dataset", ISO_DATASET },     { "loss", ISO_LOSS },       { "optimizer", ISO_OPTIMIZER },
        { "schedule", ISO_SCHEDULE },   { "backend", ISO_BACKEND }, { "model.initializer", ISO_INITIALIZER },
        { "model.activation", ISO_ACTIVATION },
    };
    int status = make_absolute(tree, node_at(tree->root, "model.from"), folder);
    for (size_t i = 0; !status && i < sizeof places / sizeof *places; i++) {
        struct node *node = node_at(tree->root, places[i].path);
        const bool list = node && node->kind == NODE_LIST;
        for (size_t k = 0; node && !status && k < (list ? node->count : 1); k++)
            status = make_plugin_absolute(tree, list ? node->values[k] : node, places[i].kind, folder, plugins);
    }
    return status;
}

struct tree *stored_recipe(struct sqlite3 *database, const char *key, struct plugins *plugins, struct iso_error *err)
{
    sqlite3_stmt *statement = database_prepare(database, "SELECT recipe, folder FROM trials WHERE key = ?1", err);
    struct tree *tree = NULL;
    int status = -1;
    if (!statement)
        goto out;
    database_bind_text(statement, 1, key);
    if (sqlite3_step(statement) != SQLITE_ROW) {
        iso_fail(err, "there is no trial %s", key);
        goto out;
    }
    if (!(tree = database_recipe(statement, 0, err))) {
        error_context(err, "trial %s", key);
        goto out;
    }
    order_sections(tree->root);
    if (make_seeds_a_list(tree) || make_paths_absolute(tree, database_text(statement, 1), plugins))
        error_memory(err);
    else
        status = 0;
out:
    sqlite3_finalize(statement);
    if (status) {
        tree_free(tree);
        return NULL;
    }
    return tree;
}

struct tree *stored_recipe_in(const char *folder, const char *key, struct plugins *plugins, struct iso_error *err)
{
    sqlite3 *database = database_open(folder, false, err);
    struct tree *tree = database ? stored_recipe(database, key, plugins, err) : NULL;
    database_close(database, false, NULL);
    return tree;
}
