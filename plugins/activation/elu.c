/* elu: y = x for x > 0, alpha (e^x - 1) otherwise; dy/dx = 1 or y + alpha (Clevert et al., "Fast and accurate deep
 * network learning by exponential linear units", ICLR 2016). FLOP: e^x - 1 counts one; comparison, product. */
#include <isoflop/parts.h>

struct elu { double alpha; };

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    const float alpha = (float)((const struct elu *)state)->alpha;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : alpha * iso_expm1(x[i]);
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    const float alpha = (float)((const struct elu *)state)->alpha;
    (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (y[i] > 0 ? 1 : y[i] + alpha);
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_param params[] = {
    ISO_REAL(struct elu, alpha, "1", 0, 100, "minus the limit for x -> -inf"), { 0 }
};
static const struct iso_activation ops = {
    .flops_forward = 3, .flops_backward = 3, .forward = forward, .backward = backward, .from_output = true
};
ISO_PLUGIN(ops, .name = "elu", .revision = 1, .summary = "x for x > 0, else alpha (e^x - 1)",
           .state_size = sizeof(struct elu), .params = params);
