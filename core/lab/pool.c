/* Worker processes: given trials, listened to with poll, replaced when they die. */
#include "lab/pool_inside.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define START_FAILURES 3 /* workers in a row that end before they are ready */
#define STOP_SECONDS 10.0 /* that a polite stop may take */
#define SAVE_SECONDS 2.0  /* that a trial has to save its state after its time is over */

static double since(const struct timespec *from)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + 1e-9 * (double)(now.tv_nsec - from->tv_nsec);
}

/* ---- Listening ---- */

/* A whole line that a worker printed is passed on and remembered; of too many, the last one alone is. */
static void end_line(const struct pool *pool, struct hand *hand)
{
    hand->line[hand->line_length] = '\0';
    if (hand->line[strspn(hand->line, " \t\r")]) {
        memcpy(hand->last, hand->line, hand->line_length + 1);
        if (hand->lines < LINES_LIMIT)
            pool->events->printed(pool->events->context, hand->line);
        else if (hand->lines == LINES_LIMIT)
            pool->events->printed(pool->events->context, "(it prints more, which is left out)");
        hand->lines++;
    }
    hand->line_length = 0;
}

static void read_log(const struct pool *pool, struct hand *hand)
{
    char block[4096];
    ssize_t got;
    while (hand->log >= 0 && (got = read(hand->log, block, sizeof block)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return;
        for (ssize_t i = 0; i < got; i++) {
            if (block[i] != '\n' && hand->line_length < sizeof hand->line - 1) {
                hand->line[hand->line_length++] = block[i];
                continue;
            }
            end_line(pool, hand);
        }
    }
    if (hand->line_length)
        end_line(pool, hand);
    pool_close(&hand->log);
}

/* Waits for the end of a process that closed its pipe; one that lingers is killed. */
static int reap(struct hand *hand)
{
    int how = 0;
    struct timespec begun;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    while (waitpid(hand->process, &how, WNOHANG) == 0) {
        if (since(&begun) > 5)
            kill(hand->process, SIGKILL);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    hand->process = 0;
    return how;
}

static void describe_end(const struct pool *pool, const struct hand *hand, int how, struct text *why)
{
    if (hand->timed_out && hand->given > 1)
        text_format(why, "%zu trials took longer than %g seconds each (--trial-timeout)", hand->given,
                    pool->options->timeout);
    else if (hand->timed_out)
        text_format(why, "took longer than %g seconds (--trial-timeout)", pool->options->timeout);
    else if (hand->damaged)
        text_add_string(why, "its process sent a damaged message");
    else if (WIFSIGNALED(how))
        text_format(why, "its process was killed by signal %d (%s)%s", WTERMSIG(how), strsignal(WTERMSIG(how)),
                    WTERMSIG(how) == SIGKILL ? "; the system may have run out of memory" : "");
    else
        text_format(why, "its process ended with status %d", WEXITSTATUS(how));
    if (hand->last[0])
        text_format(why, "; it last said: %s", hand->last);
}

/* A task of a worker that ended so, or took too long. */
static int lose(struct pool *pool, const struct hand *hand, size_t task, int how, struct iso_error *err)
{
    const struct pool_events *events = pool->events;
    const bool killed = !hand->timed_out && !hand->damaged && WIFSIGNALED(how)
                        && (WTERMSIG(how) == SIGKILL || WTERMSIG(how) == SIGTERM);
    struct text text = { 0 };
    describe_end(pool, hand, how, &text);
    const char *why = text.data ? text.data : "out of memory";
    const int status = hand->given > 1 ? events->apart(events->context, task, why, err)
                                       : events->failed(events->context, task, why, killed, err);
    text_free(&text);
    pool->dry = *pool->options->stop != 0; /* it may be handed out again */
    return status;
}

/* A task of a worker that was told to stop by somebody else. */
static int hand_back(struct pool *pool, size_t task, struct iso_error *err)
{
    const int status = pool->events->failed(pool->events->context, task, "its process was told to stop by a signal",
                                            true, err);
    pool->dry = *pool->options->stop != 0;
    return status;
}

/* A worker is gone: its trials failed, or are to be trained again after a stop. */
static int bury(struct pool *pool, struct hand *hand, struct iso_error *err)
{
    const struct pool_events *events = pool->events;
    int status = 0, how = reap(hand);
    read_log(pool, hand);
    while (!status && hand->task_count) {
        const size_t task = hand->tasks[--hand->task_count];
        if (*pool->options->stop && !hand->timed_out)
            status = events->stopped(events->context, task, err);
        else
            status = lose(pool, hand, task, how, err);
    }
    if (!hand->ready && !*pool->options->stop && ++pool->start_failures >= START_FAILURES) {
        struct text why = { 0 };
        describe_end(pool, hand, how, &why);
        status = iso_fail(err, "workers end before they are ready: %s", why.data ? why.data : "out of memory");
        text_free(&why);
    }
    pool_close(&hand->in);
    pool_close(&hand->out);
    pool_close(&hand->log);
    message_inbox_free(&hand->inbox);
    hand->ready = false;
    return status;
}

/* The place among a worker's tasks of that which a message begins with; SIZE_MAX: it is none of them. */
static size_t take_task(const struct hand *hand, const char **data, size_t *length)
{
    struct message_cursor cursor = { *data, *length, false };
    const uint64_t task = message_get_number(&cursor);
    *data = cursor.at;
    *length = cursor.left;
    for (size_t place = 0; !cursor.damaged && place < hand->task_count; place++)
        if (hand->tasks[place] == task)
            return place;
    return SIZE_MAX;
}

/* One message of a worker. -1 with *damaged: it makes no sense. */
static int take(struct pool *pool, struct hand *hand, enum message_kind kind, const char *data, size_t length,
                bool *damaged, struct iso_error *err)
{
    const struct pool_events *events = pool->events;
    struct arena *arena = NULL;
    int status = 0;
    *damaged = false;
    if (kind == MESSAGE_READY && !hand->ready) {
        hand->ready = true;
        pool->start_failures = 0;
        return 0;
    }
    const size_t place = take_task(hand, &data, &length);
    if (place == SIZE_MAX) {
        *damaged = true;
        return 0;
    }
    const size_t task = hand->tasks[place];
    const bool ends = kind == MESSAGE_DONE || kind == MESSAGE_FAILED || kind == MESSAGE_UNWRITTEN ||
                      kind == MESSAGE_STOPPED;
    if (kind == MESSAGE_POINT || kind == MESSAGE_DONE) {
        arena = arena_new();
        if (!arena)
            return error_memory(err);
    }
    switch (kind) {
    case MESSAGE_POINT: {
        struct point point;
        *damaged = message_get_point(data, length, &point, arena) != 0;
        status = *damaged ? 0 : events->point(events->context, task, &point, err);
        break;
    }
    case MESSAGE_PROGRESS:
    case MESSAGE_RESUMED: {
        struct message_progress progress;
        *damaged = length != sizeof progress;
        if (*damaged)
            break;
        memcpy(&progress, data, sizeof progress);
        if (kind == MESSAGE_PROGRESS)
            events->progress(events->context, task, &progress);
        else if (events->resumed)
            events->resumed(events->context, task, progress.step, progress.steps);
        break;
    }
    case MESSAGE_DONE: {
        struct trial_result result;
        *damaged = message_get_result(data, length, &result, arena) != 0;
        status = *damaged ? 0 : events->done(events->context, task, &result, err);
        break;
    }
    case MESSAGE_FAILED:
    case MESSAGE_UNWRITTEN:
        *damaged = !length || data[length - 1] != '\0';
        if (*damaged)
            break;
        status = kind == MESSAGE_UNWRITTEN && events->unwritten
                     ? events->unwritten(events->context, task, data, err)
                     : events->failed(events->context, task, data, false, err);
        break;
    case MESSAGE_STOPPED:
        hand->leaving = true;
        if (hand->timed_out)
            status = lose(pool, hand, task, 0, err);
        else if (*pool->options->stop)
            status = events->stopped(events->context, task, err);
        else
            status = hand_back(pool, task, err);
        break;
    case MESSAGE_SAVED:
        if (events->saved)
            events->saved(events->context, task);
        break;
    case MESSAGE_NOTE:
        *damaged = !length || data[length - 1] != '\0';
        if (!*damaged && events->note)
            events->note(events->context, task, data);
        break;
    default:
        *damaged = true;
    }
    if (ends && !*damaged) {
        hand->tasks[place] = hand->tasks[--hand->task_count];
        hand->leaving = hand->leaving || hand->timed_out; /* it was told to stop, and ended by itself just then */
    }
    arena_free(arena);
    return status;
}

/* Reads what a worker sent. A message that makes no sense ends it, as a crash does. */
static int listen_to(struct pool *pool, struct hand *hand, struct iso_error *err)
{
    enum message_kind kind;
    const char *data;
    size_t length;
    int got, more = message_fill(&hand->inbox, hand->out, err);
    if (more < 0)
        return -1;
    while ((got = message_next(&hand->inbox, &kind, &data, &length)) > 0) {
        bool damaged;
        if (take(pool, hand, kind, data, length, &damaged, err))
            return -1;
        if (damaged) {
            got = -1;
            break;
        }
    }
    if (got < 0) {
        hand->damaged = true;
        kill(hand->process, SIGKILL);
    }
    return got < 0 || !more ? bury(pool, hand, err) : 0;
}

/* ---- Handing out ---- */

static bool more_elsewhere(const struct pool *pool)
{
    const struct pool_elsewhere *elsewhere = pool->options->elsewhere;
    return elsewhere && elsewhere->more(elsewhere->context);
}

/* more: another one follows, to be trained together with this one. */
static int hand_over(struct pool *pool, struct hand *hand, size_t task, bool more, struct iso_error *err)
{
    const struct pool_events *events = pool->events;
    struct message_trial trial = { 0 };
    struct text text = { 0 };
    if (memory_grow(&hand->tasks, &hand->task_capacity, hand->task_count + 1, sizeof *hand->tasks))
        return error_memory(err);
    int status = events->describe(events->context, task, &trial, err);
    if (!status) {
        trial.together = more;
        message_put_number(&text, task);
        message_put_trial(&text, &trial);
        hand->tasks[hand->task_count++] = task;
        hand->given++;
        /* A worker that died in between is found by the end of its pipe. */
        if (text.failed)
            status = error_memory(err);
        else
            message_send(hand->in, MESSAGE_TRIAL, text.data, text.length, NULL);
    }
    events->describe_end(events->context, &trial);
    text_free(&text);
    return status;
}

static int give(struct pool *pool, struct hand *hand, struct iso_error *err)
{
    const struct pool_events *events = pool->events;
    size_t task, another = 0;
    int status = 0;
    bool more = events->next(events->context, &task);
    if (!more) {
        pool->dry = !more_elsewhere(pool);
        return 0;
    }
    hand->given = 0;
    hand->timed_out = false;
    hand->last[0] = '\0';
    hand->lines = 0;
    clock_gettime(CLOCK_MONOTONIC, &hand->started);
    while (more && !status) {
        more = events->with && events->with(events->context, task, &another);
        status = hand_over(pool, hand, task, more, err);
        task = another;
    }
    return status;
}

static void stop_hands(struct pool *pool, int signal_number)
{
    for (unsigned i = 0; i < pool->options->jobs; i++)
        if (pool->hands[i].process)
            kill(pool->hands[i].process, signal_number);
}

/* Keeps every hand busy as long as there are tasks; lets go those that are to end, and all when there are none. */
static int assign(struct pool *pool, struct iso_error *err)
{
    for (unsigned i = 0; i < pool->options->jobs; i++) {
        struct hand *hand = &pool->hands[i];
        if (hand->ready && !hand->leaving && !hand->task_count && !pool->dry && give(pool, hand, err))
            return -1;
        if (hand->process && !hand->task_count && (pool->dry || hand->leaving))
            pool_close(&hand->in);
        if (!hand->process && !pool->dry && pool_start(pool, hand, err))
            return -1;
    }
    return 0;
}

/* Seconds that a worker may take for what it was given. */
static double allowed(const struct pool *pool, const struct hand *hand)
{
    return pool->options->timeout * (double)hand->given;
}

/* Milliseconds that poll may sleep. */
static int patience(const struct pool *pool)
{
    double seconds = pool->seconds < 0 ? 60 : pool->seconds;
    for (unsigned i = 0; pool->options->timeout > 0 && i < pool->options->jobs; i++) {
        const struct hand *hand = &pool->hands[i];
        const double end = allowed(pool, hand) + (hand->timed_out ? SAVE_SECONDS : 0);
        double left = hand->task_count ? end - since(&hand->started) : seconds;
        seconds = left < seconds ? left : seconds;
    }
    if (*pool->options->stop && seconds > 0.2)
        seconds = 0.2;
    return seconds > 0 ? (int)(seconds * 1000) + 1 : 0;
}

/* A trial that takes too long may still save its state; one that does not listen is killed. */
static void enforce_timeout(const struct pool *pool)
{
    for (unsigned i = 0; pool->options->timeout > 0 && i < pool->options->jobs; i++) {
        struct hand *hand = &pool->hands[i];
        const double over = since(&hand->started) - allowed(pool, hand);
        if (hand->task_count && !hand->timed_out && over > 0) {
            hand->timed_out = true;
            kill(hand->process, SIGTERM);
        } else if (hand->task_count && hand->timed_out && over > SAVE_SECONDS) {
            kill(hand->process, SIGKILL);
        }
    }
}

/* A worker that is gone though its pipe is open: a plugin has left a process behind that holds it. All that it sent is
 * read before. */
static bool has_vanished(const struct hand *hand)
{
    siginfo_t how = { 0 };
    struct pollfd file = { .fd = hand->out, .events = POLLIN };
    return !waitid(P_PID, (id_t)hand->process, &how, WEXITED | WNOHANG | WNOWAIT) && how.si_pid &&
           poll(&file, 1, 0) == 0;
}

/* One wait, and what came of it. */
static int turn(struct pool *pool, struct iso_error *err)
{
    struct pollfd *files = pool->files;
    const unsigned jobs = pool->options->jobs;
    for (unsigned i = 0; i < jobs; i++) {
        const struct hand *hand = &pool->hands[i];
        files[2 * i] = (struct pollfd){ .fd = hand->process ? hand->out : -1, .events = POLLIN };
        files[2 * i + 1] = (struct pollfd){ .fd = hand->process ? hand->log : -1, .events = POLLIN };
    }
    files[2 * jobs] = (struct pollfd){ .fd = pool->options->wake, .events = POLLIN };
    if (poll(files, 2 * jobs + 1, patience(pool)) < 0 && errno != EINTR)
        return error_system(err, "cannot wait for", "workers");
    for (unsigned i = 0; i < jobs; i++) {
        struct hand *hand = &pool->hands[i];
        if (hand->process && files[2 * i + 1].revents)
            read_log(pool, hand);
        if (hand->process && files[2 * i].revents && listen_to(pool, hand, err))
            return -1;
        if (hand->process && !files[2 * i].revents && has_vanished(hand) && bury(pool, hand, err))
            return -1;
    }
    if (files[2 * jobs].revents) {
        char drained[16];
        if (read(pool->options->wake, drained, sizeof drained) < 0 && errno != EINTR && errno != EAGAIN)
            return error_system(err, "cannot read", "the signal pipe");
    }
    enforce_timeout(pool);
    pool->seconds = -1;
    const struct pool_elsewhere *elsewhere = pool->options->elsewhere;
    if (elsewhere && elsewhere->turn && elsewhere->turn(elsewhere->context, &pool->seconds, err))
        return -1;
    return pool->events->turn(pool->events->context, &pool->seconds, err);
}

static bool any_left(const struct pool *pool)
{
    for (unsigned i = 0; i < pool->options->jobs; i++)
        if (pool->hands[i].process)
            return true;
    return false;
}

/* Three pipes a worker may be more files than a process has by default, on hosts of many processors. */
static void allow_files(unsigned jobs)
{
    const rlim_t wanted = 100 + 3 * (rlim_t)jobs;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int pool_run(const struct pool_options *options, const struct pool_events *events, struct iso_error *err)
{
    struct pool pool = { .options = options, .events = events };
    struct timespec asked = { 0 };
    int told = 0, status = -1;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    sigaction(SIGPIPE, &ignore, &before);
    allow_files(options->jobs);
    pool.hands = memory_array(options->jobs, sizeof *pool.hands);
    pool.files = memory_array(2 * (size_t)options->jobs + 1, sizeof *pool.files);
    pool.environment = pool_environment();
    if (!pool.hands || !pool.files || !pool.environment) {
        error_memory(err);
        goto out;
    }
    for (unsigned i = 0; i < options->jobs; i++)
        pool.hands[i].in = pool.hands[i].out = pool.hands[i].log = -1;
    do {
        if (*options->stop > told) {
            pool.dry = true;
            stop_hands(&pool, *options->stop > 1 ? SIGKILL : SIGTERM);
            if (!told)
                clock_gettime(CLOCK_MONOTONIC, &asked);
            told = *options->stop;
        }
        if (told == 1 && since(&asked) > STOP_SECONDS)
            stop_hands(&pool, SIGKILL);
        if (assign(&pool, err))
            goto out;
        if (!any_left(&pool) && !more_elsewhere(&pool))
            break;
        if (turn(&pool, err))
            goto out;
    } while (1);
    status = 0;
out:
    for (unsigned i = 0; pool.hands && i < options->jobs; i++) {
        struct hand *hand = &pool.hands[i];
        if (hand->process) {
            kill(hand->process, SIGKILL);
            reap(hand);
        }
        pool_close(&hand->in);
        pool_close(&hand->out);
        pool_close(&hand->log);
        message_inbox_free(&hand->inbox);
        free(hand->tasks);
    }
    free(pool.environment);
    free(pool.files);
    free(pool.hands);
    sigaction(SIGPIPE, &before, NULL);
    return status;
}
