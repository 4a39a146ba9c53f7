/* Rank 0: hands out trials to the other ranks, and passes on what they tell as if it came from the pool here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "lab/cluster_inside.h"
#include "lab/database.h"

#define WANT_MAX 4096
#define MESSAGES_A_TURN 256 /* so that the workers here are not kept waiting */
/* Silence counts only while this rank listens: one that was stalled itself (stopped by a signal, a disk that takes its
 * time) finds what was sent meanwhile. */
#define LISTEN_SECONDS 0.1      /* that one turn counts at most */
#define SILENT_SECONDS 60.0     /* a rank that trains and says nothing for so long is lost */
#define STOP_SILENT_SECONDS 0.5 /* the same once all were told to stop: a launcher that ends a job gives a second */
#define ANSWER_SECONDS 15.0     /* that the end of the run waits for ranks that have not answered the welcome */

extern char **environ;

/* One of the other ranks. */
struct member {
    char *host, *cpu, *system; /* NULL: it has not said yet */
    long process;
    bool answered;             /* the welcome: it trains, or refuses */
    bool gone;                 /* it trains no more */
    bool apart;                /* it does not see our folder of results */
    uint64_t want;             /* trials that it asks for */
    uint64_t *tasks;           /* that it has */
    size_t task_count, task_capacity;
    struct message_inbox inbox;
    double silent;             /* seconds that were listened since something came from it */
};

struct lead {
    struct cluster *cluster;
    const struct pool_options *options;
    const struct pool_events *events;
    struct member *members; /* by rank; that of 0 is not used */
    size_t outstanding;     /* tasks that members have */
    int told;               /* to stop: politely 1, at once 2 */
    struct timespec looked; /* when messages were looked for last */
    double asked;           /* seconds that were listened since they were told to stop, ... */
    double done;            /* ... and since none of them had a trial */
    struct timespec active; /* when a message came last */
    char *checkpoints;      /* the folder of all trials' checkpoints; "": none are kept */
    char *here;             /* the current folder: relative paths start from it on every host */
};

static const char *name_of(const struct member *member)
{
    return member->host ? member->host : "a host";
}

/* What happens next is about this member, or about none. */
static void look_at(struct lead *lead, const struct member *member)
{
    lead->cluster->at = (struct cluster_host){ 0 };
    if (member)
        lead->cluster->at = (struct cluster_host){
            .rank = (unsigned)(member - lead->members), .host = name_of(member),
            .cpu = member->cpu ? member->cpu : "", .system = member->system ? member->system : "",
            .process = member->process };
}

static unsigned rank_of(const struct lead *lead, const struct member *member)
{
    return (unsigned)(member - lead->members);
}

static void remark(const struct lead *lead, const struct member *member, const char *text)
{
    struct text line = { 0 };
    text_format(&line, "rank %u (%s) %s", rank_of(lead, member), name_of(member), text);
    lead->events->remark(lead->events->context, line.data ? line.data : text);
    text_free(&line);
}

/* ---- The welcome ---- */

/* Variables by which libraries choose their kernels: those of rank 0 hold on all. */
static bool chooses_kernel(const char *variable)
{
    return strncmp(variable, "OPENBLAS_", 9) == 0 || strncmp(variable, "DNNL_", 5) == 0
           || strncmp(variable, "ONEDNN_", 7) == 0;
}

void cluster_take_environment(char *const *variables)
{
    for (char **at = environ; *at;) {
        const size_t length = strcspn(*at, "=");
        char name[256];
        if (!chooses_kernel(*at) || length >= sizeof name) {
            at++;
            continue;
        }
        memcpy(name, *at, length);
        name[length] = '\0';
        at = unsetenv(name) ? at + 1 : environ;
    }
    for (; *variables; variables++) {
        char *value = strchr(*variables, '=');
        if (!value)
            continue;
        *value = '\0';
        setenv(*variables, value + 1, 1);
        *value = '=';
    }
}

