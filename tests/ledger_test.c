/* Tests of the FLOP ledger, of budgets, learning rates and agendas. */
#include <check.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "train/horizon.h"
#include "train/nonzero.h"
#include "trial_tools.h"

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

    settings = settings_of("model: {hidden: [64], activation: relu, clip: {at: 3, gradient: zero}, bias: none, "
                           "dropout: 0.5}\ntrain: {steps: 1, clip_norm: 1, reduction: sum}\n");
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

/* Inputs that are zero in a whole minibatch: left out they change no bit, and the ledger says what was computed. */
START_TEST(zero_inputs_are_left_out)
{
    static const char *const backends[] = { "{native: {skip_zeros: false}}", "{native: {kernel: portable}}", "native",
                                            "naive" };
    struct told *told[4];
    for (size_t b = 0; b < 4; b++) {
        struct text recipe = { 0 };
        text_format(&recipe, "dataset: {digits: {noise: 0, train_size: 130, validation_size: 60, test_size: 70}}\n"
                    "model: {hidden: [40], activation: tanh, initializer: xavier, dropout: 0.2}\n"
                    "backend: %s\noptimizer: %s\ncheckpoint: [final]\ntrain: {steps: 7, batch: 20}\n", backends[b],
                    _i ? "{momentum: {momentum: 0.5}}" : "sgd");
        told[b] = run_recipe(recipe.data);
        text_free(&recipe);
    }
    for (size_t b = 1; b < 4; b++) {
        const struct told_file *dense = file_named(told[0], "final"), *other = file_named(told[b], "final");
        /* Beyond the header, which holds the recipe: the weights. */
        const size_t weights = 4 * (784 * 40 + 40 + 40 * 10 + 10);
        ck_assert(dense->length > weights && other->length > weights);
        ck_assert_msg(!memcmp(dense->bytes + dense->length - weights, other->bytes + other->length - weights, weights),
                      "backend %s gives other weights", backends[b]);
        ck_assert(told[0]->result.last.validation.loss == told[b]->result.last.validation.loss);
        ck_assert_uint_eq(told[b]->result.last.flops.all, told[0]->result.last.flops.all);
    }
    const uint64_t all = told[0]->result.last.flops.all, executed = told[2]->result.flops_executed;
    ck_assert_uint_eq(told[0]->result.flops_executed, all);
    ck_assert_uint_eq(told[3]->result.flops_executed, all);
    ck_assert_uint_eq(told[1]->result.flops_executed, executed);
    ck_assert_uint_lt(executed, all);
    /* Whole inputs of whole minibatches, forward and for the gradient; 130 examples: the last of an epoch has 10. */
    ck_assert_uint_eq((all - executed) % (4 * 40 * 10), 0);
    for (size_t b = 0; b < 4; b++)
        forget(told[b]);
}
END_TEST

/* Rows with and without their zero columns. */
START_TEST(zero_inputs_are_found)
{
    enum { STRIDE = 48, ROWS = 21 };
    static const struct { size_t inputs, rows; } sizes[] = { { 41, 21 }, { 48, 4 }, { 48, 1 }, { 33, 7 }, { 8, 13 },
                                                             { 1, 3 } };
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const size_t inputs = sizes[s].inputs, rows = sizes[s].rows;
        struct nonzero nonzero;
        struct iso_error err = ERROR_NONE;
        float *x = memory_aligned((STRIDE * ROWS + 16) * sizeof *x);
        ck_assert_int_eq(nonzero_make(&nonzero, inputs, ROWS, STRIDE, &err), 0);
        for (unsigned kept = 0; kept <= 8; kept++) { /* of 8 inputs, in one row each */
            memset(x, 0, STRIDE * ROWS * sizeof *x);
            size_t expected = 0;
            for (size_t i = 0; i < inputs; i++) {
                for (size_t r = 0; r < rows; r++)
                    x[r * STRIDE + i] = i % 2 ? 0 : -0.0f;
                if (i * 5 % 8 < kept) {
                    x[i % rows * STRIDE + i] = (float)(i + 1);
                    expected++;
                }
            }
            struct network_input input = { .x = x, .stride = STRIDE, .rows = rows };
            nonzero_pack(&nonzero, &input);
            if (!input.index) {
                ck_assert_uint_gt(expected, inputs - inputs / 8);
                continue;
            }
            ck_assert_uint_eq(input.active, expected);
            for (size_t c = 0; c < input.active; c++) {
                ck_assert(c == 0 || input.index[c] > input.index[c - 1]);
                for (size_t r = 0; r < rows; r++)
                    ck_assert(input.x[r * input.stride + c] == x[r * STRIDE + input.index[c]]);
            }
        }
        nonzero_free(&nonzero);
        free(x);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *counts = tcase_create("counts");
    tcase_add_test(counts, ledger_numbers);
    tcase_add_test(counts, ledger_parts);
    tcase_add_test(counts, budgets);
    tcase_add_test(counts, budgets_of_flops);
    tcase_add_test(counts, rates);
    tcase_add_test(counts, agendas);
    tcase_add_loop_test(counts, zero_inputs_are_left_out, 0, 2);
    tcase_add_test(counts, zero_inputs_are_found);
    tcase_set_timeout(counts, 300);
    suite_add_tcase(suite, counts);
    return trial_tools_main(suite);
}
