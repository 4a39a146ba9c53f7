/* softplus: y = log(1 + e^(beta x)) / beta; dy/dx = 1 - e^(-beta y).
 * FLOP: product, e^x, log(1 + x), quotient, maximum, sum; product, e^x - 1, product. */
#include <isoflop/parts.h>

struct softplus { double beta; };

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    const float beta = (float)((const struct softplus *)state)->beta;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = iso_softplus(beta * x[i]) / beta;
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    const float beta = (float)((const struct softplus *)state)->beta;
    (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * -iso_expm1(-beta * y[i]);
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_param params[] = {
    ISO_REAL(struct softplus, beta, "1", 0.01, 1000, "sharpness of the bend"), { 0 }
};
static const struct iso_activation ops = {
    .flops_forward = 6, .flops_backward = 3, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "softplus", .revision = 1, .summary = "log(1 + e^(beta x)) / beta",
           .state_size = sizeof(struct softplus), .params = params);
