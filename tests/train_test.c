/* Tests of core/train: ledger, budgets, the loop, measuring, checkpoints, models. Data are drawn by the dataset digits. */
#include <check.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "float64_network.h"
#include "train/checkpoint.h"
#include "train/horizon.h"
#include "train/ledger.h"
#include "train/model.h"

static struct plugins *plugins;

#define MODEL "model: {hidden: [16, 12], activation: tanh, initializer: xavier}\n"
#define DATA "dataset: {digits: {train_size: 130, validation_size: 60, test_size: 70}}\n"
#define RATE "schedule: {exponential: {rate: 0.1, decay: 0.9}}\n"

/* Settings of a recipe's text; what it leaves out of the sections above is added. */
static struct settings *settings_of(const char *recipe)
{
    struct diagnostics *found = diagnostics_new();
    struct text text = { 0 };
    text_format(&text, "%s%s%s%s", recipe, strstr(recipe, "dataset:") ? "" : DATA,
                strstr(recipe, "model:") ? "" : MODEL, strstr(recipe, "schedule:") ? "" : RATE);
    struct tree *tree = tree_parse("recipe", text.data, text.length, found);
    struct settings *settings = tree ? settings_read(tree, plugins, found) : NULL;
    if (!settings) {
        struct text words = { 0 };
        diagnostics_text(found, &words);
        ck_abort_msg("%s", words.data);
    }
    text_free(&text);
    diagnostics_free(found);
    return settings;
}

static struct data *data_of(const struct settings *settings)
{
    struct iso_error err = ERROR_NONE;
    struct data *data = data_open(settings->dataset, &settings->data, settings->seed, &err);
    ck_assert_msg(data != NULL, "%s", err.text);
    return data;
}

/* ---- What a trial told ---- */

enum { POINTS_MAX = 200, FILES_MAX = 8 };
struct told {
    struct point points[POINTS_MAX];
    size_t count;
    struct extra extras[POINTS_MAX][12];
    struct told_file {
        char name[32];
        char *bytes;
        size_t length;
    } files[FILES_MAX];
    size_t file_count;
    uint64_t interrupt_at, asked;
    struct trial_result result;
};

static int tell_point(void *context, const struct point *point, struct iso_error *err)
{
    struct told *told = context;
    (void)err;
    ck_assert_uint_lt(told->count, POINTS_MAX);
    ck_assert_uint_le(point->extra_count, 12);
    memcpy(told->extras[told->count], point->extras, point->extra_count * sizeof(struct extra));
    told->points[told->count] = *point;
    told->points[told->count].extras = told->extras[told->count];
    for (size_t i = 0; i < point->extra_count; i++) /* names live as long as the run */
        told->extras[told->count][i].name = NULL;
    told->count++;
    return 0;
}

static int tell_checkpoint(void *context, const char *name, const void *data, size_t length, struct iso_error *err)
{
    struct told *told = context;
    (void)err;
    ck_assert_uint_lt(told->file_count, FILES_MAX);
    struct told_file *file = &told->files[told->file_count++];
    snprintf(file->name, sizeof file->name, "%s", name);
    file->bytes = malloc(length);
    file->length = length;
    memcpy(file->bytes, data, length);
    return 0;
}

static bool tell_interrupted(void *context)
{
    struct told *told = context;
    return ++told->asked == told->interrupt_at;
}

static const struct told_file *file_named(const struct told *told, const char *name)
{
    for (size_t i = 0; i < told->file_count; i++)
        if (strcmp(told->files[i].name, name) == 0)
            return &told->files[i];
    return NULL;
}

static int run_into(struct told *told, const struct settings *settings, uint64_t max_steps, struct iso_error *err)
{
    struct data *data = data_of(settings);
    const struct trial_listener listener = { .context = told, .point = tell_point, .checkpoint = tell_checkpoint,
                                             .interrupted = tell_interrupted };
    const int status = trial_run(settings, data, 1, max_steps, &listener, &told->result, err);
    data_close(data);
    return status;
}

static struct told *run_recipe(const char *recipe)
{
    struct settings *settings = settings_of(recipe);
    struct told *told = calloc(1, sizeof *told);
    struct iso_error err = ERROR_NONE;
    ck_assert_msg(run_into(told, settings, 0, &err) == 0, "%s", err.text);
    settings_free(settings);
    return told;
}

static void forget(struct told *told)
{
    for (size_t i = 0; i < told->file_count; i++)
        free(told->files[i].bytes);
    free(told);
}

/* ---- Ledger ---- */

START_TEST(ledger_numbers)
{
    static const struct {
        const char *hidden;
        size_t inputs;
        uint64_t matmul, report, params, params_weights, params_hidden;
    } cases[] = {
        { "[64]", 784, 204544, 10400, 50890, 50816, 0 },
        { "[925]", 784, 2956300, 44840, 735385, 734450, 0 },
        { "[32, 32]", 784, 108416, 7840 + 70 * 32, 26506, 26432, 1056 },
        { "[1024]", 3072, 12644352, 71680, 3157002, 3155968, 0 },
        { "[300, 300]", 784, 0, 7840 + 70 * 300, 0, 0, 90300 },
        { "[]", 784, 4 * 7840, 7840 + 7840, 7850, 7840, 0 },
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct text recipe = { 0 };
        text_format(&recipe, "model: {hidden: %s}\ntrain: {steps: 1, batch: 1}\n", cases[c].hidden);
        struct settings *settings = settings_of(recipe.data);
        const struct data_shape shape = { .inputs = cases[c].inputs, .outputs = 10, .classification = true };
        struct trial_size size;
        struct iso_error err = ERROR_NONE;
        ck_assert_msg(trial_measure(settings, &shape, 100, &size, &err) == 0, "%s", err.text);
        if (cases[c].matmul)
            ck_assert_uint_eq(size.flops.matmul, cases[c].matmul);
        ck_assert_uint_eq(size.flops.report, cases[c].report);
        if (cases[c].params) {
            ck_assert_uint_eq(size.params, cases[c].params);
            ck_assert_uint_eq(size.params_weights, cases[c].params_weights);
        }
        ck_assert_uint_eq(size.params_hidden, cases[c].params_hidden);
        ck_assert_uint_eq(size.flops.six_nd, 6 * size.params);
        ck_assert_uint_gt(size.flops.all, size.flops.matmul);
        settings_free(settings);
        text_free(&recipe);
    }
}
END_TEST