/* A path that means the same wherever it is read; "" stays. To be freed. */
static char *whole_path(const struct lead *lead, const char *path)
{
    return path[0] ? file_join(lead->here, path) : strdup("");
}

static int welcome(struct lead *lead, const struct cluster_run *run, struct iso_error *err)
{
    struct text text = { 0 };
    uint64_t variables = 0;
    message_put_text(&text, run->build);
    message_put_number(&text, lead->options->jobs);
    text_add(&text, (const char *)&lead->options->timeout, sizeof lead->options->timeout);
    message_put_text(&text, lead->cluster->command);
    char *folder = whole_path(lead, run->folder ? run->folder : "");
    char holder[LOCK_HOLDER] = "";
    lock_words(holder, sizeof holder);
    message_put_text(&text, folder ? folder : "");
    message_put_text(&text, holder);
    text.failed = text.failed || !folder;
    free(folder);
    for (char **at = environ; *at; at++)
        variables += chooses_kernel(*at);
    message_put_number(&text, variables);
    for (char **at = environ; *at; at++)
        if (chooses_kernel(*at))
            message_put_text(&text, *at);
    message_put_number(&text, run->samples.count);
    for (size_t i = 0; i < run->samples.count; i++) {
        message_put_text(&text, run->samples.items[i].recipe);
        folder = whole_path(lead, run->samples.items[i].folder);
        message_put_text(&text, folder ? folder : "");
        text.failed = text.failed || !folder;
        free(folder);
        message_put_text(&text, run->samples.items[i].facts);
    }
    int status = text.failed ? error_memory(err) : 0;
    for (unsigned rank = 1; !status && rank < lead->cluster->count; rank++)
        status = cluster_tell(lead->cluster, rank, CLUSTER_WELCOME, text.data, text.length, err);
    text_free(&text);
    return status;
}

/* ---- What becomes of a member's trials ---- */

/* kind: MESSAGE_FAILED or MESSAGE_UNWRITTEN; killed: of the first. */
static int fail_task(struct lead *lead, struct member *member, uint64_t task, enum message_kind kind, const char *why,
                     bool killed, struct iso_error *err)
{
    const struct pool_events *events = lead->events;
    struct text words = { 0 };
    text_format(&words, "on %s: %s", name_of(member), why);
    const char *told = words.data ? words.data : why;
    const int status = kind == MESSAGE_UNWRITTEN ? events->unwritten(events->context, (size_t)task, told, err)
                                                 : events->failed(events->context, (size_t)task, told, killed, err);
    text_free(&words);
    return status;
}

/* It trains no more: what it had is stopped with all else, or trained by others. */
static int give_up(struct lead *lead, struct member *member, const char *why, struct iso_error *err)
{
    const struct pool_events *events = lead->events;
    int status = 0;
    member->gone = true;
    member->want = 0;
    while (!status && member->task_count) {
        const uint64_t task = member->tasks[--member->task_count];
        lead->outstanding--;
        status = *lead->options->stop ? events->stopped(events->context, (size_t)task, err)
                                      : fail_task(lead, member, task, MESSAGE_FAILED, why, true, err);
    }
    return status;
}

static int lose(struct lead *lead, struct member *member, const char *why, struct iso_error *err)
{
    lead->cluster->lost++;
    remark(lead, member, why);
    return give_up(lead, member, "this rank was lost", err);
}

/* ---- Frames of a member ---- */

/* 1: it makes no sense. */
static int take_host(struct member *member, const char *data, size_t length)
{
    struct message_cursor cursor = { data, length, false };
    char **const texts[] = { &member->host, &member->cpu, &member->system };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        free(*texts[i]);
        *texts[i] = strdup(message_get_text(&cursor));
    }
    member->process = (long)message_get_number(&cursor);
    return message_ended(&cursor) ? 1 : 0;
}

