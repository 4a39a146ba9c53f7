/* mae: the mean over the outputs of |o - y|, with o = output(z); the gradient, sign(o - y) / K times the output's
 * Jacobian, is 0 where o = y. FLOP an output: difference, magnitude, sum; two products. */
#include <isoflop/parts.h>

struct mae { int output; };

static double magnitude(double unused, double residual)
{
    (void)unused;
    return fabs(residual);
}

static double sign(double unused, double residual)
{
    (void)unused;
    return (residual > 0) - (residual < 0);
}

static void value(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *values, float *gradient)
{
    (void)training;
    iso_regression(((const struct mae *)state)->output, rows, outputs, raw, targets->dense, magnitude, sign, 0, values,
                   gradient);
}

static void predict(const void *state, size_t rows, size_t outputs, const float *raw, float *shown)
{
    iso_outputs(((const struct mae *)state)->output, rows, outputs, raw, shown);
}

static int fits(const void *state, size_t outputs, struct iso_error *err)
{
    return iso_output_fits(((const struct mae *)state)->output, outputs, err);
}

static const char *classes_only(const void *state)
{
    return iso_output_classes_only(((const struct mae *)state)->output);
}

static const struct iso_param params[] = {
    ISO_CHOICE(struct mae, output, "identity", ISO_OUTPUTS, "what is compared with the targets"), { 0 }
};
static const struct iso_loss ops = {
    .targets = ISO_TARGET_DENSE, .flops_value = 3, .flops_gradient = 2, .value = value, .predict = predict, .fits = fits,
    .classes_only = classes_only
};
ISO_PLUGIN(ops, .name = "mae", .revision = 1, .summary = "mean over outputs of |output(z) - y|",
           .state_size = sizeof(struct mae), .params = params);
