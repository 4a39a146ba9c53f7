/* Setting a trial up. */
#include "train/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

double stopwatch_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void stopwatch_start(struct stopwatch *watch)
{
    watch->since = stopwatch_now();
    watch->running = true;
}

void stopwatch_stop(struct stopwatch *watch)
{
    watch->total = stopwatch_read(watch);
    watch->running = false;
}

double stopwatch_read(const struct stopwatch *watch)
{
    return watch->total + (watch->running ? stopwatch_now() - watch->since : 0);
}

/* Names for the numbers measured of each layer: those of hidden layers alone leave out the last. */
static int add_extras(struct run *run, size_t layers, const char *name, struct iso_error *err)
{
    for (size_t l = 0; l < layers; l++) {
        char *text = arena_format(run->arena, "layers.%zu.%s", l, name);
        if (!text)
            return error_memory(err);
        run->extras[run->extra_count++] = (struct extra){ .name = text, .value = NAN };
    }
    return 0;
}

/* Histograms by layer: numbers of one name, which belong together. */
static int add_histograms(struct run *run, struct iso_error *err)
{
    static const char *const names[] = { "weights.histogram", "gradients.histogram", "activations.histogram" };
    const size_t hidden = run->settings->hidden_count;
    size_t widest = 1;
    for (size_t of = 0; of < 3; of++)
        for (size_t l = 0; l < hidden + (of < 2); l++) {
            const char *name = arena_format(run->arena, "layers.%zu.%s", l, names[of]);
            if (!name)
                return error_memory(err);
            for (size_t i = 0; i < HISTOGRAM_VALUES; i++)
                run->extras[run->extra_count++] = (struct extra){ .name = name, .value = NAN };
        }
    for (size_t l = 0; l <= hidden; l++) {
        const size_t inputs = l ? run->settings->hidden[l - 1] : data_shape(run->data)->inputs;
        const size_t outputs = l < hidden ? run->settings->hidden[l] : data_shape(run->data)->outputs;
        widest = inputs * outputs > widest ? inputs * outputs : widest;
    }
    run->histogram_values = arena_zero(run->arena, widest, sizeof *run->histogram_values);
    return run->histogram_values ? 0 : error_memory(err);
}

static int begin_extras(struct run *run, struct iso_error *err)
{
    const struct settings *settings = run->settings;
    const size_t hidden = settings->hidden_count, layers = hidden + 1;
    const size_t histograms = settings->also_histograms ? 3 * layers * HISTOGRAM_VALUES : 0;
    run->extras = arena_zero(run->arena, 4 * layers + histograms, sizeof *run->extras);
    if (!run->extras)
        return error_memory(err);
    if (settings->also_gradient_norm || settings->also_update_ratio || settings->also_histograms)
        if (!(run->norms = arena_zero(run->arena, layers, sizeof *run->norms)))
            return error_memory(err);
    if ((settings->also_gradient_norm && add_extras(run, layers, "gradient_norm", err)) ||
        (settings->also_weight_norm && add_extras(run, layers, "weight_norm", err)) ||
        (settings->also_update_ratio && add_extras(run, layers, "update_ratio", err)) ||
        (settings->also_dead_units && add_extras(run, hidden, "dead_units", err)) ||
        (settings->also_histograms && add_histograms(run, err)))
        return -1;
    return 0;
}

static int begin_network(struct run *run, unsigned threads, struct iso_error *err)
{
    const struct settings *settings = run->settings;
    const size_t rows = batch_rows(settings, &run->horizon);
    size_t outputs[SETTINGS_HIDDEN_MAX + 1];
    memcpy(outputs, settings->hidden, settings->hidden_count * sizeof *outputs);
    outputs[settings->hidden_count] = run->shape->outputs;
    const struct iso_backend *backend = &settings->backend->plugin->ops.backend;
    const struct network_spec spec = {
        .inputs = run->shape->inputs,
        .layers = settings->hidden_count + 1,
        .outputs = outputs,
        .activation = settings->activation,
        .dropout = settings->dropout,
        .initializer = settings->initializer,
        .backend = settings->backend,
        .optimizer = settings->optimizer,
        .has_bias = settings->bias != BIAS_NONE,
        .bias = settings->bias == BIAS_CONSTANT ? settings->bias_constant : 0,
        .clip = settings->clip,
        .clip_gradient_zero = settings->clip_gradient_zero,
        .clip_output = settings->clip_output,
        .clip_norm = settings->clip_norm,
        .batch = rows,
        .threads = backend->any_threads ? threads : 1, /* with others, bits would depend on it */
        .sparse_inputs = batch_is_sparse(settings),
        .watch = run->norms != NULL,
        .watch_units = settings->also_dead_units,
        .seed_init = settings->seed_init,
        .seed_dropout = settings->seed_dropout,
    };
    if (!(run->network = network_new(&spec, err)))
        return -1;
    if (settings->from) {
        struct checkpoint *checkpoint = checkpoint_read(settings->from, err);
        const int status = checkpoint ? checkpoint_load(checkpoint, run->network, err) : -1;
        checkpoint_free(checkpoint);
        if (status)
            return error_context(err, "model.from: %s", settings->from);
    }
    const size_t capacity = rows > NETWORK_EVALUATION_ROWS ? rows : NETWORK_EVALUATION_ROWS;
    return objective_make(&run->objective, settings, run->shape, capacity, err);
}

