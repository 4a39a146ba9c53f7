/* mish: y = x t with t = tanh(log(1 + e^x)) (Misra, BMVC 2020). With e = e^x and w = e (e + 2), t = w / (w + 2), so
 * that one exponential does; dy/dx = t + x (1 - t^2) e / (1 + e), 1 - t = 2 / (w + 2). FLOP: e^x, 2 of w, sum,
 * quotient, product; and sum, quotient, product, quotient, three products, sum, product with dy. */
#include <isoflop/parts.h>

/* From 20 on t is 1 to float32, and w still far from infinity. */
#define LARGE 20.0f

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    (void)state;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float e = iso_exp(iso_clamp(x[i], -LARGE * 6, LARGE)), w = e * (e + 2);
        y[i] = x[i] * (w / (w + 2));
    }
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)state, (void)y;
    ISO_ELEMENTWISE
    for (size_t i = 0; i < n; i++) {
        const float c = iso_clamp(x[i], -LARGE * 6, LARGE), e = iso_exp(c), w = e * (e + 2);
        const float t = w / (w + 2), rest = 2 / (w + 2);
        dx[i] = dy[i] * (t + c * rest * (1 + t) * (e / (1 + e)));
    }
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_activation ops = {
    .flops_forward = 6, .flops_backward = 14, .forward = forward, .backward = backward
};
ISO_PLUGIN(ops, .name = "mish", .revision = 1, .summary = "x tanh(log(1 + e^x))");
