/* An experiment's run: which trials are left, in what order, and what becomes of them. */
#include "lab/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/cluster.h"
#include "lab/pool.h"
#include "lab/saved.h"
#include "lab/store.h"

/* A worker that is killed from outside, or for want of memory, costs its trial nothing but time, so many times. */
#define KILLED_AGAIN 2

/* What the run keeps of a trial (of the first place in the plan that has its key). */
struct job {
    size_t index; /* in the plan */
    size_t points;
    unsigned killed; /* times that its worker was, since it last saved a state */
    bool saved;   /* it has a state on disk */
    double before; /* FLOP that were trained before the state it goes on from */
    bool again;   /* it is done already, and trained again for what is measured or kept */
    bool differs; /* ... and this time a point has another value */
    struct text held; /* points of such a trial, until it ends */
    char *wanted;
};

struct run {
    const struct plan *plan;
    const struct run_options *options;
    const struct run_listener *listener;
    struct run_counts *counts;
    struct store *store; /* NULL: --smoke */
    struct store_trial *states;
    struct job *jobs;
    size_t job_count, next;
    size_t *returned, returned_count; /* jobs to be handed out once more */
    size_t *ended, ended_count;       /* jobs that are done, with states to be removed once that is durable */
    struct provenance provenance;
    volatile sig_atomic_t stop;
    char *unwritten; /* why a file could not be written, which ends the run; NULL */
};

static void tell(const struct run *run, enum run_event_kind kind, const struct job *job, const char *text)
{
    const struct run_event event = { .kind = kind, .trial = job ? &run->plan->trials[job->index] : NULL,
                                     .counts = run->counts, .text = text };
    run->listener->event(run->listener->context, &event);
}

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

static int compare_jobs(const void *a, const void *b, const struct plan *plan)
{
    const struct job *left = a, *right = b;
    uint64_t x = plan->trials[left->index].size.flops.all, y = plan->trials[right->index].size.flops.all;
    if (x != y)
        return x > y ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

static const struct plan *sorted_plan; /* for qsort, which hands no context on */

static int compare_sorted(const void *a, const void *b)
{
    return compare_jobs(a, b, sorted_plan);
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
    /* The longest first, so that no worker is left alone with a long one at the end. Results don't hang on it. */
    if (options->jobs > 1 || options->cluster) {
        sorted_plan = run->plan;
        qsort(run->jobs, run->job_count, sizeof *run->jobs, compare_sorted);
    }
    return 0;
}

/* ---- What the pool asks and tells ---- */

static bool next(void *context, size_t *task)
{
    struct run *run = context;
    if (run->stop || (!run->returned_count && run->next == run->job_count))
        return false;
    *task = run->returned_count ? run->returned[--run->returned_count] : run->next++;
    return true;
}

static char *json_of(const struct node *node)
{
    struct text text = { 0 };
    node_json(node, &text);
    return text_take(&text);
}

/* Folder of a trial's checkpoints; to be freed. */
static char *checkpoints_of(const struct run *run, const struct plan_trial *trial)
{
    struct text text = { 0 };
    text_format(&text, "%s/checkpoints/%s", run->options->folder, trial->key);
    return text_take(&text);
}

static int remove_states(const struct run *run, const struct plan_trial *trial, struct iso_error *err)
{
    char *folder = checkpoints_of(run, trial);
    const int status = folder ? saved_remove(folder, err) : error_memory(err);
    free(folder);
    return status;
}

/* Trains it anew, for the record: when, and on which host. */
static int record_start(struct run *run, const struct job *job, struct iso_error *err)
{
    const struct cluster_host *at = cluster_host(run->options->cluster);
    return store_run_host(run->store, at ? at->rank : 0, at ? at->host : NULL, at ? at->system : "", at ? at->cpu : "",
                          at ? at->process : 0, err)
                   || store_start(run->store, &run->states[job->index], err) ? -1 : 0;
}

/* With fewer trials than processors, a trial gets several: jobs x threads are never more than was asked for. */
static unsigned threads_of(const struct run *run)
{
    const struct run_options *options = run->options;
    if (options->threads)
        return options->threads;
    return run->job_count && run->job_count < options->jobs ? options->jobs / (unsigned)run->job_count : 1;
}

static int describe(void *context, size_t task, struct message_trial *trial, struct iso_error *err)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    const struct plan_trial *planned = &run->plan->trials[job->index];
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = found ? plan_trial_tree(run->plan, job->index, found) : NULL;
    struct text wanted = { 0 };
    int status = -1;
    if (!tree)
        goto out;
    plan_wanted_json(tree, &wanted);
    job->wanted = text_take(&wanted);
    *trial = (struct message_trial){ .recipe = json_of(tree->root),
                                     .folder = strdup(tree->folder ? tree->folder : "."),
                                     .checkpoints = run->store ? checkpoints_of(run, planned) : strdup(""),
                                     .key = planned->key,
                                     .threads = threads_of(run),
                                     .max_steps = run->options->smoke ? 2 : 0,
                                     .save_seconds = run->options->save_seconds };
    if (!trial->recipe || !trial->folder || !trial->checkpoints || !job->wanted)
        goto out;
    status = run->store && !job->again ? record_start(run, job, err) : 0;
    run->counts->running++;
    tell(run, RUN_STARTED, job, NULL);
out:
    tree_free(tree);
    diagnostics_free(found);
    return status ? error_memory(err) : 0;
}

