/* @NAME@: y = x for x > 0, slope * (e^x - 1) otherwise. Put your formula here, in forward, backward and the summary.
 *
 * Outside of isoflop's tree, build and try it with
 *     cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o @NAME@.so @NAME@.c -lm
 *     isoflop check ./@NAME@.so
 * and put @NAME@.so into DIR/activation/ for `isoflop run RECIPE --plugin-path DIR`. In isoflop's tree, this file is
 * plugins/activation/@NAME@.c, and Makefile.am gets one line in activation_LTLIBRARIES: plugins/activation/@NAME@.la
 * What each function must do is said in <isoflop/plugin.h>. */
#include <math.h>

#include <isoflop/plugin.h>

/* What a recipe may set: model: {activation: {@NAME@: {slope: 0.5}}}. Without parameters: no struct, no table, and no
 * .state_size and .params below. */
struct parameters {
    double slope;
};

/* y = f(x). y may be x. Element by element: a split call must give the same bits. */
static void forward(const void *state, size_t n, const float *x, float *y)
{
    const float slope = (float)((const struct parameters *)state)->slope;
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : slope * expm1f(x[i]);
}

/* dx = dy * f'(x), where y = f(x). dx may be dy. */
static void backward(const void *state, size_t n, const float *x, const float *y, const float *dy, float *dx)
{
    const float slope = (float)((const struct parameters *)state)->slope;
    for (size_t i = 0; i < n; i++)
        dx[i] = x[i] > 0 ? dy[i] : dy[i] * (y[i] + slope);
}

static const struct iso_param params[] = {
    /* state, field, default, least, greatest, meaning */
    ISO_REAL(struct parameters, slope, "1", 0, 1, "slope just below 0"),
    { 0 }
};

static const struct iso_activation ops = {
    .flops_forward = 3, /* an element: e^x, difference, product */
    .flops_backward = 2,
    .forward = forward,
    .backward = backward,
    /* .from_output = true, if backward reads y alone and never x: saves memory and time */
};

ISO_PLUGIN(ops, .name = "@NAME@", .revision = 1, .summary = "x for x > 0, else slope (e^x - 1)",
           .state_size = sizeof(struct parameters), .params = params);
