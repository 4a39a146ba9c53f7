/* binary_cross_entropy: each output is a yes or no of its own (multi-label). The mean over the K outputs of
 *     log(1 + e^z) - y z,   gradient (s - y) / K with s = 1 / (1 + e^-z).
 * In training, label smoothing e makes y (1 - e) y + e / 2, and positive_weight c multiplies what y = 1 adds:
 * c y log(1 + e^-z) + (1 - y) log(1 + e^z), gradient ((1 - y) s - c y (1 - s)) / K. FLOP an output: e^x, log(1 + x),
 * maximum, product, difference, sum; sum, quotient, difference, product. */
#include <isoflop/parts.h>

struct binary { double label_smoothing, positive_weight; };

static void value(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                  bool training, float *values, float *gradient)
{
    const struct binary *loss = state;
    const double smoothing = training ? loss->label_smoothing : 0, weight = training ? loss->positive_weight : 1;
    for (size_t i = 0; i < rows; i++) {
        double sum = 0;
        for (size_t j = i * outputs; j < (i + 1) * outputs; j++) {
            const float z = raw[j];
            const double y = (1 - smoothing) * (double)targets->dense[j] + smoothing / 2;
            sum += weight * y * (double)iso_softplus(-z) + (1 - y) * (double)iso_softplus(z);
            if (gradient) {
                const double yes = (double)iso_sigmoid(z), no = (double)iso_sigmoid(-z);
                gradient[j] = (float)(((1 - y) * yes - weight * y * no) / (double)outputs);
            }
        }
        values[i] = (float)(sum / (double)outputs);
    }
}

static void predict(const void *state, size_t rows, size_t outputs, const float *raw, float *shown)
{
    (void)state;
    iso_outputs(ISO_OUTPUT_SIGMOID, rows, outputs, raw, shown);
}

/* Where examples have one class each, the largest output counts; else every output must be on its target's side. */
static void correct(const void *state, size_t rows, size_t outputs, const float *raw, const struct iso_targets *targets,
                    unsigned char *right)
{
    (void)state;
    for (size_t i = 0; i < rows; i++, raw += outputs) {
        size_t largest = 0, agreeing = 0;
        for (size_t j = 0; j < outputs; j++) {
            largest = raw[j] > raw[largest] ? j : largest;
            agreeing += !targets->labels && (raw[j] > 0) == (targets->dense[i * outputs + j] > 0.5f);
        }
        right[i] = targets->labels ? (size_t)targets->labels[i] == largest : agreeing == outputs;
    }
}

static bool training_differs(const void *state)
{
    const struct binary *loss = state;
    return loss->label_smoothing > 0 || loss->positive_weight != 1;
}

static const struct iso_param params[] = {
    ISO_REAL(struct binary, label_smoothing, "0", 0, 1, "draws targets towards 1/2, in training only"),
    ISO_REAL(struct binary, positive_weight, "1", 0, 1e6, "factor of what a target of 1 adds, in training only",
             .try_max = "10"),
    { 0 }
};
static const struct iso_loss ops = {
    .targets = ISO_TARGET_DENSE, .flops_value = 6, .flops_gradient = 4, .value = value, .predict = predict,
    .correct = correct, .training_differs = training_differs, .target_min = 0, .target_max = 1
};
ISO_PLUGIN(ops, .name = "binary_cross_entropy", .revision = 1,
           .summary = "mean over outputs of log(1 + e^z) - y z, in nats", .state_size = sizeof(struct binary),
           .params = params);