static void describe_end(void *context, struct message_trial *trial)
{
    (void)context;
    free((char *)trial->recipe);
    free((char *)trial->folder);
    free((char *)trial->checkpoints);
}

/* Points of a trial that is trained again wait until it ends; then they take the place of the earlier ones. */
static int hold(struct run *run, struct job *job, const struct point *point, struct iso_error *err)
{
    int agrees = store_agrees(run->store, &run->states[job->index], job->points, point, err);
    if (agrees < 0)
        return -1;
    job->differs = job->differs || !agrees;
    struct text text = { 0 };
    message_put_point(&text, point);
    const size_t length = text.length;
    text_add(&job->held, (const char *)&length, sizeof length);
    text_add(&job->held, text.data, length);
    const bool failed = text.failed || job->held.failed;
    text_free(&text);
    job->points++;
    return failed ? error_memory(err) : 0;
}

static int release(struct run *run, struct job *job, struct iso_error *err)
{
    struct store_trial *state = &run->states[job->index];
    if (record_start(run, job, err))
        return -1;
    size_t number = 0;
    for (size_t at = 0; at < job->held.length;) {
        size_t length;
        struct point point;
        struct arena *arena = arena_new();
        memcpy(&length, job->held.data + at, sizeof length);
        at += sizeof length;
        int status = !arena || message_get_point(job->held.data + at, length, &point, arena)
                         ? error_memory(err) : store_point(run->store, state, number++, &point, err);
        arena_free(arena);
        if (status)
            return -1;
        at += length;
    }
    return 0;
}

/* again: it is to be trained again in this run. */
static void job_end(struct run *run, struct job *job, bool again)
{
    run->counts->running--;
    free(job->wanted);
    text_free(&job->held);
    job->wanted = NULL;
    job->points = 0;
    job->differs = false;
    run->counts->flops_to_train += again ? job->before : 0;
    job->before = 0;
}

static int on_point(void *context, size_t task, const struct point *point, struct iso_error *err)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    if (!run->store)
        return 0;
    if (job->again)
        return hold(run, job, point, err);
    return store_point(run->store, &run->states[job->index], job->points++, point, err);
}

static void on_progress(void *context, size_t task, const struct message_progress *progress)
{
    const struct run *run = context;
    const struct run_event event = { .kind = RUN_PROGRESS, .trial = &run->plan->trials[run->jobs[task].index],
                                     .counts = run->counts, .step = progress->step, .steps = progress->steps,
                                     .epoch = progress->epoch, .loss = progress->loss, .rate = progress->rate };
    run->listener->event(run->listener->context, &event);
}

static int on_done(void *context, size_t task, const struct trial_result *result, struct iso_error *err)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    int status = 0;
    if (run->store)
        status = (job->again && release(run, job, err))
                 || store_done(run->store, &run->states[job->index], result, job->wanted, err);
    if (job->saved)
        run->ended[run->ended_count++] = task;
    if (job->differs)
        tell(run, RUN_NOTE, job, "its points are not those of its earlier training: the numerics (build, backend, "
             "kernel or libm) must have changed; the new ones are kept");
    run->counts->flops += (double)result->last.flops.all - job->before;
    job_end(run, job, false);
    if (result->status == TRIAL_DONE)
        run->counts->done++;
    else
        run->counts->diverged++;
    const struct run_event event = { .kind = RUN_ENDED, .trial = &run->plan->trials[job->index],
                                     .counts = run->counts, .result = result };
    run->listener->event(run->listener->context, &event);
    return status ? -1 : 0;
}

static int on_failed(void *context, size_t task, const char *why, bool killed, struct iso_error *err)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    if (killed && job->killed++ < KILLED_AGAIN) {
        int status = run->store && !job->again ? store_pending(run->store, &run->states[job->index], err) : 0;
        job_end(run, job, true);
        run->returned[run->returned_count++] = task;
        struct text text = { 0 };
        text_format(&text, "%s; it is trained again", why);
        tell(run, RUN_STOPPED, job, text.data ? text.data : why);
        text_free(&text);
        return status;
    }
    /* What is done stays done, though what was to be added failed. */
    int status = run->store && !job->again ? store_failed(run->store, &run->states[job->index], why, err) : 0;
    job_end(run, job, false);
    run->counts->failed++;
    struct text text = { 0 };
    text_format(&text, "%s%s", why, job->saved ? "; --retry goes on from where it was" : "");
    tell(run, RUN_FAILED, job, text.data ? text.data : why);
    text_free(&text);
    if (run->options->fail_fast && !run->stop)
        run->stop = 1;
    return status;
}

