/* The other ranks: their pools train what rank 0 sends, and what the pools tell goes back to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "lab/cluster_inside.h"
#include "lab/database.h"

#define UNSENT_LIMIT ((size_t)64 << 20) /* bytes that may wait for rank 0 before the workers have to */
#define AHEAD_SECONDS 0.05 /* of work that waits here, so that short trials need not wait for messages */
#define AHEAD_MAX 64
#define RATE_SECONDS 0.1   /* over which trials a second are counted */
#define PROGRESS_A_SECOND 200.0 /* messages about progress that rank 0 gets from all ranks together */

/* A trial that waits. */
struct waiting {
    struct waiting *next;
    uint64_t task;
    struct message_trial trial; /* texts lie in data */
    char data[];
};

struct serve {
    struct cluster *cluster;
    const volatile sig_atomic_t *asked; /* signals that came here */
    volatile sig_atomic_t stop;         /* the same, or what rank 0 says */
    bool ended, orderly;                /* rank 0 said that all is over, and that no rank was lost */
    struct message_inbox inbox;
    struct text out;                    /* frames for the next message */
    struct timespec spoke;              /* when the last one went out */

    struct waiting *first, **last;
    struct waiting *current;            /* the one that the pool just took, ... */
    char *folder;                       /* ... and its folder below scratch */
    uint64_t held, wanted;              /* trials here; asked for and not come yet */
    uint64_t ended_trials;              /* since `counted` */
    struct timespec counted;
    uint64_t ahead;                     /* trials that may wait here */
    struct timespec progressed;

    /* where rank 0's disk is not seen */
    char *scratch;                      /* folder of its own for files of trials, in KEY/; NULL: not needed */
    struct running { uint64_t task; char key[HASH_TEXT]; } *running; /* one for each job; task of an empty key: free */

    /* the welcome */
    unsigned jobs;
    double timeout;
    bool welcome;
    struct iso_error refusal;
};

/* ---- To rank 0 ---- */

static void say(struct serve *serve, int kind, const char *text)
{
    message_frame(&serve->out, (enum message_kind)kind, text, strlen(text) + 1);
}

/* A frame about a task; content is emptied. */
static int say_task(struct serve *serve, enum message_kind kind, size_t task, struct text *content,
                    struct iso_error *err)
{
    struct text text = { 0 };
    message_put_number(&text, task);
    if (content->length)
        text_add(&text, content->data, content->length);
    message_frame(&serve->out, kind, text.data, text.length);
    const bool failed = content->failed || text.failed || serve->out.failed;
    text_free(content);
    text_free(&text);
    return failed ? error_memory(err) : 0;
}

static int flush(struct serve *serve, struct iso_error *err)
{
    if (!serve->out.length)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &serve->spoke);
    return cluster_send(serve->cluster, 0, &serve->out, err);
}

/* ---- From rank 0 ---- */

