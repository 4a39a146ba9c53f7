/* The loss over rows. */
#include "train/objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <isoflop/parts.h>

#include "base/memory.h"

const struct measured measured_nothing = { .loss = NAN, .accuracy = NAN, .cross_entropy = NAN };

bool objective_wants_dense(const struct settings *settings)
{
    return settings->loss->plugin->ops.loss.targets == ISO_TARGET_DENSE;
}

int objective_check_targets(const struct settings *settings, bool classification, struct iso_error *err)
{
    const struct iso_loss *loss = &settings->loss->plugin->ops.loss;
    const char *name = settings->loss->plugin->descriptor.name;
    const char *data = settings->dataset->plugin->descriptor.name;
    if (classification)
        return 0;
    if (loss->targets == ISO_TARGET_LABELS)
        return iso_fail(err, "loss %s is for classes, and dataset %s has numbers as targets; mse with output: identity "
                             "is for those", name, data);
    const char *reason = loss->classes_only ? loss->classes_only(settings->loss->state) : NULL;
    return reason ? iso_fail(err, "loss %s: dataset %s has numbers as targets, and %.200s", name, data, reason) : 0;
}

int objective_check(const struct settings *settings, const struct data_shape *shape, struct iso_error *err)
{
    const struct iso_loss *loss = &settings->loss->plugin->ops.loss;
    if (objective_check_targets(settings, shape->classification, err))
        return -1;
    if (loss->target_min < loss->target_max && !shape->classification &&
        (shape->target_min < loss->target_min || shape->target_max > loss->target_max))
        return iso_fail(err, "loss %s takes targets between %g and %g, and dataset %s has some between %g and %g",
                        settings->loss->plugin->descriptor.name, loss->target_min, loss->target_max,
                        settings->dataset->plugin->descriptor.name, shape->target_min, shape->target_max);
    if (loss->fits && loss->fits(settings->loss->state, shape->outputs, err))
        return error_context(err, "loss %s", settings->loss->plugin->descriptor.name);
    return 0;
}

int objective_make(struct objective *objective, const struct settings *settings, const struct data_shape *shape,
                   size_t rows, struct iso_error *err)
{
    const struct iso_loss *loss = &settings->loss->plugin->ops.loss;
    *objective = (struct objective){
        .loss = loss,
        .state = settings->loss->state,
        .outputs = shape->outputs,
        .classification = shape->classification,
        .counts_correct = shape->classification || loss->correct,
        .differs = loss->training_differs && loss->training_differs(settings->loss->state),
        .mean = settings->reduction == REDUCTION_MEAN,
    };
    if (objective_check(settings, shape, err))
        return -1;
    objective->values = memory_array(rows, sizeof *objective->values);
    objective->exponentials = memory_array(rows, shape->outputs * sizeof *objective->exponentials);
    objective->correct = memory_array(rows, 1);
    if (!objective->values || !objective->exponentials || !objective->correct) {
        objective_free(objective);
        return error_memory(err);
    }
    return 0;
}

void objective_free(struct objective *objective)
{
    free(objective->values);
    free(objective->exponentials);
    free(objective->correct);
    *objective = (struct objective){ 0 };
}

static struct iso_targets targets_of(const struct batch *batch)
{
    return (struct iso_targets){ .size = sizeof(struct iso_targets), .labels = batch->labels,
                                 .dense = batch->targets };
}

/* The largest raw output; the first of equals. */
static size_t largest(const float *raw, size_t outputs)
{
    size_t best = 0;
    float value = raw[0];
    for (size_t o = 1; o < outputs; o++) {
        const bool larger = raw[o] > value;
        best = larger ? o : best;
        value = larger ? raw[o] : value;
    }
    return best;
}

ISO_VECTOR void exponentials_loop(size_t n, float *e)
{
    for (size_t i = 0; i < n; i++)
        e[i] = iso_exp(e[i]);
}

ISO_VECTORS(exponentials, exponentials_loop, (size_t n, float *e), (n, e))

