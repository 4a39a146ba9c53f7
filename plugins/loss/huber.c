/* huber: the mean over the outputs of h(o - y), with o = output(z), h(r) = r^2 / 2 for |r| <= delta and delta (|r|
 * - delta / 2) beyond; h' is r limited to [-delta, delta]. FLOP an output: difference, magnitude, comparison,
 * square, half, sum; limit, two products. */
#include <isoflop/parts.h>

struct huber {
    double delta;
    int output;
};

static double cost(double delta, double residual)
{
    const double size = fabs(residual);
    return size <= delta ? residual * residual / 2 : delta * (size - delta / 2);
}

static double slope(double delta, double residual)
{
    return residual > delta ? delta : residual < -delta ? -delta : residual;
}

static void value(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *values, float *gradient)
{
    const struct huber *huber = state;
    (void)training;
    iso_regression(huber->output, rows, outputs, raw, targets->dense, cost, slope, huber->delta, values, gradient);
}

static void predict(const void *state, size_t rows, size_t outputs, const float *raw, float *shown)
{
    iso_outputs(((const struct huber *)state)->output, rows, outputs, raw, shown);
}

static int fits(const void *state, size_t outputs, struct iso_error *err)
{
    return iso_output_fits(((const struct huber *)state)->output, outputs, err);
}

static const char *classes_only(const void *state)
{
    return iso_output_classes_only(((const struct huber *)state)->output);
}

static const struct iso_param params[] = {
    ISO_REAL(struct huber, delta, "1", 1e-6, 1e6, "residual from which the cost grows in proportion",
             .try_min = "0.1", .try_max = "10"),
    ISO_CHOICE(struct huber, output, "identity", ISO_OUTPUTS, "what is compared with the targets"),
    { 0 }
};
static const struct iso_loss ops = {
    .targets = ISO_TARGET_DENSE, .flops_value = 6, .flops_gradient = 3, .value = value, .predict = predict, .fits = fits,
    .classes_only = classes_only
};
ISO_PLUGIN(ops, .name = "huber", .revision = 1,
           .summary = "mean over outputs of r^2 / 2, or delta (|r| - delta / 2) where |r| > delta",
           .state_size = sizeof(struct huber), .params = params);
