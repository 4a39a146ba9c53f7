/* Estimates time and disk of a plan. */
#include "lab/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "lab/inspect.h"
#include "lab/pool.h"

#define GUESSED_RATE 2e9    /* FLOP/s, to choose how many steps are measured */
#define MEASURED_SECONDS 0.3
#define ROW_BYTES 130.0     /* of a point in the store, as tests/bench/store_growth.py measures them */
#define TRIAL_BYTES 850.0
#define TRIAL_SECONDS 0.0006 /* a trial costs beyond its training: messages, commits, weights made */

/* A trial's time is points * evaluation + steps * step: two runs of different length give both. */
struct sample {
    size_t index; /* of the trial in the plan */
    uint64_t steps[2];
    double seconds[2];
    double step, evaluation;
};

struct bench {
    const struct plan *plan;
    struct sample *samples;
    size_t count, next; /* runs: two a sample */
    struct text failure;
};

static double flops_per_step(const struct plan_trial *trial)
{
    return (double)trial->size.flops.all / (double)(trial->size.steps ? trial->size.steps : 1);
}

/* ---- Measuring, through the pool ---- */

static bool next(void *context, size_t *task)
{
    struct bench *bench = context;
    *task = bench->next;
    return bench->next++ < 2 * bench->count;
}

static int describe(void *context, size_t task, struct message_trial *trial, struct iso_error *err)
{
    const struct bench *bench = context;
    const struct sample *sample = &bench->samples[task / 2];
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = found ? plan_trial_tree(bench->plan, sample->index, found) : NULL;
    struct text json = { 0 };
    if (tree)
        node_json(tree->root, &json);
    *trial = (struct message_trial){ .recipe = tree ? text_take(&json) : NULL,
                                     .folder = tree ? strdup(tree->folder ? tree->folder : ".") : NULL,
                                     .checkpoints = "", .key = "", .threads = 1,
                                     .max_steps = sample->steps[task % 2] };
    tree_free(tree);
    diagnostics_free(found);
    return trial->recipe && trial->folder ? 0 : error_memory(err);
}

static void describe_end(void *context, struct message_trial *trial)
{
    (void)context;
    free((char *)trial->recipe);
    free((char *)trial->folder);
}

static int on_point(void *context, size_t task, const struct point *point, struct iso_error *err)
{
    (void)context, (void)task, (void)point, (void)err;
    return 0;
}

static void on_progress(void *context, size_t task, const struct message_progress *progress)
{
    (void)context, (void)task, (void)progress;
}

static int on_done(void *context, size_t task, const struct trial_result *result, struct iso_error *err)
{
    struct bench *bench = context;
    (void)err;
    bench->samples[task / 2].seconds[task % 2] = result->seconds;
    if (result->last.step)
        bench->samples[task / 2].steps[task % 2] = result->last.step;
    return 0;
}

static int on_failed(void *context, size_t task, const char *why, bool killed, struct iso_error *err)
{
    const struct bench *bench = context;
    (void)killed;
    return iso_fail(err, "trial %zu, of which a few steps were to be measured, failed: %s",
                    bench->plan->trials[bench->samples[task / 2].index].place, why);
}

static int on_stopped(void *context, size_t task, struct iso_error *err)
{
    (void)context, (void)task, (void)err;
    return 0;
}

static void on_printed(void *context, const char *line)
{
    (void)context, (void)line;
}

static int on_turn(void *context, double *seconds, struct iso_error *err)
{
    (void)context, (void)seconds, (void)err;
    return 0;
}

static int measure(const struct plan *plan, struct sample *samples, size_t count, struct iso_error *err)
{
    static const volatile sig_atomic_t never;
    struct bench bench = { .plan = plan, .samples = samples, .count = count };
    const struct pool_options options = { .jobs = 1, .stop = &never, .wake = -1 };
    const struct pool_events events = { .context = &bench, .next = next, .describe = describe,
                                        .describe_end = describe_end, .point = on_point, .progress = on_progress,
                                        .done = on_done, .failed = on_failed, .stopped = on_stopped,
                                        .printed = on_printed, .turn = on_turn };
    for (size_t i = 0; i < count; i++) {
        struct sample *sample = &samples[i];
        const struct plan_trial *trial = &plan->trials[sample->index];
        const double wanted = MEASURED_SECONDS * GUESSED_RATE / (flops_per_step(trial) + 1e5);
        const uint64_t most = trial->size.steps > 3 ? trial->size.steps : 3;
        sample->steps[1] = wanted < 3 ? 3 : wanted > (double)most ? most : (uint64_t)wanted;
        sample->steps[0] = sample->steps[1] / 3 ? sample->steps[1] / 3 : 1;
    }
    if (pool_run(&options, &events, err))
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct sample *sample = &samples[i];
        const double steps = (double)sample->steps[1] - (double)sample->steps[0];
        sample->step = steps > 0 ? (sample->seconds[1] - sample->seconds[0]) / steps : 0;
        if (!(sample->step > 0)) /* too short to tell apart from noise */
            sample->step = sample->seconds[1] / (double)(sample->steps[1] ? sample->steps[1] : 1);
        /* Points at step 0 and after the last step, each an evaluation. */
        sample->evaluation = (sample->seconds[1] - (double)sample->steps[1] * sample->step) / 2;
        if (!(sample->evaluation > 0))
            sample->evaluation = 0;
    }
    return 0;
}

/* ---- Estimating ---- */

