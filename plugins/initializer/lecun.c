/* lecun: variance 1 / fan_in, normal or uniform (LeCun et al., "Efficient backprop", 1998); for tanh and selu. */
#include <isoflop/parts.h>

struct lecun { int distribution; };

static double deviation(const void *state, const struct iso_layer *layer)
{
    (void)state;
    return 1 / sqrt((double)layer->fan_in);
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    (void)host, (void)err;
    iso_fill(((const struct lecun *)state)->distribution, rng, layer, deviation(state, layer), weights);
    return 0;
}

static const struct iso_param params[] = {
    ISO_CHOICE(struct lecun, distribution, "normal", ISO_DISTRIBUTIONS, "of the weights"), { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "lecun", .revision = 1, .summary = "variance 1 / fan_in, normal or uniform",
           .state_size = sizeof(struct lecun), .params = params);
