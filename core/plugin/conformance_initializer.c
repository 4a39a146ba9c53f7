/* Conformance of initializers: reproducible, of the stated deviation, the same numbers for layers of all sizes. */
#include <math.h>
#include <string.h>

#include "plugin/checking.h"

struct call {
    const struct iso_initializer *ops;
    const struct instance *instance;
    struct iso_layer layer;
    struct iso_rng rng;
    float *weights;
    struct iso_error err;
    int status;
};

static void run_fill(void *context)
{
    struct call *call = context;
    call->status = call->ops->fill(call->instance->state, &call->instance->host, &call->layer, &call->rng,
                                   call->weights, &call->err);
}

/* Weights of one layer; NULL after a failure was told. */
static float *fill(struct check *check, size_t fan_in, size_t fan_out, size_t index, uint64_t seed)
{
    struct call call = { .ops = &check->plugin->ops.initializer,
                         .instance = check->instance,
                         .layer = { sizeof call.layer, fan_in, fan_out, index, 3 },
                         .rng = generator_of("init", seed, (uint32_t)index),
                         .err = ERROR_NONE };
    const size_t n = fan_in * fan_out;
    if (!(call.weights = check_floats(check, "weights", n)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        call.weights[i] = NAN;
    if (!check_call(check, "fill", run_fill, &call))
        return NULL;
    if (call.status) {
        check_fail(check, "fill", "fails", "fails for fan_in %zu and fan_out %zu: %s", fan_in, fan_out,
                   call.err.text[0] ? call.err.text : "it did not say why");
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(call.weights[i])) {
            check_fail(check, "fill", "finite", "weight (%zu, %zu) with fan_in %zu and fan_out %zu: expected a finite "
                                                "number, got %g%s", i / fan_in, i % fan_in, fan_in, fan_out,
                       (double)call.weights[i], isnan(call.weights[i]) ? " (it may not have been written)" : "");
            return NULL;
        }
    return call.weights;
}

/* The root mean square against `deviation`: within six standard errors, by the weights' own fourth moment. */
static void check_deviation(struct check *check, size_t fan_in, size_t fan_out, size_t index)
{
    const struct iso_layer layer = { sizeof layer, fan_in, fan_out, index, 3 };
    const double stated = check->plugin->ops.initializer.deviation(check->instance->state, &layer);
    const float *weights = fill(check, fan_in, fan_out, index, 5);
    const size_t n = fan_in * fan_out;
    double second = 0, fourth = 0;
    if (!weights)
        return;
    for (size_t i = 0; i < n; i++) {
        const double square = (double)weights[i] * (double)weights[i];
        second += square / (double)n;
        fourth += square * square / (double)n;
    }
    const double error = sqrt(fmax(fourth - second * second, 0) / (double)n); /* of the mean square */
    if (!isfinite(stated) || !(fabs(second - stated * stated) <= 6 * error + 1e-5 * second))
        check_fail(check, "fill", "deviation", "does not give the deviation that it states: fan_in %zu, fan_out %zu, "
                                               "layer %zu, expected %.6g, got %.6g", fan_in, fan_out, index, stated,
                   sqrt(second));
}

static bool all_equal(const float *weights, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (weights[i] != weights[0])
            return false;
    return true;
}

/* Weight (i, j) of a small and of a large layer: one factor for all. */
static void check_paired(struct check *check, const float *small, size_t fan_in, size_t fan_out, const float *large,
                         size_t large_fan_in, size_t large_fan_out)
{
    double factor = 0, most = 0;
    for (size_t i = 0; i < fan_out; i++)
        for (size_t j = 0; j < fan_in; j++)
            if (fabs((double)small[i * fan_in + j]) > most) {
                most = fabs((double)small[i * fan_in + j]);
                factor = (double)large[i * large_fan_in + j] / (double)small[i * fan_in + j];
            }
    for (size_t i = 0; i < fan_out; i++)
        for (size_t j = 0; j < fan_in; j++) {
            const double expected = factor * (double)small[i * fan_in + j];
            const double got = (double)large[i * large_fan_in + j];
            if (!(fabs(got - expected) <= 1e-5 * fabs(factor) * most)) {
                check_fail(check, "fill", "paired", "layers of different sizes do not start from the same numbers "
                                                    "(unless `unpaired`): weight (%zu, %zu) of %zu x %zu, expected "
                                                    "%.9g (%.6g times that of %zu x %zu), got %.9g", i, j,
                           large_fan_out, large_fan_in, expected, factor, fan_out, fan_in, got);
                return;
            }
        }
}

void check_initializer(struct check *check)
{
    static const size_t layers[][3] = { { 1000, 300, 0 }, { 64, 900, 1 }, { 700, 10, 2 }, { 30, 41, 1 } };
    const struct iso_initializer *ops = &check->plugin->ops.initializer;
    const float *first = fill(check, 23, 17, 1, 5), *other = first ? fill(check, 40, 31, 1, 5) : NULL;
    const float *again = other ? fill(check, 23, 17, 1, 5) : NULL;
    const float *next = again ? fill(check, 23, 17, 2, 5) : NULL;
    const float *seeded = next ? fill(check, 23, 17, 1, 6) : NULL;
    if (!seeded || !fill(check, 1, 1, 0, 5) || !fill(check, 1, 9, 0, 5) || !fill(check, 9, 1, 0, 5))
        return;
    const size_t n = 23 * 17, i = check_differ(first, again, n);
    if (i < n)
        check_fail(check, "fill", "reproducible", "the same layer and seed give other weights: weight (%zu, %zu), "
                                                  "expected %.9g, got %.9g", i / 23, i % 23, (double)first[i],
                   (double)again[i]);
    if (!all_equal(first, n) && check_differ(first, next, n) == n)
        check_fail(check, "fill", "layers", "layers 1 and 2 get the same weights: expected random numbers from `rng`");
    if (!all_equal(first, n) && check_differ(first, seeded, n) == n)
        check_fail(check, "fill", "seeds", "seeds 5 and 6 give the same weights: expected random numbers from `rng`");
    if (!ops->unpaired && i == n)
        check_paired(check, first, 23, 17, other, 40, 31);
    for (size_t k = 0; ops->deviation && k < sizeof layers / sizeof *layers && !check->broken; k++)
        check_deviation(check, layers[k][0], layers[k][1], layers[k][2]);
}

size_t sample_initializer(struct check *check, float out[CHECK_SAMPLE])
{
    const float *weights = fill(check, 8, 8, 1, 5);
    if (weights)
        memcpy(out, weights, CHECK_SAMPLE * sizeof *out);
    return weights ? CHECK_SAMPLE : 0;
}
