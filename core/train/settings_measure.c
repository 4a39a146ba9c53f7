/* The sections `measure` and `checkpoint`, and what they must hold for best and stop. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/read.h"

/* A word, or a list of words, one by one. The node of element i, NULL at the end. */
static const struct node *element(const struct node *node, size_t i)
{
    if (node && node->kind == NODE_LIST)
        return i < node->count ? node->values[i] : NULL;
    return node && !node_is_null(node) && i == 0 ? node : NULL;
}

static void read_splits(struct reading *reading, const struct node *node)
{
    static const enum data_split splits[] = { DATA_VALIDATION, DATA_TEST };
    struct settings *settings = reading->settings;
    const struct node *split;
    if (!node) {
        settings->measure_split[DATA_VALIDATION] = settings->data.validation_size > 0;
        return;
    }
    for (size_t i = 0; (split = element(node, i)); i++) {
        int word = 0;
        if (split->kind == NODE_SCALAR && !strcmp(split->text, "train"))
            diagnostics_add(reading->found, SEVERITY_ERROR, split,
                            "train.loss is always measured, as training goes; measure.train_eval: true measures the "
                            "training examples with the weights of each point");
        else if (read_word(reading, split, "measure.splits", &word))
            settings->measure_split[splits[word]] = true;
        else
            continue;
        if (word == 0 && settings->measure_split[DATA_VALIDATION] && settings->data.validation_size == 0 &&
            settings->dataset)
            diagnostics_add(reading->found, SEVERITY_ERROR, split,
                            "there are no validation examples to measure; set some apart with "
                            "dataset.%s.validation_size",
                            settings->dataset->plugin->descriptor.name);
    }
}

static void read_train_eval(struct reading *reading, const struct node *node)
{
    static const struct rule rule = { .min = 1, .max = 4294967295.0 };
    struct settings *settings = reading->settings;
    bool all = false;
    if (!node || node_is_null(node))
        return;
    if (node_flag(node, &all)) {
        settings->train_eval = all;
        return;
    }
    double number;
    if (!node_real(node, &number))
        read_refuse(reading, node, "measure.train_eval", "true, false or a number of examples", NULL);
    else
        settings->train_eval = read_whole(reading, node, "measure.train_eval", &rule, &settings->train_eval_examples);
}

static void read_also(struct reading *reading, const struct node *node)
{
    struct settings *settings = reading->settings;
    bool *const wanted[] = { &settings->also_gradient_norm, &settings->also_weight_norm, &settings->also_update_ratio,
                             &settings->also_dead_units, &settings->also_histograms };
    const struct node *one;
    for (size_t i = 0; (one = element(node, i)); i++) {
        int word = 0;
        if (read_word(reading, one, "measure.also", &word))
            *wanted[word] = true;
    }
}

static void read_checkpoint(struct reading *reading, const struct node *node)
{
    struct settings *settings = reading->settings;
    bool *const wanted[] = { &settings->checkpoint_init, &settings->checkpoint_best, &settings->checkpoint_final };
    const struct node *one;
    for (size_t i = 0; (one = element(node, i)); i++) {
        int word = 0;
        if (one->kind == NODE_MAP) {
            read_keys(reading, one, "checkpoint");
            read_every(reading, node_get(one, "every"), "checkpoint.every", &settings->checkpoint_unit,
                       &settings->checkpoint_every);
        } else if (one->kind == NODE_LIST) {
            read_refuse(reading, one, "checkpoint", "init, best, final or {every: ...}", NULL);
        } else if (read_word(reading, one, "checkpoint", &word)) {
            *wanted[word] = true;
        }
        if (one->kind == NODE_SCALAR && !strcmp(one->text, "best"))
            reading->best_at = one;
    }
}

/* Best weights and early stopping need their quantity at points that fall on steps known beforehand. */
static void check_measured(struct reading *reading, enum quantity quantity, const struct node *where, const char *what)
{
    const struct settings *settings = reading->settings;
    const bool validation = quantity == QUANTITY_VALIDATION_LOSS || quantity == QUANTITY_VALIDATION_ACCURACY;
    if (settings->every_unit == UNIT_SECONDS)
        diagnostics_add(reading->found, SEVERITY_ERROR, where,
                        "%s can't go by points that are {seconds: ...} apart, as these differ from run to run; use "
                        "measure.every: epoch or {steps: K}", what);
    if (!validation || settings->measure_split[DATA_VALIDATION] || !settings->dataset)
        return;
    if (settings->data.validation_size == 0)
        diagnostics_add(reading->found, SEVERITY_ERROR, where,
                        "%s goes by %s, but there are no validation examples; set some apart with "
                        "dataset.%s.validation_size", what, quantity_names[quantity],
                        settings->dataset->plugin->descriptor.name);
    else
        diagnostics_add(reading->found, SEVERITY_ERROR, where,
                        "%s goes by %s, which is not measured; add validation to measure.splits", what,
                        quantity_names[quantity]);
}

void read_measure(struct reading *reading)
{
    struct settings *settings = reading->settings;
    const struct node *root = settings->tree->root, *measure = read_section(reading, root, "measure", "measure");
    const struct node *train = node_get(root, "train");
    settings->every_unit = UNIT_EPOCHS;
    settings->every = 1;
    settings->measure_zero = true;
    read_keys(reading, measure, "measure");
    if (!node_is_null(node_get(measure, "every")))
        read_every(reading, node_get(measure, "every"), "measure.every", &settings->every_unit, &settings->every);
    read_splits(reading, node_get(measure, "splits"));
    read_train_eval(reading, node_get(measure, "train_eval"));
    read_also(reading, node_get(measure, "also"));
    read_checkpoint(reading, node_get(root, "checkpoint"));
    if (settings->stop_patience)
        check_measured(reading, settings->stop_by, node_get(train, "stop"), "train.stop");
    if (settings->best_given)
        check_measured(reading, settings->best, node_get(train, "best"), "train.best");
    else if (settings->checkpoint_best)
        check_measured(reading, settings->best, reading->best_at, "the best checkpoint");
}
