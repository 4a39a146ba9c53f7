/* @NAME@: the mean over outputs of log cosh(o - y). Put your formula here, in value and the summary.
 *
 * Outside of isoflop's tree, build and try it with
 *     cc -shared -fPIC -O2 -ffp-contract=off $(pkg-config --cflags isoflop) -o @NAME@.so @NAME@.c -lm
 *     isoflop check ./@NAME@.so
 * and put @NAME@.so into DIR/loss/ for `isoflop run RECIPE --plugin-path DIR`. In isoflop's tree, this file is
 * plugins/loss/@NAME@.c, and Makefile.am gets one line in loss_LTLIBRARIES: plugins/loss/@NAME@.la
 * What each function must do is said in <isoflop/plugin.h>. */
#include <math.h>

#include <isoflop/plugin.h>

struct parameters {
    double scale;
};

/* Value of each row, and gradient with respect to the raw outputs, unreduced: isoflop sums or averages over rows.
 * gradient is NULL where only values are wanted. A row's results depend on that row alone. `training` is for what acts
 * in training only, such as smoothing; then training_differs must say so. */
static void value(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *values, float *gradient)
{
    const double scale = ((const struct parameters *)state)->scale;
    (void)training;
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t k = r * outputs; k < (r + 1) * outputs; k++) {
            const double difference = ((double)raw[k] - (double)targets->dense[k]) / scale;
            /* log cosh d = |d| + log((1 + e^(-2|d|)) / 2), which does not overflow */
            sum += fabs(difference) + log1p(exp(-2 * fabs(difference))) - log(2);
            if (gradient)
                gradient[k] = (float)(tanh(difference) / scale / (double)outputs);
        }
        values[r] = (float)(sum / (double)outputs);
    }
}

static const struct iso_param params[] = {
    ISO_REAL(struct parameters, scale, "1", 1e-3, 1e3, "differences are divided by this", .try_min = "0.5",
             .try_max = "10"),
    { 0 }
};

static const struct iso_loss ops = {
    .targets = ISO_TARGET_DENSE, /* targets->dense, one-hot for classes; or ISO_TARGET_LABELS: targets->labels */
    .flops_value = 8,            /* an output and example */
    .flops_gradient = 3,
    .value = value,
    /* .predict = ..., what is shown for raw outputs, such as probabilities
     * .correct = ..., which rows count as right, where that is not the largest output */
};

ISO_PLUGIN(ops, .name = "@NAME@", .revision = 1, .summary = "mean over outputs of log cosh((o - y) / scale)",
           .state_size = sizeof(struct parameters), .params = params);
