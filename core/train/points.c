/* Measuring a trial: points, the best one, early stopping, divergence, checkpoints, progress. */
#include "train/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* ---- Quantities that best and stop look at ---- */

static double quantity_of(const struct point *point, enum quantity quantity)
{
    switch (quantity) {
    case QUANTITY_VALIDATION_LOSS: return point->validation.loss;
    case QUANTITY_VALIDATION_ACCURACY: return point->validation.accuracy;
    case QUANTITY_TRAIN_LOSS: return point->train.loss;
    case QUANTITY_TRAIN_ACCURACY: return point->train.accuracy;
    case QUANTITY_TEST_LOSS: return point->test.loss;
    case QUANTITY_TEST_ACCURACY: return point->test.accuracy;
    case QUANTITY_COUNT: break;
    }
    return NAN;
}

/* By more than min_change; never where value is NaN. */
static bool is_better(enum quantity quantity, double value, double than, double min_change)
{
    const bool higher = quantity == QUANTITY_VALIDATION_ACCURACY || quantity == QUANTITY_TRAIN_ACCURACY ||
                        quantity == QUANTITY_TEST_ACCURACY;
    return higher ? value > than + min_change : value < than - min_change;
}

static void note_best(struct run *run, const struct point *point)
{
    const enum quantity by = run->settings->best;
    const double value = quantity_of(point, by);
    struct trial_result *result = run->result;
    if (!run->best_state || !isfinite(value) || (result->has_best && !is_better(by, value, run->best_value, 0)))
        return;
    result->has_best = true;
    result->best_step = point->step;
    result->best_validation = point->validation;
    run->best_value = value;
    network_state_save(run->network, run->best_state);
}

/* True: there was nothing better for `patience` epochs. */
static bool out_of_patience(struct run *run, const struct point *point)
{
    const struct settings *settings = run->settings;
    const double value = quantity_of(point, settings->stop_by);
    if (!settings->stop_patience || isnan(value))
        return false;
    if (!run->stop_begun || is_better(settings->stop_by, value, run->stop_value, settings->stop_min_change)) {
        run->stop_begun = true;
        run->stop_value = value;
        run->stop_epoch = point->epoch;
    }
    return point->epoch - run->stop_epoch >= (double)settings->stop_patience;
}

/* ---- Points ---- */

static struct measured measure_split(struct run *run, enum data_split split, uint64_t most)
{
    const size_t n = data_count(run->data, split);
    return objective_measure(&run->objective, run->network, run->evaluation, run->data, split,
                             run->settings->seed_examples, most && most < n ? (size_t)most : n);
}

static struct extra *put_histogram(struct extra *extra, const float *values, size_t count)
{
    double out[HISTOGRAM_VALUES];
    histogram_of(values, count, out);
    for (size_t i = 0; i < HISTOGRAM_VALUES; i++)
        extra++->value = out[i];
    return extra;
}

/* Of weights; of their gradients in the last step; and of the hidden layers' outputs for the first examples of
 * validation (of training where there is none). */
static void measure_histograms(struct run *run, struct extra *extra)
{
    const struct settings *settings = run->settings;
    const size_t layers = settings->hidden_count + 1;
    const enum data_split split = data_count(run->data, DATA_VALIDATION) ? DATA_VALIDATION : DATA_TRAIN;
    const size_t all = data_count(run->data, split);
    const size_t rows = all < NETWORK_EVALUATION_ROWS ? all : NETWORK_EVALUATION_ROWS;
    for (int gradients = 0; gradients < 2; gradients++)
        for (size_t l = 0; l < layers; l++) {
            const size_t count = network_inputs(run->network, l) * network_outputs(run->network, l);
            if (gradients)
                network_export_gradient(run->network, l, run->histogram_values);
            else
                network_export(run->network, l, run->histogram_values);
            extra = put_histogram(extra, run->histogram_values, gradients && !run->step ? 0 : count);
        }
    for (size_t r = 0; r < rows; r++)
        run->evaluation->positions[r] = (uint32_t)r;
    batch_gather(run->evaluation, run->data, split, settings->seed_examples, 0, run->evaluation->positions, rows);
    network_forward(run->network, &run->evaluation->input, false, 0);
    for (size_t l = 0; l < settings->hidden_count; l++)
        extra = put_histogram(extra, network_values(run->network, l), rows * network_outputs(run->network, l));
}

static void measure_extras(struct run *run)
{
    const struct settings *settings = run->settings;
    const size_t layers = settings->hidden_count + 1;
    const bool stepped = run->step > 0;
    struct extra *extra = run->extras;
    for (size_t l = 0; settings->also_gradient_norm && l < layers; l++)
        extra++->value = stepped ? run->norms[l].gradient : NAN;
    for (size_t l = 0; settings->also_weight_norm && l < layers; l++)
        extra++->value = network_weight_norm(run->network, l);
    for (size_t l = 0; settings->also_update_ratio && l < layers; l++)
        extra++->value = stepped ? run->norms[l].update : NAN;
    for (size_t l = 0; settings->also_dead_units && l < settings->hidden_count; l++)
        extra++->value = network_dead_units(run->network, l);
    if (settings->also_histograms)
        measure_histograms(run, extra);
}

