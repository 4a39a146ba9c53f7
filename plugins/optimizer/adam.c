/* adam: m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2,
 * w <- w - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon), t = 1, 2, ... (Kingma and Ba, ICLR 2015).
 * Weight decay is coupled: g is g + weight_decay w; it acts on weights only. adamw has it decoupled.
 * FLOP: 3 for m, 4 for v, root, product, sum, quotient, product, difference. */
#include <isoflop/parts.h>

struct adam { double beta1, beta2, epsilon, weight_decay; };

ISO_VECTOR void update_loop(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                            float *gradients, float *const *slots)
{
    const struct adam *s = state;
    const struct iso_decay decay = iso_decay_of(s->weight_decay, ISO_DECAY_COUPLED, rate, is_bias);
    iso_adam(n, step, rate, s->beta1, s->beta2, s->epsilon, decay, weights, gradients, slots[0], slots[1]);
}

ISO_OPTIMIZER_LOOP(update_loop)

static const struct iso_param params[] = {
    ISO_BETA(struct adam, beta1, "0.9", "part of the mean gradient that is kept"),
    ISO_BETA(struct adam, beta2, "0.999", "part of the mean square that is kept"),
    ISO_EPSILON(struct adam, "1e-8"),
    ISO_WEIGHT_DECAY(struct adam, "0", "; coupled: added to the gradient"),
    { 0 }
};
static const struct iso_optimizer ops = { .slots = 2, .flops_update = 13, .update = update };
ISO_PLUGIN(ops, .name = "adam", .revision = 1,
           .summary = "m / (sqrt(v) + epsilon) with running means m of the gradient, v of its square",
           .state_size = sizeof(struct adam), .params = params);
