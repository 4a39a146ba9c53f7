/* Tests of core/network, against a float64 reimplementation that is itself checked by finite differences. */
#include <check.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "float64_network.h"
#include "network/network.h"
#include "suite.h"

static struct plugins *plugins;

static struct instance *instance(enum iso_kind kind, const char *name, const char *const *pairs)
{
    struct iso_error err = ERROR_NONE;
    const struct plugin *plugin = plugins_find(plugins, kind, name, &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    struct instance *made = instance_new(plugin, pairs, NULL, &err);
    ck_assert_msg(made != NULL, "%s", err.text);
    return made;
}

/* Uniform in (-1, 1), some exact zeros. */
static void fill(float *values, size_t n, uint64_t seed)
{
    const struct iso_rng rng = generator_of("test", seed, 0);
    for (size_t i = 0; i < n; i++) {
        const double u = iso_rng_uniform_at(&rng, i, 0);
        values[i] = u < 0.1 ? 0 : (float)(2 * u - 1);
    }
}

static const char *const backend_names[] = { "naive", "openblas" };

/* ---- The float64 reimplementation ---- */

struct variant {
    const char *activation;
    enum f64_activation reference;
    double clip;
    bool clip_zero, clip_output, no_bias;
    double dropout;
};
static const struct variant variants[] = {
    { .activation = "sigmoid", .reference = F64_SIGMOID },
    { .activation = "tanh", .reference = F64_TANH },
    { .activation = "relu", .reference = F64_RELU },
    { .activation = "leaky_relu", .reference = F64_LEAKY_RELU },
    { .activation = "identity", .reference = F64_IDENTITY, .no_bias = true },
    { .activation = "tanh", .reference = F64_TANH, .clip = 0.4, .clip_output = true },
    { .activation = "tanh", .reference = F64_TANH, .clip = 0.4, .clip_zero = true, .clip_output = true },
    { .activation = "sigmoid", .reference = F64_SIGMOID, .clip = 0.4, .clip_zero = true },
    { .activation = "sigmoid", .reference = F64_SIGMOID, .dropout = 0.3 },
    { .activation = "relu", .reference = F64_RELU, .clip = 0.8, .clip_zero = true, .dropout = 0.5 },
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };
enum { ROWS = 12, INPUTS = 9, HIDDEN_1 = 33, HIDDEN_2 = 7, CLASSES = 4 };

static struct f64_network reference_new(const struct variant *variant, enum f64_loss loss, bool mean)
{
    struct f64_network n = { .layers = 3, .sizes = { INPUTS, HIDDEN_1, HIDDEN_2, CLASSES },
                             .activation = variant->reference, .loss = loss, .mean = mean,
                             .has_bias = !variant->no_bias, .clip = variant->clip, .clip_zero = variant->clip_zero,
                             .clip_output = variant->clip_output };
    f64_make(&n);
    return n;
}

static void examples(float *x, int32_t *labels)
{
    fill(x, ROWS * INPUTS, 11);
    for (int r = 0; r < ROWS; r++)
        labels[r] = (r * 7 + 1) % CLASSES;
}

START_TEST(float64_by_finite_differences)
{
    const struct variant *variant = &variants[_i / 4];
    if (variant->clip > 0 && !variant->clip_zero) /* which is not the gradient of anything */
        return;
    struct f64_network n = reference_new(variant, _i / 2 % 2 ? F64_MSE : F64_CROSS_ENTROPY, _i % 2);
    float x[ROWS * INPUTS];
    int32_t labels[ROWS];
    double mask[ROWS * HIDDEN_1];
    examples(x, labels);
    for (size_t i = 0; i < ROWS * HIDDEN_1; i++)
        mask[i] = i % 3 ? 1.5 : 0;
    if (variant->dropout > 0)
        n.mask[0] = mask;
    for (size_t l = 0; l < n.layers; l++) {
        float values[HIDDEN_1 * INPUTS + HIDDEN_1 * HIDDEN_2];
        fill(values, n.sizes[l] * n.sizes[l + 1], 20 + l);
        for (size_t i = 0; i < n.sizes[l] * n.sizes[l + 1]; i++)
            n.weights[l][i] = 0.7 * (double)values[i];
        for (size_t o = 0; o < n.sizes[l + 1]; o++)
            n.bias[l][o] = 0.1 * (double)o / (double)n.sizes[l + 1] - 0.03;
    }
    f64_loss(&n, x, labels, ROWS, true);
    const double h = 1e-6;
    size_t checked = 0;
    for (size_t l = 0; l < n.layers; l++)
        for (int is_bias = 0; is_bias < (n.has_bias ? 2 : 1); is_bias++) {
            double *values = is_bias ? n.bias[l] : n.weights[l];
            const double *gradient = is_bias ? n.bias_gradient[l] : n.weight_gradient[l];
            const size_t count = is_bias ? n.sizes[l + 1] : n.sizes[l] * n.sizes[l + 1];
            for (size_t i = 0; i < count; i++) {
                const double before = values[i];
                values[i] = before + h;
                const double above = f64_loss(&n, x, labels, ROWS, false);
                values[i] = before - h;
                const double below = f64_loss(&n, x, labels, ROWS, false);
                values[i] = before;
                const double difference = (above - below) / (2 * h);
                ck_assert_msg(fabs(difference - gradient[i]) <= 1e-7 * (1 + fabs(difference)),
                              "layer %zu, %s %zu: %.12g by differences, %.12g", l, is_bias ? "bias" : "weight", i,
                              difference, gradient[i]);
                checked++;
            }
        }
    ck_assert_uint_gt(checked, 500);
    f64_free(&n);
}
END_TEST

/* ---- The network ---- */

/* An optimizer of the test's own, plain descent that does not say so: by panels, or by whole layers. */
static void own_update(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                       float *gradients, float *const *slots)
{
    (void)state, (void)is_bias;
    for (size_t i = 0; i < n; i++) {
        weights[i] -= (float)rate * gradients[i];
        ck_assert(slots[1][i] == (float)step); /* one call a step for each weight, slots in their place */
        slots[1][i] += 1;
        slots[0][i] = gradients[i];
    }
}
static struct plugin own_plugin = { .descriptor = { .name = "own" },
                                    .ops.optimizer = { .slots = 2, .flops_update = 2, .update = own_update } };
static struct plugin own_whole_plugin = {
    .descriptor = { .name = "own_whole" },
    .ops.optimizer = { .slots = 2, .flops_update = 2, .update = own_update, .whole = true }
};
static struct instance own = { .plugin = &own_plugin }, own_whole = { .plugin = &own_whole_plugin };

struct built {
    struct network *network;
    struct instance *backend, *activation, *initializer, *optimizer;
};

static struct built build(const char *backend, const struct variant *variant, struct instance *optimizer, bool watch,
                          double clip_norm)
{
    static const size_t outputs[] = { HIDDEN_1, HIDDEN_2, CLASSES };
    const double dropout[] = { variant->dropout, 0 };
    struct built b = { .backend = instance(ISO_BACKEND, backend, NULL),
                       .activation = instance(ISO_ACTIVATION, variant->activation, NULL),
                       .initializer = instance(ISO_INITIALIZER, "he", NULL) };
    if (!optimizer)
        optimizer = b.optimizer = instance(ISO_OPTIMIZER, "sgd", NULL);
    struct instance *const activations[] = { b.activation, b.activation };
    const struct network_spec spec = {
        .inputs = INPUTS, .layers = 3, .outputs = outputs, .activation = activations, .dropout = dropout,
        .initializer = b.initializer, .backend = b.backend, .optimizer = optimizer, .has_bias = !variant->no_bias,
        .bias = 0.02, .clip = variant->clip, .clip_gradient_zero = variant->clip_zero,
        .clip_output = variant->clip_output, .clip_norm = clip_norm, .batch = ROWS, .threads = 1, .watch = watch,
        .watch_units = watch, .seed_init = 5, .seed_dropout = 6,
    };
    struct iso_error err = ERROR_NONE;
    b.network = network_new(&spec, &err);
    ck_assert_msg(b.network != NULL, "%s", err.text);
    return b;
}

static void unbuild(struct built *b)
{
    network_free(b->network);
    instance_free(b->backend);
    instance_free(b->activation);
    instance_free(b->initializer);
    if (b->optimizer)
        instance_free(b->optimizer);
}

/* The mask of dropout by its definition: a function of seed, layer, example and unit. */
static void dropout_mask(double *mask, double p, uint64_t first)
{
    const struct iso_rng rng = generator_of("dropout", 6, 0);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t o = 0; o < HIDDEN_1; o++)
            mask[r * HIDDEN_1 + o] = iso_rng_bits_at(&rng, first + r, (uint32_t)o) < (uint32_t)(p * 0x1p32)
                                         ? 0 : (double)(float)(1 / (1 - p));
}

