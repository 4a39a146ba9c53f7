/* The worker: receives resolved recipes, trains them, alone or some together, sends back what it measures. */
#include "lab/worker.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/file.h"
#include "base/memory.h"
#include "lab/facts.h"
#include "lab/message.h"
#include "lab/provenance.h"
#include "lab/saved.h"

#define PROGRESS_SECONDS 0.1
#define MEMORY_KEPT (128 << 20) /* bytes that are free, from one trial to the next, ... */
#define MEMORY_BLOCK (32 << 20) /* ... but not a block of so many */
#define DATA_KEPT 8

/* A data set kept open for the trials to come. */
struct kept {
    char *json;
    uint64_t seed; /* of its subset, where that is the trial's */
    struct settings *settings;
    struct data *data;
    uint64_t used;
};

struct worker {
    int in, out;
    struct plugins *plugins;
    struct kept kept[DATA_KEPT];
    uint64_t clock;
    char *numerics; /* in words; NULL until a state needs them */
    struct member *members; /* trials that are trained together, as far as they are known */
    size_t member_count, member_capacity;
    struct timespec looked;
    bool orphaned;
};

/* A trial that it trains. */
struct member {
    struct worker *worker;
    uint64_t task;
    struct settings *settings;
    bool taken;        /* settings are kept with the data */
    const struct data *data; /* NULL: it can't be trained */
    char *checkpoints; /* folder; "": none are kept */
    unsigned threads;
    uint64_t max_steps;
    double save_seconds;
    struct timespec told;
    bool unwritten;    /* a checkpoint could not be */
    struct iso_error failure;
};

static volatile sig_atomic_t stop_asked;

static void on_term(int signal_number)
{
    (void)signal_number;
    stop_asked = 1;
}

/* True where `seconds` have passed since it last was. */
static bool is_due(struct timespec *last, double seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((double)(now.tv_sec - last->tv_sec) + 1e-9 * (double)(now.tv_nsec - last->tv_nsec) < seconds)
        return false;
    *last = now;
    return true;
}

/* ---- What a trial tells ---- */

static int tell(const struct member *member, enum message_kind kind, const void *data, size_t length,
                struct iso_error *err)
{
    struct text text = { 0 };
    message_put_number(&text, member->task);
    if (length)
        text_add(&text, data, length);
    const int status = text.failed ? error_memory(err)
                                   : message_send(member->worker->out, kind, text.data, text.length, err);
    text_free(&text);
    return status;
}

static int tell_text(const struct member *member, enum message_kind kind, struct text *text, struct iso_error *err)
{
    int status = text->failed ? error_memory(err) : tell(member, kind, text->data, text->length, err);
    text_free(text);
    return status;
}

/* Something that may get lost: where the parent is gone, the trial ends soon. */
static void mention(const struct member *member, enum message_kind kind, const void *data, size_t length)
{
    if (tell(member, kind, data, length, NULL))
        member->worker->orphaned = true;
}

static int on_point(void *context, const struct point *point, struct iso_error *err)
{
    struct text text = { 0 };
    message_put_point(&text, point);
    return tell_text(context, MESSAGE_POINT, &text, err);
}

static int on_checkpoint(void *context, const char *name, const void *data, size_t length, struct iso_error *err)
{
    struct member *member = context;
    if (!member->checkpoints[0])
        return 0;
    struct text text = { 0 };
    text_format(&text, "%s/%s.safetensors", member->checkpoints, name);
    char *path = text_take(&text);
    if (!path)
        return error_memory(err);
    member->unwritten = file_make_folder(member->checkpoints, err) || file_replace(path, data, length, err);
    free(path);
    return member->unwritten ? -1 : 0;
}

static void on_note(void *context, const char *text)
{
    mention(context, MESSAGE_NOTE, text, strlen(text) + 1);
}

/* ---- What it goes on from ---- */

static int on_save(void *context, const void *data, size_t length, struct iso_error *err)
{
    const struct member *member = context;
    mention(member, MESSAGE_SAVED, NULL, 0); /* first: what is begun has to be removed, too, when the trial is done */
    return saved_write(member->checkpoints, data, length, err);
}

static void *on_load(void *context, unsigned age, size_t *length)
{
    struct member *member = context;
    struct iso_error failure = ERROR_NONE;
    void *bytes = saved_read(member->checkpoints, age, length, &failure);
    if (bytes)
        mention(member, MESSAGE_SAVED, NULL, 0);
    else if (failure.text[0])
        on_note(member, failure.text);
    return bytes;
}

