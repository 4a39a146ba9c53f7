/* The worker: receives resolved recipes, trains them, sends back what it measures. */
#include "lab/worker.h"

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

#include "base/file.h"
#include "lab/facts.h"
#include "lab/message.h"
#include "lab/provenance.h"
#include "lab/saved.h"

#define PROGRESS_SECONDS 0.1
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
    /* the trial that runs */
    const char *checkpoints;
    struct timespec told, looked;
    bool orphaned, unwritten; /* unwritten: a checkpoint could not be */
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

static int send_text(struct worker *worker, enum message_kind kind, struct text *text, struct iso_error *err)
{
    int status = text->failed ? error_memory(err) : message_send(worker->out, kind, text->data, text->length, err);
    text_free(text);
    return status;
}

static int on_point(void *context, const struct point *point, struct iso_error *err)
{
    struct text text = { 0 };
    message_put_point(&text, point);
    return send_text(context, MESSAGE_POINT, &text, err);
}

static int on_checkpoint(void *context, const char *name, const void *data, size_t length, struct iso_error *err)
{
    struct worker *worker = context;
    if (!worker->checkpoints[0])
        return 0;
    struct text text = { 0 };
    text_format(&text, "%s/%s.safetensors", worker->checkpoints, name);
    char *path = text_take(&text);
    if (!path)
        return error_memory(err);
    worker->unwritten = file_make_folder(worker->checkpoints, err) || file_replace(path, data, length, err);
    free(path);
    return worker->unwritten ? -1 : 0;
}

static void on_note(void *context, const char *text)
{
    struct worker *worker = context;
    if (message_send(worker->out, MESSAGE_NOTE, text, strlen(text) + 1, NULL))
        worker->orphaned = true;
}

/* ---- What it goes on from ---- */

static void tell_saved(struct worker *worker)
{
    if (message_send(worker->out, MESSAGE_SAVED, "", 0, NULL))
        worker->orphaned = true;
}

static int on_save(void *context, const void *data, size_t length, struct iso_error *err)
{
    struct worker *worker = context;
    tell_saved(worker); /* first: what is begun has to be removed, too, when the trial is done */
    return saved_write(worker->checkpoints, data, length, err);
}

static void *on_load(void *context, unsigned age, size_t *length)
{
    struct worker *worker = context;
    struct iso_error failure = ERROR_NONE;
    void *bytes = saved_read(worker->checkpoints, age, length, &failure);
    if (bytes)
        tell_saved(worker);
    else if (failure.text[0])
        on_note(worker, failure.text);
    return bytes;
}

static void on_resumed(void *context, uint64_t step, uint64_t steps)
{
    struct worker *worker = context;
    const struct message_progress from = { .step = step, .steps = steps };
    if (message_send(worker->out, MESSAGE_RESUMED, &from, sizeof from, NULL))
        worker->orphaned = true;
}

/* Program, instruction set and libm. */
static const char *on_numerics(void *context)
{
    struct worker *worker = context;
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
    struct worker *worker = context;
    const struct message_progress progress = { step, steps, epoch, loss, rate };
    if (is_due(&worker->told, PROGRESS_SECONDS)
        && message_send(worker->out, MESSAGE_PROGRESS, &progress, sizeof progress, NULL))
        worker->orphaned = true;
}

static bool on_interrupted(void *context)
{
    struct worker *worker = context;
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

/* Trains one trial and answers. -1: the pipe is gone. */
static int train(struct worker *worker, const struct message_trial *trial, struct iso_error *err)
{
    struct iso_error failure = ERROR_NONE;
    bool taken = false;
    struct settings *settings = settings_of_json(trial->recipe, trial->folder, worker->plugins, &failure);
    const struct data *data = settings ? find_data(worker, settings, &taken, &failure) : NULL;
    worker->checkpoints = trial->checkpoints;
    worker->unwritten = false;
    file_clean(trial->checkpoints);
    const struct trial_listener listener = { .context = worker, .point = on_point, .checkpoint = on_checkpoint,
                                             .progress = on_progress, .interrupted = on_interrupted,
                                             .save_seconds = trial->checkpoints[0] ? trial->save_seconds : 0,
                                             .save = on_save, .load = trial->checkpoints[0] ? on_load : NULL,
                                             .numerics = on_numerics, .resumed = on_resumed, .note = on_note };
    struct trial run = { .settings = settings, .threads = trial->threads, .max_steps = trial->max_steps,
                         .listener = &listener, .err = &failure };
    const bool trained = data && trial_run(&run, data) == 0;

    struct text text = { 0 };
    int status;
    if (trained) {
        message_put_result(&text, &run.result);
        status = send_text(worker, MESSAGE_DONE, &text, err);
    } else if ((stop_asked || worker->orphaned) && !worker->unwritten) {
        status = message_send(worker->out, MESSAGE_STOPPED, "", 0, err);
    } else {
        text_add(&text, failure.text, strlen(failure.text) + 1);
        status = send_text(worker, worker->unwritten ? MESSAGE_UNWRITTEN : MESSAGE_FAILED, &text, err);
    }
    if (!taken)
        settings_free(settings);
    return status;
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

int worker_run(struct iso_error *err)
{
    struct worker worker = { .in = -1, .out = -1 };
    struct message_inbox inbox = { 0 };
    struct sigaction ignore = { .sa_handler = SIG_IGN }, term = { .sa_handler = on_term };
    int status = -1;
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
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
        while (!stop_asked && (got = message_next(&inbox, &kind, &data, &length)) > 0) {
            struct message_trial trial = { 0 };
            if (kind != MESSAGE_TRIAL || message_get_trial(data, length, &trial)) {
                got = -1;
                break;
            }
            if (train(&worker, &trial, err))
                goto out;
        }
        if (got < 0) {
            iso_fail(err, "a message to a worker is damaged");
            goto out;
        }
        more = message_fill(&inbox, worker.in, err);
    }
    status = more < 0 ? -1 : 0;
out:
    for (size_t i = 0; i < DATA_KEPT; i++)
        kept_free(&worker.kept[i]);
    message_inbox_free(&inbox);
    free(worker.numerics);
    plugins_free(worker.plugins);
    return status;
}
