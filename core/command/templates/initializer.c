/* @NAME@: uniform weights of a given deviation over sqrt(fan_in). Put your formula here, in fill and deviation.
 *
 * Outside of isoflop's tree, build and try it with
 *     cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o @NAME@.so @NAME@.c -lm
 *     isoflop check ./@NAME@.so
 * and put @NAME@.so into DIR/initializer/ for `isoflop run RECIPE --plugin-path DIR`. In isoflop's tree, this file is
 * plugins/initializer/@NAME@.c, and Makefile.am gets one line in initializer_LTLIBRARIES: plugins/initializer/@NAME@.la
 * What each function must do is said in <isoflop/plugin.h>. */
#include <math.h>

#include <isoflop/plugin.h>

struct parameters {
    double gain;
};

static double deviation(const void *state, const struct iso_layer *layer)
{
    return ((const struct parameters *)state)->gain / sqrt((double)layer->fan_in);
}

/* Weights (fan_out, fan_in), row by row. Number (i, j) of `rng` is the same for layers of all sizes: only its scale may
 * depend on the size (else say .unpaired = true). Biases are isoflop's. */
static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    const double limit = sqrt(3) * deviation(state, layer); /* uniform in (-limit, limit): deviation limit / sqrt(3) */
    (void)host, (void)err;
    for (size_t i = 0; i < layer->fan_out; i++)
        for (size_t j = 0; j < layer->fan_in; j++)
            weights[i * layer->fan_in + j] = (float)(limit * (2 * iso_rng_uniform_at(rng, i, (uint32_t)j) - 1));
    return 0;
}

static const struct iso_param params[] = {
    ISO_REAL(struct parameters, gain, "1", 0, 100, "deviation for a layer with one input"),
    { 0 }
};

static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };

ISO_PLUGIN(ops, .name = "@NAME@", .revision = 1, .summary = "uniform, deviation gain / sqrt(fan_in)",
           .state_size = sizeof(struct parameters), .params = params);
