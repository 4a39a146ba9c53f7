/* Expands `sweep` (lists, ranges, zip, sample, cases; several make a grid) and `seeds`. */
#include "lab/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/numbers.h"

/* One direction of the grid: `count` alternatives for `paths` together. */
struct axis {
    size_t path_count, count;
    char **paths;
    struct node **keys;
    struct node **values; /* count x path_count */
};

static int add_memory(struct diagnostics *found)
{
    return diagnostics_add(found, SEVERITY_ERROR, NULL, "out of memory");
}

/* Whether the recipe wants a whole number at `path`, so that ranges are rounded. */
static bool is_integer(struct plugins *plugins, const char *path)
{
    static const char *const exact[] = { "train.batch", "train.steps", "train.examples", "train.flops",
                                         "train.flops_6nd", "train.stop.patience", "train.warmup.steps",
                                         "measure.every.steps", "measure.every.log", "measure.train_eval" };
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (strcmp(path, exact[i]) == 0)
            return true;
    if (strncmp(path, "model.hidden", 12) == 0 && (path[12] == '.' || path[12] == '\0'))
        return true;

    static const struct { const char *section; enum iso_kind kind; } sections[] = {
        { "dataset.", ISO_DATASET },     { "loss.", ISO_LOSS },
        { "optimizer.", ISO_OPTIMIZER }, { "schedule.", ISO_SCHEDULE },
        { "backend.", ISO_BACKEND },     { "model.activation.", ISO_ACTIVATION },
        { "model.initializer.", ISO_INITIALIZER },
    };
    static const char *const sizes[] = { "train_size", "validation_size", "test_size", "epoch_size", "subset_seed" };
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        size_t length = strlen(sections[i].section);
        if (strncmp(path, sections[i].section, length) != 0)
            continue;
        const char *name = path + length, *dot = strchr(name, '.');
        char plugin_name[128];
        if (!dot || (size_t)(dot - name) >= sizeof plugin_name)
            return false;
        for (size_t k = 0; sections[i].kind == ISO_DATASET && k < sizeof sizes / sizeof *sizes; k++)
            if (strcmp(dot + 1, sizes[k]) == 0)
                return true;
        memcpy(plugin_name, name, (size_t)(dot - name));
        plugin_name[dot - name] = '\0';
        struct iso_error ignored = ERROR_NONE; /* a wrong name is reported where the trial is checked */
        const struct plugin *plugin = plugins_find(plugins, sections[i].kind, plugin_name, &ignored);
        for (size_t k = 0; plugin && k < plugin->param_count; k++)
            if (strcmp(plugin->params[k].name, dot + 1) == 0)
                return plugin->params[k].type == ISO_TYPE_INT;
    }
    return false;
}

static int check_path(const struct node *key, struct diagnostics *found)
{
    const char *path = key->text;
    if (strcmp(path, "seeds") == 0 || strncmp(path, "seeds.", 6) == 0)
        return diagnostics_add(found, SEVERITY_ERROR, key,
                               "seeds are no part of a sweep: each of its points is trained with every seed of `seeds`");
    static const char *const apart[] = { "name", "title", "sweep", "figures", "laws" };
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        size_t length = strlen(apart[i]);
        if (strncmp(path, apart[i], length) == 0 && (path[length] == '\0' || path[length] == '.'))
            return diagnostics_add(found, SEVERITY_ERROR, key, "%s belongs to the whole experiment: it can't be swept",
                                   apart[i]);
    }
    size_t length = strlen(path);
    if (!length || path[0] == '.' || path[length - 1] == '.' || strstr(path, ".."))
        return diagnostics_add(found, SEVERITY_ERROR, key,
                               "\"%s\" is no path; write names joined by dots, such as model.hidden.width", path);
    return 0;
}

static int axis_new(struct axis *axis, struct tree *tree, size_t paths, size_t count, struct diagnostics *found)
{
    *axis = (struct axis){ .path_count = paths, .count = count };
    axis->paths = arena_zero(tree->arena, paths + 1, sizeof *axis->paths);
    axis->keys = arena_zero(tree->arena, paths + 1, sizeof *axis->keys);
    axis->values = count < SIZE_MAX / (paths + 1) ? arena_zero(tree->arena, count * paths + 1, sizeof *axis->values)
                                                  : NULL;
    return axis->paths && axis->keys && axis->values ? 0 : add_memory(found);
}

