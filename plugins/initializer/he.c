/* he: variance 2 / fan, normal or uniform (He et al., "Delving deep into rectifiers", ICCV 2015). */
#include <isoflop/parts.h>

struct he {
    int fan;
    int distribution;
};

static double deviation(const void *state, const struct iso_layer *layer)
{
    return sqrt(2 / (double)(((const struct he *)state)->fan == 0 ? layer->fan_in : layer->fan_out));
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    (void)host, (void)err;
    iso_fill(((const struct he *)state)->distribution, rng, layer, deviation(state, layer), weights);
    return 0;
}

static const struct iso_param params[] = {
    ISO_CHOICE(struct he, fan, "in", "in|out", "in keeps the size of signals, out that of gradients"),
    ISO_CHOICE(struct he, distribution, "normal", ISO_DISTRIBUTIONS, "of the weights"),
    { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "he", .revision = 1, .summary = "variance 2 / fan_in, for relu",
           .state_size = sizeof(struct he), .params = params);
