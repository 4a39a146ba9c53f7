/* silu: y = x s(x) with s(x) = 1 / (1 + e^-x), dy/dx = s (1 + x (1 - s)); also called swish. FLOP: 3 of s, product;
 * 3 of s, difference, product, sum, two products. */
#include <isoflop/parts.h>

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] * iso_sigmoid(x[i]);
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)y;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float s = iso_sigmoid(x[i]);
        dx[i] = dy[i] * (s * (1 + x[i] * (1 - s)));
    }
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 4, .flops_backward = 8, .forward = forward, .backward = backward
};
ISO_PLUGIN(ops, .name = "silu", .revision = 1, .summary = "x / (1 + e^-x)");
