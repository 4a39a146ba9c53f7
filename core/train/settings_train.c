/* The section `train`: budgets, minibatches, warm-up, stopping. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/read.h"

const char *const quantity_names[QUANTITY_COUNT] = { "validation.loss", "validation.accuracy", "train.loss",
                                                     "train.accuracy",  "test.loss",           "test.accuracy" };

/* A whole budget, or {times_params: K} where the parameter count gives it. */
static bool read_budget(struct reading *reading, const struct node *train, const char *name, double *times,
                        uint64_t *value)
{
    static const struct rule factor = { .min = 0, .max = 1e9, .above = true, .help = "times the number of parameters" };
    static const struct rule rule = { .min = 1, .max = INFINITY };
    const struct node *node = node_get(train, name);
    char path[64];
    if (!node || node_is_null(node))
        return false;
    snprintf(path, sizeof path, "train.%s", name);
    if (node->kind != NODE_MAP) {
        read_whole(reading, node, path, &rule, value);
        return true;
    }
    read_keys(reading, node, path);
    if (!node->count)
        read_refuse(reading, node, path, "a whole number or {times_params: K}", NULL);
    snprintf(path, sizeof path, "train.%s.times_params", name);
    read_real(reading, node_get(node, "times_params"), path, &factor, times);
    return true;
}

static void read_budgets(struct reading *reading, const struct node *train)
{
    static const struct rule epochs = { .min = 0, .max = 1e9, .above = true };
    struct settings *settings = reading->settings;
    const struct node *node = node_get(train, "epochs");
    if (node && !node_is_null(node)) {
        settings->has_epochs = true;
        if (node->kind == NODE_MAP)
            diagnostics_add(reading->found, SEVERITY_ERROR, node,
                            "train.epochs counts passes over the data, which the number of parameters says nothing about; "
                            "use train.examples: {times_params: K}, or a number");
        else
            read_real(reading, node, "train.epochs", &epochs, &settings->epochs);
    }
    settings->has_steps = read_budget(reading, train, "steps", &settings->steps_per_param, &settings->steps);
    settings->has_examples = read_budget(reading, train, "examples", &settings->examples_per_param,
                                         &settings->examples);
    settings->has_flops = read_budget(reading, train, "flops", &settings->flops_per_param, &settings->flops);
    settings->has_flops_6nd = read_budget(reading, train, "flops_6nd", &settings->flops_6nd_per_param,
                                          &settings->flops_6nd);
    if (!settings->has_epochs && !settings->has_steps && !settings->has_examples && !settings->has_flops &&
        !settings->has_flops_6nd) {
        const struct node *root = settings->tree->root, *section = node_get(root, "train");
        if (!section || node_is_null(section) || section->kind == NODE_MAP)
            diagnostics_add(reading->found, SEVERITY_ERROR, read_place(reading, "train"),
                            "train says nothing about when to end; give epochs, steps, examples, flops or flops_6nd, "
                            "such as `train: {epochs: 10}`");
    }
}

static void read_warmup(struct reading *reading, const struct node *node)
{
    static const struct rule steps = { .min = 0, .max = 1e12 };
    char help[128] = "a fraction of all steps; default 0; or {steps: K}";
    const struct rule fraction = { .min = 0, .max = 1, .help = help };
    int64_t number;
    if (!node || node_is_null(node))
        return;
    if (node->kind == NODE_MAP) {
        read_keys(reading, node, "train.warmup");
        read_whole(reading, node_get(node, "steps"), "train.warmup.steps", &steps, &reading->settings->warmup_steps);
        return;
    }
    if (node_int(node, &number) && number > 1)
        snprintf(help, sizeof help, "a fraction of all steps; default 0; or {steps: %lld}", (long long)number);
    read_real(reading, node, "train.warmup", &fraction, &reading->settings->warmup_fraction);
}

/* What best and stop look at: never the test set, which would then choose what it judges. */
static bool read_quantity(struct reading *reading, const struct node *node, const char *path, enum quantity *quantity)
{
    int word = 0;
    if (node && node->kind == NODE_SCALAR && !strncmp(node->text, "test.", 5)) {
        diagnostics_add(reading->found, SEVERITY_ERROR, node,
                        "%s can't be %s: what is chosen by the test set can't be judged by it; use validation.%s", path,
                        node->text, node->text + 5);
        return false;
    }
    if (!read_word(reading, node, path, &word))
        return false;
    *quantity = (enum quantity)word;
    return true;
}

