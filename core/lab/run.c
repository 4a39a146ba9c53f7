/* An experiment's run: which trials are left, in what order, and where they are trained. */
#include "lab/run_inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/cluster.h"

/* ---- Which trials ---- */

struct by_key {
    const char *key;
    size_t index;
};

static int compare_keys(const void *a, const void *b)
{
    const struct by_key *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

/* first[i]: whether place i is the first with its key. */
static bool *find_first(const struct plan *plan, struct iso_error *err)
{
    struct by_key *order = memory_array(plan->count + 1, sizeof *order);
    bool *first = memory_array(plan->count + 1, sizeof *first);
    if (!order || !first) {
        free(order);
        free(first);
        error_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < plan->count; i++)
        order[i] = (struct by_key){ plan->trials[i].key, i };
    qsort(order, plan->count, sizeof *order, compare_keys);
    for (size_t i = 0; i < plan->count; i++)
        first[order[i].index] = !i || strcmp(order[i].key, order[i - 1].key) != 0;
    free(order);
    return first;
}

static bool is_chosen(const struct run *run, size_t index, const bool *first)
{
    const struct run_options *options = run->options;
    if (!first[index] || (options->shards && index % options->shards != options->shard - 1))
        return false;
    return !options->trial || strncmp(run->plan->trials[index].key, options->trial, strlen(options->trial)) == 0;
}

static bool is_ended(const struct store_trial *state)
{
    return state->status == TRIAL_DONE || state->status == TRIAL_DIVERGED;
}

static int choose(struct run *run, struct iso_error *err)
{
    const struct run_options *options = run->options;
    struct run_counts *counts = run->counts;
    bool *first = find_first(run->plan, err);
    run->jobs = memory_array(run->plan->count + 1, sizeof *run->jobs);
    run->returned = memory_array(run->plan->count + 1, sizeof *run->returned);
    run->ended = memory_array(run->plan->count + 1, sizeof *run->ended);
    if (!first || !run->jobs || !run->returned || !run->ended) {
        free(first);
        return error_memory(err);
    }
    for (size_t i = 0; i < run->plan->count; i++) {
        if (!is_chosen(run, i, first))
            continue;
        counts->planned++;
        const struct store_trial *state = &run->states[i];
        const bool ended = is_ended(state);
        if (ended && state->wanted) {
            counts->before++;
        } else if (state->status == TRIAL_FAILED && !options->retry && !options->trial) {
            counts->failed_before++;
        } else {
            run->jobs[run->job_count++] = (struct job){ .index = i, .again = ended };
            counts->flops_to_train += (double)run->plan->trials[i].size.flops.all;
        }
    }
    free(first);
    counts->to_train = run->job_count;
    if (!counts->planned && options->trial)
        return iso_fail(err, "no trial of this recipe has a key that begins with \"%s\"; `isoflop plan` lists the keys",
                        options->trial);
    if (options->trial && counts->planned > 1)
        return iso_fail(err, "%zu trials of this recipe have keys that begin with \"%s\"; give more of the key",
                        counts->planned, options->trial);
    return run_group(run, err);
}

/* ---- The run ---- */

/* The folder of checkpoints, where states were all that it held. */
static void remove_empty(const struct run *run)
{
    char *path = file_join(run->options->folder, "checkpoints");
    if (path)
        rmdir(path);
    free(path);
}

/* States go before the run has an end, so that the next one knows that it may find some (clean). */
static int end_run(struct run *run, const char *outcome, struct iso_error *err)
{
    if (run->ended_count && (store_commit(run->store, true, err) || run_forget_states(run, err)))
        return -1;
    remove_empty(run);
    return store_run_end(run->store, outcome, err);
}

static int add_part(struct run *run, const struct instance *instance, struct iso_error *err)
{
    if (!instance)
        return 0;
    const struct plugin *plugin = instance->plugin;
    char sum[HASH_TEXT];
    provenance_checksum(plugin->file, sum);
    return store_run_part(run->store, plugin_kind_name((enum iso_kind)plugin->descriptor.kind),
                          plugin->descriptor.name, plugin->descriptor.revision, plugin->file, sum, err);
}

/* Plugins of the trials to be trained, and the data sets. Trials of one point and of many points mostly share them:
 * those of each sweep point's first trial are looked at, up to a limit. */
static int add_parts(struct run *run, struct plugins *plugins, struct iso_error *err)
{
    const size_t enough = 256;
    int status = 0;
    for (size_t i = 0; !status && i < run->plan->data_count; i++) {
        const struct plan_data *data = &run->plan->data[i];
        status = store_run_part(run->store, "data", data->settings->dataset->plugin->descriptor.name, 0, "",
                                data_checksum(data->data), err);
    }
    size_t last = SIZE_MAX, looked = 0;
    for (size_t i = 0; !status && i < run->plan->count && looked < enough; i++) {
        if (run->plan->trials[i].point == last)
            continue;
        last = run->plan->trials[i].point;
        looked++;
        struct diagnostics *found = diagnostics_new();
        struct settings *settings = found ? plan_settings(run->plan, i, plugins, found) : NULL;
        if (settings) {
            const struct instance *parts[] = { settings->dataset, settings->initializer, settings->loss,
                                               settings->optimizer, settings->schedule, settings->backend };
            for (size_t p = 0; !status && p < sizeof parts / sizeof *parts; p++)
                status = add_part(run, parts[p], err);
            for (size_t p = 0; !status && p < settings->hidden_count; p++)
                if (!p || settings->activation[p] != settings->activation[p - 1])
                    status = add_part(run, settings->activation[p], err);
        }
        settings_free(settings);
        diagnostics_free(found);
    }
    return status;
}

/* What runs that were killed left: files half written, states of trials that are done. */
static int clean(const struct run *run, struct iso_error *err)
{
    bool killed;
    if (store_end_killed(run->store, &killed, err))
        return -1;
    file_clean(run->options->folder, 0);
    for (size_t i = 0; killed && i < run->plan->count; i++)
        if (is_ended(&run->states[i]) && run->states[i].wanted && run_remove_states(run, &run->plan->trials[i], err))
            return -1;
    return 0;
}

static int open_store(struct run *run, struct plugins *plugins, bool *changed, struct iso_error *err)
{
    const struct run_options *options = run->options;
    run->store = store_create(options->folder, err);
    if (!run->store
        || store_enter(run->store, run->plan, options->recipe, options->overrides, options->override_count,
                       run->states, changed, err))
        return -1;
    char *path = file_join(options->folder, "recipe.yaml");
    int status = path ? 0 : error_memory(err);
    if (!status && *changed)
        status = file_replace(path, options->recipe, strlen(options->recipe), err);
    free(path);
    if (status || clean(run, err) || choose(run, err))
        return -1;
    if (!run->job_count)
        return 0;
    const struct store_run facts = { options->command, options->jobs, run_threads(run) };
    if (store_run_begin(run->store, &facts, &run->provenance, err))
        return -1;
    return add_parts(run, plugins, err);
}

/* Here, or here and on other hosts. */
static int train(struct run *run, struct plugins *plugins, struct iso_error *err)
{
    const struct run_options *options = run->options;
    const struct pool_options pool = {
        .jobs = options->jobs < run->job_count ? options->jobs : (unsigned)run->job_count,
        .timeout = options->trial_timeout, .stop = &run->stop, .wake = options->wake };
    const struct pool_events events = run_events(run);
    if (!options->cluster)
        return pool_run(&pool, &events, err);
    struct cluster_run shared = { .build = run->provenance.build,
                                  .folder = run->store ? options->folder : NULL };
    int status = samples_make(&shared.samples, run->plan, plugins, &run->provenance, err);
    if (!status)
        status = cluster_run(options->cluster, &shared, &pool, &events, err);
    samples_free(&shared.samples);
    return status;
}

int run_plan(const struct plan *plan, struct plugins *plugins, const struct run_options *options,
             const struct run_listener *listener, struct run_counts *counts, bool *changed, struct iso_error *err)
{
    struct run run = { .plan = plan, .options = options, .listener = listener, .counts = counts };
    int status = -1;
    *counts = (struct run_counts){ 0 };
    *changed = false;
    run.states = memory_array(plan->count + 1, sizeof *run.states);
    if (!run.states) {
        error_memory(err);
        goto out;
    }
    if (provenance_read(&run.provenance, err)
        || (options->smoke ? choose(&run, err) : open_store(&run, plugins, changed, err)))
        goto out;
    run_tell(&run, RUN_BEGINS, NULL, NULL);
    if (run.job_count) {
        status = train(&run, plugins, err);
        if (run.store && end_run(&run, status ? "error" : run.stop ? "stopped" : "ended", status ? NULL : err))
            status = -1;
        if (run.unwritten)
            status = iso_fail(err, "%s; when it can be written, run the same command again: nothing that is done is "
                              "lost", run.unwritten);
    } else {
        status = 0;
    }
out:
    if (store_close(run.store, status ? NULL : err))
        status = -1;
    for (size_t i = 0; i < run.job_count; i++) {
        free(run.jobs[i].wanted);
        text_free(&run.jobs[i].held);
    }
    free(run.returned);
    free(run.ended);
    free(run.unwritten);
    free(run.jobs);
    free(run.states);
    return status;
}