/* Every part by hand: 784-64-10 with relu (1 and 1 FLOP), cross_entropy (4 and 2), sgd (2), and with all extras. */
START_TEST(ledger_parts)
{
    const struct data_shape shape = { .inputs = 784, .outputs = 10, .classification = true };
    struct iso_error err = ERROR_NONE;
    struct ledger ledger;
    struct settings *settings = settings_of("model: {hidden: [64], activation: relu}\ntrain: {steps: 1}\n");
    const struct iso_activation *relu = &settings->activation[0]->plugin->ops.activation;
    const struct iso_loss *loss = &settings->loss->plugin->ops.loss;
    const uint64_t activation = (uint64_t)(64 * (relu->flops_forward + relu->flops_backward));
    const uint64_t of_loss = (uint64_t)(10 * (loss->flops_value + loss->flops_gradient));
    ck_assert_int_eq(ledger_make(&ledger, settings, &shape, &err), 0);
    ck_assert_uint_eq(ledger_count_part(&ledger, LEDGER_FORWARD, 3, 7), 7 * 2 * 50816);
    ck_assert_uint_eq(ledger_count_part(&ledger, LEDGER_WEIGHT_GRADIENTS, 3, 7), 7 * 2 * 50816);
    ck_assert_uint_eq(ledger_count_part(&ledger, LEDGER_INPUT_GRADIENTS, 3, 7), 7 * 2 * 640);
    ck_assert_uint_eq(ledger_count_part(&ledger, LEDGER_BIAS, 3, 7), 7 * 2 * 74);
    ck_assert_uint_eq(ledger_count_part(&ledger, LEDGER_ACTIVATION, 3, 7), 7 * activation);
    ck_assert_uint_eq(ledger_count_part(&ledger, LEDGER_LOSS, 3, 7), 7 * (of_loss + 10));
    ck_assert_uint_eq(ledger_count_part(&ledger, LEDGER_UPDATE, 3, 7), 3 * 2 * 50890);
    const struct flops flops = ledger_count(&ledger, 3, 7);
    ck_assert_uint_eq(flops.all, 7 * (204544 + 148 + activation + of_loss + 10) + 3 * 2 * 50890);
    ck_assert_uint_eq(flops.six_nd, 6ull * 50890 * 7);
    ck_assert_uint_eq(ledger_count(&ledger, 0, 0).all, 0);
    ck_assert_uint_eq(ledger_count(&ledger, UINT64_MAX, UINT64_MAX).all, INT64_MAX);
    settings_free(settings);

    settings = settings_of("model: {hidden: [64], activation: relu, clip: {at: 3, gradient: zero}, bias: none, dropout: "
                           "0.5}\ntrain: {steps: 1, clip_norm: 1, reduction: sum}\n");
    ck_assert_int_eq(ledger_make(&ledger, settings, &shape, &err), 0);
    ck_assert_uint_eq(ledger.params, 50816);
    ck_assert_uint_eq(ledger.per_example[LEDGER_BIAS], 0);
    ck_assert_uint_eq(ledger.per_example[LEDGER_ACTIVATION], activation + 64 * 5 + 10 * 3);
    ck_assert_uint_eq(ledger.per_example[LEDGER_LOSS], of_loss);
    ck_assert_uint_eq(ledger.per_step[LEDGER_UPDATE], 5 * 50816);
    settings_free(settings);
}
END_TEST

/* ---- Budgets ---- */

static struct horizon horizon_of(const char *train, uint64_t examples, struct ledger *ledger)
{
    struct text recipe = { 0 };
    text_format(&recipe, "model: {hidden: [8]}\ntrain: %s\n", train);
    struct settings *settings = settings_of(recipe.data);
    const struct data_shape shape = { .inputs = 20, .outputs = 3, .classification = true };
    struct iso_error err = ERROR_NONE;
    struct horizon horizon;
    ck_assert_int_eq(ledger_make(ledger, settings, &shape, &err), 0);
    if (horizon_make(&horizon, settings, ledger, examples, &err)) {
        ck_assert_uint_gt(strlen(err.text), 0);
        horizon.steps = 0;
    }
    settings_free(settings);
    text_free(&recipe);
    return horizon;
}

