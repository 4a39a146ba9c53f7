/* gaussian: y = e^(-(x / width)^2), dy/dx = -2 x / width^2 y. */
#include <isoflop/parts.h>

struct gaussian { double width; };

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    const float rate = (float)(1 / ((const struct gaussian *)state)->width);
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = iso_exp_negative(-(x[i] * rate) * (x[i] * rate));
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    const double width = ((const struct gaussian *)state)->width;
    const float factor = (float)(-2 / (width * width));
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (factor * x[i] * y[i]);
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_param params[] = {
    ISO_REAL(struct gaussian, width, "1", 0.01, 100, "where y has fallen to 1 / e"), { 0 }
};
static const struct iso_activation ops = {
    .flops_forward = 4, .flops_backward = 3, .forward = forward, .backward = backward
};
ISO_PLUGIN(ops, .name = "gaussian", .revision = 1, .summary = "e^(-(x / width)^2)",
           .state_size = sizeof(struct gaussian), .params = params);