static void on_resumed(void *context, uint64_t step, uint64_t steps)
{
    const struct message_progress from = { .step = step, .steps = steps };
    mention(context, MESSAGE_RESUMED, &from, sizeof from);
}

/* Program, instruction set and libm. */
static const char *on_numerics(void *context)
{
    struct worker *worker = ((struct member *)context)->worker;
    struct provenance from;
    struct text text = { 0 };
    if (!worker->numerics && !provenance_read(&from, NULL)) {
        text_format(&text, "%s %s %s %s", from.version, from.build, from.instruction_set, from.libm);
        worker->numerics = text_take(&text);
    }
    return worker->numerics ? worker->numerics : "unknown";
}

static void on_progress(void *context, uint64_t step, uint64_t steps, double epoch, double loss, double rate)
{
    struct member *member = context;
    const struct message_progress progress = { step, steps, epoch, loss, rate };
    if (is_due(&member->told, PROGRESS_SECONDS))
        mention(member, MESSAGE_PROGRESS, &progress, sizeof progress);
}

static bool on_interrupted(void *context)
{
    struct worker *worker = ((struct member *)context)->worker;
    if (is_due(&worker->looked, PROGRESS_SECONDS)) {
        struct pollfd input = { .fd = worker->in };
        if (poll(&input, 1, 0) > 0 && input.revents & (POLLHUP | POLLERR))
            worker->orphaned = true;
    }
    return stop_asked || worker->orphaned;
}

/* ---- Trials ---- */

static void kept_free(struct kept *kept)
{
    data_close(kept->data);
    settings_free(kept->settings);
    free(kept->json);
    *kept = (struct kept){ 0 };
}

/* The data of a trial; *settings goes to those kept where it opened them, and stays valid. */
static const struct data *find_data(struct worker *worker, struct settings *settings, bool *taken,
                                    struct iso_error *err)
{
    const uint64_t seed = settings->data.subset_by_trial ? settings->seed : 0;
    struct text text = { 0 };
    node_json(node_get(settings->tree->root, "dataset"), &text);
    char *json = text_take(&text);
    if (!json) {
        error_memory(err);
        return NULL;
    }
    struct kept *oldest = &worker->kept[0];
    *taken = false;
    for (struct kept *kept = worker->kept; kept < worker->kept + DATA_KEPT; kept++) {
        if (kept->json && kept->seed == seed && strcmp(kept->json, json) == 0) {
            kept->used = ++worker->clock;
            free(json);
            return kept->data;
        }
        if (kept->used < oldest->used)
            oldest = kept;
    }
    struct data *data = data_open(settings->dataset, &settings->data, settings->seed, err);
    if (!data) {
        free(json);
        return NULL;
    }
    kept_free(oldest);
    *oldest = (struct kept){ json, seed, settings, data, ++worker->clock };
    *taken = true;
    return data;
}

/* What came of a trial. Where the pipe is gone, the parent is. */
static void answer(struct member *member, const struct trial_result *result)
{
    const struct worker *worker = member->worker;
    struct text text = { 0 };
    int status;
    if (result) {
        message_put_result(&text, result);
        status = tell_text(member, MESSAGE_DONE, &text, NULL);
    } else if ((stop_asked || worker->orphaned) && !member->unwritten) {
        status = tell(member, MESSAGE_STOPPED, NULL, 0, NULL);
    } else {
        text_add(&text, member->failure.text, strlen(member->failure.text) + 1);
        status = tell_text(member, member->unwritten ? MESSAGE_UNWRITTEN : MESSAGE_FAILED, &text, NULL);
    }
    if (status)
        member->worker->orphaned = true;
}

static void on_ended(void *context, struct trial *trial)
{
    (void)context;
    answer(trial->listener->context, trial->status ? NULL : &trial->result);
}

static void members_free(struct worker *worker)
{
    while (worker->member_count) {
        struct member *member = &worker->members[--worker->member_count];
        if (!member->taken)
            settings_free(member->settings);
        free(member->checkpoints);
    }
}

