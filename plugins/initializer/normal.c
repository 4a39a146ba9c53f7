/* normal: weights from N(0, std^2). */
#include <isoflop/parts.h>

struct normal { double std; };

static double deviation(const void *state, const struct iso_layer *layer)
{
    (void)layer;
    return ((const struct normal *)state)->std;
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    (void)host, (void)err;
    iso_fill_normal(rng, layer, deviation(state, layer), weights);
    return 0;
}

static const struct iso_param params[] = {
    ISO_REAL(struct normal, std, "1", 0, 1e6, "standard deviation", .try_max = "100"), { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "normal", .revision = 1, .summary = "N(0, std^2)", .state_size = sizeof(struct normal),
           .params = params);
