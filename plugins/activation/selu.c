/* selu: y = s x for x > 0, s a (e^x - 1) otherwise; dy/dx = s or y + s a, with s and a for which zero mean and unit
 * variance are a fixed point (Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017). FLOP: e^x - 1,
 * product, comparison. */
#include <isoflop/parts.h>

#define S 1.0507009873554804934f
#define SA (1.0507009873554804934f * 1.6732632423543772848f)

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? S * x[i] : SA * iso_expm1(x[i]);
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (y[i] > 0 ? S : y[i] + SA);
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 3, .flops_backward = 3, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "selu", .revision = 1, .summary = "1.0507 x for x > 0, else 1.7581 (e^x - 1)");