/* A frame about a task: 1 where it makes no sense. */
static int take_task(struct lead *lead, struct member *member, enum message_kind kind, const char *data, size_t length,
                     struct iso_error *err)
{
    const struct pool_events *events = lead->events;
    uint64_t task;
    size_t place = 0;
    if (length < sizeof task)
        return 1;
    memcpy(&task, data, sizeof task);
    data += sizeof task;
    length -= sizeof task;
    while (place < member->task_count && member->tasks[place] != task)
        place++;
    if (place == member->task_count)
        return 1;
    const bool ends = kind == MESSAGE_DONE || kind == MESSAGE_FAILED || kind == MESSAGE_UNWRITTEN
                      || kind == MESSAGE_STOPPED;
    struct point point;
    struct trial_result result;
    struct message_progress progress;
    uint64_t steps[2];
    struct arena *arena = arena_new();
    int status = 1;
    if (!arena)
        return error_memory(err);
    if ((kind == MESSAGE_POINT && message_get_point(data, length, &point, arena))
        || (kind == MESSAGE_DONE && message_get_result(data, length, &result, arena))
        || (kind == MESSAGE_PROGRESS && length != sizeof progress)
        || (kind == MESSAGE_RESUMED && length != sizeof steps)
        || ((kind == MESSAGE_NOTE || kind == MESSAGE_UNWRITTEN) && (length < 1 || data[length - 1] != '\0'))
        || (kind == MESSAGE_FAILED && (length < 2 || data[length - 1] != '\0')))
        goto out;
    if (ends) {
        member->tasks[place] = member->tasks[--member->task_count];
        lead->outstanding--;
    }
    switch (kind) {
    case MESSAGE_POINT:
        status = events->point(events->context, (size_t)task, &point, err);
        break;
    case MESSAGE_PROGRESS:
        memcpy(&progress, data, sizeof progress);
        events->progress(events->context, (size_t)task, &progress);
        status = 0;
        break;
    case MESSAGE_DONE:
        status = events->done(events->context, (size_t)task, &result, err);
        break;
    case MESSAGE_FAILED:
        status = fail_task(lead, member, task, kind, data + 1, data[0] != 0, err);
        break;
    case MESSAGE_UNWRITTEN:
        status = fail_task(lead, member, task, kind, data, false, err);
        break;
    case MESSAGE_STOPPED:
        status = *lead->options->stop
                     ? events->stopped(events->context, (size_t)task, err)
                     : fail_task(lead, member, task, MESSAGE_FAILED, "this rank was told to stop", true, err);
        break;
    case MESSAGE_SAVED:
        events->saved(events->context, (size_t)task);
        status = 0;
        break;
    case MESSAGE_RESUMED:
        memcpy(steps, data, sizeof steps);
        events->resumed(events->context, (size_t)task, steps[0], steps[1]);
        status = 0;
        break;
    case MESSAGE_NOTE:
        events->note(events->context, (size_t)task, data);
        status = 0;
        break;
    default:
        break;
    }
out:
    arena_free(arena);
    return status;
}

/* 0; 1 where it makes no sense; -1. */
static int take(struct lead *lead, struct member *member, enum message_kind kind, const char *data, size_t length,
                struct iso_error *err)
{
    const bool is_text = length && data[length - 1] == '\0';
    switch ((int)kind) {
    case CLUSTER_HOST:
        return take_host(member, data, length);
    case CLUSTER_ALIVE:
        return 0;
    case CLUSTER_APART:
        member->apart = true;
        return 0;
    case CLUSTER_FILE:
        return lead->checkpoints[0] ? cluster_take_file(lead->checkpoints, data, length, err) : 1;
    case CLUSTER_WANT: {
        struct message_cursor cursor = { data, length, false };
        const uint64_t more = message_get_number(&cursor);
        member->want = more < WANT_MAX - member->want ? member->want + more : WANT_MAX;
        member->answered = true;
        return cursor.damaged;
    }
    case CLUSTER_REFUSED:
        if (!is_text)
            return 1;
        if (!*lead->options->stop)
            remark(lead, member, data);
        return give_up(lead, member, "this rank was told to stop", err);
    case CLUSTER_PRINTED: {
        struct text line = { 0 };
        if (!is_text)
            return 1;
        text_format(&line, "%s: %s", name_of(member), data);
        lead->events->printed(lead->events->context, line.data ? line.data : data);
        text_free(&line);
        return 0;
    }
    default:
        return take_task(lead, member, kind, data, length, err);
    }
}

