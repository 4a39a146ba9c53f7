/* adagrad: s <- s + g^2, w <- w - rate g / (sqrt(s) + epsilon) (Duchi et al., JMLR 2011). Weight decay acts on
 * weights only: coupled, g is g + weight_decay w; decoupled, w also loses rate * weight_decay w. FLOP: square, sum,
 * root, sum, quotient, product, difference. */
#include <isoflop/parts.h>

struct adagrad {
    double epsilon, weight_decay;
    int decay;
};

ISO_VECTOR void update_loop(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                            float *gradients, float *const *slots)
{
    const struct adagrad *s = state;
    const struct iso_decay decay = iso_decay_of(s->weight_decay, s->decay, rate, is_bias);
    const float lr = (float)rate, epsilon = (float)s->epsilon;
    float *squares = slots[0];
    (void)step;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float g = gradients[i] + decay.coupled * weights[i], sum = squares[i] + g * g;
        squares[i] = sum;
        weights[i] = decay.keep * weights[i] - lr * (g / (sqrtf(sum) + epsilon));
    }
}

ISO_OPTIMIZER_LOOP(update_loop)

static const struct iso_param params[] = {
    ISO_EPSILON(struct adagrad, "1e-10"),
    ISO_WEIGHT_DECAY(struct adagrad, "0", ""),
    ISO_CHOICE(struct adagrad, decay, "coupled", ISO_DECAYS, ISO_DECAYS_HELP),
    { 0 }
};
static const struct iso_optimizer ops = { .slots = 1, .flops_update = 7, .update = update };
ISO_PLUGIN(ops, .name = "adagrad", .revision = 1,
           .summary = "s = s + gradient^2, w - rate gradient / (sqrt(s) + epsilon)",
           .state_size = sizeof(struct adagrad), .params = params);
