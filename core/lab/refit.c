/* The recipe of the final model. */
#include "lab/refit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/numbers.h"
#include "base/statistics.h"
#include "lab/stored.h"
#include "train/settings.h"

#define SEEDS_LEAST 3

struct refit {
    const struct selection *selection;
    const struct summary_row *best;
    const char *folder;
    struct tree *tree;
    struct text *out;
    struct iso_error *err;
    double epochs, trained; /* mean best epoch, epochs trained; NaN: not known */
};

static double number_in(const struct refit *refit, const char *column, size_t row)
{
    const struct column *found = frame_find(refit->selection->summary->trials, column);
    return found && found->numbers ? found->numbers[row] : NAN;
}

static int set(struct refit *refit, const char *path, const char *yaml)
{
    struct text text = { 0 };
    struct diagnostics *found = diagnostics_new();
    text_format(&text, "%s=%s", path, yaml);
    const int status = found && !text.failed ? tree_override(refit->tree, text.data, found) : -1;
    diagnostics_free(found);
    text_free(&text);
    return status ? iso_fail(refit->err, "the stored recipe has no place for %s", path) : 0;
}

static int set_number(struct refit *refit, const char *path, double value)
{
    char number[NUMBER_TEXT];
    snprintf(number, sizeof number, "%.6g", value);
    number_real(number, &value);
    number_text(value, number);
    return set(refit, path, number);
}

/* ---- Data: what was set apart for validation is trained on ---- */

static int refit_data(struct refit *refit)
{
    struct node *dataset = node_get(refit->tree->root, "dataset");
    int64_t validation = 0, train = 0;
    if (!dataset || dataset->kind != NODE_MAP || dataset->count != 1 || dataset->values[0]->kind != NODE_MAP)
        return 0;
    struct node *options = dataset->values[0];
    node_int(node_get(options, "validation_size"), &validation);
    if (!validation)
        return 0;
    struct text path = { 0 };
    text_format(&path, "dataset.%s.validation_size", dataset->keys[0]->text);
    int status = path.failed ? error_memory(refit->err) : set(refit, path.data, "0");
    text_free(&path);
    text_format(refit->out, "# validation_size 0: was %lld; nothing is left to choose by it\n", (long long)validation);
    if (!status && node_int(node_get(options, "train_size"), &train)) {
        text_format(&path, "dataset.%s.train_size", dataset->keys[0]->text);
        status = path.failed ? error_memory(refit->err) : set_number(refit, path.data, (double)(train + validation));
        text_free(&path);
        text_format(refit->out, "# train_size %lld: the sweep's %lld training and %lld validation examples together\n",
                    (long long)(train + validation), (long long)train, (long long)validation);
    }
    return status;
}

/* ---- Budget ---- */

static void find_epochs(struct refit *refit, struct text *list)
{
    struct moments epochs = { 0 }, trained = { 0 };
    for (size_t i = refit->best->first; i < refit->best->end; i++) {
        if (!summary_counts(refit->selection->summary, i))
            continue;
        const double all = number_in(refit, "epochs", i);
        const double epoch = number_in(refit, "best.step", i) * all / number_in(refit, "steps", i);
        moments_add(&trained, all);
        if (isnan(epoch))
            continue;
        moments_add(&epochs, epoch);
        text_format(list, "%s%.6g", list->length ? ", " : "", epoch);
    }
    refit->trained = moments_mean(&trained);
    refit->epochs = epochs.n == trained.n ? moments_mean(&epochs) : NAN;
}

/* Does the learning rate of a step hang on the length of the trial? Then a shorter one has another schedule. */
static bool hangs_on_horizon(const struct refit *refit, struct plugins *plugins)
{
    struct diagnostics *ignored = diagnostics_new();
    const struct node *schedule = node_get(refit->tree->root, "schedule");
    struct instance *instance = schedule && ignored ? instance_read(plugins, ISO_SCHEDULE, schedule, ".", NULL, NULL,
                                                                    ignored) : NULL;
    bool hangs = false;
    if (instance) {
        const struct iso_schedule *ops = &instance->plugin->ops.schedule;
        for (uint64_t step = 0; step < 500; step += 50)
            hangs = hangs || ops->rate(instance->state, step, 500, 50) != ops->rate(instance->state, step, 1000, 50);
    }
    instance_free(instance);
    diagnostics_free(ignored);
    return hangs;
}

