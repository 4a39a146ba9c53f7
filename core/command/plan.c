/* isoflop plan: what a recipe will train, without training it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/progress.h"
#include "lab/estimate.h"

#define TRIALS_SHOWN 40

struct given {
    const char *recipe, *out, *backend;
    struct option_list overrides;
    uint64_t jobs;
    bool all, no_time;
};

static const char *state_of(const struct estimate *estimate, size_t index)
{
    return estimate->states ? trial_status_names[estimate->states[index]] : "pending";
}

static void write_trials(const struct plan *plan, const struct estimate *estimate, bool all)
{
    const size_t shown = all || plan->count <= TRIALS_SHOWN ? plan->count : TRIALS_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        const struct plan_trial *trial = &plan->trials[i];
        struct text text = { 0 };
        char flops[48], duration[48] = "";
        progress_label(plan, trial, &text);
        progress_quantity((double)trial->size.flops.all, "FLOP", flops);
        if (!isnan(estimate->seconds[i]))
            progress_duration(estimate->seconds[i], duration);
        printf("%.12s  %-9s %12" PRIu64 " params %9" PRIu64 " steps  %12s  %9s  %s\n", trial->key,
               state_of(estimate, i), trial->size.params, trial->size.steps, flops, duration,
               text.data ? text.data : "");
        text_free(&text);
    }
    if (shown < plan->count)
        printf("... and %zu more (--all)\n", plan->count - shown);
}

static void write_totals(const struct plan *plan, const struct estimate *estimate, const char *folder, unsigned jobs)
{
    const struct estimate_totals *totals = &estimate->totals;
    char text[48], serial[48];
    printf("\n%zu trials: %zu points of the sweep, %zu seeds each", plan->count, plan->point_count,
           plan->count / plan->point_count);
    if (totals->distinct != plan->count)
        printf("; %zu distinct", totals->distinct);
    printf("\n");
    if (estimate->states)
        printf("done already in %s: %zu, failed: %zu, left: %zu\n", folder, totals->done, totals->failed, totals->left);
    printf("parameters %" PRIu64 " to %" PRIu64 "\n", totals->params_least, totals->params_most);
    progress_quantity(totals->flops, "FLOP", text);
    printf("left to compute: %s", text);
    for (int part = 0; part < LEDGER_PARTS && totals->flops > 0; part++) {
        progress_quantity(totals->parts[part], "FLOP", text);
        printf("%s%s %s (%.3g %%)", part ? ", " : "\n  ", ledger_part_names[part], text,
               100 * totals->parts[part] / totals->flops);
    }
    printf("%s", totals->flops > 0 ? "\n " : "");
    progress_quantity(totals->flops_matmul, "FLOP", text);
    printf(" (products %s", text);
    progress_quantity(totals->flops - totals->flops_matmul, "FLOP", text);
    printf(", all else %s; 6ND ", text);
    progress_quantity(totals->flops_6nd, "FLOP", text);
    printf("%s)\n", text);
    if (totals->left && !isnan(totals->seconds)) {
        progress_duration(totals->seconds, serial);
        progress_duration(totals->seconds_jobs, text);
        printf("expected time: %s with %u job%s", text, jobs, jobs == 1 ? "" : "s");
        progress_quantity(totals->flops / totals->seconds, "FLOP/s", text);
        printf(" (%s of computing, at %s measured on this machine now)\n", serial, text);
    }
    progress_quantity(totals->bytes, "B", text);
    printf("expected disk: %s\n", text);
}

static int write_plan(const struct given *given, struct command_outcome *outcome)
{
    struct iso_error *err = &outcome->error;
    struct plugins *plugins = plugins_new(NULL, err);
    struct plan *plan = NULL;
    struct estimate *estimate = NULL;
    char *folder = NULL;
    int status = STATUS_WRONG;
    outcome->found = diagnostics_new();
    if (!outcome->found)
        error_memory(err);
    if (!plugins || !outcome->found)
        goto out;
    plan = plan_prepare(given->recipe, given->overrides.values, given->overrides.count, plugins, outcome->found);
    if (!plan)
        goto out;
    status = STATUS_FAILED;
    folder = given->out ? strdup(given->out) : file_join("results", plan->name);
    if (!folder) {
        error_memory(err);
        goto out;
    }
    estimate = estimate_new(plan, plugins, folder, (unsigned)given->jobs, !given->no_time, err);
    if (!estimate)
        goto out;
    write_trials(plan, estimate, given->all);
    write_totals(plan, estimate, folder, (unsigned)given->jobs);
    status = STATUS_DONE;
out:
    estimate_free(estimate);
    free(folder);
    plan_free(plan);
    plugins_free(plugins);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct given given = { .jobs = processors < 1 ? 1 : (uint64_t)processors };
    const char *jobs_text = NULL;
    char *backend = NULL;
    const struct option known[] = {
        { .name = "--out", .value = &given.out },       { .name = "--jobs", .value = &jobs_text },
        { .name = "--backend", .value = &given.backend }, { .name = "--set", .list = &given.overrides },
        { .name = "--all", .flag = &given.all },        { .name = "--no-time", .flag = &given.no_time },
        { 0 },
    };
    struct iso_error *err = &outcome->error;
    int status = STATUS_WRONG;
    if (!arguments_read(argc, argv, known, &given.recipe, 1, 1, command_plan.arguments, err)
        && !argument_count("--jobs", jobs_text, &given.jobs, err)
        && !arguments_add_backend(&given.overrides, given.backend, &backend, err))
        status = write_plan(&given, outcome);
    free(backend);
    free(given.overrides.values);
    return status;
}

const struct command command_plan = {
    .name = "plan",
    .arguments = "RECIPE [--set PATH=VALUE]... [--backend NAME] [--out DIR] [--jobs N] [--all] [--no-time]",
    .summary = "the trials of a recipe, their sizes, FLOP and expected time, without training",
    .help = "  --set PATH=VALUE   overrides a value of the recipe; may be repeated\n"
            "  --backend NAME     how layers are computed: a backend plugin, or auto (default: the recipe's)\n"
            "  --out DIR          the folder whose done trials count (default: results/NAME)\n"
            "  --jobs N           trials trained at a time (default: one a processor)\n"
            "  --all              lists every trial\n"
            "  --no-time          does not measure how fast this machine is, which takes about two seconds\n",
    .run = run,
};
