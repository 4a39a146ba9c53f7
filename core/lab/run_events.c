/* What becomes of a run's trials: what the pool of workers asks for, and what it tells. */
#include "lab/run_inside.h"

#include <stdlib.h>
#include <string.h>

#include "lab/cluster.h"
#include "lab/saved.h"

/* A worker that is killed from outside, or for want of memory, costs its trial nothing but time, so many times. */
#define KILLED_AGAIN 2

void run_tell(const struct run *run, enum run_event_kind kind, const struct job *job, const char *text)
{
    const struct run_event event = { .kind = kind, .trial = job ? &run->plan->trials[job->index] : NULL,
                                     .counts = run->counts, .text = text };
    run->listener->event(run->listener->context, &event);
}

static bool next(void *context, size_t *task)
{
    struct run *run = context;
    if (run->stop || (!run->returned_count && run->next == run->job_count))
        return false;
    *task = run->returned_count ? run->returned[--run->returned_count] : run->next++;
    return true;
}

static bool with(void *context, size_t task, size_t *another)
{
    struct run *run = context;
    if (run->jobs[task].apart || run->next == run->job_count || run->jobs[run->next].group != run->jobs[task].group)
        return false;
    *another = run->next++;
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

int run_remove_states(const struct run *run, const struct plan_trial *trial, struct iso_error *err)
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
unsigned run_threads(const struct run *run)
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
                                     .threads = run_threads(run),
                                     .max_steps = run->options->smoke ? 2 : 0,
                                     .save_seconds = run->options->save_seconds };
    if (!trial->recipe || !trial->folder || !trial->checkpoints || !job->wanted)
        goto out;
    status = run->store && !job->again ? record_start(run, job, err) : 0;
    run->counts->running++;
    run_tell(run, RUN_STARTED, job, NULL);
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
        run_tell(run, RUN_NOTE, job, "its points are not those of its earlier training: the numerics (build, backend, "
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

/* It is handed out once more. */
static int give_back(struct run *run, size_t task, const char *why, const char *then, struct iso_error *err)
{
    struct job *job = &run->jobs[task];
    const int status = run->store && !job->again ? store_pending(run->store, &run->states[job->index], err) : 0;
    job_end(run, job, true);
    run->returned[run->returned_count++] = task;
    struct text text = { 0 };
    text_format(&text, "%s; %s", why, then);
    run_tell(run, RUN_STOPPED, job, text.data ? text.data : why);
    text_free(&text);
    return status;
}

static int on_apart(void *context, size_t task, const char *why, struct iso_error *err)
{
    struct run *run = context;
    run->jobs[task].apart = true;
    return give_back(run, task, why, "it was trained together with others, and is trained again by itself", err);
}

/* The run ends before the trial does: the next one trains it. */
static int leave(struct run *run, struct job *job, const char *text, struct iso_error *err)
{
    const int status = run->store && !job->again ? store_pending(run->store, &run->states[job->index], err) : 0;
    job_end(run, job, false);
    run->counts->stopped++;
    run->counts->saved += job->saved;
    run_tell(run, RUN_STOPPED, job, text);
    return status;
}

static int on_stopped(void *context, size_t task, struct iso_error *err)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    return leave(run, job, job->saved ? "stopped; it will go on from where it is" : "stopped; it will be trained again",
                 err);
}

static int on_failed(void *context, size_t task, const char *why, bool killed, struct iso_error *err)
{
    struct run *run = context;
    struct job *job = &run->jobs[task];
    if (killed && *run->options->stop) /* with all of the run's processes */
        return on_stopped(run, task, err);
    if (killed && job->killed++ < KILLED_AGAIN)
        return give_back(run, task, why, "it is trained again", err);
    /* What is done stays done, though what was to be added failed. */
    int status = run->store && !job->again ? store_failed(run->store, &run->states[job->index], why, err) : 0;
    job_end(run, job, false);
    run->counts->failed++;
    struct text text = { 0 };
    text_format(&text, "%s%s", why, job->saved ? "; --retry goes on from where it was" : "");
    run_tell(run, RUN_FAILED, job, text.data ? text.data : why);
    text_free(&text);
    if (run->options->fail_fast && !run->stop)
        run->stop = 1;
    return status;
}

/* A disk that is full or broken is no fault of the trial. */
static int on_unwritten(void *context, size_t task, const char *why, struct iso_error *err)
{
    struct run *run = context;
    if (!run->unwritten)
        run->unwritten = strdup(why);
    if (!run->stop)
        run->stop = 1;
    return leave(run, &run->jobs[task], why, err);
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
    run_tell(run, RUN_NOTE, &run->jobs[task], text);
}

int run_forget_states(struct run *run, struct iso_error *err)
{
    for (; run->ended_count; run->ended_count--)
        if (run_remove_states(run, &run->plan->trials[run->jobs[run->ended[run->ended_count - 1]].index], err))
            return -1;
    return 0;
}

static void on_printed(void *context, const char *line)
{
    run_tell(context, RUN_PRINTED, NULL, line);
}

static void on_remark(void *context, const char *text)
{
    run_tell(context, RUN_NOTE, NULL, text);
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
        if (waits < 0 && run_forget_states(run, err))
            return -1;
        if (waits >= 0 && (*seconds < 0 || waits < *seconds))
            *seconds = waits;
    }
    run->listener->tick(run->listener->context, seconds);
    return 0;
}

struct pool_events run_events(struct run *run)
{
    return (struct pool_events){
        .context = run, .next = next, .with = with, .describe = describe, .describe_end = describe_end,
        .point = on_point, .progress = on_progress, .done = on_done, .failed = on_failed, .apart = on_apart,
        .unwritten = on_unwritten, .stopped = on_stopped, .saved = on_saved, .resumed = on_resumed, .note = on_note,
        .printed = on_printed, .remark = on_remark, .turn = on_turn };
}
