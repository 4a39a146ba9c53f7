/* relu: y = max(x, 0), dy/dx = 1 for x > 0, else 0. Written so that NaN stays NaN. */
#include <isoflop/parts.h>

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] < 0 ? 0 : x[i];
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float slope = y[i] > 0 ? 1.0f : 0;
        dx[i] = dy[i] * slope;
    }
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 1, .flops_backward = 1, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "relu", .revision = 1, .summary = "max(x, 0)");