static void read_stop(struct reading *reading, const struct node *train)
{
    static const struct rule patience = { .min = 1, .max = 1e9, .help = "epochs without a better value" };
    static const struct rule change = { .min = 0, .max = INFINITY, .help = "what counts as better; default 0" };
    struct settings *settings = reading->settings;
    const struct node *stop = read_section(reading, train, "stop", "train.stop");
    read_keys(reading, stop, "train.stop");
    read_whole(reading, node_get(stop, "patience"), "train.stop.patience", &patience, &settings->stop_patience);
    if (node_get(stop, "by"))
        read_quantity(reading, node_get(stop, "by"), "train.stop.by", &settings->stop_by);
    read_real(reading, node_get(stop, "min_change"), "train.stop.min_change", &change, &settings->stop_min_change);
    read_flag(reading, node_get(stop, "diverged"), "train.stop.diverged", &settings->stop_diverged);
    if (!node_get(stop, "patience") && (node_get(stop, "by") || node_get(stop, "min_change")))
        diagnostics_add(reading->found, SEVERITY_ERROR, stop,
                        "train.stop needs patience, the epochs to wait: {patience: 5, by: validation.loss}");
}

void read_train(struct reading *reading)
{
    static const struct rule batch = { .min = 1, .max = 1 << 24, .help = "examples a step; default 50" };
    static const struct rule norm = { .min = 0, .max = INFINITY, .above = true,
                                      .help = "the largest norm of the reduced gradient; default none" };
    struct settings *settings = reading->settings;
    const struct node *train = read_section(reading, settings->tree->root, "train", "train");
    int reduction = 0;
    settings->batch = 50;
    settings->shuffle = settings->stop_diverged = true;
    read_keys(reading, train, "train");
    read_budgets(reading, train);
    read_whole(reading, node_get(train, "batch"), "train.batch", &batch, &settings->batch);
    read_word(reading, node_get(train, "reduction"), "train.reduction", &reduction);
    settings->reduction = reduction == 0 ? REDUCTION_MEAN : REDUCTION_SUM;
    read_flag(reading, node_get(train, "shuffle"), "train.shuffle", &settings->shuffle);
    read_flag(reading, node_get(train, "drop_last"), "train.drop_last", &settings->drop_last);
    read_flag(reading, node_get(train, "share_batches"), "train.share_batches", &settings->share_batches);
    read_warmup(reading, node_get(train, "warmup"));
    if (!node_is_null(node_get(train, "clip_norm")))
        read_real(reading, node_get(train, "clip_norm"), "train.clip_norm", &norm, &settings->clip_norm);
    read_stop(reading, train);
    const struct node *best = node_get(train, "best");
    if (best && !node_is_null(best))
        settings->best_given = read_quantity(reading, best, "train.best", &settings->best);
}

/* ---- Seeds ---- */

void read_seeds(struct reading *reading)
{
    static const struct rule rule = { .min = 0, .max = INFINITY, .help = "one seed: by now a recipe is one trial" };
    struct settings *settings = reading->settings;
    const struct node *seeds = node_get(settings->tree->root, "seeds");
    if (!seeds || node_is_null(seeds))
        return;
    if (seeds->kind == NODE_MAP) {
        read_keys(reading, seeds, "seeds");
        read_whole(reading, node_get(seeds, "init"), "seeds.init", &rule, &settings->seed_init);
        read_whole(reading, node_get(seeds, "order"), "seeds.order", &rule, &settings->seed_order);
        read_whole(reading, node_get(seeds, "dropout"), "seeds.dropout", &rule, &settings->seed_dropout);
        read_whole(reading, node_get(seeds, "examples"), "seeds.examples", &rule, &settings->seed_examples);
        return;
    }
    read_whole(reading, seeds, "seeds", &rule, &settings->seed);
    settings->seed_init = settings->seed_order = settings->seed_dropout = settings->seed_examples = settings->seed;
}
