/* zeros: every weight 0. Hidden units then stay equal to each other: for a network without hidden layers, and tests. */
#include <isoflop/parts.h>

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    (void)state, (void)host, (void)rng, (void)err;
    memset(weights, 0, layer->fan_in * layer->fan_out * sizeof *weights);
    return 0;
}

static double deviation(const void *state, const struct iso_layer *layer)
{
    (void)state, (void)layer;
    return 0;
}

static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "zeros", .revision = 1, .summary = "0");
