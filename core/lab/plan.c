/* Recipe -> plan: overrides, sweep and seeds expanded, every trial checked, its data opened and its key computed. */
#include "lab/plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "figure/figure.h"
#include "lab/lint.h"
#include "lab/sweep.h"
#include "train/objective.h"

static int add_memory(struct diagnostics *found)
{
    return diagnostics_add(found, SEVERITY_ERROR, NULL, "out of memory");
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->figure_count; i++)
        figure_spec_free(plan->figures[i]);
    free(plan->figures);
    for (size_t i = 0; i < plan->data_count; i++) {
        data_close(plan->data[i].data);
        settings_free(plan->data[i].settings);
        free(plan->data[i].json);
    }
    free(plan->data);
    free(plan->trials);
    tree_free(plan->base);
    tree_free(plan->tree);
    free(plan);
}

/* The file's name without folder and ending, with what names may not hold replaced. */
static char *name_of_file(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path, *dot = strrchr(from, '.');
    char *name = arena_copy(arena, from, dot && dot > from ? (size_t)(dot - from) : strlen(from));
    for (char *c = name; c && *c; c++) {
        *c = (char)tolower((unsigned char)*c);
        if (!isalnum((unsigned char)*c) && ((*c != '-' && *c != '_') || c == name))
            *c = c == name ? 'x' : '-';
    }
    return name;
}

static bool is_name(const char *name)
{
    return islower((unsigned char)*name) + isdigit((unsigned char)*name) > 0
           && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name) && strlen(name) <= 200;
}

static int read_head(struct plan *plan, const char *path, struct diagnostics *found)
{
    struct tree *tree = plan->tree;
    int status = 0;
    const struct node *name = node_get(tree->root, "name"), *title = node_get(tree->root, "title");
    plan->name = name && name->kind == NODE_SCALAR && name->text[0] ? name->text : name_of_file(tree->arena, path);
    plan->title = title && title->kind == NODE_SCALAR && title->text[0] ? title->text : plan->name;
    if (!plan->name)
        return add_memory(found);
    if (name && (name->kind != NODE_SCALAR || !is_name(name->text)))
        status = diagnostics_add(found, SEVERITY_ERROR, name,
                                 "name becomes a folder: lower-case letters, digits, - and _, a letter or digit first");
    if (title && title->kind != NODE_SCALAR)
        status = diagnostics_add(found, SEVERITY_ERROR, title, "title needs a text, not %s", node_describe(title));
    const struct node *laws = node_get(tree->root, "laws");
    if (laws && !node_is_null(laws))
        status = diagnostics_add(found, SEVERITY_ERROR, node_key(tree->root, "laws"),
                                 "this version of isoflop fits no laws yet; take `laws` out and fit the table of "
                                 "`isoflop export DIR --table trials`");
    return status;
}

static int read_figures(struct plan *plan, struct diagnostics *found)
{
    const struct node *figures = node_get(plan->tree->root, "figures");
    if (!figures || node_is_null(figures))
        return 0;
    if (figures->kind != NODE_MAP)
        return diagnostics_add(found, SEVERITY_ERROR, figures, "figures needs a mapping of names to figures, not %s",
                               node_describe(figures));
    int status = 0;
    plan->figures = memory_array(figures->count + 1, sizeof *plan->figures);
    if (!plan->figures)
        return add_memory(found);
    for (size_t i = 0; i < figures->count; i++) {
        if (!is_name(figures->keys[i]->text))
            status = diagnostics_add(found, SEVERITY_ERROR, figures->keys[i],
                                     "a figure's name becomes a file: lower-case letters, digits, - and _, a letter or "
                                     "digit first");
        struct figure_spec *spec = figure_spec_read(figures->keys[i]->text, figures->values[i], found);
        if (spec)
            plan->figures[plan->figure_count++] = spec;
        else
            status = -1;
    }
    return status;
}

/* What trials are copies of: the recipe without the sections that are the experiment's. */
static int make_base(struct plan *plan, struct diagnostics *found)
{
    plan->base = tree_copy(plan->tree);
    if (!plan->base)
        return add_memory(found);
    static const char *const apart[] = { "sweep", "laws", "figures", "title" };
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        node_remove(plan->base->root, apart[i]);
    if (!node_get(plan->base->root, "name")) {
        struct node *name = node_scalar(plan->base, plan->name, false, NULL);
        if (!name || node_append(plan->base, plan->base->root, "name", name))
            return add_memory(found);
    }
    return 0;
}

static size_t depth_of(const char *path)
{
    size_t depth = 1;
    for (; *path; path++)
        depth += *path == '.';
    return depth;
}

/* Keys that were made on the way to a swept path, which got the place of its value, stand where the path was written:
 * so a mistake in it is one message, not one for each value. */
