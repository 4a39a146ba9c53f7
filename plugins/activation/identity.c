/* identity: y = x, dy/dx = 1. */
#include <string.h>

#include <isoflop/plugin.h>

static void forward(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    if (y != x)
        memcpy(y, x, n * sizeof *y);
}

static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)x, (void)y;
    if (dx != dy)
        memcpy(dx, dy, n * sizeof *dx);
}

static const struct iso_activation ops = { .forward = forward, .backward = backward, .from_output = true };
ISO_PLUGIN(ops, .name = "identity", .revision = 1, .summary = "x");
