/* A trial, or some together: the loop. */
#include "train/state.h"

#include <stdlib.h>

#include "base/memory.h"
#include "train/arithmetic.h"

const char *const trial_status_names[] = {
    [TRIAL_PENDING] = "pending", [TRIAL_RUNNING] = "running", [TRIAL_DONE] = "done", [TRIAL_DIVERGED] = "diverged",
    [TRIAL_FAILED] = "failed",
};

/* Stochastic gradient descent on minibatches: with X the rows of a minibatch, W the weights,
 *
 *     raw  = network(X)                  forward
 *     loss = sum or mean of l(raw, T)    and its gradient d = dloss/draw
 *     d    through the layers            backward
 *     W    = optimizer(W, dW)            update
 */
static int step(struct run *run, const struct batch *batch, struct iso_error *err)
{
    struct network *network = run->network;
    run_step(run, batch);
    const float *raw = network_forward(network, &batch->input, true, batch->first_example);
    const double loss = objective_train(&run->objective, raw, batch, network_output_gradient(network), &run->since);
    network_backward(network, batch->input.rows);
    network_update(network, &batch->input, run->step, run->rate, run_norms(run));
    return run_measure(run, batch, loss, err);
}

/* ---- Trials together: one alone is a group of one ---- */

/* Trials of equal data, minibatch size and order: step s of each sees the same examples. */
struct group {
    const struct data *data;
    struct trial *trials;
    struct run *runs;
    bool *running;
    size_t count;
    struct order order;
    struct batch batch, evaluation; /* of a step, gathered once for all; of what is measured */
    bool has_batch;
    void (*ended)(void *context, struct trial *trial);
    void *context;
};

/* Begins where an earlier run of the trial was interrupted, or at the start. */
static int begin(struct run *run, struct trial *trial, const struct data *data)
{
    enum { STATES = 2 }; /* the last, and the one before */
    struct iso_error *err = trial->err;
    if (run_begin(run, trial->settings, data, trial->threads, trial->max_steps, trial->listener, &trial->result, err))
        return -1;
    for (unsigned age = 0; age < STATES; age++) {
        const int found = state_go_on(run, age);
        if (found > 0)
            return run_retell(run, err);
        if (found == 0)
            continue;
        run_end(run);
        if (run_begin(run, trial->settings, data, trial->threads, trial->max_steps, trial->listener, &trial->result,
                      err))
            return -1;
    }
    return 0;
}

/* Room for minibatches; the settings of any trial of the group say the same about them. */
static int make_batches(struct group *group, const struct settings *settings, const struct horizon *horizon,
                        struct iso_error *err)
{
    const struct data_shape *shape = data_shape(group->data);
    const bool dense = objective_wants_dense(settings), sparse = batch_is_sparse(settings);
    if (group->has_batch)
        return 0;
    if (batch_make(&group->batch, shape, dense, sparse, batch_rows(settings, horizon), err) ||
        batch_make(&group->evaluation, shape, dense, sparse, NETWORK_EVALUATION_ROWS, err) ||
        order_make(&group->order, data_count(group->data, DATA_TRAIN), settings->shuffle, settings->seed_order, err)) {
        batch_free(&group->evaluation);
        batch_free(&group->batch);
        return -1;
    }
    group->has_batch = true;
    return 0;
}

/* After what failed or did not: a trial that failed or came to its end leaves the group. */
static void settle(struct group *group, size_t i, bool failed)
{
    struct trial *trial = &group->trials[i];
    struct run *run = &group->runs[i];
    if (!failed && !run->ended)
        return;
    trial->status = failed || run_measure_end(run, trial->err) ? -1 : 0;
    group->running[i] = false;
    run_end(run);
    if (group->ended)
        group->ended(group->context, trial);
}

static void join(struct group *group, size_t i)
{
    struct trial *trial = &group->trials[i];
    struct run *run = &group->runs[i];
    const bool begun = !begin(run, trial, group->data);
    run->evaluation = &group->evaluation;
    run->company = group->count;
    group->running[i] = true;
    settle(group, i, !begun || make_batches(group, trial->settings, &run->horizon, trial->err) ||
                     run_measure_begin(run, trial->err));
}

/* Takes a trial through a step; gathering took `seconds` for each. */
static void go_on(struct group *group, size_t i, double seconds)
{
    struct run *run = &group->runs[i];
    run->watch.total += seconds;
    stopwatch_start(&run->watch);
    const bool failed = step(run, &group->batch, group->trials[i].err);
    stopwatch_stop(&run->watch);
    settle(group, i, failed);
}

/* The next step of the trials that are furthest behind: of those that go on from saved states, not all are as far.
 * False: no trial is left. */
static bool step_together(struct group *group)
{
    const struct run *last = NULL;
    size_t trials = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->running[i] && (!last || group->runs[i].step < last->step))
            last = &group->runs[i];
    if (!last)
        return false;
    const uint64_t number = last->step;
    for (size_t i = 0; i < group->count; i++)
        trials += group->running[i] && group->runs[i].step == number;
    const double begun = stopwatch_now();
    batch_of_step(&group->batch, &group->order, &last->horizon, group->data, last->settings->seed_examples, number);
    const double seconds = (stopwatch_now() - begun) / (double)trials;
    for (size_t i = 0; i < group->count; i++)
        if (group->running[i] && group->runs[i].step == number)
            go_on(group, i, seconds);
    return true;
}

void trials_run(struct trial *trials, size_t count, const struct data *data,
                void (*ended)(void *context, struct trial *trial), void *context)
{
    struct group group = { .data = data, .trials = trials, .count = count, .ended = ended, .context = context,
                           .runs = memory_array(count, sizeof *group.runs),
                           .running = memory_array(count, sizeof *group.running) };
    const bool room = group.runs && group.running;
    const struct arithmetic before = arithmetic_set();
    for (size_t i = 0; i < count; i++)
        if (room) {
            join(&group, i);
        } else {
            trials[i].status = error_memory(trials[i].err);
            if (ended)
                ended(context, &trials[i]);
        }
    while (room && step_together(&group))
        ;
    arithmetic_restore(before);
    order_free(&group.order);
    batch_free(&group.evaluation);
    batch_free(&group.batch);
    free(group.running);
    free(group.runs);
}

int trial_run(struct trial *trial, const struct data *data)
{
    trials_run(trial, 1, data, NULL, NULL);
    return trial->status;
}