START_TEST(budgets)
{
    static const struct {
        const char *train;
        uint64_t examples, steps, per_epoch;
        const char *reason;
    } cases[] = {
        { "{epochs: 2, batch: 50}", 60000, 2400, 1200, "epochs" },
        { "{epochs: 2, batch: 50}", 60001, 2402, 1201, "epochs" },
        { "{epochs: 2, batch: 50, drop_last: true}", 60049, 2400, 1200, "epochs" },
        { "{epochs: 0.5, batch: 50}", 60000, 600, 1200, "epochs" },
        { "{epochs: 0.1, batch: 10}", 300, 3, 30, "epochs" },
        { "{epochs: 0.0001, batch: 10}", 300, 1, 30, "epochs" },
        { "{epochs: 3, batch: 1000}", 300, 3, 1, "epochs" },
        { "{steps: 7, epochs: 3, batch: 100}", 300, 7, 3, "steps" },
        { "{steps: 70, epochs: 3, batch: 100}", 300, 9, 3, "epochs" },
        { "{examples: 100, batch: 50}", 300, 2, 6, "examples" },
        { "{examples: 101, batch: 50}", 300, 3, 6, "examples" },
        { "{examples: 290, batch: 100}", 280, 4, 3, "examples" },
        { "{epochs: 2, batch: 301, drop_last: true}", 300, 0, 0, NULL },
        { "{flops: 100, batch: 50}", 300, 0, 0, NULL },
        { "{flops_6nd: 100, batch: 50}", 300, 0, 0, NULL },
        { "{steps: 1e13, batch: 50}", 300, 0, 0, NULL },
        { "{epochs: 1}", 0, 0, 0, NULL },
    };
    struct ledger ledger;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const struct horizon horizon = horizon_of(cases[c].train, cases[c].examples, &ledger);
        ck_assert_msg(horizon.steps == cases[c].steps, "%s: %lu steps", cases[c].train, (unsigned long)horizon.steps);
        if (cases[c].steps) {
            ck_assert_uint_eq(horizon.steps_per_epoch, cases[c].per_epoch);
            ck_assert_str_eq(horizon.reason, cases[c].reason);
        }
    }
}
END_TEST

/* The most whole steps whose exact cost fits, against counting them one by one with short last minibatches. */
START_TEST(budgets_of_flops)
{
    for (int six_nd = 0; six_nd < 2; six_nd++)
        for (uint64_t budget = 60000; budget < 4000000; budget = budget * 7 / 5 + 13) {
            struct ledger ledger;
            struct text train = { 0 };
            text_format(&train, "{%s: %lu, batch: 32}", six_nd ? "flops_6nd" : "flops", (unsigned long)budget);
            const struct horizon horizon = horizon_of(train.data, 110, &ledger);
            uint64_t steps = 0, examples = 0;
            for (;;) {
                const uint64_t left = 110 - examples % 110, rows = left < 32 ? left : 32;
                const struct flops next = ledger_count(&ledger, steps + 1, examples + rows);
                if ((six_nd ? next.six_nd : next.all) > budget)
                    break;
                steps++;
                examples += rows;
            }
            ck_assert_uint_gt(steps, 0);
            ck_assert_uint_eq(horizon.steps, steps);
            ck_assert_uint_eq(horizon_examples(&horizon, steps), examples);
            text_free(&train);
        }
}
END_TEST

START_TEST(rates)
{
    struct settings *settings = settings_of("train: {steps: 100, batch: 10, warmup: 0.1}\n");
    struct horizon horizon = { .steps = 100, .steps_per_epoch = 50, .examples_per_epoch = 500, .batch = 10 };
    for (uint64_t step = 0; step < 100; step++) {
        const double base = step < 50 ? 0.1 : 0.1 * 0.9, rate = horizon_rate(&horizon, settings, step);
        ck_assert(fabs(rate - (step < 10 ? base * (double)step / 10 : base)) < 1e-12);
    }
    settings_free(settings);
    settings = settings_of("train: {steps: 100, batch: 10, warmup: {steps: 4}}\n");
    ck_assert(horizon_rate(&horizon, settings, 0) == 0);
    ck_assert(fabs(horizon_rate(&horizon, settings, 3) - 0.075) < 1e-12);
    ck_assert(horizon_rate(&horizon, settings, 4) == 0.1);
    settings_free(settings);
}
END_TEST

static size_t due_steps(enum unit unit, double every, uint64_t steps, uint64_t per_epoch, uint64_t due[])
{
    const struct horizon horizon = { .steps = steps, .steps_per_epoch = per_epoch };
    struct agenda agenda;
    struct iso_error err = ERROR_NONE;
    size_t n = 0;
    ck_assert_int_eq(agenda_make(&agenda, unit, every, &horizon, &err), 0);
    for (uint64_t step = 1; step <= steps; step++)
        if (agenda_due(&agenda, step, 0.25 * (double)step))
            due[n++] = step;
    agenda_free(&agenda);
    return n;
}

START_TEST(agendas)
{
    uint64_t due[1000];
    ck_assert_uint_eq(due_steps(UNIT_EPOCHS, 1, 100, 10, due), 10);
    ck_assert(due[0] == 10 && due[9] == 100);
    ck_assert_uint_eq(due_steps(UNIT_EPOCHS, 0.25, 20, 10, due), 8);
    ck_assert(due[0] == 3 && due[1] == 5 && due[2] == 8 && due[3] == 10);
    ck_assert_uint_eq(due_steps(UNIT_EPOCHS, 0.01, 20, 10, due), 20);
    ck_assert_uint_eq(due_steps(UNIT_EPOCHS, 0.1, 900, 30, due), 300);
    ck_assert_uint_eq(due_steps(UNIT_STEPS, 7, 100, 10, due), 14);
    ck_assert(due[0] == 7 && due[13] == 98);
    ck_assert_uint_eq(due_steps(UNIT_SECONDS, 1, 100, 10, due), 25);
    ck_assert_uint_eq(due_steps(UNIT_NONE, 1, 100, 10, due), 0);
    ck_assert_uint_eq(due_steps(UNIT_LOG, 4, 1000, 10, due), 4);
    ck_assert(due[0] == 1 && due[1] == 10 && due[2] == 100 && due[3] == 1000);
    ck_assert_uint_eq(due_steps(UNIT_LOG, 50, 10, 10, due), 10);
    ck_assert_uint_eq(due_steps(UNIT_LOG, 10, 10, 10, due), 8);
    ck_assert_uint_le(due_steps(UNIT_LOG, 30, 900, 10, due), 30);
    ck_assert_uint_eq(due_steps(UNIT_LOG, 1, 900, 10, due), 1);
    ck_assert_uint_eq(due[0], 900);
}
END_TEST

