/* mse: the mean over the K outputs of (o - y)^2, with o = output(z), and its gradient through the output function:
 * 2 / K (o - y) times the output's Jacobian. With `jacobian: false` the gradient at the raw outputs is 2 (o - y),
 * without Jacobian and without 1 / K, as in the report. FLOP an output (with softmax): 4 of the softmax,
 * difference, square, sum; two products, and product, sum, difference, product of the Jacobian. */
#include <isoflop/parts.h>

struct mse {
    int output;
    bool jacobian;
};

static double square(double unused, double residual)
{
    (void)unused;
    return residual * residual;
}

static double twice(double unused, double residual)
{
    (void)unused;
    return 2 * residual;
}

static void value(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *values, float *gradient)
{
    const struct mse *mse = state;
    (void)training;
    iso_regression(mse->output, rows, outputs, raw, targets->dense, square, twice, 0, values,
                   mse->jacobian ? gradient : NULL);
    if (gradient && !mse->jacobian) {
        iso_outputs(mse->output, rows, outputs, raw, gradient);
        ISO_ELEMENTWISE
        for (size_t k = 0; k < rows * outputs; k++)
            gradient[k] = 2 * (gradient[k] - targets->dense[k]);
    }
}

static void predict(const void *state, size_t rows, size_t outputs, const float *raw, float *shown)
{
    iso_outputs(((const struct mse *)state)->output, rows, outputs, raw, shown);
}

static int fits(const void *state, size_t outputs, struct iso_error *err)
{
    return iso_output_fits(((const struct mse *)state)->output, outputs, err);
}

static const char *classes_only(const void *state)
{
    return iso_output_classes_only(((const struct mse *)state)->output);
}

static const char *surrogate(const void *state)
{
    return ((const struct mse *)state)->jacobian ? NULL : "2 (o - y) at the raw outputs, without the output's Jacobian";
}

static void surrogate_gradient(const void *state, size_t outputs, const double *raw, int32_t label, const double *dense,
                               double *gradient)
{
    const int kind = ((const struct mse *)state)->output;
    double high = raw[0], sum = 0;
    (void)label;
    for (size_t j = 1; j < outputs; j++)
        high = raw[j] > high ? raw[j] : high;
    for (size_t j = 0; j < outputs; j++)
        sum += exp(raw[j] - high);
    for (size_t j = 0; j < outputs; j++) {
        const double o = kind == ISO_OUTPUT_SOFTMAX ? exp(raw[j] - high) / sum
                         : kind == ISO_OUTPUT_SIGMOID ? 1 / (1 + exp(-raw[j])) : raw[j];
        gradient[j] = 2 * (o - dense[j]);
    }
}

static const struct iso_param params[] = {
    ISO_CHOICE(struct mse, output, "softmax", ISO_OUTPUTS,
               "what is compared with the targets; identity for a regression"),
    ISO_FLAG(struct mse, jacobian, "true",
             "false: the gradient is 2 (o - y) at the raw outputs, a surrogate (the report's)"),
    { 0 }
};
static const struct iso_loss ops = {
    .targets = ISO_TARGET_DENSE, .flops_value = 7, .flops_gradient = 6, .value = value, .predict = predict,
    .fits = fits, .classes_only = classes_only, .surrogate = surrogate, .surrogate_gradient = surrogate_gradient
};
ISO_PLUGIN(ops, .name = "mse", .revision = 1, .summary = "mean over outputs of (output(z) - y)^2",
           .state_size = sizeof(struct mse), .params = params);