/* `path: [values]` or `path: {from, to, ...}`. */
static int read_one(struct axis *axis, struct tree *tree, struct plugins *plugins, struct node *key,
                    const struct node *value, struct diagnostics *found)
{
    if (check_path(key, found))
        return -1;
    if (value->kind == NODE_SCALAR)
        return diagnostics_add(found, SEVERITY_ERROR, value,
                               "%s is swept, so it needs a list of values or a range {from: ..., to: ..., points: ...}, "
                               "not %s", key->text, node_describe(value));
    struct node *list = tree_values(tree, value, is_integer(plugins, key->text), found);
    if (!list)
        return -1;
    if (list->count > SWEEP_TRIALS_MAX)
        return diagnostics_add(found, SEVERITY_ERROR, value, "%s is swept over %zu values; %d are the most", key->text,
                               list->count, SWEEP_TRIALS_MAX);
    if (axis_new(axis, tree, 1, list->count, found))
        return -1;
    axis->paths[0] = key->text;
    axis->keys[0] = key;
    memcpy(axis->values, list->values, list->count * sizeof *list->values);
    return 0;
}

static int read_zip(struct axis *axis, struct tree *tree, struct plugins *plugins, const struct node *key,
                    const struct node *map, struct diagnostics *found)
{
    if (map->kind != NODE_MAP || !map->count)
        return diagnostics_add(found, SEVERITY_ERROR, map->kind == NODE_MAP ? key : map,
                               "zip needs a mapping of paths to lists of one length, not %s", node_describe(map));
    struct axis *parts = arena_zero(tree->arena, map->count, sizeof *parts);
    if (!parts)
        return add_memory(found);
    int status = 0;
    for (size_t i = 0; i < map->count; i++)
        if (read_one(&parts[i], tree, plugins, map->keys[i], map->values[i], found))
            status = -1;
    for (size_t i = 1; !status && i < map->count; i++)
        if (parts[i].count != parts[0].count)
            return diagnostics_add(found, SEVERITY_ERROR, map->keys[i],
                                   "lists under zip must be of one length: %s has %zu values, %s has %zu",
                                   parts[i].paths[0], parts[i].count, parts[0].paths[0], parts[0].count);
    if (status || axis_new(axis, tree, map->count, parts[0].count, found))
        return -1;
    for (size_t p = 0; p < map->count; p++) {
        axis->paths[p] = parts[p].paths[0];
        axis->keys[p] = parts[p].keys[0];
        for (size_t i = 0; i < axis->count; i++)
            axis->values[i * axis->path_count + p] = parts[p].values[i];
    }
    return 0;
}

static int read_cases(struct axis *axis, struct tree *tree, const struct node *key, const struct node *map,
                      struct diagnostics *found)
{
    if (map->kind != NODE_MAP || !map->count)
        return diagnostics_add(found, SEVERITY_ERROR, map->kind == NODE_MAP ? key : map,
                               "cases needs a mapping of names to mappings of paths, not %s", node_describe(map));
    size_t paths = 1;
    int status = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct node *given = map->values[i];
        if (given->kind == NODE_MAP) {
            paths += given->count;
            for (size_t k = 0; k < given->count; k++)
                if (check_path(given->keys[k], found))
                    status = -1;
        } else if (!node_is_null(given))
            status = diagnostics_add(found, SEVERITY_ERROR, given, "case %s needs a mapping of paths to values, not %s",
                                     map->keys[i]->text, node_describe(given));
    }
    if (status || axis_new(axis, tree, paths, map->count, found))
        return -1;
    /* The columns: "case", then each path in the order it is first met. */
    size_t width = axis->path_count;
    axis->paths[0] = "case";
    axis->keys[0] = (struct node *)key;
    axis->path_count = 1;
    for (size_t i = 0; i < map->count; i++) {
        axis->values[i * width] = map->keys[i];
        const struct node *given = map->values[i];
        for (size_t k = 0; given->kind == NODE_MAP && k < given->count; k++) {
            size_t p = 1;
            while (p < axis->path_count && strcmp(axis->paths[p], given->keys[k]->text) != 0)
                p++;
            if (p == axis->path_count) {
                axis->paths[p] = given->keys[k]->text;
                axis->keys[p] = given->keys[k];
                axis->path_count++;
            }
            axis->values[i * width + p] = given->values[k];
        }
    }
    for (size_t i = 0; i < map->count; i++)
        memmove(axis->values + i * axis->path_count, axis->values + i * width,
                axis->path_count * sizeof *axis->values);
    return 0;
}