/* ---- The loop ---- */

/* Trains the float64 network from the initial checkpoint, without shuffling. */
START_TEST(loop_against_float64)
{
    const bool mse = _i / 4 % 2, mean = _i / 2 % 2, naive = _i % 2;
    const double rate = mean ? 0.2 : 0.01;
    struct text recipe = { 0 };
    text_format(&recipe, "loss: %s\nbackend: %s\ntrain: {epochs: 2, batch: 50, reduction: %s, shuffle: false}\n"
                "schedule: {exponential: {rate: %g, decay: 0.9}}\ncheckpoint: [init, final]\n",
                mse ? "mse" : "cross_entropy", naive ? "naive" : "openblas", mean ? "mean" : "sum", rate);
    struct settings *settings = settings_of(recipe.data);
    struct data *data = data_of(settings);
    struct told *told = run_recipe(recipe.data);
    struct iso_error err = ERROR_NONE;
    const struct told_file *init = file_named(told, "init"), *final = file_named(told, "final");
    ck_assert(init && final && told->file_count == 2);
    struct checkpoint *before = checkpoint_parse("init", init->bytes, init->length, &err);
    struct checkpoint *after = checkpoint_parse("final", final->bytes, final->length, &err);
    ck_assert_msg(before && after, "%s", err.text);
    ck_assert_uint_eq(before->step, 0);
    ck_assert_uint_eq(after->step, 6);

    const size_t n = data_count(data, DATA_TRAIN), inputs = data_shape(data)->inputs;
    ck_assert_uint_eq(n, 130); /* the last minibatch is short */
    struct f64_network reference = { .layers = 3, .sizes = { inputs, 16, 12, 10 }, .activation = F64_TANH,
                                     .loss = mse ? F64_MSE : F64_CROSS_ENTROPY, .mean = mean, .has_bias = true };
    f64_make(&reference);
    for (size_t l = 0; l < 3; l++)
        for (size_t i = 0; i < reference.sizes[l] * reference.sizes[l + 1]; i++)
            reference.weights[l][i] = (double)before->layers[l].weight[i];
    float *x = calloc(n * inputs, sizeof *x);
    int32_t labels[130];
    uint32_t positions[130];
    for (uint32_t i = 0; i < n; i++)
        positions[i] = i;
    data_gather(data, DATA_TRAIN, 0, 0, positions, n, x, inputs, labels, NULL);
    double losses[2] = { 0 };
    for (int epoch = 0; epoch < 2; epoch++)
        for (size_t first = 0; first < n; first += 50) {
            const size_t rows = n - first < 50 ? n - first : 50;
            const double loss = f64_loss(&reference, x + first * inputs, labels + first, rows, true);
            losses[epoch] += mean ? loss * (double)rows : loss;
            f64_descend(&reference, epoch ? rate * 0.9 : rate);
        }
    for (size_t l = 0; l < 3; l++) {
        double difference = 0, norm = 0;
        for (size_t i = 0; i < reference.sizes[l] * reference.sizes[l + 1]; i++) {
            difference += pow((double)after->layers[l].weight[i] - reference.weights[l][i], 2);
            norm += pow(reference.weights[l][i], 2);
        }
        ck_assert_msg(sqrt(difference / norm) < 1e-6, "layer %zu is off by %g", l, sqrt(difference / norm));
        for (size_t o = 0; o < reference.sizes[l + 1]; o++)
            ck_assert(fabs((double)after->layers[l].bias[o] - reference.bias[l][o]) < 1e-6);
    }
    /* train.loss: the mean over the examples of the epoch, each minibatch with the weights of its time. */
    ck_assert_uint_eq(told->count, 3);
    ck_assert(isnan(told->points[0].train.loss) && isfinite(told->points[0].validation.loss));
    for (int epoch = 0; epoch < 2; epoch++)
        ck_assert(fabs(told->points[epoch + 1].train.loss - losses[epoch] / 130) < 1e-6);
    free(x);
    f64_free(&reference);
    checkpoint_free(before);
    checkpoint_free(after);
    forget(told);
    data_close(data);
    settings_free(settings);
    text_free(&recipe);
}
END_TEST

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_same(const struct told *a, const struct told *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct point *p = &a->points[i], *q = &b->points[i];
        ck_assert(p->step == q->step && p->flops.all == q->flops.all && p->rate == q->rate);
        ck_assert(same(p->train.loss, q->train.loss) && same(p->validation.loss, q->validation.loss));
        ck_assert(same(p->validation.accuracy, q->validation.accuracy) && same(p->test.loss, q->test.loss));
    }
    for (size_t i = 0; i < a->file_count; i++) {
        const struct told_file *file = file_named(b, a->files[i].name);
        ck_assert(file && file->length == a->files[i].length);
        ck_assert_mem_eq(file->bytes, a->files[i].bytes, file->length);
    }
}

