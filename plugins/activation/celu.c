/* celu: y = x for x > 0, alpha (e^(x / alpha) - 1) otherwise; dy/dx = 1 or y / alpha + 1 (Barron, "Continuously
 * differentiable exponential linear units", 2017). FLOP: quotient, e^x - 1, product, comparison. */
#include <isoflop/parts.h>

struct celu { double alpha; };

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    const float alpha = (float)((const struct celu *)state)->alpha;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : alpha * iso_expm1(x[i] / alpha);
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    const float alpha = (float)((const struct celu *)state)->alpha;
    (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (y[i] > 0 ? 1 : y[i] / alpha + 1);
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_param params[] = {
    ISO_REAL(struct celu, alpha, "1", 0.01, 100, "minus the limit for x -> -inf"), { 0 }
};
static const struct iso_activation ops = {
    .flops_forward = 4, .flops_backward = 4, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "celu", .revision = 1, .summary = "x for x > 0, else alpha (e^(x / alpha) - 1)",
           .state_size = sizeof(struct celu), .params = params);