/* One training step of the network. Its gradient comes from the reference's own loss, so that layers are tested. */
static void step(struct network *network, struct instance *loss, bool mean, const float *x, const int32_t *labels,
                 uint64_t number, double rate, struct network_norms *norms)
{
    const struct network_input input = { .x = x, .stride = INPUTS, .rows = ROWS };
    float values[ROWS], one_hot[ROWS * CLASSES] = { 0 };
    for (size_t r = 0; r < ROWS; r++)
        one_hot[r * CLASSES + (size_t)labels[r]] = 1;
    const struct iso_targets targets = { .size = sizeof targets, .labels = labels, .dense = one_hot };
    const float *raw = network_forward(network, &input, true, number * ROWS);
    float *gradient = network_output_gradient(network);
    loss->plugin->ops.loss.value(loss->state, ROWS, CLASSES, raw, &targets, true, values, gradient);
    for (size_t i = 0; mean && i < ROWS * CLASSES; i++)
        gradient[i] /= ROWS;
    network_backward(network, ROWS);
    network_update(network, &input, number, rate, norms);
}

static void compare(struct network *network, const struct f64_network *n, double within)
{
    for (size_t l = 0; l < n->layers; l++) {
        const size_t count = n->sizes[l] * n->sizes[l + 1];
        float *weights = calloc(count, sizeof *weights);
        double difference = 0, norm = 0;
        network_export(network, l, weights);
        for (size_t i = 0; i < count; i++) {
            difference += pow((double)weights[i] - n->weights[l][i], 2);
            norm += pow(n->weights[l][i], 2);
        }
        free(weights);
        ck_assert_msg(sqrt(difference / norm) < within, "layer %zu is off by %.3g", l, sqrt(difference / norm));
        const float *bias = network_bias(network, l);
        ck_assert_int_eq(bias != NULL, n->has_bias);
        for (size_t o = 0; bias && o < n->sizes[l + 1]; o++)
            ck_assert_msg(fabs((double)bias[o] - n->bias[l][o]) < within, "bias %zu of layer %zu: %.9g, not %.9g", o, l,
                          (double)bias[o], n->bias[l][o]);
    }
}

