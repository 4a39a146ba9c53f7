/* Completion of --set PATH=VALUE: keys of a recipe, plugins, their parameters and what these may be. */
#include <string.h>
#include <unistd.h>

#include "command/complete.h"
#include "figure/spec.h"
#include "train/keys.h"

/* Kind of the plugin that `path` chooses: "loss", "model.activation"; 0: it chooses none. */
static enum iso_kind kind_at(const char *path)
{
    static const char model[] = "model.";
    if (!tree_is_plugin_path(path))
        return (enum iso_kind)0;
    const char *name = strncmp(path, model, sizeof model - 1) ? path : path + sizeof model - 1;
    return !strncmp(name, "activation", 10) ? ISO_ACTIVATION : plugin_kind_of(name);
}

/* The recipe on the command line; NULL: there is none that can be read. */
static struct tree *read_recipe(const struct completion *completion)
{
    struct diagnostics *found = diagnostics_new();
    const char *path = completion->given_count ? completion->given[0] : "";
    struct tree *tree = found && *path && !access(path, R_OK) ? tree_read(path, found) : NULL;
    diagnostics_free(found);
    return tree;
}

/* The plugin that the recipe chooses at a path, NULL where it does not say. */
static const char *chosen_at(const struct tree *tree, const char *path)
{
    const struct node *node = tree && tree->root ? node_at(tree->root, path) : NULL;
    if (node && node->kind == NODE_MAP && node->count == 1)
        return node->keys[0]->text;
    return node && node->kind == NODE_SCALAR && node->text[0] ? node->text : NULL;
}

/* ---- Paths ---- */

static void offer_words(struct completion *completion, const char *start, const char *const *words)
{
    for (; words && *words; words++)
        complete_offer(completion, start, *words);
}

static void offer_path(struct completion *completion, const char *start, const char *name, const char *end)
{
    const char *rest = arena_format(completion->arena, "%s%s", name, end);
    if (rest)
        complete_offer(completion, start, rest);
}

static void offer_data_options(struct completion *completion, const char *start)
{
    for (size_t i = 0; tree_data_options[i]; i++)
        offer_path(completion, start, tree_data_options[i], "=");
}

static const struct plugin *find_plugin(struct completion *completion, enum iso_kind kind, const char *name)
{
    struct iso_error err = ERROR_NONE;
    return plugins_find(completion->plugins, kind, name, &err);
}

/* Keys right below `section` ("train", "schedule.exponential", "" at the top), each after `start`. */
static void offer_keys(struct completion *completion, const struct tree *tree, const char *section, const char *start)
{
    const enum iso_kind kind = kind_at(section);
    const char *dot = strrchr(section, '.');
    char *parent = arena_copy(completion->arena, section, dot ? (size_t)(dot - section) : 0);
    const enum iso_kind parent_kind = parent ? kind_at(parent) : (enum iso_kind)0;
    if (kind) {
        const char *chosen = chosen_at(tree, section);
        if (chosen)
            offer_path(completion, start, chosen, ".");
        else
            complete_plugins(completion, kind, start, ".");
    } else if (parent_kind) {
        const struct plugin *plugin = find_plugin(completion, parent_kind, dot + 1);
        for (size_t i = 0; plugin && i < plugin->param_count; i++)
            offer_path(completion, start, plugin->params[i].name, "=");
        if (parent_kind == ISO_DATASET)
            offer_data_options(completion, start);
    }
    for (const struct settings_key *key = settings_keys; key->path; key++) {
        const char *name = settings_key_below(key, section);
        if (!name)
            continue;
        bool below = kind_at(key->path) || !strcmp(key->path, "sweep");
        for (const struct settings_key *other = settings_keys; other->path && !below; other++)
            below = settings_key_below(other, key->path) != NULL;
        /* A section of keys alone takes no value of its own. */
        const bool section_only = !strcmp(name, "sweep") || !strcmp(name, "model") || !strcmp(name, "train") ||
                                  !strcmp(name, "measure");
        if (below)
            offer_path(completion, start, name, ".");
        if (!section_only)
            offer_path(completion, start, name, "=");
    }
}

static void offer_paths(struct completion *completion, const struct tree *tree)
{
    static const char sweep[] = "sweep.";
    const char *word = completion->word, *dot = strrchr(word, '.');
    const char *path = !strncmp(word, sweep, sizeof sweep - 1) ? word + sizeof sweep - 1 : word;
    char *start = arena_copy(completion->arena, word, dot ? (size_t)(dot + 1 - word) : 0);
    char *section = arena_copy(completion->arena, path, dot && dot >= path ? (size_t)(dot - path) : 0);
    if (start && section)
        offer_keys(completion, tree, section, start);
}

/* ---- Values ---- */

static void offer_parameter_values(struct completion *completion, enum iso_kind kind, const char *name,
                                   const char *parameter, const char *start)
{
    static const char *const normalise[] = { "unit", "standard", "none", NULL }, *const flags[] = { "true", "false",
                                                                                                   NULL };
    const struct plugin *plugin = find_plugin(completion, kind, name);
    const char *values[PLUGIN_TRIES];
    if (kind == ISO_DATASET && !strcmp(parameter, "normalise"))
        offer_words(completion, start, normalise);
    for (size_t i = 0; plugin && i < plugin->param_count; i++) {
        const struct iso_param *param = &plugin->params[i];
        if (strcmp(param->name, parameter))
            continue;
        if (param->type == ISO_TYPE_FLAG)
            offer_words(completion, start, flags);
        else if (param->type == ISO_TYPE_PATH)
            text_add_string(completion->out, ":file\n");
        const size_t count = param->type == ISO_TYPE_CHOICE ? plugin_tries(param, completion->arena, values) : 0;
        for (size_t k = 0; k < count; k++)
            complete_offer(completion, start, values[k]);
    }
}

static void offer_values(struct completion *completion, size_t length)
{
    char *path = arena_copy(completion->arena, completion->word, length);
    char *start = arena_copy(completion->arena, completion->word, length + 1);
    char *parameter = path ? strrchr(path, '.') : NULL;
    if (!path || !start)
        return;
    const struct settings_key *key = settings_key_find(path);
    const enum iso_kind kind = kind_at(path);
    if (kind)
        complete_plugins(completion, kind, start, "");
    else if (key)
        offer_words(completion, start, key->words);
    if (!strcmp(path, "model.from"))
        text_add_string(completion->out, ":file safetensors\n");
    if (!strncmp(path, "figures.", 8) && parameter && !strcmp(parameter, ".kind"))
        for (int i = 0; i < KIND_COUNT; i++)
            complete_offer(completion, start, figure_kinds[i]);
    if (!parameter)
        return;
    *parameter++ = 0;
    char *name = strrchr(path, '.');
    if (!name)
        return;
    *name++ = 0;
    if (kind_at(path))
        offer_parameter_values(completion, kind_at(path), name, parameter, start);
}

void complete_set(struct completion *completion)
{
    const char *equals = strchr(completion->word, '=');
    struct tree *tree = equals ? NULL : read_recipe(completion);
    if (equals)
        offer_values(completion, (size_t)(equals - completion->word));
    else
        offer_paths(completion, tree);
    tree_free(tree);
}
