/* adamw: m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2,
 * w <- w - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon), t = 1, 2, ... (Loshchilov and
 * Hutter, "Decoupled weight decay regularization", ICLR 2019). Weight decay is decoupled, w also loses
 * rate * weight_decay w, and acts on weights only.
 * FLOP: 3 for m, 4 for v, root, product, sum, quotient, product, difference. */
#include <isoflop/parts.h>

struct adamw { double beta1, beta2, epsilon, weight_decay; };

ISO_VECTOR void update_loop(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                            float *gradients, float *const *slots)
{
    const struct adamw *s = state;
    const struct iso_decay decay = iso_decay_of(s->weight_decay, ISO_DECAY_DECOUPLED, rate, is_bias);
    iso_adam(n, step, rate, s->beta1, s->beta2, s->epsilon, decay, weights, gradients, slots[0], slots[1]);
}

ISO_OPTIMIZER_LOOP(update_loop)

static const struct iso_param params[] = {
    ISO_BETA(struct adamw, beta1, "0.9", "part of the mean gradient that is kept"),
    ISO_BETA(struct adamw, beta2, "0.999", "part of the mean square that is kept"),
    ISO_EPSILON(struct adamw, "1e-8"),
    ISO_WEIGHT_DECAY(struct adamw, "0.01", "; decoupled: beside the step, times the rate"),
    { 0 }
};
static const struct iso_optimizer ops = { .slots = 2, .flops_update = 13, .update = update };
ISO_PLUGIN(ops, .name = "adamw", .revision = 1, .summary = "adam with decoupled weight decay",
           .state_size = sizeof(struct adamw), .params = params);
