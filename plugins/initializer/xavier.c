/* xavier: weights from N(0, 1 / fan_in), which the report calls Xavier; see glorot_normal for the paper's. */
#include <isoflop/parts.h>

static double deviation(const void *state, const struct iso_layer *layer)
{
    (void)state;
    return 1 / sqrt((double)layer->fan_in);
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    (void)host, (void)err;
    iso_fill_normal(rng, layer, deviation(state, layer), weights);
    return 0;
}

static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "xavier", .revision = 1, .summary = "N(0, 1 / fan_in), the report's Xavier");
