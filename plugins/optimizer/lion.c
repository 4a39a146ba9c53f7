/* lion: w <- w - rate (sign(beta1 m + (1 - beta1) g) + weight_decay w), then m <- beta2 m + (1 - beta2) g (Chen et
 * al., "Symbolic discovery of optimization algorithms", NeurIPS 2023). Weight decay is decoupled and acts on
 * weights only. FLOP: 3 for the sign's argument, sign, product, difference, 3 for m. */
#include <isoflop/parts.h>

struct lion { double beta1, beta2, weight_decay; };

ISO_VECTOR void update_loop(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                            float *gradients, float *const *slots)
{
    const struct lion *s = state;
    const struct iso_decay decay = iso_decay_of(s->weight_decay, ISO_DECAY_DECOUPLED, rate, is_bias);
    const float lr = (float)rate, beta1 = (float)s->beta1, fresh1 = (float)(1 - s->beta1);
    const float beta2 = (float)s->beta2, fresh2 = (float)(1 - s->beta2);
    float *mean = slots[0];
    (void)step;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float g = gradients[i], m = mean[i], mixed = beta1 * m + fresh1 * g;
        const float up = mixed > 0 ? lr : 0, down = mixed < 0 ? lr : 0;
        weights[i] = decay.keep * weights[i] - (up - down);
        mean[i] = beta2 * m + fresh2 * g;
    }
}

ISO_OPTIMIZER_LOOP(update_loop)

static const struct iso_param params[] = {
    ISO_BETA(struct lion, beta1, "0.9", "part of the mean in the step"),
    ISO_BETA(struct lion, beta2, "0.99", "part of the mean that is kept"),
    ISO_WEIGHT_DECAY(struct lion, "0", "; decoupled: beside the step, times the rate"),
    { 0 }
};
static const struct iso_optimizer ops = { .slots = 1, .flops_update = 9, .update = update };
ISO_PLUGIN(ops, .name = "lion", .revision = 1,
           .summary = "w - rate sign(beta1 m + (1 - beta1) gradient), m its running mean",
           .state_size = sizeof(struct lion), .params = params);