static void place_keys(struct node *node, const char *path, const struct node *value, const struct node *place)
{
    while (node && node->kind == NODE_MAP) {
        const size_t length = strcspn(path, ".");
        struct node *next = NULL;
        for (size_t i = 0; i < node->count && !next; i++)
            if (strncmp(node->keys[i]->text, path, length) == 0 && !node->keys[i]->text[length]) {
                struct node *key = node->keys[i];
                next = node->values[i];
                if (key->source == value->source && key->line == value->line && key->column == value->column) {
                    key->source = place->source;
                    key->line = place->line;
                    key->column = place->column;
                    key->width = place->width;
                }
            }
        if (!path[length])
            return;
        path += length + 1;
        node = next;
    }
}

struct tree *plan_trial_tree(const struct plan *plan, size_t index, struct diagnostics *found)
{
    const struct plan_trial *trial = &plan->trials[index];
    struct iso_error err = ERROR_NONE;
    const struct node *place = NULL;
    struct tree *tree = tree_copy(plan->base);
    if (!tree)
        goto out_of_memory;
    node_remove(tree->root, "seeds");
    struct node *seeds = node_copy(tree, trial->seeds);
    if (!seeds || node_append(tree, tree->root, "seeds", seeds))
        goto out_of_memory;
    /* A whole plugin or section before what is set inside it. */
    size_t deepest = 1;
    for (size_t depth = 1; depth <= deepest; depth++)
        for (size_t p = 0; p < plan->path_count; p++) {
            size_t own = depth_of(plan->paths[p]);
            deepest = own > deepest ? own : deepest;
            if (own != depth || !trial->swept[p] || strcmp(plan->paths[p], "case") == 0)
                continue;
            struct node *value = node_copy(tree, trial->swept[p]);
            if (!value)
                goto out_of_memory;
            place = plan->keys[p];
            if (node_set(tree, plan->paths[p], value, &err)) {
                diagnostics_add(found, SEVERITY_ERROR, place, "%s", err.text);
                goto fail;
            }
            place_keys(tree->root, plan->paths[p], value, place);
        }
    return tree;
out_of_memory:
    add_memory(found);
fail:
    tree_free(tree);
    return NULL;
}

struct settings *plan_settings(const struct plan *plan, size_t index, struct plugins *plugins,
                               struct diagnostics *found)
{
    struct tree *tree = plan_trial_tree(plan, index, found);
    return tree ? settings_read(tree, plugins, found) : NULL;
}

int plan_wanted_json(const struct tree *trial, struct text *out)
{
    static const char *const sections[] = { "measure", "checkpoint" };
    text_add_string(out, "{");
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const struct node *section = node_get(trial->root, sections[i]);
        if (!section || node_is_null(section))
            continue;
        text_format(out, "%s\"%s\":", out->data[out->length - 1] == '{' ? "" : ",", sections[i]);
        node_json(section, out);
        if (out->failed)
            break;
    }
    text_add_string(out, "}");
    return out->failed ? -1 : 0;
}

/* The open data set of a trial; takes `settings` over where it is the first that needs it. */
static struct plan_data *find_data(struct plan *plan, struct settings **settings, struct diagnostics *found)
{
    struct text text = { 0 };
    const struct node *dataset = node_get((*settings)->tree->root, "dataset");
    node_json(dataset, &text);
    char *json = text_take(&text);
    if (!json) {
        add_memory(found);
        return NULL;
    }
    for (size_t i = plan->data_count; i-- > 0;)
        if (strcmp(plan->data[i].json, json) == 0) {
            free(json);
            return &plan->data[i];
        }
    struct iso_error err = ERROR_NONE;
    struct plan_data *data = NULL;
    if (memory_grow(&plan->data, &plan->data_capacity, plan->data_count + 1, sizeof *plan->data)) {
        add_memory(found);
        goto out;
    }
    data = &plan->data[plan->data_count];
    *data = (struct plan_data){ .json = json, .settings = *settings };
    data->data = data_open((*settings)->dataset, &(*settings)->data, (*settings)->seed, &err);
    if (!data->data) {
        diagnostics_add(found, SEVERITY_ERROR, dataset, "%s", err.text);
        data = NULL;
        goto out;
    }
    json = NULL;
    *settings = NULL;
    plan->data_count++;
out:
    free(json);
    return data;
}

/* SHA-256 of the JSON that a function gave; that of none is "". */
static int hash_json(int failed, struct text *json, char out[HASH_TEXT])
{
    out[0] = '\0';
    const int status = failed || json->failed || (json->length && hash_of(json->data, json->length, out)) ? -1 : 0;
    text_free(json);
    return status;
}

static int prepare(struct plan *plan, struct plan_trial *trial, struct settings **given, struct diagnostics *found)
{
    struct settings *settings = *given;
    struct plan_data *data = find_data(plan, given, found);
    if (!data)
        return -1;
    const struct node *loss = node_get(settings->tree->root, "loss");
    struct iso_error err = ERROR_NONE;
    struct text key = { 0 }, share = { 0 };
    struct ledger ledger;
    int status = -1;
    if (hash_json(settings_key_json(settings, data_checksum(data->data), &key), &key, trial->key)
        || hash_json(settings_share_json(settings, data_shape(data->data)->endless, &share), &share, trial->share))
        add_memory(found);
    else if (objective_check(settings, data_shape(data->data), &err))
        diagnostics_add(found, SEVERITY_ERROR, loss ? loss : node_key(settings->tree->root, "dataset"), "%s", err.text);
    else if (trial_measure(settings, data_shape(data->data), data_count(data->data, DATA_TRAIN), &trial->size, &err)
             || ledger_make(&ledger, settings, data_shape(data->data), &err))
        diagnostics_add(found, SEVERITY_ERROR, node_get(settings->tree->root, "train"), "%s", err.text);
    else
        status = 0;
    for (int part = 0; !status && part < LEDGER_PARTS; part++)
        trial->parts[part] = ledger_count_part(&ledger, (enum ledger_part)part, trial->size.steps, trial->size.examples);
    return status;
}