/* Trains what it was given, all together. */
static int train(struct worker *worker, struct iso_error *err)
{
    const size_t count = worker->member_count;
    const struct data *data = NULL;
    struct trial *trials = memory_array(count, sizeof *trials);
    struct trial_listener *listeners = memory_array(count, sizeof *listeners);
    size_t together = 0;
    int status = 0;
    if (!trials || !listeners) {
        status = error_memory(err);
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        struct member *member = &worker->members[i];
        if (!member->data) {
            answer(member, NULL);
            continue;
        }
        assert(!data || data == member->data); /* trials of other data are not given together */
        data = member->data;
        file_clean(member->checkpoints, 0);
        listeners[together] = (struct trial_listener){
            .context = member, .point = on_point, .checkpoint = on_checkpoint, .progress = on_progress,
            .interrupted = on_interrupted, .save_seconds = member->checkpoints[0] ? member->save_seconds : 0,
            .save = on_save, .load = member->checkpoints[0] ? on_load : NULL, .numerics = on_numerics,
            .resumed = on_resumed, .note = on_note };
        trials[together] = (struct trial){ .settings = member->settings, .threads = member->threads,
                                           .max_steps = member->max_steps, .listener = &listeners[together],
                                           .err = &member->failure };
        together++;
    }
    trials_run(trials, together, data, on_ended, NULL);
out:
    free(listeners);
    free(trials);
    members_free(worker);
    return status;
}

/* Takes in a trial; trains it, and those that came before it and were to wait, unless it is to wait, too. */
static int take_trial(struct worker *worker, const char *data, size_t length, struct iso_error *err)
{
    struct message_cursor cursor = { data, length, false };
    struct message_trial trial = { 0 };
    const uint64_t task = message_get_number(&cursor);
    if (cursor.damaged || message_get_trial(cursor.at, cursor.left, &trial))
        return iso_fail(err, "a message to a worker is damaged");
    if (memory_grow(&worker->members, &worker->member_capacity, worker->member_count + 1, sizeof *worker->members))
        return error_memory(err);
    struct member *member = &worker->members[worker->member_count++];
    *member = (struct member){ .worker = worker, .task = task, .threads = trial.threads, .max_steps = trial.max_steps,
                               .save_seconds = trial.save_seconds, .checkpoints = strdup(trial.checkpoints),
                               .failure = ERROR_NONE };
    if (!member->checkpoints)
        return error_memory(err);
    member->settings = settings_of_json(trial.recipe, trial.folder, worker->plugins, &member->failure);
    if (member->settings)
        member->data = find_data(worker, member->settings, &member->taken, &member->failure);
    return trial.together ? 0 : train(worker, err);
}

/* Standard input and output become the pipes' alone. */
static int take_pipes(struct worker *worker, struct iso_error *err)
{
    worker->in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    worker->out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (worker->in < 0 || worker->out < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0
        || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return error_system(err, "cannot set up", "the pipes of a worker");
    close(nothing);
    return 0;
}

/* A short trial needs what the one before it gave back: pages that go to the system and come anew cost more than it. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
    mallopt(M_MMAP_THRESHOLD, MEMORY_BLOCK);
#endif
}

int worker_run(struct iso_error *err)
{
    struct worker worker = { .in = -1, .out = -1 };
    struct message_inbox inbox = { 0 };
    struct sigaction ignore = { .sa_handler = SIG_IGN }, term = { .sa_handler = on_term };
    int status = -1;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    keep_memory();
    sigaction(SIGINT, &ignore, NULL); /* the parent says when to stop */
    sigaction(SIGHUP, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGTERM, &term, NULL);
    if (take_pipes(&worker, err) || !(worker.plugins = plugins_new(NULL, err))
        || message_send(worker.out, MESSAGE_READY, "", 0, err))
        goto out;
    int more = 1;
    while (more > 0 && !worker.orphaned && !stop_asked) {
        enum message_kind kind;
        const char *data;
        size_t length;
        int got = 0;
        while (!stop_asked && !worker.orphaned && (got = message_next(&inbox, &kind, &data, &length)) > 0) {
            if (kind != MESSAGE_TRIAL) {
                got = -1;
                break;
            }
            if (take_trial(&worker, data, length, err))
                goto out;
        }
        if (got < 0) {
            iso_fail(err, "a message to a worker is damaged");
            goto out;
        }
        more = stop_asked ? 0 : message_fill(&inbox, worker.in, err);
    }
    status = more < 0 ? -1 : 0;
out:
    members_free(&worker);
    free(worker.members);
    for (size_t i = 0; i < DATA_KEPT; i++)
        kept_free(&worker.kept[i]);
    message_inbox_free(&inbox);
    free(worker.numerics);
    plugins_free(worker.plugins);
    if (stop_asked) { /* what it may have been given meanwhile was never begun */
        signal(SIGTERM, SIG_DFL);
        raise(SIGTERM);
    }
    return status;
}
