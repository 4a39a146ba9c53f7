/* focal: -(1 - p)^gamma log p, with p = softmax(z)[label] (Lin et al., "Focal loss for dense object detection",
 * ICCV 2017); gamma 0 is cross-entropy. With q = 1 - p its gradient is q^gamma (gamma p log p / q - 1) (d_j - p_j),
 * d_j = 1 for the label and 0 elsewhere. In training the label's class weight multiplies both. FLOP an output: as
 * cross_entropy. */
#include <isoflop/parts.h>

struct focal {
    double gamma;
    struct iso_reals class_weights;
};

static void value(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *values, float *gradient)
{
    const struct focal *focal = state;
    for (size_t i = 0; i < rows; i++, raw += outputs) {
        const size_t label = (size_t)targets->labels[i];
        const double weight = training && focal->class_weights.count ? focal->class_weights.values[label] : 1;
        const struct iso_output output = iso_output_begin(ISO_OUTPUT_SOFTMAX, outputs, raw);
        float p[ISO_BLOCK];
        double others = 0; /* without the label's, so that q keeps its digits where it is small */
        for (size_t start = 0; start < outputs; start += ISO_BLOCK) {
            const size_t n = iso_output_block(&output, outputs, raw, start, p);
            for (size_t k = 0; k < n; k++)
                others += start + k == label ? 0 : (double)p[k];
        }
        const double q = others < 1 ? others : 1;
        const double log_p = q < 1e-6 ? -q * (1 + q / 2)
                                      : ((double)raw[label] - (double)output.high) - iso_log_double(output.sum);
        const double power = weight * (focal->gamma > 0 ? pow(q, focal->gamma) : 1);
        values[i] = (float)(-power * log_p);
        const double ratio = q > 0 ? log_p / q : -1;
        const double factor = power * (focal->gamma * (1 - q) * ratio - 1);
        for (size_t start = 0; gradient && start < outputs; start += ISO_BLOCK) {
            const size_t n = iso_output_block(&output, outputs, raw, start, p);
            for (size_t k = 0; k < n; k++)
                gradient[i * outputs + start + k] = (float)(factor * (start + k == label ? q : -(double)p[k]));
        }
    }
}

static void predict(const void *state, size_t rows, size_t outputs, const float *raw, float *shown)
{
    (void)state;
    iso_outputs(ISO_OUTPUT_SOFTMAX, rows, outputs, raw, shown);
}

static bool training_differs(const void *state)
{
    return ((const struct focal *)state)->class_weights.count > 0;
}

static int fits(const void *state, size_t outputs, struct iso_error *err)
{
    return iso_class_weights_fit(&((const struct focal *)state)->class_weights, outputs, err);
}

static const struct iso_param params[] = {
    ISO_REAL(struct focal, gamma, "2", 0, 20, "how much less well-classified examples count; 0: cross-entropy",
             .try_max = "5"),
    ISO_REALS(struct focal, class_weights, "[]", 0, 1e6,
              "one factor for each class, in training only; empty: all 1"),
    { 0 }
};
static const struct iso_loss ops = {
    .targets = ISO_TARGET_LABELS, .flops_value = 4, .flops_gradient = 2, .value = value, .predict = predict,
    .training_differs = training_differs, .fits = fits
};
ISO_PLUGIN(ops, .name = "focal", .revision = 1, .summary = "-(1 - p)^gamma log p, p = softmax(z)[label]",
           .state_size = sizeof(struct focal), .params = params);
