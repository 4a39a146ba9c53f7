/* leaky_relu: y = x for x > 0, slope * x otherwise. */
#include <isoflop/plugin.h>

struct leaky { double slope; };

static void forward(const void *state, size_t n, const float *x, float *y)
{
    const float slope = (float)((const struct leaky *)state)->slope;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    const float slope = (float)((const struct leaky *)state)->slope;
    (void)y;
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] > 0 ? dy[i] : slope * dy[i];
}

static const struct iso_param params[] = { ISO_REAL(struct leaky, slope, "0.01", 0, 1, "slope for x <= 0"), { 0 } };
static const struct iso_activation ops = { .flops_forward = 2, .flops_backward = 2, .forward = forward, .backward = backward };
ISO_PLUGIN(ops, .name = "leaky_relu", .revision = 1, .summary = "x for x > 0, else slope * x", .state_size = sizeof(struct leaky), .params = params);