static void copy_weights(struct network *network, struct f64_network *n)
{
    for (size_t l = 0; l < n->layers; l++) {
        const size_t count = n->sizes[l] * n->sizes[l + 1];
        float *weights = calloc(count, sizeof *weights);
        network_export(network, l, weights);
        for (size_t i = 0; i < count; i++)
            n->weights[l][i] = (double)weights[i];
        for (size_t o = 0; n->has_bias && o < n->sizes[l + 1]; o++)
            n->bias[l][o] = (double)network_bias(network, l)[o];
        free(weights);
    }
}

START_TEST(network_against_float64)
{
    const struct variant *variant = &variants[_i / 8];
    const bool mse = _i / 4 % 2, mean = _i / 2 % 2;
    struct built b = build(backend_names[_i % 2], variant, NULL, false, 0);
    struct f64_network n = reference_new(variant, mse ? F64_MSE : F64_CROSS_ENTROPY, mean);
    struct instance *loss = instance(ISO_LOSS, mse ? "mse" : "cross_entropy", NULL);
    float x[ROWS * INPUTS];
    int32_t labels[ROWS];
    double mask[ROWS * HIDDEN_1];
    examples(x, labels);
    copy_weights(b.network, &n);
    ck_assert(!n.has_bias || n.bias[1][0] == (double)0.02f);
    const double rate = mean ? 0.5 : 0.05;
    for (uint64_t s = 0; s < 20; s++) {
        if (variant->dropout > 0) {
            dropout_mask(mask, variant->dropout, s * ROWS);
            n.mask[0] = mask;
        }
        step(b.network, loss, mean, x, labels, s, rate, NULL);
        f64_loss(&n, x, labels, ROWS, true);
        f64_descend(&n, rate);
    }
    compare(b.network, &n, 5e-6);

    /* Evaluation: no dropout, more rows than a minibatch has. */
    n.mask[0] = NULL;
    float *many = calloc(NETWORK_EVALUATION_ROWS, INPUTS * sizeof *many);
    fill(many, NETWORK_EVALUATION_ROWS * INPUTS, 12);
    const struct network_input input = { .x = many, .stride = INPUTS, .rows = NETWORK_EVALUATION_ROWS };
    const float *raw = network_forward(b.network, &input, false, 0);
    for (size_t r = 0; r < NETWORK_EVALUATION_ROWS; r++) {
        double expected[CLASSES];
        f64_forward(&n, many + r * INPUTS, r, expected);
        for (size_t o = 0; o < CLASSES; o++)
            ck_assert_msg(fabs((double)raw[r * CLASSES + o] - expected[o]) < 2e-5, "row %zu, output %zu: %g, not %g", r,
                          o, (double)raw[r * CLASSES + o], expected[o]);
    }
    free(many);
    instance_free(loss);
    f64_free(&n);
    unbuild(&b);
}
END_TEST

