/* softsign: y = x / (1 + |x|), dy/dx = 1 / (1 + |x|)^2 = (1 - |y|)^2. */
#include <isoflop/parts.h>

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] / (1 + iso_abs(x[i]));
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * ((1 - iso_abs(y[i])) * (1 - iso_abs(y[i])));
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 3, .flops_backward = 4, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "softsign", .revision = 1, .summary = "x / (1 + |x|)");