/* Whether points hold a quantity. */
static bool is_measured(const struct run *run, enum quantity quantity)
{
    const bool accuracy = quantity == QUANTITY_VALIDATION_ACCURACY || quantity == QUANTITY_TRAIN_ACCURACY ||
                          quantity == QUANTITY_TEST_ACCURACY;
    if (accuracy && !run->objective.counts_correct)
        return false;
    if (quantity == QUANTITY_TRAIN_LOSS || quantity == QUANTITY_TRAIN_ACCURACY)
        return true;
    const enum data_split split = quantity == QUANTITY_TEST_LOSS || quantity == QUANTITY_TEST_ACCURACY ? DATA_TEST
                                                                                                      : DATA_VALIDATION;
    return run->settings->measure_split[split] && data_count(run->data, split) > 0;
}

static int begin_best(struct run *run, struct iso_error *err)
{
    const struct settings *settings = run->settings;
    const char *way_out = "give dataset.validation_size, and measure.splits with validation";
    if (settings->stop_patience && !is_measured(run, settings->stop_by))
        return iso_fail(err, "train.stop looks at %s, which is not measured: %s", quantity_names[settings->stop_by],
                        way_out);
    if (!is_measured(run, settings->best)) {
        if (settings->best_given || settings->checkpoint_best)
            return iso_fail(err, "the best weights are those with the best %s, which is not measured: %s",
                            quantity_names[settings->best], way_out);
        return 0;
    }
    run->best_state = memory_array(network_state_length(run->network), sizeof *run->best_state);
    return run->best_state ? 0 : error_memory(err);
}

static int measure_size(const struct settings *settings, const struct data_shape *shape, uint64_t train_examples,
                        struct ledger *ledger, struct horizon *horizon, struct trial_size *size, struct iso_error *err)
{
    if (ledger_make(ledger, settings, shape, err) ||
        horizon_make(horizon, settings, ledger, train_examples, err))
        return -1;
    *size = (struct trial_size){
        .params = ledger->params,
        .params_weights = ledger->params_weights,
        .params_hidden = ledger->params_hidden,
        .steps = horizon->steps,
        .steps_per_epoch = horizon->steps_per_epoch,
        .examples = horizon_examples(horizon, horizon->steps),
    };
    size->flops = ledger_count(ledger, size->steps, size->examples);
    return 0;
}

int trial_measure(const struct settings *settings, const struct data_shape *shape, uint64_t train_examples,
                  struct trial_size *size, struct iso_error *err)
{
    struct ledger ledger;
    struct horizon horizon;
    return measure_size(settings, shape, train_examples, &ledger, &horizon, size, err);
}

int run_begin(struct run *run, const struct settings *settings, const struct data *data, unsigned threads,
              uint64_t max_steps, const struct trial_listener *listener, struct trial_result *result,
              struct iso_error *err)
{
    *run = (struct run){ .settings = settings, .data = data, .shape = data_shape(data), .listener = listener,
                         .result = result, .company = 1 };
    const struct point nothing = { .train = measured_nothing, .train_eval = measured_nothing,
                                   .validation = measured_nothing, .test = measured_nothing };
    *result = (struct trial_result){ .status = TRIAL_DONE, .last = nothing, .final_test = measured_nothing,
                                     .best_validation = measured_nothing, .best_test = measured_nothing };
    if (measure_size(settings, run->shape, data_count(data, DATA_TRAIN), &run->ledger, &run->horizon, &result->size,
                     err))
        return -1;
    const bool cut = max_steps && max_steps < run->horizon.steps;
    run->end = cut ? max_steps : run->horizon.steps;
    result->stop_reason = cut ? "steps" : run->horizon.reason;
    if (!(run->arena = arena_new()))
        return error_memory(err);
    if (begin_extras(run, err) || begin_network(run, threads, err) || begin_best(run, err) ||
        agenda_make(&run->points, settings->every_unit, settings->every, &run->horizon, err) ||
        agenda_make(&run->checkpoints, settings->checkpoint_unit, settings->checkpoint_every, &run->horizon, err))
        return -1;
    result->backend = settings->backend->plugin->descriptor.name;
    result->kernel = network_kernel(run->network);
    run->row_width = POINT_NUMBERS + run->extra_count;
    run->saved = stopwatch_now();
    run->save_after = listener ? listener->save_seconds : 0;
    return 0;
}

void run_end(struct run *run)
{
    free(run->best_state);
    free(run->rows);
    agenda_free(&run->checkpoints);
    agenda_free(&run->points);
    objective_free(&run->objective);
    network_free(run->network);
    arena_free(run->arena);
}

void run_step(struct run *run, const struct batch *batch)
{
    const struct network_input *input = &batch->input;
    const bool last = run->step + 1 == run->end;
    run->due = agenda_due(&run->points, run->step + 1, stopwatch_read(&run->watch)) || last;
    run->rate = horizon_rate(&run->horizon, run->settings, run->step);
    if (input->index)
        run->flops_skipped += ledger_skipped(&run->ledger, batch->inputs - input->active, input->rows);
}

struct network_norms *run_norms(const struct run *run)
{
    return run->due ? run->norms : NULL;
}