static int refit_budget(struct refit *refit, struct plugins *plugins)
{
    static const char *const budgets[] = { "epochs", "steps", "examples", "flops", "flops_6nd" };
    static const char *const stopping[] = { "patience", "by", "min_change" };
    struct node *train = node_get(refit->tree->root, "train"), *stop = node_get(train, "stop");
    const bool early = node_get(stop, "patience") != NULL;
    struct text list = { 0 };
    int status = 0;
    find_epochs(refit, &list);
    const double epochs = !isnan(refit->epochs) ? refit->epochs : early ? refit->trained : NAN;
    if (!isnan(epochs) && !(epochs > 0)) {
        text_free(&list);
        return iso_fail(refit->err, "the best weights of this point are those before training: there is nothing to "
                        "train again");
    }
    if (!isnan(epochs)) {
        for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++)
            node_remove(train, budgets[i]);
        status = set_number(refit, "train.epochs", epochs);
        text_format(refit->out, "# train.epochs %.6g: the mean %s epoch of the point's seeds%s%s%s (of %.6g trained)\n",
                    epochs, isnan(refit->epochs) ? "last" : "best", list.length ? " (" : "", list.data ? list.data : "",
                    list.length ? ")" : "", refit->trained);
        if (hangs_on_horizon(refit, plugins) && epochs < 0.99 * refit->trained)
            text_format(refit->out, "# Caution: this schedule is drawn out over the whole trial: it now falls within %.6g "
                        "epochs,\n#   where in the sweep it had fallen only part of the way by then; train.epochs %.6g "
                        "keeps the sweep's rates.\n", epochs, refit->trained);
    } else {
        text_add_string(refit->out, "# the budget is the sweep's: its trials say nothing of a best epoch\n");
    }
    for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++)
        node_remove(stop, stopping[i]);
    if (stop && !stop->count)
        node_remove(train, "stop");
    if (early)
        text_add_string(refit->out, "# no early stopping: there is no validation to stop by\n");
    node_remove(train, "best");
    text_free(&list);
    return status;
}

/* ---- Seeds ---- */

/* A number alone is a count: 5 stands for 0 to 4. */
static void largest_seed(const struct node *node, bool count, int64_t *largest)
{
    int64_t seed;
    if (node && node->kind == NODE_SCALAR && node_int(node, &seed) && seed - count > *largest)
        *largest = seed - count;
    for (size_t i = 0; node && node->kind != NODE_SCALAR && i < node->count; i++)
        largest_seed(node->values[i], node->kind == NODE_MAP, largest);
}

/* Those of the sweep chose: new ones tell how good the choice is. */
static int refit_seeds(struct refit *refit)
{
    const struct frame *trials = refit->selection->summary->trials;
    const size_t count = refit->best->trials > SEEDS_LEAST ? refit->best->trials : SEEDS_LEAST;
    struct lab_experiment *experiment = lab_experiment(refit->folder, refit->err);
    struct text list = { 0 };
    int64_t largest = 0;
    if (!experiment)
        return -1;
    largest_seed(node_get(experiment->tree->root, "seeds"), true, &largest);
    lab_experiment_free(experiment);
    for (size_t i = 0; i < trials->rows; i++) {
        const double seed = number_in(refit, "seed", i);
        if (seed > (double)largest)
            largest = (int64_t)seed;
    }
    for (size_t i = 0; i < count; i++)
        text_format(&list, "%s%lld", i ? ", " : "[", (long long)largest + 1 + (long long)i);
    text_add_string(&list, "]");
    const int status = list.failed ? error_memory(refit->err) : set(refit, "seeds", list.data);
    text_format(refit->out, "# seeds: %zu new ones, after those of the sweep, which did the choosing\n", count);
    text_free(&list);
    return status;
}

/* ---- All of it ---- */

static int describe(struct refit *refit)
{
    const struct selection *selection = refit->selection;
    const struct summary *summary = selection->summary;
    char number[64];
    summary_number(refit->best->mean[0], refit->best->sd[0], number);
    text_format(refit->out, "# The best of %zu points of %s by %s, %s over %zu seed%s:\n# to be trained again on all"
                " of its training data.\n", summary->count, refit->folder, summary->trials->column[summary->metrics[0]].name,
                number, refit->best->n[0], refit->best->n[0] == 1 ? "" : "s");
    for (size_t k = 0; k < summary->key_count; k++) {
        const struct column *column = &summary->trials->column[summary->keys[k]];
        char text[NUMBER_TEXT] = "";
        if (column->kind != COLUMN_TEXT && !isnan(column->numbers[refit->best->first]))
            number_text(column->numbers[refit->best->first], text);
        const char *value = column->kind == COLUMN_TEXT ? column->texts[refit->best->first] : text;
        text_format(refit->out, "# %s: %s, chosen by the sweep\n", column->name, value ? value : "");
    }
    return 0;
}

static int rename_recipe(struct refit *refit)
{
    struct node *name = node_get(refit->tree->root, "name");
    struct text text = { 0 };
    text_format(&text, "%.190s-refit", name && name->kind == NODE_SCALAR ? name->text : "model");
    const int status = text.failed ? error_memory(refit->err) : set(refit, "name", text.data);
    text_free(&text);
    return status;
}

int refit_recipe(const struct selection *selection, const char *folder, struct plugins *plugins, struct text *out,
                 struct iso_error *err)
{
    struct refit refit = { .selection = selection, .best = &selection->summary->rows[selection->best],
                           .folder = folder, .out = out, .err = err };
    const struct column *key = frame_find(selection->summary->trials, "key");
    const char *trial = key && key->texts ? key->texts[refit.best->first] : NULL;
    refit.tree = stored_recipe_in(folder, trial ? trial : "", plugins, err);
    if (!refit.tree)
        return -1;
    int status = describe(&refit) || rename_recipe(&refit) || refit_data(&refit) || refit_budget(&refit, plugins)
                 || refit_seeds(&refit) || set(&refit, "checkpoint", "[final]") ? -1 : 0;
    struct node *measure = node_get(refit.tree->root, "measure");
    node_remove(measure, "splits");
    if (measure && !measure->count)
        node_remove(refit.tree->root, "measure");
    if (!status)
        node_yaml(refit.tree->root, out);
    tree_free(refit.tree);
    return status ? -1 : out->failed ? error_memory(err) : 0;
}
