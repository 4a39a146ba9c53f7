/* A trial's settings from its resolved recipe. */
#include "train/settings.h"

#include <stdlib.h>
#include <string.h>

#include "train/objective.h"
#include "train/read.h"

static struct settings *settings_new(struct tree *tree, struct diagnostics *found)
{
    struct settings *settings = memory_array(1, sizeof *settings);
    if (settings) {
        settings->tree = tree;
        settings->arena = arena_new();
        if (settings->arena)
            return settings;
    }
    free(settings);
    tree_free(tree);
    diagnostics_add(found, SEVERITY_ERROR, NULL, "out of memory");
    return NULL;
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    instance_free(settings->dataset);
    for (size_t i = 0; i < SETTINGS_HIDDEN_MAX; i++)
        instance_free(settings->activations[i]);
    instance_free(settings->initializer);
    instance_free(settings->loss);
    instance_free(settings->optimizer);
    instance_free(settings->schedule);
    instance_free(settings->backend);
    data_host_free(settings->data_host);
    arena_free(settings->arena);
    tree_free(settings->tree);
    free(settings);
}

static void read_dataset(struct reading *reading)
{
    struct settings *settings = reading->settings;
    const struct node *root = settings->tree->root, *node = node_get(root, "dataset");
    struct iso_error err = ERROR_NONE;
    if (!node || node_is_null(node)) {
        diagnostics_add(reading->found, SEVERITY_ERROR, read_place(reading, "dataset"),
                        "dataset is missing; for example `dataset: digits`, or `dataset: {mnist: {validation_size: "
                        "5000}}`");
        return;
    }
    settings->data_host = data_host_new(&err);
    if (!settings->data_host) {
        diagnostics_add(reading->found, SEVERITY_ERROR, node, "%s", err.text);
        return;
    }
    settings->dataset = instance_read(reading->plugins, ISO_DATASET, node, reading->folder, plugin_data_options,
                                      settings->data_host, reading->found);
    data_options_read(&settings->data, node, settings->arena, reading->found);
}

/* Whether the kernels of the backend native are the fastest choice here: those for AVX2 and better are. */
static bool has_wide_vectors(void)
{
#if defined __GNUC__ && defined __x86_64__
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return false;
#endif
}

/* A plugin, or auto (the default): native where it is fast, else openblas. Results say which it was. */
static struct instance *read_backend(struct reading *reading)
{
    struct tree *tree = reading->settings->tree;
    const struct node *node = node_get(tree->root, "backend");
    const bool named = node && node->kind == NODE_MAP && node->count == 1 && !strcmp(node->keys[0]->text, "auto");
    const bool is_auto = named || (node && node->kind == NODE_SCALAR && !strcmp(node->text, "auto"));
    if (node && !node_is_null(node) && !is_auto)
        return read_plugin(reading, ISO_BACKEND, "backend", "");
    if (named && !node_is_null(node->values[0]) && node->values[0]->count) {
        diagnostics_add(reading->found, SEVERITY_ERROR, node->values[0], "backend auto takes no parameters: it chooses a "
                        "backend, which has its own; give {native: {...}}");
        return NULL;
    }
    struct iso_error ignored = ERROR_NONE;
    const bool native = has_wide_vectors() && plugins_find(reading->plugins, ISO_BACKEND, "native", &ignored);
    struct node *chosen = node_scalar(tree, native ? "native" : "openblas", true, read_place(reading, "backend"));
    if (!chosen) {
        diagnostics_add(reading->found, SEVERITY_ERROR, NULL, "out of memory");
        return NULL;
    }
    return instance_read(reading->plugins, ISO_BACKEND, chosen, reading->folder, NULL, NULL, reading->found);
}

static void read_parts(struct reading *reading)
{
    struct settings *settings = reading->settings;
    const struct node *root = settings->tree->root, *schedule = node_get(root, "schedule");
    settings->loss = read_plugin(reading, ISO_LOSS, "loss", "cross_entropy");
    settings->optimizer = read_plugin(reading, ISO_OPTIMIZER, "optimizer", "sgd");
    settings->backend = read_backend(reading);
    if (schedule && !node_is_null(schedule))
        settings->schedule = read_plugin(reading, ISO_SCHEDULE, "schedule", "constant");
    else
        diagnostics_add(reading->found, SEVERITY_ERROR, read_place(reading, "schedule"),
                        "schedule is missing: the learning rate, such as `schedule: {constant: {rate: 0.1}}` or "
                        "{exponential: {rate: 0.3, decay: 0.9}}");
}

/* Data that are drawn say without being opened whether their targets are numbers. */
static void check_targets(const struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *loss = node_get(settings->tree->root, "loss");
    struct iso_error err = ERROR_NONE;
    if (!settings->dataset || !settings->loss || !settings->dataset->plugin->ops.dataset.draw)
        return;
    if (objective_check_targets(settings, !settings->dataset->plugin->ops.dataset.regression, &err))
        diagnostics_add(reading->found, SEVERITY_ERROR, loss ? loss : read_place(reading, "dataset"), "%s", err.text);
}

struct settings *settings_read(struct tree *tree, struct plugins *plugins, struct diagnostics *found)
{
    const size_t before = diagnostics_count(found, SEVERITY_ERROR);
    struct settings *settings = settings_new(tree, found);
    if (!settings)
        return NULL;
    if (tree->root->kind != NODE_MAP) {
        diagnostics_add(found, SEVERITY_ERROR, tree->root, "a recipe is a mapping of sections, not %s",
                        node_describe(tree->root));
    } else {
        struct reading reading = { .settings = settings, .plugins = plugins, .found = found, .folder = tree->folder };
        read_keys(&reading, tree->root, "");
        read_dataset(&reading);
        read_model(&reading);
        read_parts(&reading);
        check_targets(&reading);
        read_train(&reading);
        read_seeds(&reading);
        read_measure(&reading);
    }
    if (diagnostics_count(found, SEVERITY_ERROR) > before) {
        settings_free(settings);
        return NULL;
    }
    return settings;
}
