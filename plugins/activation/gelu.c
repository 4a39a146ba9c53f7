/* gelu: y = x Phi(x), dy/dx = Phi(x) + x phi(x), with the normal distribution function Phi(x) = (1 + erf(x / sqrt
 * 2)) / 2 and its density phi; or, with form: tanh, Phi(x) replaced by p = (1 + tanh u) / 2 = 1 / (1 + e^-2u) with u =
 * sqrt(2 / pi) (x + 0.044715 x^3), whose slope is 2 p (1 - p) du/dx (Hendrycks and Gimpel, "Gaussian error linear
 * units", 2016). FLOP of the exact form: quotient, erf, sum, two products; and square, product, e^x, two products, sum,
 * product with dy. */
#include <isoflop/parts.h>

struct gelu { int form; };
enum { EXACT, TANH };

#define DENSITY_AT_0 0.39894228040143267794f /* 1 / sqrt(2 pi) */
#define SQRT_2_OVER_PI 0.79788456080286535588f

/* u. Beyond |x| = 10 the value is x or 0 to float32, and x^3 would overflow. */
ISO_VECTOR float u_of(float x)
{
    const float c = iso_clamp(x, -10, 10);
    return SQRT_2_OVER_PI * (c + 0.044715f * c * c * c);
}

ISO_VECTOR void forward_loop(const void *state, size_t n, const float *x, float *y)
{
    if (((const struct gelu *)state)->form == EXACT) {
        ISO_ELEMENTWISE
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] * iso_normal_cdf(x[i]);
    } else {
        ISO_ELEMENTWISE
        for (size_t i = 0; i < n; i++)
            y[i] = x[i] * iso_sigmoid(2 * u_of(x[i]));
    }
}

ISO_VECTOR void backward_loop(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    (void)y;
    if (((const struct gelu *)state)->form == EXACT) {
        ISO_ELEMENTWISE
        for (size_t i = 0; i < n; i++) {
            const float e = iso_exp_negative(-0.5f * x[i] * x[i]), tail = iso_normal_tail_of(iso_abs(x[i]), e);
            dx[i] = dy[i] * ((x[i] < 0 ? tail : 1 - tail) + x[i] * (DENSITY_AT_0 * e));
        }
    } else {
        ISO_ELEMENTWISE
        for (size_t i = 0; i < n; i++) {
            const float p = iso_sigmoid(2 * u_of(x[i])), c = iso_clamp(x[i], -10, 10);
            const float du = SQRT_2_OVER_PI * (1 + 3 * 0.044715f * c * c);
            dx[i] = dy[i] * (p + c * (p * (1 - p)) * (2 * du));
        }
    }
}

ISO_ACTIVATION_LOOPS(forward_loop, backward_loop)

static const struct iso_param params[] = {
    ISO_CHOICE(struct gelu, form, "exact", "exact|tanh", "by the error function, or the approximation by tanh"), { 0 }
};
static const struct iso_activation ops = {
    .flops_forward = 5, .flops_backward = 11, .forward = forward, .backward = backward
};
ISO_PLUGIN(ops, .name = "gelu", .revision = 2, .summary = "x Phi(x) = x (1 + erf(x / sqrt 2)) / 2",
           .state_size = sizeof(struct gelu), .params = params);
