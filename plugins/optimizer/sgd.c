/* sgd: w <- w - rate (g + weight_decay w); weight decay, coupled or not, is the same thing here and acts on weights
 * only, not on biases. FLOP: product and difference. */
#include <isoflop/parts.h>

struct sgd { double weight_decay; };

ISO_VECTOR void update_loop(const void *state, size_t n, uint64_t step, double rate, bool is_bias, float *weights,
                            float *gradients, float *const *slots)
{
    const float lr = (float)rate, decay = is_bias ? 0 : (float)((const struct sgd *)state)->weight_decay;
    (void)step, (void)slots;
    if (decay == 0) {
        ISO_ELEMENTWISE
        for (size_t i = 0; i < n; i++)
            weights[i] -= lr * gradients[i];
    } else {
        ISO_ELEMENTWISE
        for (size_t i = 0; i < n; i++)
            weights[i] -= lr * (gradients[i] + decay * weights[i]);
    }
}

ISO_OPTIMIZER_LOOP(update_loop)

static bool plain_descent(const void *state)
{
    return ((const struct sgd *)state)->weight_decay == 0;
}

static const struct iso_param params[] = {
    ISO_REAL(struct sgd, weight_decay, "0", 0, 1e3, "each step adds this times the weight to its gradient",
             .try_max = "0.1"),
    { 0 }
};
static const struct iso_optimizer ops = { .flops_update = 2, .update = update, .plain_descent = plain_descent };
ISO_PLUGIN(ops, .name = "sgd", .revision = 1, .summary = "w - rate * gradient", .state_size = sizeof(struct sgd),
           .params = params);