#define REPEATED "train: {epochs: 3, batch: 20}\nmodel: {hidden: [16, 12], dropout: 0.2}\n"

/* The same bits again; and measuring more changes nothing. */
START_TEST(bits_repeat)
{
    struct told *first = run_recipe(REPEATED "checkpoint: [init, final]\nseeds: 3\n");
    struct told *again = run_recipe(REPEATED "checkpoint: [init, final]\nseeds: 3\n");
    check_same(first, again);
    ck_assert_uint_eq(first->file_count, 2);
    struct told *more = run_recipe(REPEATED "seeds: 3\nmeasure: {train_eval: true, also: [gradient_norm, weight_norm, "
                                            "update_ratio, dead_units]}\n");
    check_same(more, first);
    ck_assert_uint_eq(more->points[1].extra_count, 3 * 3 + 2);
    for (size_t i = 0; i < 11; i++) {
        ck_assert(more->points[1].extras[i].value >= 0);
        ck_assert(isnan(more->points[0].extras[i].value) == !(i >= 3 && i < 6));
    }
    ck_assert(isfinite(more->points[0].train_eval.loss) && isnan(first->points[0].train_eval.loss));
    forget(first);
    forget(again);
    forget(more);
}
END_TEST

/* Each seed drives its own stream. */
START_TEST(seeds)
{
    static const char *const streams[] = { "{}", "{init: 1}", "{order: 1}", "{dropout: 1}", "{examples: 1}" };
    double losses[5][2];
    for (size_t s = 0; s < 5; s++) {
        struct text recipe = { 0 };
        text_format(&recipe, REPEATED "seeds: %s\n", streams[s]);
        struct told *told = run_recipe(recipe.data);
        losses[s][0] = told->points[0].validation.loss;
        losses[s][1] = told->points[1].validation.loss;
        forget(told);
        text_free(&recipe);
    }
    ck_assert(losses[1][0] != losses[0][0]);
    for (size_t s = 2; s < 5; s++)
        ck_assert(losses[s][0] == losses[0][0]);
    ck_assert(losses[2][1] != losses[0][1] && losses[3][1] != losses[0][1]);
    ck_assert(losses[2][1] != losses[3][1]);
    ck_assert(losses[4][1] == losses[0][1]); /* these data have an end */
}
END_TEST

/* With a rate of 0 nothing moves: train.loss is the loss of the initial weights over all training examples, without
 * label smoothing, whatever the minibatches. */
START_TEST(train_loss_is_the_reported_loss)
{
    static const char *const losses[] = { "cross_entropy", "{cross_entropy: {label_smoothing: 0.3}}", "mse" };
    double plain = 0;
    for (size_t k = 0; k < 3; k++) {
        struct text recipe = { 0 };
        text_format(&recipe, "loss: %s\ntrain: {epochs: 1, batch: 33}\nschedule: {constant: {rate: 0}}\n"
                    "measure: {train_eval: true}\n", losses[k]);
        struct told *told = run_recipe(recipe.data);
        const struct point *point = &told->points[1];
        ck_assert(fabs(point->train.loss - point->train_eval.loss) < 1e-6);
        ck_assert(fabs(point->train.cross_entropy - point->train_eval.cross_entropy) < 1e-6);
        ck_assert(point->train.accuracy == point->train_eval.accuracy);
        if (k == 0)
            plain = point->train.loss;
        ck_assert(fabs(point->train.cross_entropy - plain) < 1e-6);
        ck_assert(k < 2 ? fabs(point->train.loss - plain) < 1e-6 : fabs(point->train.loss - plain) > 0.1);
        forget(told);
        text_free(&recipe);
    }
}
END_TEST

/* ---- Best, stopping, divergence ---- */

START_TEST(best_and_test)
{
    /* A rate this large gets worse again. */
    struct told *told = run_recipe("train: {epochs: 12, batch: 10}\nschedule: {constant: {rate: 1.2}}\n"
                                   "checkpoint: [best, final]\nmodel: {hidden: [16], activation: relu}\n");
    const struct trial_result *result = &told->result;
    ck_assert_int_eq(result->status, TRIAL_DONE);
    ck_assert_str_eq(result->stop_reason, "epochs");
    size_t best = 0;
    for (size_t i = 1; i < told->count; i++)
        if (told->points[i].validation.loss < told->points[best].validation.loss)
            best = i;
    ck_assert_uint_eq(told->count, 13);
    ck_assert(result->has_best && best < told->count - 1);
    ck_assert_uint_eq(result->best_step, told->points[best].step);
    ck_assert(result->best_validation.loss == told->points[best].validation.loss);
    /* Test is measured once, at the end. */
    for (size_t i = 0; i + 1 < told->count; i++)
        ck_assert(isnan(told->points[i].test.loss));
    ck_assert(result->final_test.loss == told->points[told->count - 1].test.loss && isfinite(result->final_test.loss));
    ck_assert(result->best_test.loss != result->final_test.loss && isfinite(result->best_test.loss));

    /* The checkpoints are those weights. */
    char folder[] = "/tmp/isoflop-train-XXXXXX";
    ck_assert(mkdtemp(folder) != NULL);
    for (int k = 0; k < 2; k++) {
        const struct told_file *file = file_named(told, k ? "final" : "best");
        struct iso_error err = ERROR_NONE;
        struct measured measured;
        char *path = file_join(folder, "model.safetensors");
        ck_assert_int_eq(file_replace(path, file->bytes, file->length, &err), 0);
        struct model *model = model_load(path, plugins, &err);
        ck_assert_msg(model != NULL, "%s", err.text);
        ck_assert_uint_eq(model_step(model), k ? 156 : result->best_step);
        struct data *data = model_open_data(model, NULL, &err);
        ck_assert_msg(data != NULL, "%s", err.text);
        ck_assert_int_eq(model_evaluate(model, data, DATA_TEST, &measured, &err), 0);
        const struct measured *expected = k ? &result->final_test : &result->best_test;
        ck_assert(measured.loss == expected->loss && measured.accuracy == expected->accuracy);
        ck_assert(measured.cross_entropy == expected->cross_entropy);
        data_close(data);
        model_free(model);
        unlink(path);
        free(path);
    }
    rmdir(folder);
    forget(told);
}
END_TEST