/* Fused descent, an optimizer by panels, one by whole layers, and with norms watched: on naive the same bits. */
START_TEST(ways_of_updating_agree)
{
    const struct variant *variant = &variants[_i];
    struct instance *optimizers[] = { NULL, &own, &own_whole, NULL, &own_whole };
    struct instance *loss = instance(ISO_LOSS, "cross_entropy", NULL);
    float x[ROWS * INPUTS], *states[5] = { 0 };
    int32_t labels[ROWS];
    size_t length = 0;
    examples(x, labels);
    for (size_t way = 0; way < 5; way++) {
        const bool watch = way >= 3;
        struct built b = build("naive", variant, optimizers[way], watch, 0);
        struct network_norms norms[3];
        for (uint64_t s = 0; s < 5; s++)
            step(b.network, loss, true, x, labels, s, 0.3, watch ? norms : NULL);
        length = network_state_length(b.network);
        states[way] = calloc(length, sizeof(float));
        network_state_save(b.network, states[way]);
        if (way > 0)
            ck_assert_msg(memcmp(states[way], states[0], length * sizeof(float)) == 0, "way %zu differs", way);
        network_state_restore(b.network, states[0]);
        unbuild(&b);
    }
    for (size_t way = 0; way < 5; way++)
        free(states[way]);
    instance_free(loss);
}
END_TEST

