/* rmsprop: s <- smoothing s + (1 - smoothing) g^2, v <- momentum v + g / (sqrt(s) + epsilon), w <- w - rate v
 * (Hinton, lecture notes, 2012). Weight decay acts on weights only: coupled, g is g + weight_decay w; decoupled, w
 * also loses rate * weight_decay w. FLOP: 2 products, square, sum, root, sum, quotient, product, sum, product,
 * difference. */
#include <isoflop/parts.h>

struct rmsprop {
    double smoothing, momentum, epsilon, weight_decay;
    int decay;
};

ISO_VECTOR void update_loop(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                            float *gradients, float *const *slots)
{
    const struct rmsprop *s = state;
    const struct iso_decay decay = iso_decay_of(s->weight_decay, s->decay, rate, is_bias);
    const float lr = (float)rate, epsilon = (float)s->epsilon, mu = (float)s->momentum;
    const float smoothing = (float)s->smoothing, fresh = (float)(1 - s->smoothing);
    float *squares = slots[0], *velocity = slots[1];
    (void)step;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float g = gradients[i] + decay.coupled * weights[i], square = smoothing * squares[i] + fresh * (g * g);
        const float v = mu * velocity[i] + g / (sqrtf(square) + epsilon);
        squares[i] = square;
        velocity[i] = v;
        weights[i] = decay.keep * weights[i] - lr * v;
    }
}

ISO_OPTIMIZER_LOOP(update_loop)

static const struct iso_param params[] = {
    ISO_REAL(struct rmsprop, smoothing, "0.99", 0, 1, "part of the mean square that is kept", .try_max = "0.999"),
    ISO_REAL(struct rmsprop, momentum, "0", 0, 1, "part of the velocity that is kept", .try_max = "0.99"),
    ISO_EPSILON(struct rmsprop, "1e-8"),
    ISO_WEIGHT_DECAY(struct rmsprop, "0", ""),
    ISO_CHOICE(struct rmsprop, decay, "coupled", ISO_DECAYS, ISO_DECAYS_HELP),
    { 0 }
};
static const struct iso_optimizer ops = { .slots = 2, .flops_update = 11, .update = update };
ISO_PLUGIN(ops, .name = "rmsprop", .revision = 1,
           .summary = "s = mean of gradient^2, w - rate gradient / (sqrt(s) + epsilon)",
           .state_size = sizeof(struct rmsprop), .params = params);
