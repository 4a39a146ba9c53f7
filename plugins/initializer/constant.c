/* constant: every weight the same. */
#include <isoflop/parts.h>

struct constant { double value; };

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    const float value = (float)((const struct constant *)state)->value;
    (void)host, (void)rng, (void)err;
    for (size_t k = 0; k < layer->fan_in * layer->fan_out; k++)
        weights[k] = value;
    return 0;
}

static double deviation(const void *state, const struct iso_layer *layer)
{
    (void)layer;
    return fabs(((const struct constant *)state)->value);
}

static const struct iso_param params[] = {
    ISO_REAL(struct constant, value, "0.01", -1e6, 1e6, "the weight", .try_min = "-1", .try_max = "1"), { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "constant", .revision = 1, .summary = "value", .state_size = sizeof(struct constant),
           .params = params);