/* Values of one path of `sample`: uniform, log_uniform or choice. A longer sample begins with the shorter one. */
static int draw_path(struct axis *axis, size_t p, struct tree *tree, struct plugins *plugins, uint64_t seed,
                     const struct node *value, struct diagnostics *found)
{
    const char *path = axis->paths[p];
    struct text purpose = { 0 };
    text_format(&purpose, "sample:%s", path);
    char *name = text_take(&purpose);
    if (!name)
        return add_memory(found);
    const struct iso_rng rng = generator_of(name, seed, 0);
    free(name);

    const char *how = value->kind == NODE_MAP && value->count == 1 ? value->keys[0]->text : "";
    const struct node *of = *how ? value->values[0] : NULL;
    bool choice = strcmp(how, "choice") == 0, log_uniform = strcmp(how, "log_uniform") == 0;
    if (!choice && !log_uniform && strcmp(how, "uniform") != 0)
        return diagnostics_add(found, SEVERITY_ERROR, value,
                               "%s under sample needs {uniform: [LOW, HIGH]}, {log_uniform: [LOW, HIGH]} or "
                               "{choice: [VALUES]}", path);
    if (of->kind != NODE_LIST || !of->count || (!choice && of->count != 2))
        return diagnostics_add(found, SEVERITY_ERROR, of, "%s needs a list of %s, not %s", how,
                               choice ? "values" : "two numbers, the lowest and the highest", node_describe(of));
    double low = 0, high = 0;
    if (!choice) {
        if (!node_real(of->values[0], &low) || !node_real(of->values[1], &high) || !isfinite(low) || !isfinite(high)
            || low > high)
            return diagnostics_add(found, SEVERITY_ERROR, of, "%s needs two finite numbers, the lower one first", how);
        if (log_uniform && low <= 0)
            return diagnostics_add(found, SEVERITY_ERROR, of->values[0], "log_uniform needs numbers above 0");
    }
    bool integer = is_integer(plugins, path);
    for (size_t i = 0; i < axis->count; i++) {
        double u = iso_rng_uniform_at(&rng, i, 0);
        struct node **slot = &axis->values[i * axis->path_count + p];
        if (choice) {
            *slot = of->values[(size_t)(u * (double)of->count)];
            continue;
        }
        double drawn = log_uniform ? exp(log(low) + u * (log(high) - log(low))) : low + u * (high - low);
        char text[NUMBER_TEXT];
        snprintf(text, sizeof text, "%.12g", integer ? round(drawn) : drawn);
        if (number_real(text, &drawn))
            number_text(drawn, text);
        *slot = node_scalar(tree, text, true, value);
        if (!*slot)
            return add_memory(found);
    }
    return 0;
}

static int read_sample(struct axis *axis, struct tree *tree, struct plugins *plugins, const struct node *key,
                       const struct node *map, struct diagnostics *found)
{
    const struct node *count_node = node_get(map, "count"), *seed_node = node_get(map, "seed");
    int64_t count = 0, seed = 0;
    if (map->kind != NODE_MAP)
        return diagnostics_add(found, SEVERITY_ERROR, map, "sample needs {count: N, seed: S, PATH: {uniform: [LOW, HIGH]}, "
                               "...}, not %s", node_describe(map));
    if (!count_node)
        return diagnostics_add(found, SEVERITY_ERROR, key, "sample needs `count`: how many points to draw");
    if (!node_int(count_node, &count) || count < 1 || count > SWEEP_TRIALS_MAX)
        return diagnostics_add(found, SEVERITY_ERROR, count_node, "sample.count must be a whole number from 1 to %d",
                               SWEEP_TRIALS_MAX);
    if (seed_node && (!node_int(seed_node, &seed) || seed < 0))
        return diagnostics_add(found, SEVERITY_ERROR, seed_node, "sample.seed must be a whole number from 0");
    if (axis_new(axis, tree, map->count, (size_t)count, found))
        return -1;
    axis->path_count = 0;
    for (size_t i = 0; i < map->count; i++)
        if (map->values[i] != count_node && map->values[i] != seed_node) {
            axis->paths[axis->path_count] = map->keys[i]->text;
            axis->keys[axis->path_count++] = map->keys[i];
        }
    if (!axis->path_count)
        return diagnostics_add(found, SEVERITY_ERROR, key, "sample names no path to draw values for");
    int status = 0;
    for (size_t p = 0; p < axis->path_count; p++)
        if (check_path(axis->keys[p], found)
            || draw_path(axis, p, tree, plugins, (uint64_t)seed, node_get(map, axis->paths[p]), found))
            status = -1;
    return status;
}

