/* Activations, losses, schedules and optimizers against numbers computed independently in float64:
 * tests/reference/reference.txt, made by make_reference.py beside it. Also what initializers give. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/generator.h"
#include "plugin/plugin.h"
#include "suite.h"

#define WORDS 16
#define OUTPUTS_MAX 64

static struct plugins *plugins;

/* The next line as words; false at the end. */
static bool read_words(FILE *file, char line[4096], char *words[WORDS])
{
    if (!fgets(line, 4096, file))
        return false;
    memset(words, 0, WORDS * sizeof *words);
    char *rest = line;
    for (size_t n = 0; n + 1 < WORDS && (words[n] = strtok_r(rest, " \n", &rest)); n++)
        continue;
    return true;
}

static void read_numbers(FILE *file, size_t count, double *numbers)
{
    for (size_t k = 0; k < count; k++)
        ck_assert_msg(fscanf(file, "%lf", &numbers[k]) == 1, "the reference table ends early");
    ck_assert_int_eq(fgetc(file), '\n');
}

/* From words such as "slope=0.25". */
static struct instance *open_instance(enum iso_kind kind, const char *name, char **options)
{
    struct iso_error err = ERROR_NONE;
    const char *pairs[2 * WORDS + 1] = { 0 };
    for (size_t n = 0; options[n]; n++) {
        char *equals = strchr(options[n], '=');
        ck_assert_ptr_nonnull(equals);
        *equals = 0;
        pairs[2 * n] = options[n];
        pairs[2 * n + 1] = equals + 1;
    }
    const struct plugin *plugin = plugins_find(plugins, kind, name, &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    struct instance *instance = instance_new(plugin, pairs, NULL, &err);
    ck_assert_msg(instance != NULL, "%s: %s", name, err.text);
    return instance;
}

static void check_near(const char *name, const char *what, double x, double got, double expected, double tolerance)
{
    ck_assert_msg(fabs(got - expected) <= tolerance, "%s, %s at %.9g: %.9g, expected %.9g (off by %.2g, allowed %.2g)",
                  name, what, x, got, expected, fabs(got - expected), tolerance);
}

static void check_activation(FILE *file, char **words)
{
    const size_t count = strtoul(words[2], NULL, 10);
    struct instance *instance = open_instance(ISO_ACTIVATION, words[1], words + 3);
    const struct iso_activation *ops = &instance->plugin->ops.activation;
    for (size_t k = 0; k < count; k++) {
        double row[3];
        read_numbers(file, 3, row);
        const float x = (float)row[0], one = 1;
        float y, slope;
        ops->forward(instance->state, 1, &x, &y);
        ops->backward(instance->state, 1, ops->from_output ? &y : &x, &y, &one, &slope);
        /* Rounding of the formula's terms, which cancel where x is large and y small. */
        const double scale = fmax(1, fmin(fabs(row[0]), 10));
        check_near(words[1], "value", row[0], (double)y, row[1], 4e-7 * fmax(fabs(row[1]), 0.5 * scale));
        check_near(words[1], "slope", row[0], (double)slope, row[2], 5e-7 * fmax(fabs(row[2]), scale));
    }
    instance_free(instance);
}

static void check_loss(FILE *file, char **words)
{
    const size_t count = strtoul(words[2], NULL, 10), outputs = strtoul(words[3], NULL, 10);
    const bool training = words[4][0] == '1';
    struct instance *instance = open_instance(ISO_LOSS, words[1], words + 5);
    const struct iso_loss *ops = &instance->plugin->ops.loss;
    ck_assert(count <= 16 && outputs <= OUTPUTS_MAX);
    static float raw[16 * OUTPUTS_MAX], dense[16 * OUTPUTS_MAX], gradient[16 * OUTPUTS_MAX];
    static double rows[16][2 + 3 * OUTPUTS_MAX];
    int32_t labels[16];
    float values[16], alone[16];
    struct iso_error err = ERROR_NONE;
    ck_assert_msg(!ops->fits || ops->fits(instance->state, outputs, &err) == 0, "%s", err.text);
    for (size_t i = 0; i < count; i++) {
        read_numbers(file, 2 + 3 * outputs, rows[i]);
        labels[i] = (int32_t)rows[i][0];
        for (size_t j = 0; j < outputs; j++) {
            raw[i * outputs + j] = (float)rows[i][1 + j];
            dense[i * outputs + j] = (float)rows[i][1 + outputs + j];
        }
    }
    const struct iso_targets targets = { .size = sizeof targets, .labels = labels, .dense = dense };
    ops->value(instance->state, count, outputs, raw, &targets, training, values, gradient);
    ops->value(instance->state, count, outputs, raw, &targets, training, alone, NULL);
    for (size_t i = 0; i < count; i++) {
        const double value = rows[i][1 + 2 * outputs];
        double size = fabs(value);
        for (size_t j = 0; j < outputs; j++)
            size = fmax(size, fabs(rows[i][2 + 2 * outputs + j]));
        check_near(words[1], "value", (double)i, (double)values[i], value, 4e-7 * fmax(size, 0.1));
        ck_assert_msg(alone[i] == values[i], "%s: value without gradient differs", words[1]);
        for (size_t j = 0; j < outputs; j++)
            check_near(words[1], "gradient", (double)i, (double)gradient[i * outputs + j],
                       rows[i][2 + 2 * outputs + j], 5e-7 * fmax(size, 0.1));
    }
    instance_free(instance);
}

static void check_schedule(FILE *file, char **words)
{
    const uint64_t steps = strtoull(words[2], NULL, 10), epoch = strtoull(words[3], NULL, 10);
    struct instance *instance = open_instance(ISO_SCHEDULE, words[1], words + 4);
    for (uint64_t step = 0; step < steps + 2; step++) {
        double expected;
        ck_assert(fscanf(file, "%lf", &expected) == 1);
        check_near(words[1], "rate", (double)step,
                   instance->plugin->ops.schedule.rate(instance->state, step, steps, epoch), expected, 2e-15);
    }
    ck_assert_int_eq(fgetc(file), '\n');
    /* Far beyond the end it is still a rate. */
    const double later = instance->plugin->ops.schedule.rate(instance->state, UINT64_MAX, steps, epoch);
    ck_assert_msg(later >= 0 && later <= 1, "%s: rate %g at the last step of all", words[1], later);
    instance_free(instance);
}

static void check_optimizer(FILE *file, char **words)
{
    const size_t n = strtoul(words[2], NULL, 10);
    const bool is_bias = words[3][0] == '1';
    struct instance *instance = open_instance(ISO_OPTIMIZER, words[1], words + 4);
    const struct iso_optimizer *ops = &instance->plugin->ops.optimizer;
    ck_assert(n <= OUTPUTS_MAX && ops->slots <= 4);
    static float memory[4][OUTPUTS_MAX];
    memset(memory, 0, sizeof memory);
    float *const slots[4] = { memory[0], memory[1], memory[2], memory[3] };
    float weights[OUTPUTS_MAX], gradients[OUTPUTS_MAX];
    double row[1 + 2 * OUTPUTS_MAX];
    read_numbers(file, n, row);
    for (size_t k = 0; k < n; k++)
        weights[k] = (float)row[k];
    for (uint64_t step = 0; step < 10; step++) {
        read_numbers(file, 1 + 2 * n, row);
        for (size_t k = 0; k < n; k++)
            gradients[k] = (float)row[1 + k];
        ops->update(instance->state, n, step, row[0], is_bias, weights, gradients, slots);
        for (size_t k = 0; k < n; k++)
            check_near(words[1], "weight after step", (double)step, (double)weights[k], row[1 + n + k],
                       1e-6 * fmax(fabs(row[1 + n + k]), 1));
    }
    instance_free(instance);
}

static const struct reference {
    const char *kind;
    void (*check)(FILE *file, char **words);
    unsigned fewest; /* blocks of this kind in the table */
} references[] = {
    { "activation", check_activation, 24 },
    { "loss", check_loss, 28 },
    { "schedule", check_schedule, 46 },
    { "optimizer", check_optimizer, 22 },
};

START_TEST(plugins_agree_with_the_reference)
{
    FILE *file = fopen(SOURCE_FOLDER "/tests/reference/reference.txt", "r");
    ck_assert_ptr_nonnull(file);
    char line[4096], *words[WORDS];
    unsigned found = 0;
    while (read_words(file, line, words))
        if (words[0] && strcmp(words[0], references[_i].kind) == 0) {
            references[_i].check(file, words);
            found++;
        }
    fclose(file);
    ck_assert_msg(found >= references[_i].fewest, "only %u blocks for %s", found, references[_i].kind);
}
END_TEST

START_TEST(activations_work_in_place_and_keep_nan)
{
    static const char *const names[] = { "sigmoid", "relu", "leaky_relu", "tanh", "identity", "relu6", "hard_sigmoid",
                                         "softsign", "squared_relu", "elu", "selu", "celu", "gelu", "silu", "mish",
                                         "softplus", "sine", "gaussian" };
    for (size_t a = 0; a < sizeof names / sizeof *names; a++) {
        char *none[] = { NULL };
        struct instance *instance = open_instance(ISO_ACTIVATION, names[a], none);
        const struct iso_activation *ops = &instance->plugin->ops.activation;
        enum { N = 1003 };
        static float x[N], y[N], place[N], dx[N], dy[N];
        for (size_t k = 0; k < N; k++) {
            x[k] = ((float)k - 501) / 32;
            dy[k] = (float)(k % 7) - 3;
        }
        x[17] = NAN;
        ops->forward(instance->state, N, x, y);
        memcpy(place, x, sizeof x);
        ops->forward(instance->state, N, place, place);
        ck_assert_msg(memcmp(place, y, sizeof y) == 0, "%s: in place differs", names[a]);
        ck_assert_msg(isnan(y[17]), "%s(NaN) = %g", names[a], (double)y[17]);
        ops->forward(instance->state, 5, x + 3, place + 3);
        ck_assert_msg(memcmp(place, y, sizeof y) == 0, "%s: a part differs from the whole", names[a]);
        const float *from = ops->from_output ? y : x;
        ops->backward(instance->state, N, from, y, dy, dx);
        memcpy(place, dy, sizeof dy);
        ops->backward(instance->state, N, from, y, place, place);
        ck_assert_msg(memcmp(place, dx, sizeof dx) == 0, "%s: gradient in place differs", names[a]);
        instance_free(instance);
    }
}
END_TEST

START_TEST(surrogates_are_declared)
{
    char slope[] = "slope=0.002", backward_slope[] = "backward_slope=0.005", same[] = "backward_slope=0.002";
    char *differs[] = { slope, backward_slope, NULL };
    struct instance *leaky = open_instance(ISO_ACTIVATION, "leaky_relu", differs);
    ck_assert_ptr_nonnull(instance_surrogate(leaky));
    const float x = -2, one = 1;
    float y, dx;
    leaky->plugin->ops.activation.forward(leaky->state, 1, &x, &y);
    leaky->plugin->ops.activation.backward(leaky->state, 1, &y, &y, &one, &dx);
    ck_assert(y == -0.004f && dx == 0.005f);
    instance_free(leaky);
    char slope_again[] = "slope=0.002";
    char *equal[] = { slope_again, same, NULL };
    leaky = open_instance(ISO_ACTIVATION, "leaky_relu", equal);
    ck_assert_ptr_null(instance_surrogate(leaky));
    instance_free(leaky);

    char jacobian[] = "jacobian=false";
    char *report[] = { jacobian, NULL };
    struct instance *mse = open_instance(ISO_LOSS, "mse", report);
    ck_assert_ptr_nonnull(instance_surrogate(mse));
    instance_free(mse);
}
END_TEST

/* A softmax must not overflow, nor cross-entropy lose what is far below 1. */
START_TEST(losses_are_stable)
{
    char *none[] = { NULL };
    struct instance *loss = open_instance(ISO_LOSS, "cross_entropy", none);
    const float raw[] = { 1e30f, 0, 0, -500, 500, -500, 20, 0, 0 };
    const int32_t labels[] = { 1, 0, 0 };
    const struct iso_targets targets = { .size = sizeof targets, .labels = labels };
    float values[3], gradient[9], shown[9];
    loss->plugin->ops.loss.value(loss->state, 3, 3, raw, &targets, false, values, gradient);
    ck_assert(values[0] == 1e30f && gradient[0] == 1 && gradient[1] == -1);
    ck_assert(values[1] == 1000 && gradient[3] == -1);
    check_near("cross_entropy", "small value", 20, (double)values[2], 4.1223072363804073e-09, 1e-15);
    loss->plugin->ops.loss.predict(loss->state, 3, 3, raw, shown);
    ck_assert(shown[0] == 1 && shown[1] == 0 && shown[4] == 1);
    instance_free(loss);
}
END_TEST

START_TEST(losses_refuse_what_does_not_fit)
{
    char weights[] = "class_weights=[1,2]";
    char *two[] = { weights, NULL }, *none[] = { NULL };
    struct iso_error err = ERROR_NONE;
    struct instance *loss = open_instance(ISO_LOSS, "cross_entropy", two);
    ck_assert_int_eq(loss->plugin->ops.loss.fits(loss->state, 10, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "2 values for 10 classes"));
    instance_free(loss);
    loss = open_instance(ISO_LOSS, "mse", none);
    err = ERROR_NONE;
    ck_assert_int_eq(loss->plugin->ops.loss.fits(loss->state, 1, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "output: identity"));
    instance_free(loss);
}
END_TEST

/* Rows and columns long enough that block edges are met. */
static void fill_layer(const struct instance *instance, size_t fan_in, size_t fan_out, float *weights)
{
    struct iso_error err = ERROR_NONE;
    const struct iso_rng rng = generator_of("init", 3, 1);
    const struct iso_layer layer = { .size = sizeof layer, .fan_in = fan_in, .fan_out = fan_out, .index = 1,
                                     .depth = 3 };
    ck_assert_msg(instance->plugin->ops.initializer.fill(instance->state, &instance->host, &layer, &rng, weights,
                                                         &err) == 0, "%s", err.text);
    double square = 0;
    for (size_t k = 0; k < fan_in * fan_out; k++)
        square += (double)weights[k] * (double)weights[k];
    const double expected = instance->plugin->ops.initializer.deviation(instance->state, &layer);
    const double got = sqrt(square / (double)(fan_in * fan_out));
    /* Most weights of `sparse` are 0, so that few make up its deviation. */
    const double allowed = strcmp(instance->plugin->descriptor.name, "sparse") == 0 ? 0.15 : 0.03;
    ck_assert_msg(fabs(got - expected) <= allowed * expected, "%s: deviation %g, expected %g",
                  instance->plugin->descriptor.name, got, expected);
}

START_TEST(initializers_are_paired_across_sizes)
{
    static const char *const names[] = { "normal", "scaled_normal", "xavier", "he", "glorot_normal", "glorot_uniform",
                                         "lecun", "uniform", "sparse" };
    static float large[203 * 151], small[101 * 77];
    for (size_t a = 0; a < sizeof names / sizeof *names; a++) {
        char *none[] = { NULL };
        struct instance *instance = open_instance(ISO_INITIALIZER, names[a], none);
        fill_layer(instance, 151, 203, large);
        fill_layer(instance, 77, 101, small);
        double ratio = 0; /* of the first weight that is not 0 */
        for (size_t i = 0; i < 101; i++)
            for (size_t j = 0; j < 77; j++) {
                const double s = (double)small[i * 77 + j], l = (double)large[i * 151 + j];
                ck_assert((s != 0) == (l != 0));
                if (s != 0 && ratio == 0)
                    ratio = l / s;
                ck_assert_msg(fabs(l - ratio * s) <= 2e-7 * fabs(l) + 1e-12, "%s: weight (%zu, %zu)", names[a], i, j);
            }
        instance_free(instance);
    }
}
END_TEST

START_TEST(orthogonal_matrices_are_orthogonal)
{
    char *none[] = { NULL };
    struct instance *instance = open_instance(ISO_INITIALIZER, "orthogonal", none);
    static const size_t sizes[][2] = { { 30, 30 }, { 50, 21 }, { 21, 50 }, { 3, 1 } };
    static float w[50 * 50];
    for (size_t c = 0; c < 4; c++) {
        const size_t in = sizes[c][0], out = sizes[c][1];
        const bool wide = in >= out;
        fill_layer(instance, in, out, w);
        const size_t vectors = wide ? out : in, length = wide ? in : out;
        for (size_t a = 0; a < vectors; a++)
            for (size_t b = 0; b <= a; b++) {
                double sum = 0;
                for (size_t k = 0; k < length; k++)
                    sum += wide ? (double)w[a * in + k] * (double)w[b * in + k]
                                : (double)w[k * in + a] * (double)w[k * in + b];
                check_near("orthogonal", "inner product", (double)a, sum, a == b, 1e-6);
            }
    }
    instance_free(instance);
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    plugins = plugins_new(NULL, &err);
    if (!plugins) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("reference");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, plugins_agree_with_the_reference, 0, (int)(sizeof references / sizeof *references));
    tcase_add_test(tests, activations_work_in_place_and_keep_nan);
    tcase_add_test(tests, surrogates_are_declared);
    tcase_add_test(tests, losses_are_stable);
    tcase_add_test(tests, losses_refuse_what_does_not_fit);
    tcase_add_test(tests, initializers_are_paired_across_sizes);
    tcase_add_test(tests, orthogonal_matrices_are_orthogonal);
    suite_add_tcase(suite, tests);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