START_TEST(early_stopping)
{
    struct told *told = run_recipe("train: {epochs: 40, batch: 10, stop: {patience: 3, by: validation.loss}}\n"
                                   "schedule: {constant: {rate: 1.2}}\nmodel: {hidden: [16], activation: relu}\n");
    ck_assert_str_eq(told->result.stop_reason, "patience");
    ck_assert_int_eq(told->result.status, TRIAL_DONE);
    ck_assert_uint_eq(told->count, told->result.best_step / 13 + 3 + 1);
    ck_assert_uint_eq(told->result.size.steps, 40 * 13); /* the horizon is not moved */
    ck_assert(isfinite(told->points[told->count - 1].test.loss));
    forget(told);
    told = run_recipe("train: {epochs: 5, batch: 10, stop: {patience: 2, by: validation.loss, min_change: 100}}\n");
    ck_assert_uint_eq(told->count, 3);
    forget(told);
}
END_TEST

START_TEST(divergence)
{
    const char *recipe = "train: {epochs: 4, batch: 10, reduction: sum}\nschedule: {constant: {rate: 1e6}}\n"
                         "model: {hidden: [16], activation: relu}\nloss: {mse: {output: identity}}\n"
                         "checkpoint: [final]\n";
    struct told *told = run_recipe(recipe);
    const struct trial_result *result = &told->result;
    ck_assert_int_eq(result->status, TRIAL_DIVERGED);
    ck_assert_str_eq(result->stop_reason, "diverged");
    ck_assert_uint_ge(result->diverged_step, 2);
    ck_assert_uint_le(result->diverged_step, 13);
    ck_assert_uint_eq(told->count, 1); /* the point at step 0, the last finite one */
    ck_assert(result->last.step == 0 && isfinite(result->last.validation.loss));
    ck_assert(isnan(result->final_test.loss));
    ck_assert_uint_eq(told->file_count, 0);
    forget(told);

    struct text on = { 0 };
    char *at = strdup(recipe), *sum = strstr(at, "sum}");
    text_format(&on, "%.*ssum, stop: {diverged: false}}%s", (int)(sum - at), at, sum + 4);
    told = run_recipe(on.data);
    ck_assert_uint_eq(told->count, 5);
    ck_assert_int_eq(told->result.status, TRIAL_DIVERGED); /* it never came back */
    ck_assert_uint_eq(told->result.last.step, 0);
    forget(told);
    free(at);
    text_free(&on);
}
END_TEST

START_TEST(cut_and_interrupted)
{
    struct settings *settings = settings_of("train: {epochs: 4, batch: 10}\n");
    struct told *told = calloc(1, sizeof *told);
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(run_into(told, settings, 2, &err), 0);
    ck_assert_uint_eq(told->result.last.step, 2);
    ck_assert_uint_eq(told->count, 2);
    ck_assert_uint_eq(told->result.size.steps, 52);
    memset(told, 0, sizeof *told);
    told->interrupt_at = 5;
    ck_assert_int_eq(run_into(told, settings, 0, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "interrupted"));
    ck_assert_uint_eq(told->asked, 5);
    forget(told);
    settings_free(settings);
}
END_TEST

START_TEST(quantities_that_are_not_measured)
{
    struct settings *settings = settings_of("train: {epochs: 1}\n");
    struct told *told = calloc(1, sizeof *told);
    settings->measure_split[DATA_VALIDATION] = false;
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(run_into(told, settings, 1, &err), 0);
    ck_assert(!told->result.has_best && isnan(told->result.best_validation.loss));
    settings->checkpoint_best = true;
    ck_assert_int_eq(run_into(told, settings, 1, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "validation.loss"));
    forget(told);
    settings_free(settings);
}
END_TEST

/* ---- Checkpoints ---- */

static char *good_bytes;
static size_t good_length;

static void make_good(void)
{
    struct told *told = run_recipe("train: {steps: 1}\nmodel: {hidden: [5, 4]}\ncheckpoint: [final]\n");
    good_length = told->files[0].length;
    good_bytes = malloc(good_length);
    memcpy(good_bytes, told->files[0].bytes, good_length);
    forget(told);
}

static void drop_good(void)
{
    free(good_bytes);
}

/* A file with that header and data of so many bytes. */
static struct checkpoint *parse_header(const char *header, size_t data_length, struct iso_error *err)
{
    const size_t length = strlen(header);
    char *bytes = calloc(1, 8 + length + data_length);
    for (int k = 0; k < 8; k++)
        bytes[k] = (char)(length >> 8 * k);
    memcpy(bytes + 8, header, length);
    struct checkpoint *checkpoint = checkpoint_parse("file", bytes, 8 + length + data_length, err);
    free(bytes);
    return checkpoint;
}

#define TENSOR(name, shape, begin, end)                                                                               \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

