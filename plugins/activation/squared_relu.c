/* squared_relu: y = max(x, 0)^2, dy/dx = 2 max(x, 0). */
#include <isoflop/parts.h>

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0 : x[i] * x[i];
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)y;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float slope = x[i] > 0 ? 2 * x[i] : 0;
        dx[i] = dy[i] * slope;
    }
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 2, .flops_backward = 3, .forward = forward, .backward = backward
};
ISO_PLUGIN(ops, .name = "squared_relu", .revision = 1, .summary = "max(x, 0)^2");