/* sum over rows of -log softmax(raw)[label] = log(sum of exp(raw - m)) - (raw[label] - m), m the row's largest. */
static double cross_entropy(struct objective *objective, const float *raw, const int32_t *labels, size_t rows)
{
    const size_t outputs = objective->outputs;
    float *e = objective->exponentials;
    double total = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *row = raw + r * outputs, m = row[largest(row, outputs)];
        for (size_t o = 0; o < outputs; o++)
            e[r * outputs + o] = row[o] - m;
        objective->values[r] = e[r * outputs + (size_t)labels[r]];
    }
    exponentials(rows * outputs, e);
    for (size_t r = 0; r < rows; r++) {
        float sum = 0;
        for (size_t o = 0; o < outputs; o++)
            sum += e[r * outputs + o];
        total += (double)(iso_log(sum) - objective->values[r]);
    }
    return total;
}

/* Adds the values of the rows and whether they are right. */
static double count(struct objective *objective, const float *raw, const struct batch *batch, struct tally *tally)
{
    const size_t rows = batch->input.rows;
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        sum += (double)objective->values[r];
    tally->loss += sum;
    tally->examples += rows;
    if (objective->loss->correct) {
        const struct iso_targets targets = targets_of(batch);
        objective->loss->correct(objective->state, rows, objective->outputs, raw, &targets, objective->correct);
        for (size_t r = 0; r < rows; r++)
            tally->correct += objective->correct[r] != 0;
    } else if (batch->labels) {
        for (size_t r = 0; r < rows; r++)
            tally->correct += largest(raw + r * objective->outputs, objective->outputs) == (size_t)batch->labels[r];
    }
    if (objective->classification)
        tally->cross_entropy += cross_entropy(objective, raw, batch->labels, rows);
    return sum;
}

double objective_train(struct objective *objective, const float *raw, const struct batch *batch, float *gradient,
                       struct tally *tally)
{
    const struct iso_targets targets = targets_of(batch);
    const size_t rows = batch->input.rows;
    objective->loss->value(objective->state, rows, objective->outputs, raw, &targets, true, objective->values,
                           gradient);
    if (objective->mean)
        for (size_t i = 0; i < rows * objective->outputs; i++)
            gradient[i] /= (float)rows;
    if (objective->differs)
        objective->loss->value(objective->state, rows, objective->outputs, raw, &targets, false, objective->values,
                               NULL);
    return count(objective, raw, batch, tally);
}

double objective_evaluate(struct objective *objective, const float *raw, const struct batch *batch,
                          struct tally *tally)
{
    const struct iso_targets targets = targets_of(batch);
    objective->loss->value(objective->state, batch->input.rows, objective->outputs, raw, &targets, false,
                           objective->values, NULL);
    return count(objective, raw, batch, tally);
}

struct measured objective_measured(const struct objective *objective, const struct tally *tally)
{
    if (tally->examples == 0)
        return measured_nothing;
    const double n = (double)tally->examples;
    return (struct measured){
        .loss = tally->loss / n,
        .accuracy = objective->counts_correct ? (double)tally->correct / n : NAN,
        .cross_entropy = objective->classification ? tally->cross_entropy / n : NAN,
    };
}

struct measured objective_measure(struct objective *objective, struct network *network, struct batch *batch,
                                  const struct data *data, enum data_split split, uint64_t seed, size_t n)
{
    struct tally tally = { 0 };
    for (size_t first = 0, rows; first < n; first += rows) {
        rows = n - first < NETWORK_EVALUATION_ROWS ? n - first : NETWORK_EVALUATION_ROWS;
        for (size_t r = 0; r < rows; r++)
            batch->positions[r] = (uint32_t)(first + r);
        batch_gather(batch, data, split, seed, 0, batch->positions, rows);
        objective_evaluate(objective, network_forward(network, &batch->input, false, 0), batch, &tally);
    }
    return objective_measured(objective, &tally);
}
