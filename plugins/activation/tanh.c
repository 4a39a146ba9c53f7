/* tanh: y = tanh x, dy/dx = 1 - y^2. FLOP: tanh counts one; two products and a difference. */
#include <isoflop/parts.h>

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = iso_tanh(x[i]);
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (1 - y[i] * y[i]);
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 1, .flops_backward = 3, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "tanh", .revision = 2, .summary = "tanh(x)");