/* A disk that is full or broken is no fault of the trial: the run ends, and the trial is trained by the next one. */
static int on_unwritten(void *context, size_t task, const char *why, struct iso_error *err)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    const int status = run->store && !job->again ? store_pending(run->store, &run->states[job->index], err) : 0;
    job_end(run, job, false);
    run->counts->stopped++;
    run->counts->saved += job->saved;
    tell(run, RUN_STOPPED, job, why);
    if (!run->unwritten)
        run->unwritten = strdup(why);
    if (!run->stop)
        run->stop = 1;
    return status;
}

static int on_stopped(void *context, size_t task, struct iso_error *err)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    int status = run->store && !job->again ? store_pending(run->store, &run->states[job->index], err) : 0;
    job_end(run, job, false);
    run->counts->stopped++;
    run->counts->saved += job->saved;
    tell(run, RUN_STOPPED, job, job->saved ? "stopped; it will go on from where it is" : "stopped; it will be trained again");
    return status;
}

static void on_saved(void *context, size_t task)
{
    struct run *run = context;
    run->jobs[task].saved = true;
    run->jobs[task].killed = 0;
}

static void on_resumed(void *context, size_t task, uint64_t step, uint64_t steps)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    const struct plan_trial *trial = &run->plan->trials[job->index];
    job->before = steps ? (double)trial->size.flops.all * ((double)step / (double)steps) : 0;
    run->counts->flops_to_train -= job->before;
    const struct run_event event = { .kind = RUN_RESUMED, .trial = trial, .counts = run->counts, .step = step,
                                     .steps = steps };
    run->listener->event(run->listener->context, &event);
}

static void on_note(void *context, size_t task, const char *text)
{
    const struct run *run = context;
    tell(run, RUN_NOTE, &run->jobs[task], text);
}

/* The folder of checkpoints, where states were all that it held. */
static void remove_empty(const struct run *run)
{
    char *path = file_join(run->options->folder, "checkpoints");
    if (path)
        rmdir(path);
    free(path);
}

/* Trials whose end is durable need no state any more. */
static int forget_states(struct run *run, struct iso_error *err)
{
    for (; run->ended_count; run->ended_count--)
        if (remove_states(run, &run->plan->trials[run->jobs[run->ended[run->ended_count - 1]].index], err))
            return -1;
    return 0;
}

/* States go before the run has an end, so that the next one knows that it may find some (clean). */
static int end_run(struct run *run, const char *outcome, struct iso_error *err)
{
    if (run->ended_count && (store_commit(run->store, true, err) || forget_states(run, err)))
        return -1;
    remove_empty(run);
    return store_run_end(run->store, outcome, err);
}

static void on_printed(void *context, const char *line)
{
    tell(context, RUN_PRINTED, NULL, line);
}

static void on_remark(void *context, const char *text)
{
    tell(context, RUN_NOTE, NULL, text);
}

static int on_turn(void *context, double *seconds, struct iso_error *err)
{
    struct run *run = context;
    if (*run->options->stop > run->stop)
        run->stop = *run->options->stop;
    if (run->store) {
        if (store_commit(run->store, false, err))
            return -1;
        const double waits = store_waits(run->store);
        if (waits < 0 && forget_states(run, err))
            return -1;
        if (waits >= 0 && (*seconds < 0 || waits < *seconds))
            *seconds = waits;
    }
    run->listener->tick(run->listener->context, seconds);
    return 0;
}

/* ---- The run ---- */

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
    file_clean(run->options->folder);
    for (size_t i = 0; killed && i < run->plan->count; i++)
        if (is_ended(&run->states[i]) && run->states[i].wanted && remove_states(run, &run->plan->trials[i], err))
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
    const struct store_run facts = { options->command, options->jobs, threads_of(run) };
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
    const struct pool_events events = {
        .context = run, .next = next, .describe = describe, .describe_end = describe_end, .point = on_point,
        .progress = on_progress, .done = on_done, .failed = on_failed, .unwritten = on_unwritten, .stopped = on_stopped,
        .saved = on_saved, .resumed = on_resumed, .note = on_note, .printed = on_printed, .remark = on_remark,
        .turn = on_turn };
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
    tell(&run, RUN_BEGINS, NULL, NULL);
    if (run.job_count) {
        status = train(&run, plugins, err);
        if (run.store && end_run(&run, status ? "error" : run.stop ? "stopped" : "ended", status ? NULL : err))
            status = -1;
        if (run.unwritten)
            status = iso_fail(err, "%s; when it can be written, run the same command again: nothing that is done is lost",
                              run.unwritten);
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