START_TEST(checkpoint_refused)
{
    static const struct {
        const char *header, *words;
        size_t length;
    } cases[] = {
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", NULL, 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.0.bias", "[2]", 24, 32) "}", NULL, 32 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "lie within", 23 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "follow the last", 25 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 20) "}", "its shape needs", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 24, 0) "}", "lie within", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", -24, 0) "}", "lie within", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0.0, 24) "}", "lie within", 24 },
        { "{" TENSOR("layers.0.weight", "[6]", 0, 24) "}", "two dimensions", 24 },
        { "{" TENSOR("layers.0.weight", "[0,3]", 0, 0) "}", "impossible shape", 0 },
        { "{" TENSOR("layers.0.weight", "[2147483647,2147483647]", 0, 24) "}", "its shape needs", 24 },
        { "{" TENSOR("layers.0.weight", "[4294967296,4294967296]", 0, 0) "}", "impossible shape", 0 },
        { "{" TENSOR("layers.1.weight", "[2,3]", 0, 24) "}", "no tensor layers.0.weight", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.1.weight", "[1,3]", 24, 36) "}",
          "takes 3 inputs", 36 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.1.weight", "[1,2]", 16, 24) "}", "overlap",
          24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.1.weight", "[1,2]", 28, 36) "}", "gap", 36 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.0.bias", "[3]", 24, 36) "}", "3 elements",
          36 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.1.weight", "[1,2]", 24, 32) ","
          TENSOR("layers.1.bias", "[1]", 32, 36) "}", "some layers have a bias", 36 },
        { "{" TENSOR("layers.00.weight", "[2,3]", 0, 24) "}", "none of", 24 },
        { "{" TENSOR("layers.99999999999999999999.weight", "[2,3]", 0, 24) "}", "none of", 24 },
        { "{" TENSOR("layers.0.weights", "[2,3]", 0, 24) "}", "none of", 24 },
        { "{\"layers.0.weight\":{\"dtype\":\"F64\",\"shape\":[1,3],\"data_offsets\":[0,24]}}", "F32", 24 },
        { "{\"layers.0.weight\":7}", "F32", 24 },
        { "{" TENSOR("layers.0.weight", "[2,3]", 0, 24) "," TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "no JSON",
          24 },
        { "{}", "no tensor layers.0.weight", 0 },
        { "[]", "no safetensors", 0 },
        { "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}", "nests deeper", 0 },
        { "{\"__metadata__\":{\"step\":7}," TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "is no text", 24 },
        { "{\"__metadata__\":[]," TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "no object", 24 },
        { "{\"__metadata__\":{\"classes\":\"[1]\"}," TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "names 1 classes",
          24 },
        { "{\"__metadata__\":{\"normalisation\":\"{\\\"factor\\\":[1],\\\"shift\\\":0}\"},"
          TENSOR("layers.0.weight", "[2,3]", 0, 24) "}", "list of 3", 24 },
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct iso_error err = ERROR_NONE;
        struct checkpoint *checkpoint = parse_header(cases[c].header, cases[c].length, &err);
        if (cases[c].words) {
            ck_assert_msg(!checkpoint && strstr(err.text, cases[c].words), "%s: %s", cases[c].header, err.text);
            ck_assert(strncmp(err.text, "file", 4) == 0);
        } else {
            ck_assert_msg(checkpoint != NULL, "%s", err.text);
        }
        checkpoint_free(checkpoint);
    }
}
END_TEST

START_TEST(checkpoint_layout)
{
    /* By the format's own rules: length of the header, a multiple of 8 with spaces; tensors fill the rest. */
    uint64_t header = 0;
    for (int k = 0; k < 8; k++)
        header |= (uint64_t)(unsigned char)good_bytes[k] << 8 * k;
    ck_assert_uint_eq(header % 8, 0);
    ck_assert_uint_eq(good_length - 8 - header, 4 * (784 * 5 + 5 + 5 * 4 + 4 + 4 * 10 + 10));
    ck_assert(good_bytes[8] == '{' && (good_bytes[8 + header - 1] == '}' || good_bytes[8 + header - 1] == ' '));
    struct iso_error err = ERROR_NONE;
    struct checkpoint *checkpoint = checkpoint_parse("good", good_bytes, good_length, &err);
    ck_assert_msg(checkpoint != NULL, "%s", err.text);
    ck_assert_uint_eq(checkpoint->count, 3);
    ck_assert(checkpoint->layers[2].inputs == 4 && checkpoint->layers[2].outputs == 10);
    ck_assert(checkpoint->recipe && strstr(checkpoint->recipe, "hidden"));
    ck_assert(checkpoint->factor && checkpoint->factor[783] == 1 / 255.0f && checkpoint->shift[0] == 0);
    ck_assert(checkpoint->class_names && strcmp(checkpoint->class_names[3], "3") == 0);
    checkpoint_free(checkpoint);
}
END_TEST

/* Files cut short at every length of the header, and with a byte changed at random: refused or read, never worse. */
START_TEST(checkpoint_damaged)
{
    char *bytes = malloc(good_length);
    uint32_t random = 12345;
    size_t refused = 0;
    for (int k = 0; k < 6000; k++) {
        struct iso_error err = ERROR_NONE;
        memcpy(bytes, good_bytes, good_length);
        size_t length = good_length;
        random = random * 1664525 + 1013904223;
        if (k < 1500)
            length = (size_t)k;
        else
            bytes[random / 256 % 1500] = (char)(random >> 24);
        struct checkpoint *checkpoint = checkpoint_parse("damaged", bytes, length, &err);
        refused += !checkpoint;
        ck_assert(checkpoint || err.text[0]);
        checkpoint_free(checkpoint);
    }
    ck_assert_uint_ge(refused, 1500);
    free(bytes);
}
END_TEST