/* Files of trials are kept in a folder of this rank, and sent to rank 0. */
static int stand_apart(struct serve *serve, struct iso_error *err)
{
    const char *temporary = getenv("TMPDIR");
    struct text path = { 0 };
    text_format(&path, "%s/isoflop-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    char *folder = text_take(&path);
    serve->running = memory_array(serve->jobs, sizeof *serve->running);
    if (!folder || !serve->running) {
        free(folder);
        return error_memory(err);
    }
    if (!mkdtemp(folder)) {
        error_system(err, "cannot make the folder", folder);
        free(folder);
        return -1;
    }
    serve->scratch = folder;
    say(serve, CLUSTER_APART, "");
    return 0;
}

static int take_welcome(struct serve *serve, const char *data, size_t length, struct iso_error *err)
{
    struct message_cursor cursor = { data, length, false };
    struct iso_error *refusal = &serve->refusal;
    struct provenance provenance;
    char *variables[256];
    serve->welcome = true;
    if (provenance_read(&provenance, err))
        return -1;
    /* Another program may mean something else by what follows. */
    const char *build = message_get_text(&cursor);
    if (strcmp(build, provenance.build) != 0) {
        iso_fail(refusal, "does not train: the program there is another build (%.12s) than on rank 0 (%.12s); install "
                 "the same on all hosts", provenance.build, build);
        return 0;
    }
    serve->jobs = (unsigned)message_get_number(&cursor);
    message_get(&cursor, &serve->timeout, sizeof serve->timeout);
    const char *command = message_get_text(&cursor), *results = message_get_text(&cursor);
    const char *holder = message_get_text(&cursor);
    const uint64_t variable_count = message_get_number(&cursor);
    size_t kept = 0;
    for (uint64_t i = 0; i < variable_count && !cursor.damaged; i++) {
        const char *variable = message_get_text(&cursor);
        if (kept + 1 < sizeof variables / sizeof *variables)
            variables[kept++] = (char *)variable;
    }
    variables[kept] = NULL;
    cluster_take_environment(variables);
    if (strcmp(command, serve->cluster->command) != 0)
        iso_fail(refusal, "does not train: it was started by another command (%s) than rank 0 (%s)",
                 serve->cluster->command, command);
    struct plugins *plugins = plugins_new(NULL, err);
    if (!plugins)
        return -1;
    const uint64_t count = message_get_number(&cursor);
    for (uint64_t i = 0; i < count && !refusal->text[0] && !cursor.damaged; i++) {
        const char *recipe = message_get_text(&cursor), *folder = message_get_text(&cursor);
        const char *facts = message_get_text(&cursor);
        const struct sample sample = { .recipe = (char *)recipe, .folder = (char *)folder, .facts = (char *)facts };
        if (sample_check(&sample, plugins, &provenance, refusal))
            error_context(refusal, "does not train");
    }
    plugins_free(plugins);
    if (!refusal->text[0] && results[0] && !cursor.damaged && !lock_says(results, holder) && stand_apart(serve, err))
        return -1;
    return cursor.damaged || serve->jobs < 1 || serve->jobs > 4096 ? iso_fail(err, "rank 0's welcome is damaged") : 0;
}

static int take_trial(struct serve *serve, const char *data, size_t length, struct iso_error *err)
{
    struct waiting *waiting = malloc(sizeof *waiting + length);
    uint64_t task;
    if (!waiting)
        return error_memory(err);
    memcpy(waiting->data, data, length);
    struct message_cursor cursor = { waiting->data, length, false };
    task = message_get_number(&cursor);
    if (cursor.damaged || message_get_trial(cursor.at, cursor.left, &waiting->trial)) {
        free(waiting);
        return iso_fail(err, "a trial from rank 0 is damaged");
    }
    waiting->task = task;
    waiting->next = NULL;
    *serve->last = waiting;
    serve->last = &waiting->next;
    serve->held++;
    if (serve->wanted)
        serve->wanted--;
    return 0;
}

static int take(struct serve *serve, enum message_kind kind, const char *data, size_t length, struct iso_error *err)
{
    switch ((int)kind) {
    case CLUSTER_WELCOME:
        return take_welcome(serve, data, length, err);
    case MESSAGE_TRIAL:
        return take_trial(serve, data, length, err);
    case CLUSTER_FILE:
        return !serve->scratch || cluster_take_file(serve->scratch, data, length, err)
                   ? iso_fail(err, "a file from rank 0 is damaged") : 0;
    case CLUSTER_STOP:
        if (length == 1 && serve->stop < data[0])
            serve->stop = data[0] > 1 ? 2 : 1;
        say(serve, CLUSTER_ALIVE, "");
        return 0;
    case CLUSTER_END:
        serve->ended = true;
        serve->orderly = length == 1 && !data[0];
        if (serve->held)
            serve->stop = 2;
        return 0;
    default:
        return iso_fail(err, "a message from rank 0 makes no sense");
    }
}

static int read_messages(struct serve *serve, struct iso_error *err)
{
    void *bytes;
    size_t length;
    unsigned from;
    int got, status = 0;
    while (!status && (got = cluster_receive(serve->cluster, &from, &bytes, &length, err)) != 0) {
        enum message_kind kind;
        const char *data;
        size_t size;
        if (got < 0)
            return -1;
        status = message_add(&serve->inbox, bytes, length) ? error_memory(err) : 0;
        free(bytes);
        while (!status && (got = message_next(&serve->inbox, &kind, &data, &size)) > 0)
            status = take(serve, kind, data, size, err);
        if (!status && got < 0)
            status = iso_fail(err, "a message from rank 0 is damaged");
    }
    return status;
}

/* ---- What the pool asks and tells ---- */

/* The trial that has waited longest; NULL: there is none. */
static struct waiting *pop(struct serve *serve)
{
    struct waiting *waiting = serve->first;
    if (waiting)
        serve->first = waiting->next;
    if (!serve->first)
        serve->last = &serve->first;
    return waiting;
}

static bool next(void *context, size_t *task)
{
    struct serve *serve = context;
    serve->current = serve->stop ? NULL : pop(serve);
    if (serve->current)
        *task = (size_t)serve->current->task;
    return serve->current != NULL;
}

static int describe(void *context, size_t task, struct message_trial *trial, struct iso_error *err)
{
    struct serve *serve = context;
    *trial = serve->current->trial;
    if (!serve->scratch || !trial->checkpoints[0])
        return 0;
    struct running *running = serve->running;
    while (running->key[0])
        running++;
    running->task = task;
    snprintf(running->key, sizeof running->key, "%s", trial->key);
    serve->folder = file_join(serve->scratch, trial->key);
    trial->checkpoints = serve->folder;
    return serve->folder ? 0 : error_memory(err);
}

static void describe_end(void *context, struct message_trial *trial)
{
    struct serve *serve = context;
    (void)trial;
    free(serve->current);
    free(serve->folder);
    serve->current = NULL;
    serve->folder = NULL;
}

static int on_point(void *context, size_t task, const struct point *point, struct iso_error *err)
{
    struct text text = { 0 };
    message_put_point(&text, point);
    return say_task(context, MESSAGE_POINT, task, &text, err);
}

static void on_progress(void *context, size_t task, const struct message_progress *progress)
{
    struct serve *serve = context;
    struct text text = { 0 };
    if (cluster_since(&serve->progressed) < serve->cluster->count / PROGRESS_A_SECOND)
        return;
    clock_gettime(CLOCK_MONOTONIC, &serve->progressed);
    text_add(&text, (const char *)progress, sizeof *progress);
    say_task(serve, MESSAGE_PROGRESS, task, &text, NULL);
}

/* Before the frame that a trial has ended: its files, where rank 0 does not see them. */
static int end_trial(struct serve *serve, size_t task, enum cluster_files which, struct iso_error *err)
{
    serve->held--;
    serve->ended_trials++;
    for (unsigned i = 0; serve->scratch && i < serve->jobs; i++) {
        struct running *running = &serve->running[i];
        if (!running->key[0] || running->task != task)
            continue;
        int status = flush(serve, err) || cluster_send_files(serve->cluster, 0, serve->scratch, running->key, which, err);
        cluster_remove_files(serve->scratch, running->key);
        running->key[0] = '\0';
        return status ? -1 : 0;
    }
    return 0;
}

static int on_done(void *context, size_t task, const struct trial_result *result, struct iso_error *err)
{
    struct text text = { 0 };
    if (end_trial(context, task, CLUSTER_RESULTS, err))
        return -1;
    message_put_result(&text, result);
    return say_task(context, MESSAGE_DONE, task, &text, err);
}

static int on_failed(void *context, size_t task, const char *why, bool killed, struct iso_error *err)
{
    struct text text = { 0 };
    const char flag = killed;
    if (end_trial(context, task, CLUSTER_ALL, err))
        return -1;
    text_add(&text, &flag, 1);
    text_add(&text, why, strlen(why) + 1);
    return say_task(context, MESSAGE_FAILED, task, &text, err);
}

static int on_unwritten(void *context, size_t task, const char *why, struct iso_error *err)
{
    struct text text = { 0 };
    if (end_trial(context, task, CLUSTER_ALL, err))
        return -1;
    text_add(&text, why, strlen(why) + 1);
    return say_task(context, MESSAGE_UNWRITTEN, task, &text, err);
}

static int on_stopped(void *context, size_t task, struct iso_error *err)
{
    struct text nothing = { 0 };
    if (end_trial(context, task, CLUSTER_ALL, err))
        return -1;
    return say_task(context, MESSAGE_STOPPED, task, &nothing, err);
}

static void on_saved(void *context, size_t task)
{
    struct text nothing = { 0 };
    say_task(context, MESSAGE_SAVED, task, &nothing, NULL);
}

static void on_resumed(void *context, size_t task, uint64_t step, uint64_t steps)
{
    struct text text = { 0 };
    message_put_number(&text, step);
    message_put_number(&text, steps);
    say_task(context, MESSAGE_RESUMED, task, &text, NULL);
}

static void on_note(void *context, size_t task, const char *note)
{
    struct text text = { 0 };
    text_add(&text, note, strlen(note) + 1);
    say_task(context, MESSAGE_NOTE, task, &text, NULL);
}

static void on_printed(void *context, const char *line)
{
    say(context, CLUSTER_PRINTED, line);
}

/* ---- Turns ---- */

/* Asks for as many trials as keep the workers busy until the next ones come: none beforehand where trials are long, so
 * that the last ones go to whoever is free. */
static void want(struct serve *serve)
{
    const double passed = cluster_since(&serve->counted);
    if (passed > RATE_SECONDS) {
        const double ahead = (double)serve->ended_trials / passed * AHEAD_SECONDS;
        serve->ahead = ahead > AHEAD_MAX ? AHEAD_MAX : (uint64_t)ahead;
        serve->ended_trials = 0;
        clock_gettime(CLOCK_MONOTONIC, &serve->counted);
    }
    const uint64_t most = serve->jobs + serve->ahead, have = serve->held + serve->wanted;
    if (serve->stop || serve->ended || have >= most)
        return;
    const uint64_t more = most - have;
    message_frame(&serve->out, (enum message_kind)CLUSTER_WANT, &more, sizeof more);
    serve->wanted += more;
}

static int on_turn(void *context, double *seconds, struct iso_error *err)
{
    struct serve *serve = context;
    if (*serve->asked > serve->stop)
        serve->stop = *serve->asked;
    if (read_messages(serve, err))
        return -1;
    want(serve);
    if (cluster_since(&serve->spoke) > CLUSTER_ALIVE_SECONDS)
        say(serve, CLUSTER_ALIVE, "");
    if (flush(serve, err))
        return -1;
    while (serve->cluster->engine->unsent() > UNSENT_LIMIT && !serve->ended) {
        if (read_messages(serve, err))
            return -1;
        cluster_sleep(CLUSTER_BUSY_SECONDS);
    }
    const double wait = serve->held < serve->jobs || serve->ahead ? CLUSTER_BUSY_SECONDS : CLUSTER_IDLE_SECONDS;
    if (*seconds < 0 || *seconds > wait)
        *seconds = wait;
    return 0;
}

static bool has_more(void *context)
{
    const struct serve *serve = context;
    return !serve->ended && !serve->stop;
}

/* ---- The whole ---- */

static int train(struct serve *serve, int wake, struct iso_error *err)
{
    const struct pool_elsewhere elsewhere = { .context = serve, .more = has_more };
    const struct pool_options options = { .jobs = serve->jobs, .timeout = serve->timeout, .stop = &serve->stop,
                                          .wake = wake, .elsewhere = &elsewhere };
    const struct pool_events events = {
        .context = serve, .next = next, .describe = describe, .describe_end = describe_end, .point = on_point,
        .progress = on_progress, .done = on_done, .failed = on_failed, .unwritten = on_unwritten,
        .stopped = on_stopped, .saved = on_saved, .resumed = on_resumed, .note = on_note, .printed = on_printed, .turn = on_turn };
    return pool_run(&options, &events, err);
}

/* Waits for rank 0 to say something that matters. */
static int await(struct serve *serve, const bool *what, struct iso_error *err)
{
    while (!*what && !serve->ended && *serve->asked < 2) {
        if (read_messages(serve, err))
            return -1;
        cluster_sleep(CLUSTER_IDLE_SECONDS);
    }
    return 0;
}

int cluster_serve(struct cluster *cluster, const volatile sig_atomic_t *stop, int wake, struct iso_error *err)
{
    struct serve serve = { .cluster = cluster, .asked = stop, .refusal = ERROR_NONE };
    struct provenance provenance;
    struct text host = { 0 };
    int status = -1;
    serve.last = &serve.first;
    if (provenance_read(&provenance, err))
        goto out;
    message_put_text(&host, provenance.host);
    message_put_text(&host, provenance.cpu);
    message_put_text(&host, provenance.system);
    message_put_number(&host, (uint64_t)provenance.process);
    message_frame(&serve.out, (enum message_kind)CLUSTER_HOST, host.data, host.length);
    if (flush(&serve, err) || await(&serve, &serve.welcome, err))
        goto out;
    if (serve.welcome && !serve.ended && !serve.refusal.text[0] && train(&serve, wake, &serve.refusal))
        error_context(&serve.refusal, "trains no more");
    for (struct waiting *waiting; (waiting = pop(&serve));) {
        const int told = on_stopped(&serve, (size_t)waiting->task, err);
        if (serve.scratch)
            cluster_remove_files(serve.scratch, waiting->trial.key);
        free(waiting);
        if (told)
            goto out;
    }
    if (!serve.ended) {
        if (!serve.refusal.text[0])
            iso_fail(&serve.refusal, "trains no more: it was told to stop");
        say(&serve, CLUSTER_REFUSED, serve.refusal.text);
    }
    if (flush(&serve, err) || await(&serve, &serve.ended, err))
        goto out;
    status = cluster_tell(cluster, 0, CLUSTER_LEFT, "", 0, err);
out:
    for (struct waiting *waiting; (waiting = pop(&serve));)
        free(waiting);
    if (serve.scratch)
        rmdir(serve.scratch);
    free(serve.scratch);
    free(serve.running);
    text_free(&host);
    text_free(&serve.out);
    message_inbox_free(&serve.inbox);
    cluster_end(cluster, !status && serve.orderly);
    return status;
}