static void end(struct run *run, enum trial_status status, const char *reason)
{
    run->result->status = status;
    run->result->stop_reason = reason;
    run->ended = true;
}

/* A loss that is not finite: the end, unless the recipe wants to go on. */
static void note_diverged(struct run *run)
{
    if (!run->result->diverged_step)
        run->result->diverged_step = run->step;
    if (run->settings->stop_diverged)
        end(run, TRIAL_DIVERGED, "diverged");
}

static bool is_lost(const struct measured *measured, bool was_measured)
{
    return was_measured && !isfinite(measured->loss);
}

static bool measures(const struct run *run, enum data_split split)
{
    return run->settings->measure_split[split] && data_count(run->data, split) > 0;
}

/* What hangs on a point: divergence, the best weights, patience, the end. False: it is not finite, and ends the trial;
 * then it is not handed on. */
static bool judge_point(struct run *run, const struct point *point)
{
    const struct settings *settings = run->settings;
    const bool last = point->step == run->end;
    const bool lost = is_lost(&point->train, point->step > 0) || is_lost(&point->train_eval, settings->train_eval) ||
                      is_lost(&point->validation, measures(run, DATA_VALIDATION)) ||
                      is_lost(&point->test, measures(run, DATA_TEST));
    if (lost) {
        note_diverged(run);
        if (run->ended)
            return false;
        if (last) /* it went on, and never came back */
            run->result->status = TRIAL_DIVERGED;
    } else {
        /* Points by the clock fall where they do: only the last is the same in every run. */
        if (settings->every_unit != UNIT_SECONDS || last) {
            note_best(run, point);
            if (out_of_patience(run, point) && !last)
                end(run, TRIAL_DONE, "patience");
        }
        run->result->last = *point;
    }
    if (last)
        run->ended = true;
    return true;
}

/* What a point says beside what is measured. */
static struct point point_at(const struct run *run, uint64_t step, double rate)
{
    struct point point = { .step = step, .examples = horizon_examples(&run->horizon, step),
                           .epoch = horizon_epoch(&run->horizon, step), .rate = rate,
                           .extra_count = run->extra_count, .extras = run->extras };
    point.flops = ledger_count(&run->ledger, point.step, point.examples);
    return point;
}

static int hand_on(const struct run *run, const struct point *point, struct iso_error *err)
{
    const struct trial_listener *listener = run->listener;
    return listener && listener->point ? listener->point(listener->context, point, err) : 0;
}

/* ---- Rows: the points so far, as numbers ---- */

enum { GROUPS = 4 };

/* The losses of a point, in the order of a row. */
static void list_groups(struct point *point, struct measured *groups[GROUPS])
{
    groups[0] = &point->train;
    groups[1] = &point->train_eval;
    groups[2] = &point->validation;
    groups[3] = &point->test;
}

static int keep_row(struct run *run, struct point *point, struct iso_error *err)
{
    const size_t width = run->row_width;
    struct measured *groups[GROUPS];
    list_groups(point, groups);
    if (memory_grow(&run->rows, &run->row_capacity, (run->row_count + 1) * width, sizeof *run->rows))
        return error_memory(err);
    double *row = run->rows + run->row_count++ * width;
    *row++ = (double)point->step;
    *row++ = point->seconds;
    for (size_t i = 0; i < GROUPS; i++) {
        *row++ = groups[i]->loss;
        *row++ = groups[i]->accuracy;
        *row++ = groups[i]->cross_entropy;
    }
    for (size_t i = 0; i < run->extra_count; i++)
        *row++ = run->extras[i].value;
    return 0;
}

/* The point of row i; its extras are the run's. */
static struct point point_of_row(struct run *run, size_t i)
{
    const double *row = run->rows + i * run->row_width;
    const uint64_t step = (uint64_t)row[0];
    struct point point = point_at(run, step, horizon_rate(&run->horizon, run->settings, step ? step - 1 : 0));
    struct measured *groups[GROUPS];
    list_groups(&point, groups);
    point.seconds = row[1];
    row += 2;
    for (size_t k = 0; k < GROUPS; k++, row += 3)
        *groups[k] = (struct measured){ row[0], row[1], row[2] };
    for (size_t k = 0; k < run->extra_count; k++)
        run->extras[k].value = row[k];
    return point;
}

void run_replay(struct run *run)
{
    for (size_t i = 0; i < run->row_count && !run->ended; i++) {
        const struct point point = point_of_row(run, i);
        run->step = point.step;
        judge_point(run, &point);
    }
}

