/* glorot_normal: weights from N(0, 2 gain^2 / (fan_in + fan_out))
 * (Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010). */
#include <isoflop/parts.h>

struct glorot { double gain; };

static double deviation(const void *state, const struct iso_layer *layer)
{
    return ((const struct glorot *)state)->gain * sqrt(2 / ((double)layer->fan_in + (double)layer->fan_out));
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    (void)host, (void)err;
    iso_fill(ISO_NORMAL, rng, layer, deviation(state, layer), weights);
    return 0;
}

static const struct iso_param params[] = {
    ISO_REAL(struct glorot, gain, "1", 0, 1e6, "factor", .try_max = "100"), { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "glorot_normal", .revision = 1,
           .summary = "N(0, 2 gain^2 / (fan_in + fan_out))",
           .state_size = sizeof(struct glorot), .params = params);
