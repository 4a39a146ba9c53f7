/* sine: y = sin(frequency x), dy/dx = frequency cos(frequency x) (Sitzmann et al., "Implicit neural representations
 * with periodic activation functions", NeurIPS 2020, take frequency 30). */
#include <isoflop/parts.h>

struct sine { double frequency; };

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    const float frequency = (float)((const struct sine *)state)->frequency;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        y[i] = iso_sin(frequency * x[i]);
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    const float frequency = (float)((const struct sine *)state)->frequency;
    (void)y;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++)
        dx[i] = dy[i] * (frequency * iso_cos(frequency * x[i]));
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_param params[] = {
    ISO_REAL(struct sine, frequency, "1", 0.01, 1000, "radians for each unit of x"), { 0 }
};
static const struct iso_activation ops = {
    .flops_forward = 2, .flops_backward = 4, .forward = forward, .backward = backward
};
ISO_PLUGIN(ops, .name = "sine", .revision = 1, .summary = "sin(frequency x)", .state_size = sizeof(struct sine),
           .params = params);
