/* sigmoid: y = 1 / (1 + e^-x), dy/dx = y (1 - y). FLOP: e^-x, sum, quotient; difference and two products. */
#include <isoflop/parts.h>

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = iso_sigmoid(x[i]);
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (y[i] * (1 - y[i]));
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 3, .flops_backward = 3, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "sigmoid", .revision = 1, .summary = "1 / (1 + e^-x)");
