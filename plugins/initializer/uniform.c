/* uniform: weights from the uniform distribution over (low, high). */
#include <isoflop/parts.h>

struct uniform { double low, high; };

/* About zero: the mean square is (low^2 + low high + high^2) / 3. */
static double deviation(const void *state, const struct iso_layer *layer)
{
    const struct uniform *u = state;
    (void)layer;
    return sqrt((u->low * u->low + u->low * u->high + u->high * u->high) / 3);
}

static int fill(const void *state, const struct iso_host *host, const struct iso_layer *layer,
                const struct iso_rng *rng, float *weights, struct iso_error *err)
{
    const struct uniform *u = state;
    (void)host, (void)err;
    iso_fill_uniform(rng, layer, u->low, u->high, weights);
    return 0;
}

static int setup(void *state, const struct iso_host *host, struct iso_error *err)
{
    const struct uniform *u = state;
    (void)host;
    return u->low <= u->high ? 0 : iso_fail(err, "low (%g) must not be above high (%g)", u->low, u->high);
}

static const struct iso_param params[] = {
    ISO_REAL(struct uniform, low, "-0.05", -1e6, 1e6, "lower end", .try_min = "-10", .try_max = "0.05"),
    ISO_REAL(struct uniform, high, "0.05", -1e6, 1e6, "upper end", .try_min = "-0.05", .try_max = "10"),
    { 0 }
};
static const struct iso_initializer ops = { .fill = fill, .deviation = deviation };
ISO_PLUGIN(ops, .name = "uniform", .revision = 1, .summary = "U(low, high)", .state_size = sizeof(struct uniform),
           .params = params, .setup = setup);
