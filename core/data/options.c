/* The options that the core gives every data set, read from a recipe. */
#include "data/data.h"

#include <stdlib.h>
#include <string.h>

static const char *const normalise_names[] = { "unit", "standard", "none" };

/* Positions within a split are 32-bit. */
#define SIZE_LIMIT INT64_C(4294967295)

static bool read_size(const struct node *options, const char *name, int64_t least, uint64_t *value,
                      struct diagnostics *found)
{
    const struct node *node = node_get(options, name);
    int64_t number;
    if (!node)
        return false;
    if (!node_int(node, &number) || number < least || number > SIZE_LIMIT) {
        diagnostics_add(found, SEVERITY_ERROR, node, "%s must be a whole number of examples, at least %lld, not %s",
                        name, (long long)least, node_describe(node));
        return false;
    }
    *value = (uint64_t)number;
    return true;
}

static void read_classes(struct data_options *options, const struct node *node, struct arena *arena,
                         struct diagnostics *found)
{
    if (node->kind != NODE_LIST || !node->count) {
        diagnostics_add(found, SEVERITY_ERROR, node, "classes must be a list of class numbers such as [3, 5], not %s",
                        node_describe(node));
        return;
    }
    int64_t *classes = arena_zero(arena, node->count, sizeof *classes);
    if (!classes) {
        diagnostics_add(found, SEVERITY_ERROR, NULL, "out of memory");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (!node_int(node->values[i], &classes[i]) || classes[i] < 0 || classes[i] > INT32_MAX) {
            diagnostics_add(found, SEVERITY_ERROR, node->values[i], "a class is a whole number from 0, not %s",
                            node_describe(node->values[i]));
            return;
        }
        for (size_t j = 0; j < i; j++) {
            if (classes[j] == classes[i]) {
                diagnostics_add(found, SEVERITY_ERROR, node->values[i], "class %lld is there twice",
                                (long long)classes[i]);
                return;
            }
        }
    }
    options->classes = classes;
    options->class_count = node->count;
}

static void read_subset_seed(struct data_options *options, const struct node *node, struct diagnostics *found)
{
    int64_t number;
    if (node->kind == NODE_SCALAR && !strcmp(node->text, "trial"))
        options->subset_by_trial = true;
    else if (node_int(node, &number) && number >= 0)
        options->subset_seed = (uint64_t)number;
    else
        diagnostics_add(found, SEVERITY_ERROR, node,
                        "subset_seed must be a whole number from 0, or trial (another subset for each seed), not %s",
                        node_describe(node));
}

static void read_normalise(struct data_options *options, const struct node *node, struct diagnostics *found)
{
    for (int i = 0; node->kind == NODE_SCALAR && i < 3; i++) {
        if (!strcmp(node->text, normalise_names[i])) {
            options->normalise = (enum data_normalise)i;
            return;
        }
    }
    struct text text = { 0 };
    if (node->kind == NODE_SCALAR)
        text_suggest(&text, strcmp(node->text, "standardise") ? node->text : "standard", normalise_names, 3);
    char *hint = text_take(&text);
    diagnostics_add(found, SEVERITY_ERROR, node, "normalise must be unit, standard or none, not %s%s",
                    node_describe(node), hint ? hint : "");
    free(hint);
}

int data_options_read(struct data_options *options, const struct node *dataset, struct arena *arena,
                      struct diagnostics *found)
{
    *options = (struct data_options){ 0 };
    const size_t before = diagnostics_count(found, SEVERITY_ERROR);
    if (!dataset || dataset->kind != NODE_MAP || dataset->count != 1 || dataset->values[0]->kind != NODE_MAP)
        return 0; /* a bare name has no options; anything else is a mistake that reading the plugin reports */
    const struct node *map = dataset->values[0], *node;
    options->has_train_size = read_size(map, "train_size", 1, &options->train_size, found);
    options->has_test_size = read_size(map, "test_size", 1, &options->test_size, found);
    read_size(map, "validation_size", 0, &options->validation_size, found);
    read_size(map, "epoch_size", 1, &options->epoch_size, found);
    if ((node = node_get(map, "classes")))
        read_classes(options, node, arena, found);
    if ((node = node_get(map, "subset_seed")))
        read_subset_seed(options, node, found);
    if ((node = node_get(map, "normalise")))
        read_normalise(options, node, found);
    if ((node = node_get(map, "label_noise")) &&
        (!node_real(node, &options->label_noise) || !(options->label_noise >= 0 && options->label_noise <= 1))) {
        diagnostics_add(found, SEVERITY_ERROR, node,
                        "label_noise must be between 0 and 1 (the fraction of training labels that are changed), not %s",
                        node_describe(node));
        options->label_noise = 0;
    }
    return diagnostics_count(found, SEVERITY_ERROR) > before ? -1 : 0;
}
