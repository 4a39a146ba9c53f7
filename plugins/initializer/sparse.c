/* sparse: each weight is 0 but with probability `density`, then from N(0, std^2) with std = gain / sqrt(density
 * fan_in), so that a unit's input has the size that a dense layer would give (after Martens, "Deep learning via
 * Hessian-free optimization", ICML 2010, where each unit has a fixed number of weights). */
#include <isoflop/parts.h>

struct sparse { double density, gain; };

static double deviation(const void *state, const struct iso_layer *layer)
{
    return ((const struct sparse *)state)->gain / sqrt((double)layer->fan_in);
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    const struct sparse *sparse = state;
    const uint64_t masks = (uint64_t)1 << 63; /* rows of the generator that no weight's size comes from */
    (void)host, (void)err;
    iso_fill_normal(rng, layer, deviation(state, layer) / sqrt(sparse->density), weights);
    for (size_t i = 0; i < layer->fan_out; i++)
        for (size_t j = 0; j < layer->fan_in; j += 4) {
            double u[4];
            iso_rng_uniforms_block(rng, masks + i, (uint32_t)(j / 4), u);
            for (size_t k = 0; k < 4 && j + k < layer->fan_in; k++)
                if (u[k] >= sparse->density)
                    weights[i * layer->fan_in + j + k] = 0;
        }
    return 0;
}

static const struct iso_param params[] = {
    ISO_REAL(struct sparse, density, "0.1", 1e-6, 1, "part of the weights that are not 0", .try_min = "0.05"),
    ISO_REAL(struct sparse, gain, "1", 0, 1e6, "factor", .try_max = "100"),
    { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "sparse", .revision = 1,
           .summary = "0, or with probability density N(0, gain^2 / (density fan_in))",
           .state_size = sizeof(struct sparse), .params = params);
