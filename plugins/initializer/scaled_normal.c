/* scaled_normal: weights from N(0, std^2) with std = gain * fan_in^-power. */
#include <isoflop/parts.h>

struct scaled { double gain, power; };

static double deviation(const void *state, const struct iso_layer *layer)
{
    const struct scaled *scaled = state;
    return scaled->gain * pow((double)layer->fan_in, -scaled->power);
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    (void)host, (void)err;
    iso_fill_normal(rng, layer, deviation(state, layer), weights);
    return 0;
}

static const struct iso_param params[] = {
    ISO_REAL(struct scaled, gain, "1", 0, 1e6, "factor", .try_max = "100"),
    ISO_REAL(struct scaled, power, "0.5", 0, 4, "how fast the deviation falls with fan_in"),
    { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "scaled_normal", .revision = 1, .summary = "N(0, std^2), std = gain * fan_in^-power",
           .state_size = sizeof(struct scaled), .params = params);