static int read_message(struct lead *lead, struct member *member, const void *data, size_t length,
                        struct iso_error *err)
{
    enum message_kind kind;
    const char *content;
    size_t size;
    int status = 0, got = 0;
    member->silent = 0;
    clock_gettime(CLOCK_MONOTONIC, &lead->active);
    if (message_add(&member->inbox, data, length))
        return error_memory(err);
    look_at(lead, member);
    while (!status && !member->gone && (got = message_next(&member->inbox, &kind, &content, &size)) > 0)
        status = take(lead, member, kind, content, size, err);
    if (status > 0 || got < 0)
        status = lose(lead, member, "sent a damaged message; it gets no more trials", err);
    look_at(lead, NULL);
    return status;
}

/* ---- Handing out ---- */

static int give(struct lead *lead, struct member *member, struct text *frames, bool *given, struct iso_error *err)
{
    const struct pool_events *events = lead->events;
    struct message_trial trial = { 0 };
    struct text text = { 0 };
    size_t task;
    *given = false;
    if (memory_grow(&member->tasks, &member->task_capacity, member->task_count + 1, sizeof *member->tasks))
        return error_memory(err);
    if (!events->next(events->context, &task))
        return 0;
    *given = true;
    if (events->describe(events->context, task, &trial, err)) {
        events->describe_end(events->context, &trial);
        return -1;
    }
    int status = member->apart && trial.checkpoints[0]
                     ? cluster_send_files(lead->cluster, rank_of(lead, member), lead->checkpoints, trial.key,
                                          CLUSTER_STATES, err) : 0;
    message_put_number(&text, task);
    struct message_trial sent = trial;
    char *folder = whole_path(lead, trial.folder), *checkpoints = whole_path(lead, trial.checkpoints);
    sent.folder = folder;
    sent.checkpoints = checkpoints;
    if (folder && checkpoints)
        message_put_trial(&text, &sent);
    else
        text.failed = true;
    free(folder);
    free(checkpoints);
    events->describe_end(events->context, &trial);
    message_frame(frames, MESSAGE_TRIAL, text.data, text.length);
    if (!status && (text.failed || frames->failed))
        status = error_memory(err);
    text_free(&text);
    if (status)
        return -1;
    member->tasks[member->task_count++] = task;
    member->want--;
    lead->outstanding++;
    return 0;
}

static int feed(struct lead *lead, struct member *member, struct iso_error *err)
{
    struct text frames = { 0 };
    bool given = true;
    int status = 0;
    if (!member->want || member->gone || *lead->options->stop)
        return 0;
    if (!member->task_count)
        member->silent = 0;
    look_at(lead, member);
    while (!status && given && member->want)
        status = give(lead, member, &frames, &given, err);
    look_at(lead, NULL);
    if (!status && frames.length) {
        clock_gettime(CLOCK_MONOTONIC, &lead->active);
        status = cluster_send(lead->cluster, rank_of(lead, member), &frames, err);
    }
    text_free(&frames);
    return status;
}

/* ---- Turns ---- */

static int tell_stop(struct lead *lead, struct iso_error *err)
{
    const int level = *lead->options->stop;
    if (level <= lead->told)
        return 0;
    const char byte = (char)level;
    int status = 0;
    for (unsigned rank = 1; !status && rank < lead->cluster->count; rank++)
        if (!lead->members[rank].gone)
            status = cluster_tell(lead->cluster, rank, CLUSTER_STOP, &byte, 1, err);
    lead->told = level;
    return status;
}