/* Checks each trial, and prepares it where asked for and nothing is wrong so far. */
static int check_trials(struct plan *plan, struct plugins *plugins, bool prepared, struct diagnostics *found)
{
    /* Mistakes that hang on swept values differ from trial to trial: a limit keeps what is shown readable. */
    const size_t enough = 50;
    for (size_t i = 0; i < plan->count && diagnostics_count(found, SEVERITY_ERROR) < enough; i++) {
        struct settings *settings = plan_settings(plan, i, plugins, found);
        if (settings && prepared && !diagnostics_count(found, SEVERITY_ERROR))
            prepare(plan, &plan->trials[i], &settings, found);
        settings_free(settings);
    }
    return diagnostics_count(found, SEVERITY_ERROR) ? -1 : 0;
}

static int expand(struct plan *plan, struct plugins *plugins, struct diagnostics *found)
{
    struct sweep sweep = { 0 };
    struct replicate *replicates = NULL;
    size_t replicate_count = 0;
    int swept = sweep_read(&sweep, plan->tree, plugins, found);
    int seeded = seeds_read(&replicates, &replicate_count, plan->tree, found);
    if (swept || seeded) { /* go on with the recipe itself, so that its other mistakes are shown, too */
        sweep = (struct sweep){ .count = 1 };
        replicates = arena_zero(plan->tree->arena, 1, sizeof *replicates);
        replicate_count = 1;
        if (!replicates || !(replicates->node = node_scalar(plan->tree, "0", true, NULL)))
            return add_memory(found);
    }
    if (sweep.count > SWEEP_TRIALS_MAX / replicate_count)
        return diagnostics_add(found, SEVERITY_ERROR, node_key(plan->tree->root, "seeds"),
                               "this recipe has more than %d trials", SWEEP_TRIALS_MAX);
    plan->paths = sweep.paths;
    plan->keys = sweep.keys;
    plan->path_count = sweep.path_count;
    plan->point_count = sweep.count;
    plan->count = sweep.count * replicate_count;
    plan->trials = memory_array(plan->count, sizeof *plan->trials);
    if (!plan->trials)
        return add_memory(found);
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_trial *trial = &plan->trials[i];
        trial->place = i + 1;
        trial->point = i / replicate_count;
        if (sweep.path_count)
            trial->swept = sweep.values + trial->point * sweep.path_count;
        trial->seeds = replicates[i % replicate_count].node;
        trial->seed = replicates[i % replicate_count].seed;
    }
    return swept || seeded ? -1 : 0;
}

/* Takes the tree over; NULL: it could not be read. */
static struct plan *read_plan(struct tree *tree, const char *path, const char *const *overrides, size_t override_count,
                              struct plugins *plugins, bool prepared, struct diagnostics *found)
{
    struct plan *plan = memory_array(1, sizeof *plan);
    if (!plan) {
        add_memory(found);
        tree_free(tree);
        return NULL;
    }
    plan->tree = tree;
    if (!plan->tree)
        goto fail;
    if (!plan->tree->root || plan->tree->root->kind != NODE_MAP) {
        diagnostics_add(found, SEVERITY_ERROR, plan->tree->root, "a recipe is a mapping of sections, not %s",
                        node_describe(plan->tree->root));
        goto fail;
    }
    for (size_t i = 0; i < override_count; i++)
        tree_override(plan->tree, overrides[i], found);
    read_head(plan, path, found);
    read_figures(plan, found);
    if (make_base(plan, found))
        goto fail;
    expand(plan, plugins, found);
    if (!plan->trials || check_trials(plan, plugins, prepared, found))
        goto fail;
    lint_plan(plan, plugins, found);
    return plan;
fail:
    plan_free(plan);
    return NULL;
}

struct plan *plan_read(const char *path, const char *const *overrides, size_t override_count, struct plugins *plugins,
                       struct diagnostics *found)
{
    return read_plan(tree_read(path, found), path, overrides, override_count, plugins, false, found);
}

struct plan *plan_prepare(const char *path, const char *const *overrides, size_t override_count,
                          struct plugins *plugins, struct diagnostics *found)
{
    return read_plan(tree_read(path, found), path, overrides, override_count, plugins, true, found);
}

struct plan *plan_of_tree(struct tree *tree, struct plugins *plugins, struct diagnostics *found)
{
    return read_plan(tree, "recipe.yaml", NULL, 0, plugins, false, found);
}
