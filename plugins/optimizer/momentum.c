/* momentum: v <- momentum v + g, w <- w - rate v (heavy ball; Polyak 1964) or, with nesterov, w <- w - rate (g +
 * momentum v) (Sutskever et al., ICML 2013). Weight decay acts on weights only: coupled, g is g + weight_decay w;
 * decoupled, w also loses rate * weight_decay w. FLOP: product, sum, product, difference. */
#include <isoflop/parts.h>

struct momentum {
    double momentum, weight_decay;
    bool nesterov;
    int decay;
};

ISO_VECTOR void update_loop(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                            float *gradients, float *const *slots)
{
    const struct momentum *s = state;
    const struct iso_decay decay = iso_decay_of(s->weight_decay, s->decay, rate, is_bias);
    const float lr = (float)rate, mu = (float)s->momentum;
    /* heavy ball: v alone; Nesterov: g + mu v */
    const float of_gradient = s->nesterov ? 1 : 0, of_velocity = s->nesterov ? mu : 1;
    float *velocity = slots[0];
    (void)step;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float g = gradients[i] + decay.coupled * weights[i], v = mu * velocity[i] + g;
        velocity[i] = v;
        weights[i] = decay.keep * weights[i] - lr * (of_gradient * g + of_velocity * v);
    }
}

ISO_OPTIMIZER_LOOP(update_loop)

static const struct iso_param params[] = {
    ISO_REAL(struct momentum, momentum, "0.9", 0, 1, "part of the velocity that is kept", .try_max = "0.99"),
    ISO_FLAG(struct momentum, nesterov, "false", "look ahead by one step of the velocity"),
    ISO_WEIGHT_DECAY(struct momentum, "0", ""),
    ISO_CHOICE(struct momentum, decay, "coupled", ISO_DECAYS, ISO_DECAYS_HELP),
    { 0 }
};
static const struct iso_optimizer ops = { .slots = 1, .flops_update = 4, .update = update };
ISO_PLUGIN(ops, .name = "momentum", .revision = 1, .summary = "v = momentum v + gradient, w - rate v",
           .state_size = sizeof(struct momentum), .params = params);