/* Counts the time that was listened since the last turn. */
static void count_silence(struct lead *lead)
{
    const double since = cluster_since(&lead->looked), passed = since < LISTEN_SECONDS ? since : LISTEN_SECONDS;
    clock_gettime(CLOCK_MONOTONIC, &lead->looked);
    for (unsigned rank = 1; rank < lead->cluster->count; rank++)
        lead->members[rank].silent += passed;
    lead->asked += lead->told ? passed : 0;
    lead->done = lead->outstanding ? 0 : lead->done + passed;
}

/* A rank that holds trials and has not been heard of for too long. */
static bool is_silent(const struct lead *lead, const struct member *member)
{
    return member->task_count && (member->silent > SILENT_SECONDS ||
                                  (lead->asked > STOP_SILENT_SECONDS && member->silent >= lead->asked));
}

static int on_turn(void *context, double *seconds, struct iso_error *err)
{
    struct lead *lead = context;
    int got = 1, status = tell_stop(lead, err);
    count_silence(lead);
    for (int i = 0; !status && got > 0 && i < MESSAGES_A_TURN; i++) {
        void *data;
        size_t length;
        unsigned from;
        got = cluster_receive(lead->cluster, &from, &data, &length, err);
        if (got > 0 && from < lead->cluster->count && !lead->members[from].gone)
            status = read_message(lead, &lead->members[from], data, length, err);
        if (got > 0)
            free(data);
    }
    for (unsigned rank = 1; !status && got >= 0 && rank < lead->cluster->count; rank++) {
        struct member *member = &lead->members[rank];
        status = feed(lead, member, err);
        if (!status && is_silent(lead, member))
            status = lose(lead, member, "does not answer; its trials are left to others", err);
    }
    const double wait = cluster_since(&lead->active) < 10 * CLUSTER_IDLE_SECONDS ? CLUSTER_BUSY_SECONDS
                                                                                 : CLUSTER_IDLE_SECONDS;
    if (*seconds < 0 || *seconds > wait)
        *seconds = wait;
    return status || got < 0 ? -1 : 0;
}

/* A run that is over before another rank has joined it waits for its answer: leaving would wait for that rank, too, and
 * a rank that refuses has something to say. */
static bool awaits_answer(const struct lead *lead)
{
    for (unsigned rank = 1; rank < lead->cluster->count; rank++)
        if (!lead->members[rank].answered && !lead->members[rank].gone)
            return !*lead->options->stop && lead->done < ANSWER_SECONDS;
    return false;
}

static bool has_more(void *context)
{
    const struct lead *lead = context;
    return lead->outstanding > 0 || awaits_answer(lead);
}

const struct cluster_host *cluster_host(const struct cluster *cluster)
{
    return cluster && cluster->at.host ? &cluster->at : NULL;
}

static char *current_folder(struct iso_error *err)
{
    char *folder = malloc(65536);
    if (!folder)
        error_memory(err);
    else if (!getcwd(folder, 65536)) {
        error_system(err, "cannot tell", "the current folder");
        free(folder);
        folder = NULL;
    }
    return folder;
}

int cluster_run(struct cluster *cluster, const struct cluster_run *run, const struct pool_options *options,
                const struct pool_events *events, struct iso_error *err)
{
    struct lead lead = { .cluster = cluster, .options = options, .events = events };
    const struct pool_elsewhere elsewhere = { .context = &lead, .more = has_more, .turn = on_turn };
    struct pool_options pool = *options;
    int status = -1;
    pool.elsewhere = &elsewhere;
    lead.here = current_folder(err);
    lead.checkpoints = run->folder ? file_join(run->folder, "checkpoints") : strdup("");
    lead.members = memory_array(cluster->count, sizeof *lead.members);
    if (!lead.members || !lead.checkpoints)
        error_memory(err);
    else if (lead.here && !welcome(&lead, run, err))
        status = pool_run(&pool, events, err);
    for (unsigned rank = 0; lead.members && rank < cluster->count; rank++) {
        struct member *member = &lead.members[rank];
        free(member->host);
        free(member->cpu);
        free(member->system);
        free(member->tasks);
        message_inbox_free(&member->inbox);
    }
    free(lead.members);
    free(lead.here);
    free(lead.checkpoints);
    return status;
}