int run_retell(struct run *run, struct iso_error *err)
{
    for (size_t i = 0; i < run->row_count; i++) {
        const struct point point = point_of_row(run, i);
        if (hand_on(run, &point, err))
            return -1;
    }
    return 0;
}

/* ---- Measuring ---- */

static int measure_point(struct run *run, struct iso_error *err)
{
    const struct settings *settings = run->settings;
    const bool tests = measures(run, DATA_TEST);
    struct point point = point_at(run, run->step, run->rate);
    point.seconds = stopwatch_read(&run->watch);
    point.train = objective_measured(&run->objective, &run->since);
    point.train_eval = settings->train_eval ? measure_split(run, DATA_TRAIN, settings->train_eval_examples)
                                            : measured_nothing;
    point.validation = measures(run, DATA_VALIDATION) ? measure_split(run, DATA_VALIDATION, 0) : measured_nothing;
    point.test = tests ? measure_split(run, DATA_TEST, 0) : measured_nothing;
    measure_extras(run);
    run->since = (struct tally){ 0 };
    if (!judge_point(run, &point))
        return 0;
    if (run->result->last.step == point.step)
        run->result->flops_executed = point.flops.all - run->flops_skipped;
    if (run->ended && !tests) {
        point.test = measure_split(run, DATA_TEST, 0);
        if (run->result->last.step == point.step)
            run->result->last.test = point.test;
    }
    return keep_row(run, &point, err) ? -1 : hand_on(run, &point, err);
}

/* ---- Checkpoints ---- */

static int write_checkpoint(struct run *run, const char *name, uint64_t step, struct iso_error *err)
{
    if (!run->listener || !run->listener->checkpoint)
        return 0;
    size_t length;
    void *bytes = checkpoint_write(run->network, run->settings, run->data, step, &length, err);
    const int status = bytes ? run->listener->checkpoint(run->listener->context, name, bytes, length, err) : -1;
    free(bytes);
    return status;
}

/* ---- What the loop calls ---- */

int run_measure_begin(struct run *run, struct iso_error *err)
{
    const struct settings *settings = run->settings;
    if (run->step == 0) { /* else it goes on from a state */
        run->rate = horizon_rate(&run->horizon, settings, 0);
        if (settings->checkpoint_init && write_checkpoint(run, "init", 0, err))
            return -1;
        if (settings->measure_zero && measure_point(run, err))
            return -1;
    }
    return 0;
}

static void show_progress(struct run *run, const struct batch *batch, double loss)
{
    enum { PER_SECOND = 10 };
    const struct trial_listener *listener = run->listener;
    if (!listener || !listener->progress)
        return;
    const double seconds = stopwatch_read(&run->watch);
    if (seconds - run->shown_seconds < 1.0 / PER_SECOND && run->step < run->end)
        return;
    run->shown_seconds = seconds;
    listener->progress(listener->context, run->step, run->end, horizon_epoch(&run->horizon, run->step),
                       loss / (double)batch->input.rows, run->rate);
}

int run_measure(struct run *run, const struct batch *batch, double loss, struct iso_error *err)
{
    run->step++;
    if (!isfinite(loss)) {
        note_diverged(run);
        if (run->ended)
            return 0;
    }
    show_progress(run, batch, loss);
    const bool checkpoint = agenda_due(&run->checkpoints, run->step, stopwatch_read(&run->watch));
    if (run->due || checkpoint) {
        stopwatch_stop(&run->watch);
        if (run->due && measure_point(run, err))
            return -1;
        char name[32];
        snprintf(name, sizeof name, "step-%06" PRIu64, run->step);
        if (checkpoint && write_checkpoint(run, name, run->step, err))
            return -1;
        stopwatch_start(&run->watch);
    }
    const struct trial_listener *listener = run->listener;
    const bool stop = !run->ended && listener && listener->interrupted && listener->interrupted(listener->context);
    if (!run->ended)
        state_save_due(run, stop);
    return stop ? iso_fail(err, "interrupted") : 0;
}

int run_measure_end(struct run *run, struct iso_error *err)
{
    struct trial_result *result = run->result;
    const struct settings *settings = run->settings;
    result->seconds = stopwatch_read(&run->watch);
    result->last.extra_count = 0; /* which live as long as the run */
    result->last.extras = NULL;
    const bool done = result->status == TRIAL_DONE;
    if (done) {
        result->final_test = result->last.test;
        if (settings->checkpoint_final && write_checkpoint(run, "final", run->step, err))
            return -1;
    }
    if (!result->has_best)
        return 0;
    if (done && result->best_step == run->step) {
        result->best_test = result->final_test;
    } else {
        network_state_restore(run->network, run->best_state);
        result->best_test = measure_split(run, DATA_TEST, 0);
    }
    return settings->checkpoint_best ? write_checkpoint(run, "best", result->best_step, err) : 0;
}