/* The product of the axes, the first varying slowest. */
static int multiply(struct sweep *sweep, const struct axis *axes, size_t axis_count, struct tree *tree,
                    const struct node *place, struct diagnostics *found)
{
    sweep->count = 1;
    for (size_t a = 0; a < axis_count; a++) {
        sweep->path_count += axes[a].path_count;
        if (axes[a].count > SWEEP_TRIALS_MAX / sweep->count)
            return diagnostics_add(found, SEVERITY_ERROR, place, "this grid has more than %d points", SWEEP_TRIALS_MAX);
        sweep->count *= axes[a].count;
    }
    sweep->paths = arena_zero(tree->arena, sweep->path_count + 1, sizeof *sweep->paths);
    sweep->keys = arena_zero(tree->arena, sweep->path_count + 1, sizeof *sweep->keys);
    sweep->values = arena_zero(tree->arena, sweep->count * sweep->path_count + 1, sizeof *sweep->values);
    if (!sweep->paths || !sweep->keys || !sweep->values)
        return add_memory(found);
    size_t column = 0, repeat = sweep->count;
    for (size_t a = 0; a < axis_count; a++) {
        repeat /= axes[a].count;
        for (size_t p = 0; p < axes[a].path_count; p++, column++) {
            sweep->paths[column] = axes[a].paths[p];
            sweep->keys[column] = axes[a].keys[p];
            for (size_t b = 0; b < column; b++)
                if (strcmp(sweep->paths[b], sweep->paths[column]) == 0)
                    return diagnostics_add(found, SEVERITY_ERROR, sweep->keys[column], "%s is swept twice",
                                           sweep->paths[column]);
            for (size_t i = 0; i < sweep->count; i++)
                sweep->values[i * sweep->path_count + column] =
                    axes[a].values[i / repeat % axes[a].count * axes[a].path_count + p];
        }
    }
    return 0;
}

int sweep_read(struct sweep *sweep, struct tree *tree, struct plugins *plugins, struct diagnostics *found)
{
    *sweep = (struct sweep){ 0 };
    const struct node *section = node_get(tree->root, "sweep"), *place = node_key(tree->root, "sweep");
    size_t count = section && section->kind == NODE_MAP ? section->count : 0;
    if (section && section->kind != NODE_MAP && !node_is_null(section))
        return diagnostics_add(found, SEVERITY_ERROR, section,
                               "sweep needs a mapping of paths to lists or ranges, not %s", node_describe(section));
    struct axis *axes = arena_zero(tree->arena, count + 1, sizeof *axes);
    if (!axes)
        return add_memory(found);
    int status = 0;
    for (size_t i = 0; i < count; i++) {
        struct node *key = section->keys[i];
        const struct node *value = section->values[i];
        int read = strcmp(key->text, "zip") == 0      ? read_zip(&axes[i], tree, plugins, key, value, found)
                   : strcmp(key->text, "cases") == 0  ? read_cases(&axes[i], tree, key, value, found)
                   : strcmp(key->text, "sample") == 0 ? read_sample(&axes[i], tree, plugins, key, value, found)
                                                      : read_one(&axes[i], tree, plugins, key, value, found);
        if (read)
            status = -1;
    }
    return status ? -1 : multiply(sweep, axes, count, tree, place, found);
}

/* `5` or `[0, 3, 7]` as numbers. */
static int read_seed_list(int64_t **list, size_t *count, struct tree *tree, const struct node *node,
                          struct diagnostics *found)
{
    int64_t number = 0;
    if (node->kind == NODE_LIST) {
        *count = node->count;
        *list = arena_zero(tree->arena, node->count + 1, sizeof **list);
        if (!*list)
            return add_memory(found);
        if (!node->count)
            return diagnostics_add(found, SEVERITY_ERROR, node, "a list of seeds needs at least one");
        for (size_t i = 0; i < node->count; i++) {
            if (!node_int(node->values[i], &(*list)[i]) || (*list)[i] < 0)
                return diagnostics_add(found, SEVERITY_ERROR, node->values[i],
                                       "a seed is a whole number from 0, not %s", node_describe(node->values[i]));
            for (size_t k = 0; k < i; k++)
                if ((*list)[k] == (*list)[i])
                    return diagnostics_add(found, SEVERITY_ERROR, node->values[i], "seed %lld is there twice",
                                           (long long)(*list)[i]);
        }
        return 0;
    }
    if (!node_int(node, &number) || number < 1 || number > SWEEP_TRIALS_MAX)
        return diagnostics_add(found, SEVERITY_ERROR, node,
                               "seeds must be how many there are (5: seeds 0 to 4, at most %d) or a list such as "
                               "[0, 1], not %s", SWEEP_TRIALS_MAX, node_describe(node));
    *count = (size_t)number;
    *list = arena_zero(tree->arena, *count, sizeof **list);
    if (!*list)
        return add_memory(found);
    for (size_t i = 0; i < *count; i++)
        (*list)[i] = (int64_t)i;
    return 0;
}