/* Norms by their definition; clip_norm bounds the common norm and keeps the direction. */
START_TEST(norms_and_clip_norm)
{
    const struct variant *variant = &variants[1];
    struct instance *loss = instance(ISO_LOSS, "cross_entropy", NULL);
    struct f64_network n = reference_new(variant, F64_CROSS_ENTROPY, false);
    float x[ROWS * INPUTS];
    int32_t labels[ROWS];
    examples(x, labels);
    struct built b = build("openblas", variant, NULL, true, 0), clipped = build("openblas", variant, NULL, true, 0.5);
    copy_weights(b.network, &n);
    f64_loss(&n, x, labels, ROWS, true);
    double layer[3] = { 0 }, weights[3] = { 0 }, all = 0;
    for (size_t l = 0; l < 3; l++) {
        for (size_t i = 0; i < n.sizes[l] * n.sizes[l + 1]; i++) {
            layer[l] += pow(n.weight_gradient[l][i], 2);
            weights[l] += pow(n.weights[l][i], 2);
        }
        const double of_weights = layer[l];
        for (size_t o = 0; o < n.sizes[l + 1]; o++)
            layer[l] += pow(n.bias_gradient[l][o], 2);
        all += layer[l];
        ck_assert(fabs(network_weight_norm(b.network, l) - sqrt(weights[l])) < 1e-6);
        weights[l] = 0.01 * sqrt(of_weights / weights[l]);
    }
    struct network_norms norms[3];
    step(b.network, loss, false, x, labels, 0, 0.01, norms);
    for (size_t l = 0; l < 3; l++) {
        ck_assert(fabs(norms[l].gradient / sqrt(layer[l]) - 1) < 1e-5);
        ck_assert(fabs(norms[l].update / weights[l] - 1) < 1e-4);
    }
    ck_assert(sqrt(all) > 1);
    step(clipped.network, loss, false, x, labels, 0, 0.2, norms);
    for (size_t l = 0; l < 3; l++)
        ck_assert(fabs(norms[l].gradient / sqrt(layer[l]) - 1) < 1e-5);
    f64_descend(&n, 0.2 * 0.5 / sqrt(all));
    compare(clipped.network, &n, 1e-6);
    f64_free(&n);
    unbuild(&b);
    unbuild(&clipped);
    instance_free(loss);
}
END_TEST

START_TEST(dead_units)
{
    const struct variant relu = { .activation = "relu" };
    struct built b = build("naive", &relu, NULL, true, 0);
    struct instance *loss = instance(ISO_LOSS, "cross_entropy", NULL);
    float x[ROWS * INPUTS];
    int32_t labels[ROWS];
    examples(x, labels);
    ck_assert(isnan(network_dead_units(b.network, 0)));
    for (size_t o = 0; o < HIDDEN_1; o++) /* the first 11 never fire, the others always */
        network_bias(b.network, 0)[o] = o < 11 ? -1000 : 1000;
    step(b.network, loss, true, x, labels, 0, 0, NULL);
    ck_assert(network_dead_units(b.network, 0) == 11.0 / HIDDEN_1);
    ck_assert(isnan(network_dead_units(b.network, 0)));
    unbuild(&b);
    instance_free(loss);
}
END_TEST

/* The same numbers start networks of different widths. */
START_TEST(seeds_pair_sizes)
{
    struct instance *backend = instance(ISO_BACKEND, "naive", NULL), *he = instance(ISO_INITIALIZER, "he", NULL);
    struct iso_error err = ERROR_NONE;
    float weights[2][40 * INPUTS];
    for (size_t k = 0; k < 2; k++) {
        const size_t outputs[] = { k ? 40 : 20 };
        const struct network_spec spec = { .inputs = INPUTS, .layers = 1, .outputs = outputs, .initializer = he,
                                           .backend = backend, .batch = 1, .seed_init = 9 };
        struct network *network = network_new(&spec, &err);
        ck_assert_msg(network != NULL, "%s", err.text);
        network_export(network, 0, weights[k]);
        network_free(network);
    }
    ck_assert_mem_eq(weights[0], weights[1], 20 * INPUTS * sizeof(float));
    instance_free(backend);
    instance_free(he);
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    plugins = plugins_new(NULL, &err);
    if (!plugins)
        return 1;
    Suite *suite = suite_create("network");
    TCase *network = tcase_create("network");
    tcase_add_loop_test(network, float64_by_finite_differences, 0, VARIANTS * 4);
    tcase_add_loop_test(network, network_against_float64, 0, VARIANTS * 8);
    tcase_add_loop_test(network, ways_of_updating_agree, 0, VARIANTS);
    tcase_add_test(network, norms_and_clip_norm);
    tcase_add_test(network, dead_units);
    tcase_add_test(network, seeds_pair_sizes);
    tcase_set_timeout(network, 300);
    suite_add_tcase(suite, network);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    return failed != 0;
}