/* Points that a trial will have, about. */
static double points_of(const struct settings *settings, const struct trial_size *size)
{
    const double steps = (double)size->steps, epoch = (double)(size->steps_per_epoch ? size->steps_per_epoch : 1);
    switch (settings->every_unit) {
    case UNIT_EPOCHS:
        return 2 + steps / epoch / (settings->every > 0 ? settings->every : 1);
    case UNIT_STEPS:
        return 2 + steps / (settings->every > 0 ? settings->every : 1);
    case UNIT_LOG:
        return 2 + (steps < settings->every ? steps : settings->every);
    default:
        return 2;
    }
}

static double time_of(const struct plan *plan, const struct sample samples[2], const struct plan_trial *trial,
                      double points)
{
    /* Between the smallest and the largest step, time grows with the operations. */
    const double low = flops_per_step(&plan->trials[samples[0].index]);
    const double high = flops_per_step(&plan->trials[samples[1].index]);
    const double where = high > low ? (flops_per_step(trial) - low) / (high - low) : 0;
    const double step = samples[0].step + where * (samples[1].step - samples[0].step);
    const double evaluation = samples[0].evaluation + where * (samples[1].evaluation - samples[0].evaluation);
    return (double)trial->size.steps * step + points * evaluation + TRIAL_SECONDS;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_distinct(const struct plan *plan)
{
    const char **keys = memory_array(plan->count + 1, sizeof *keys);
    size_t distinct = 0;
    if (!keys)
        return plan->count;
    for (size_t i = 0; i < plan->count; i++)
        keys[i] = plan->trials[i].key;
    qsort(keys, plan->count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < plan->count; i++)
        distinct += !i || strcmp(keys[i], keys[i - 1]) != 0;
    free(keys);
    return distinct;
}

static void sum_up(struct estimate *estimate, const struct plan *plan, double points, double checkpoints, unsigned jobs)
{
    struct estimate_totals *totals = &estimate->totals;
    double longest = 0;
    totals->distinct = count_distinct(plan);
    totals->params_least = UINT64_MAX;
    totals->seconds = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct trial_size *size = &plan->trials[i].size;
        const enum trial_status state = estimate->states ? estimate->states[i] : TRIAL_PENDING;
        totals->params_least = size->params < totals->params_least ? size->params : totals->params_least;
        totals->params_most = size->params > totals->params_most ? size->params : totals->params_most;
        totals->done += state == TRIAL_DONE || state == TRIAL_DIVERGED;
        totals->failed += state == TRIAL_FAILED;
        totals->bytes += TRIAL_BYTES + points * ROW_BYTES + checkpoints * 4.0 * (double)size->params;
        if (state == TRIAL_DONE || state == TRIAL_DIVERGED || state == TRIAL_FAILED)
            continue;
        totals->left++;
        totals->flops += (double)size->flops.all;
        totals->flops_matmul += (double)size->flops.matmul;
        totals->flops_6nd += (double)size->flops.six_nd;
        for (int part = 0; part < LEDGER_PARTS; part++)
            totals->parts[part] += (double)plan->trials[i].parts[part];
        totals->seconds += estimate->seconds[i];
        longest = estimate->seconds[i] > longest ? estimate->seconds[i] : longest;
    }
    totals->seconds_jobs = totals->seconds / (jobs ? jobs : 1);
    if (longest > totals->seconds_jobs)
        totals->seconds_jobs = longest;
}

struct estimate *estimate_new(const struct plan *plan, struct plugins *plugins, const char *folder, unsigned jobs,
                              bool timed, struct iso_error *err)
{
    struct estimate *estimate = memory_array(1, sizeof *estimate);
    struct diagnostics *found = diagnostics_new();
    struct settings *settings = NULL;
    struct sample samples[2] = { { 0 }, { 0 } };
    int status = -1;
    if (!estimate || !found || !(estimate->seconds = memory_array(plan->count + 1, sizeof(double)))
        || !(estimate->states = memory_array(plan->count + 1, sizeof *estimate->states))) {
        error_memory(err);
        goto out;
    }
    const int known = lab_states(folder, plan, estimate->states, err);
    if (known < 0)
        goto out;
    if (known) {
        free(estimate->states);
        estimate->states = NULL;
    }
    for (size_t i = 0; i < plan->count; i++) {
        const double own = flops_per_step(&plan->trials[i]);
        if (own < flops_per_step(&plan->trials[samples[0].index]))
            samples[0].index = i;
        if (own > flops_per_step(&plan->trials[samples[1].index]))
            samples[1].index = i;
    }
    if (timed && measure(plan, samples, 2, err))
        goto out;
    double points = 0, checkpoints = 0;
    settings = plan_settings(plan, 0, plugins, found);
    if (settings)
        checkpoints = (double)(settings->checkpoint_init + settings->checkpoint_best + settings->checkpoint_final);
    for (size_t i = 0; i < plan->count; i++) {
        const double own = settings ? points_of(settings, &plan->trials[i].size) : 2;
        estimate->seconds[i] = timed ? time_of(plan, samples, &plan->trials[i], own) : NAN;
        points += own / (double)plan->count;
    }
    sum_up(estimate, plan, points, checkpoints, jobs);
    status = 0;
out:
    settings_free(settings);
    diagnostics_free(found);
    if (status) {
        estimate_free(estimate);
        return NULL;
    }
    return estimate;
}

void estimate_free(struct estimate *estimate)
{
    if (!estimate)
        return;
    free(estimate->states);
    free(estimate->seconds);
    free(estimate);
}
