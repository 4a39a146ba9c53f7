/* cross_entropy: softmax and cross-entropy in one step. With p = softmax(z) and target q,
 *     value = -sum of q_j log p_j = log sum e^(z_j - max) + max - sum of q_j z_j,   gradient = p - q.
 * q is 1 for the label's class; in training, label smoothing s makes it (1 - s) + s / K there and s / K elsewhere
 * (Szegedy et al., "Rethinking the Inception architecture", CVPR 2016), and the label's class weight multiplies value
 * and gradient. FLOP an output: maximum, difference, e^x, sum; quotient and difference. */
#include <isoflop/parts.h>

struct cross_entropy {
    double label_smoothing;
    struct iso_reals class_weights;
};

/* e^(z - max) of all rows, in one loop over all outputs, and each row's maximum. */
ISO_VECTOR void exponentials(size_t rows, size_t outputs, const float *raw, float *high, float *e)
{
    for (size_t i = 0; i < rows; i++) {
        high[i] = iso_row_max(outputs, raw + i * outputs);
        for (size_t j = 0; j < outputs; j++)
            e[i * outputs + j] = raw[i * outputs + j] - high[i];
    }
    ISO_ELEMENTWISE
    for (size_t k = 0; k < rows * outputs; k++)
        e[k] = iso_exp(e[k]);
}

/* gradient holds the exponentials first, values the maxima. */
ISO_VECTOR void value_loop(const void *state, size_t rows, size_t outputs, const float *raw,
                           const struct iso_targets *targets, bool training, float *values, float *gradient)
{
    const struct cross_entropy *loss = state;
    const double smoothing = training ? loss->label_smoothing : 0, share = smoothing / (double)outputs;
    if (gradient)
        exponentials(rows, outputs, raw, values, gradient);
    for (size_t i = 0; i < rows; i++, raw += outputs) {
        const size_t label = (size_t)targets->labels[i];
        const double weight = training && loss->class_weights.count ? loss->class_weights.values[label] : 1;
        float *g = gradient ? gradient + i * outputs : NULL;
        struct iso_output output = { .kind = ISO_OUTPUT_SOFTMAX, .high = values[i], .sum = 0 };
        if (!g)
            output = iso_output_begin(ISO_OUTPUT_SOFTMAX, outputs, raw);
        for (size_t j = 0; g && j < outputs; j++)
            output.sum += (double)g[j];
        double away = (1 - smoothing) * ((double)output.high - (double)raw[label]); /* max - sum of q_j z_j */
        for (size_t j = 0; smoothing > 0 && j < outputs; j++)
            away += share * ((double)output.high - (double)raw[j]);
        values[i] = (float)(weight * (iso_log_double(output.sum) + away));
        if (!g)
            continue;
        const float scale = (float)(1 / output.sum), p = g[label] * scale;
        for (size_t j = 0; j < outputs; j++)
            g[j] = (float)(weight * ((double)(g[j] * scale) - share));
        g[label] = (float)(weight * ((double)p - (1 - smoothing + share)));
    }
}

ISO_VECTORS(value, value_loop,
            (const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
             bool training, float *values, float *gradient),
            (state, rows, outputs, raw, targets, training, values, gradient))

static void predict(const void *state, size_t rows, size_t outputs, const float *raw, float *shown)
{
    (void)state;
    iso_outputs(ISO_OUTPUT_SOFTMAX, rows, outputs, raw, shown);
}

static bool training_differs(const void *state)
{
    const struct cross_entropy *loss = state;
    return loss->label_smoothing > 0 || loss->class_weights.count > 0;
}

static int fits(const void *state, size_t outputs, struct iso_error *err)
{
    return iso_class_weights_fit(&((const struct cross_entropy *)state)->class_weights, outputs, err);
}

static const struct iso_param params[] = {
    ISO_REAL(struct cross_entropy, label_smoothing, "0", 0, 1,
             "part of the target spread evenly over all classes, in training only"),
    ISO_REALS(struct cross_entropy, class_weights, "[]", 0, 1e6,
              "one factor for each class, in training only; empty: all 1"),
    { 0 }
};
static const struct iso_loss ops = {
    .targets = ISO_TARGET_LABELS, .flops_value = 4, .flops_gradient = 2, .value = value, .predict = predict,
    .training_differs = training_differs, .fits = fits
};
ISO_PLUGIN(ops, .name = "cross_entropy", .revision = 1, .summary = "-log softmax(z)[label], in nats",
           .state_size = sizeof(struct cross_entropy), .params = params);
