/* Tests of the loop of core/train: against float64, what is measured, best weights, stopping. Data are drawn by the
 * dataset digits. */
#include <check.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "float64_network.h"
#include "train/checkpoint.h"
#include "train/model.h"
#include "trial_tools.h"

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

int main(void)
{
    Suite *suite = suite_create("train");
    TCase *loop = tcase_create("loop");
    tcase_add_loop_test(loop, loop_against_float64, 0, 8);
    tcase_add_test(loop, bits_repeat);
    tcase_add_test(loop, seeds);
    tcase_add_test(loop, train_loss_is_the_reported_loss);
    tcase_add_test(loop, best_and_test);
    tcase_add_test(loop, early_stopping);
    tcase_add_test(loop, divergence);
    tcase_add_test(loop, cut_and_interrupted);
    tcase_add_test(loop, quantities_that_are_not_measured);
    tcase_set_timeout(loop, 300);
    suite_add_tcase(suite, loop);
    return trial_tools_main(suite);
}