static struct node *seed_node(struct tree *tree, int64_t seed, const struct node *place)
{
    char text[NUMBER_TEXT];
    snprintf(text, sizeof text, "%lld", (long long)seed);
    return node_scalar(tree, text, true, place);
}

/* Every combination of the streams' seeds. Tables show the seed of the one that varies, else a running number. */
static int read_streams(struct replicate **replicates, size_t *count, struct tree *tree, const struct node *map,
                        struct diagnostics *found)
{
    static const char *const streams[] = { "init", "order", "dropout", "examples" };
    int64_t **lists = arena_zero(tree->arena, map->count + 1, sizeof *lists);
    size_t *counts = arena_zero(tree->arena, map->count + 1, sizeof *counts);
    if (!lists || !counts)
        return add_memory(found);
    int status = 0;
    size_t varying = map->count, varying_count = 0;
    *count = 1;
    for (size_t s = 0; s < map->count; s++) {
        bool known = false;
        for (size_t k = 0; k < sizeof streams / sizeof *streams; k++)
            known = known || strcmp(map->keys[s]->text, streams[k]) == 0;
        if (!known) {
            struct text way_out = { 0 };
            text_suggest(&way_out, map->keys[s]->text, streams, sizeof streams / sizeof *streams);
            char *words = text_take(&way_out);
            status = diagnostics_add(found, SEVERITY_ERROR, map->keys[s],
                                     "seeds has no stream \"%s\"%s (there are init, order, dropout, examples)",
                                     map->keys[s]->text, words ? words : "");
            free(words);
        } else if (read_seed_list(&lists[s], &counts[s], tree, map->values[s], found))
            status = -1;
        else if (counts[s] > SWEEP_TRIALS_MAX / *count)
            status = diagnostics_add(found, SEVERITY_ERROR, map->keys[s], "more than %d combinations of seeds",
                                     SWEEP_TRIALS_MAX);
        else {
            *count *= counts[s];
            if (counts[s] > 1 || map->count == 1) {
                varying = s;
                varying_count++;
            }
        }
    }
    if (status)
        return -1;
    *replicates = arena_zero(tree->arena, *count, sizeof **replicates);
    if (!*replicates)
        return add_memory(found);
    for (size_t i = 0; i < *count; i++) {
        struct replicate *replicate = &(*replicates)[i];
        replicate->node = node_new(tree, NODE_MAP, map);
        replicate->seed = i;
        if (!replicate->node)
            return add_memory(found);
        size_t repeat = *count;
        for (size_t s = 0; s < map->count; s++) {
            repeat /= counts[s];
            int64_t seed = lists[s][i / repeat % counts[s]];
            struct node *value = seed_node(tree, seed, map->values[s]);
            if (!value || node_append(tree, replicate->node, map->keys[s]->text, value))
                return add_memory(found);
            if (varying_count == 1 && s == varying)
                replicate->seed = (uint64_t)seed;
        }
    }
    return 0;
}

int seeds_read(struct replicate **replicates, size_t *count, struct tree *tree, struct diagnostics *found)
{
    const struct node *node = node_get(tree->root, "seeds");
    if (node && node->kind == NODE_MAP)
        return read_streams(replicates, count, tree, node, found);
    int64_t only = 0, *list = &only;
    *count = 1;
    if (node && !node_is_null(node) && read_seed_list(&list, count, tree, node, found))
        return -1;
    *replicates = arena_zero(tree->arena, *count, sizeof **replicates);
    if (!*replicates)
        return add_memory(found);
    for (size_t i = 0; i < *count; i++) {
        (*replicates)[i].seed = (uint64_t)list[i];
        (*replicates)[i].node = seed_node(tree, list[i], node);
        if (!(*replicates)[i].node)
            return add_memory(found);
    }
    return 0;
}
