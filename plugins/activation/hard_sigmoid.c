/* hard_sigmoid: y = x / 6 + 1/2, limited to [0, 1]; dy/dx = 1/6 where 0 < y < 1, else 0. */
#include <isoflop/parts.h>

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = iso_clamp(x[i] * (1.0f / 6) + 0.5f, 0, 1);
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float slope = ((y[i] > 0) & (y[i] < 1)) ? 1.0f / 6 : 0;
        dx[i] = dy[i] * slope;
    }
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 4, .flops_backward = 3, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "hard_sigmoid", .revision = 1, .summary = "x / 6 + 1/2, limited to [0, 1]");
