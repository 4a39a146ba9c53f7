/* The FLOP ledger. */
#include "train/ledger.h"

#include <math.h>

const char *const ledger_part_names[LEDGER_PARTS] = {
    [LEDGER_FORWARD] = "forward",
    [LEDGER_WEIGHT_GRADIENTS] = "weight gradients",
    [LEDGER_INPUT_GRADIENTS] = "input gradients",
    [LEDGER_BIAS] = "bias",
    [LEDGER_ACTIVATION] = "activation",
    [LEDGER_LOSS] = "loss",
    [LEDGER_UPDATE] = "update",
};

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    return b && a > INT64_MAX / b ? INT64_MAX : a * b;
}

/* n elements at a stated number of FLOP each, which may have a fraction. */
static uint64_t stated(uint64_t n, double flops_each)
{
    const double flops = round((double)n * flops_each);
    return flops >= 0x1p63 ? INT64_MAX : flops > 0 ? (uint64_t)flops : 0;
}

static void count_layer(struct ledger *ledger, const struct settings *settings, size_t l, uint64_t inputs,
                        uint64_t outputs)
{
    uint64_t *part = ledger->per_example;
    const uint64_t weights = multiply(inputs, outputs), biases = settings->bias == BIAS_NONE ? 0 : outputs;
    const bool hidden = l < settings->hidden_count;
    ledger->params_weights = add(ledger->params_weights, weights);
    ledger->params = add(ledger->params, add(weights, biases));
    if (hidden && l > 0)
        ledger->params_hidden = add(ledger->params_hidden, add(weights, biases));

    part[LEDGER_FORWARD] = add(part[LEDGER_FORWARD], multiply(2, weights));
    part[LEDGER_WEIGHT_GRADIENTS] = add(part[LEDGER_WEIGHT_GRADIENTS], multiply(2, weights));
    if (l > 0)
        part[LEDGER_INPUT_GRADIENTS] = add(part[LEDGER_INPUT_GRADIENTS], multiply(2, weights));
    part[LEDGER_BIAS] = add(part[LEDGER_BIAS], multiply(2, biases));

    double each = 0;
    if (hidden) {
        const struct iso_activation *activation = &settings->activation[l]->plugin->ops.activation;
        each += activation->flops_forward + activation->flops_backward + (settings->dropout[l] > 0 ? 2 : 0);
    }
    if (settings->clip > 0 && (hidden || settings->clip_output))
        each += settings->clip_gradient_zero ? 3 : 2;
    part[LEDGER_ACTIVATION] = add(part[LEDGER_ACTIVATION], stated(outputs, each));
}

int ledger_make(struct ledger *ledger, const struct settings *settings, const struct data_shape *shape,
                struct iso_error *err)
{
    *ledger = (struct ledger){ 0 };
    const size_t layers = settings->hidden_count + 1;
    uint64_t inputs = shape->inputs, sizes = shape->inputs;
    for (size_t l = 0; l < layers; l++) {
        const uint64_t outputs = l < settings->hidden_count ? settings->hidden[l] : shape->outputs;
        count_layer(ledger, settings, l, inputs, outputs);
        if (l == 0)
            ledger->first_outputs = outputs;
        if (l + 1 < layers) {
            inputs = outputs;
            sizes = add(sizes, outputs);
        }
    }
    const struct iso_loss *loss = &settings->loss->plugin->ops.loss;
    const double mean = settings->reduction == REDUCTION_MEAN ? 1 : 0;
    ledger->per_example[LEDGER_LOSS] = stated(shape->outputs, loss->flops_value + loss->flops_gradient + mean);
    const double norm = settings->clip_norm > 0 ? 3 : 0;
    ledger->per_step[LEDGER_UPDATE] =
        stated(ledger->params, settings->optimizer->plugin->ops.optimizer.flops_update + norm);
    /* inputs: of the last layer, which is the last hidden layer's width. */
    ledger->report_per_example =
        add(multiply(shape->outputs, sizes), multiply(multiply(2 * layers - 1, shape->outputs), inputs));

    if (ledger_count(ledger, 1, 1).all >= INT64_MAX || ledger->params >= INT64_MAX)
        return iso_fail(err, "a network of these sizes has more parameters than can be counted");
    return 0;
}

uint64_t ledger_skipped(const struct ledger *ledger, uint64_t inputs, uint64_t rows)
{
    return multiply(4, multiply(ledger->first_outputs, multiply(inputs, rows)));
}

uint64_t ledger_count_part(const struct ledger *ledger, enum ledger_part part, uint64_t steps, uint64_t examples)
{
    return add(multiply(ledger->per_example[part], examples), multiply(ledger->per_step[part], steps));
}

struct flops ledger_count(const struct ledger *ledger, uint64_t steps, uint64_t examples)
{
    struct flops flops = { 0 };
    for (int part = 0; part < LEDGER_PARTS; part++)
        flops.all = add(flops.all, ledger_count_part(ledger, (enum ledger_part)part, steps, examples));
    for (int part = LEDGER_FORWARD; part <= LEDGER_INPUT_GRADIENTS; part++)
        flops.matmul = add(flops.matmul, ledger_count_part(ledger, (enum ledger_part)part, steps, examples));
    flops.six_nd = multiply(6, multiply(ledger->params, examples));
    flops.report = multiply(ledger->report_per_example, examples);
    return flops;
}
