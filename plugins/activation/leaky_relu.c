/* leaky_relu: y = x for x > 0, slope * x otherwise. The sign of y is that of x, so that the gradient needs y alone. */
#include <isoflop/parts.h>

struct leaky { double slope, backward_slope; };

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    const float slope = (float)((const struct leaky *)state)->slope;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    const float slope = (float)((const struct leaky *)state)->backward_slope;
    (void)x;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = y[i] > 0 ? dy[i] : slope * dy[i];
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const char *surrogate(const void *state)
{
    const struct leaky *leaky = state;
    return leaky->backward_slope == leaky->slope ? NULL : "backward_slope in place of slope for x <= 0";
}

static double surrogate_slope(const void *state, double x)
{
    return x > 0 ? 1 : ((const struct leaky *)state)->backward_slope;
}

static const struct iso_param params[] = {
    ISO_REAL(struct leaky, slope, "0.01", 0, 1, "slope for x <= 0"),
    ISO_REAL(struct leaky, backward_slope, "slope", 0, 1,
             "slope for x <= 0 that the gradient takes; other than slope it is a surrogate"),
    { 0 }
};
static const struct iso_activation ops = {
    .flops_forward = 2, .flops_backward = 2, .forward = forward, .backward = backward, .from_output = true,
    .surrogate = surrogate, .surrogate_slope = surrogate_slope
};
ISO_PLUGIN(ops, .name = "leaky_relu", .revision = 1, .summary = "x for x > 0, else slope * x",
           .state_size = sizeof(struct leaky), .params = params);