START_TEST(warm_start)
{
    char folder[] = "/tmp/isoflop-train-XXXXXX";
    ck_assert(mkdtemp(folder) != NULL);
    char *path = file_join(folder, "model.safetensors");
    struct iso_error err = ERROR_NONE;
    ck_assert_int_eq(file_replace(path, good_bytes, good_length, &err), 0);
    struct text recipe = { 0 };
    text_format(&recipe, "train: {steps: 1}\nmodel: {hidden: [5, 4], from: %s}\ncheckpoint: [init]\nseeds: 9\n", path);
    struct told *told = run_recipe(recipe.data);
    const struct told_file *init = &told->files[0];
    const size_t data = 4 * (784 * 5 + 5 + 5 * 4 + 4 + 4 * 10 + 10);
    ck_assert_mem_eq(init->bytes + init->length - data, good_bytes + good_length - data, data);

    /* A model trained from another evaluates without that file. */
    ck_assert_int_eq(file_replace(path, init->bytes, init->length, &err), 0);
    char *moved = file_join(folder, "moved.safetensors");
    ck_assert_int_eq(rename(path, moved), 0);
    struct model *model = model_load(moved, plugins, &err);
    ck_assert_msg(model != NULL, "%s", err.text);
    model_free(model);
    forget(told);

    ck_assert_int_eq(rename(moved, path), 0);
    text_free(&recipe);
    text_format(&recipe, "train: {steps: 1}\nmodel: {hidden: [5, 3], from: %s}\n", path);
    struct settings *settings = settings_of(recipe.data);
    told = calloc(1, sizeof *told);
    ck_assert_int_eq(run_into(told, settings, 0, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "layer 1"));
    settings_free(settings);
    forget(told);
    unlink(path);
    rmdir(folder);
    free(moved);
    free(path);
    text_free(&recipe);
}
END_TEST

/* A model takes inputs as they were normalised in training, whatever the data set at hand does. */
START_TEST(model_normalises)
{
    char folder[] = "/tmp/isoflop-train-XXXXXX";
    ck_assert(mkdtemp(folder) != NULL);
    char *path = file_join(folder, "model.safetensors");
    struct iso_error err = ERROR_NONE;
    struct measured measured[2];
    struct told *told = run_recipe("dataset: {digits: {train_size: 100, test_size: 200, normalise: standard}}\n"
                                   "train: {epochs: 5, batch: 10}\ncheckpoint: [final]\n");
    ck_assert_int_eq(file_replace(path, told->files[0].bytes, told->files[0].length, &err), 0);
    struct model *model = model_load(path, plugins, &err);
    ck_assert_msg(model != NULL, "%s", err.text);
    for (int k = 0; k < 2; k++) {
        struct data *data = model_open_data(model, k ? "{digits: {train_size: 70, test_size: 200}}" : NULL, &err);
        ck_assert_msg(data != NULL, "%s", err.text);
        ck_assert_int_eq(model_evaluate(model, data, DATA_TEST, &measured[k], &err), 0);
        ck_assert_int_eq(model_evaluate(model, data, DATA_VALIDATION, &measured[k], &err), -1);
        err = ERROR_NONE;
        data_close(data);
    }
    ck_assert(measured[0].loss == told->result.final_test.loss);
    ck_assert(fabs(measured[1].loss - measured[0].loss) < 1e-4);
    model_free(model);
    unlink(path);
    rmdir(folder);
    free(path);
    forget(told);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("train");
    TCase *counts = tcase_create("counts"), *loop = tcase_create("loop"), *files = tcase_create("files");
    tcase_add_test(counts, ledger_numbers);
    tcase_add_test(counts, ledger_parts);
    tcase_add_test(counts, budgets);
    tcase_add_test(counts, budgets_of_flops);
    tcase_add_test(counts, rates);
    tcase_add_test(counts, agendas);
    tcase_add_loop_test(loop, loop_against_float64, 0, 8);
    tcase_add_test(loop, bits_repeat);
    tcase_add_test(loop, seeds);
    tcase_add_test(loop, train_loss_is_the_reported_loss);
    tcase_add_test(loop, best_and_test);
    tcase_add_test(loop, early_stopping);
    tcase_add_test(loop, divergence);
    tcase_add_test(loop, cut_and_interrupted);
    tcase_add_test(loop, quantities_that_are_not_measured);
    tcase_add_unchecked_fixture(files, make_good, drop_good);
    tcase_add_test(files, checkpoint_refused);
    tcase_add_test(files, checkpoint_layout);
    tcase_add_test(files, checkpoint_damaged);
    tcase_add_test(files, warm_start);
    tcase_add_test(files, model_normalises);
    TCase *const all[] = { counts, loop, files };
    for (size_t i = 0; i < 3; i++) {
        tcase_set_timeout(all[i], 300);
        suite_add_tcase(suite, all[i]);
    }
    return suite;
}

int main(void)
{
    char cache[] = "/tmp/isoflop-train-cache-XXXXXX";
    struct iso_error err = ERROR_NONE;
    if (!mkdtemp(cache) || setenv("XDG_CACHE_HOME", cache, 1) || !(plugins = plugins_new(NULL, &err)))
        return 1;
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    plugins_free(plugins);
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", cache);
    return failed != 0 || system(command) != 0;
}
