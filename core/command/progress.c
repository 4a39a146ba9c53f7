/* Live progress of a run. */
#include "command/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

#define REDRAW_SECONDS 0.2
#define LINE_SECONDS 1.0 /* between lines about trials of a large run, where it is no terminal */
#define MANY_TRIALS 100
#define ROWS 8           /* running trials that a terminal shows */

struct row {
    const struct plan_trial *trial; /* NULL: free */
    uint64_t step, steps, from; /* from: trained before this run */
    double epoch, loss, rate;
};

struct progress {
    const struct plan *plan;
    const char *command;
    struct row *rows;
    size_t row_count;
    struct run_counts counts;
    struct timespec begun, drawn, told;
    bool terminal, colour;
    size_t lines; /* that stand on the terminal */
};

static double since(const struct timespec *from)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + 1e-9 * (double)(now.tv_nsec - from->tv_nsec);
}

void progress_duration(double seconds, char out[48])
{
    if (!(seconds < 1e9))
        snprintf(out, 48, "unknown");
    else if (seconds < 10)
        snprintf(out, 48, "%.1f s", seconds);
    else if (seconds < 60)
        snprintf(out, 48, "%.0f s", seconds);
    else if (seconds < 3600)
        snprintf(out, 48, "%d min %02d s", (int)seconds / 60, (int)seconds % 60);
    else if (seconds < 48 * 3600.0)
        snprintf(out, 48, "%d h %02d min", (int)(seconds / 3600), (int)(seconds / 60) % 60);
    else
        snprintf(out, 48, "%.1f days", seconds / 86400);
}

void progress_quantity(double value, const char *unit, char out[48])
{
    static const char prefixes[] = " kMGTPEZY";
    size_t i = 0;
    for (; value >= 999.5 && i < sizeof prefixes - 2; i++)
        value /= 1000;
    if (i)
        snprintf(out, 48, "%.3g %c%s", value, prefixes[i], unit);
    else
        snprintf(out, 48, "%.3g %s", value, unit);
}

void progress_label(const struct plan *plan, const struct plan_trial *trial, struct text *out)
{
    text_format(out, "trial %zu", trial->place);
    for (size_t p = 0; p < plan->path_count; p++) {
        const struct node *value = trial->swept[p];
        if (!value)
            continue;
        text_format(out, ", %s ", plan->paths[p]);
        if (value->kind == NODE_SCALAR)
            text_add_string(out, value->text);
        else
            node_json(value, out);
    }
    text_format(out, ", seed %llu", (unsigned long long)trial->seed);
}

static void label(const struct progress *progress, const struct plan_trial *trial, char *out, size_t size)
{
    struct text text = { 0 };
    progress_label(progress->plan, trial, &text);
    snprintf(out, size, "%s", text.data ? text.data : "");
    text_free(&text);
}

/* ---- Counting ---- */

static size_t ended(const struct run_counts *counts)
{
    return counts->done + counts->diverged + counts->failed;
}

/* Operations done so far, those of running trials included. */
static double flops_so_far(const struct progress *progress)
{
    double flops = progress->counts.flops;
    for (size_t i = 0; i < progress->row_count; i++) {
        const struct row *row = &progress->rows[i];
        if (row->trial && row->steps)
            flops += (double)row->trial->size.flops.all * ((double)(row->step - row->from) / (double)row->steps);
    }
    return flops;
}

/* "12 of 60 trials · 3.1 GFLOP/s · 2 min left" */
static void head(const struct progress *progress, char out[256])
{
    const struct run_counts *counts = &progress->counts;
    const double flops = flops_so_far(progress), seconds = since(&progress->begun);
    char rate[48], left[48] = "";
    int length = snprintf(out, 256, "%zu of %zu trials", ended(counts) + counts->before, counts->planned);
    if (counts->diverged)
        length += snprintf(out + length, 256 - (size_t)length, ", %zu diverged", counts->diverged);
    if (counts->failed)
        length += snprintf(out + length, 256 - (size_t)length, ", %zu failed", counts->failed);
    if (flops > 0 && seconds > 1) {
        progress_quantity(flops / seconds, "FLOP/s", rate);
        progress_duration((counts->flops_to_train - flops) / flops * seconds, left);
        if (counts->flops_to_train > flops)
            snprintf(out + length, 256 - (size_t)length, "; %s; %s left", rate, left);
        else
            snprintf(out + length, 256 - (size_t)length, "; %s", rate);
    }
}

/* ---- The terminal ---- */

static void wipe(struct progress *progress)
{
    if (progress->lines)
        fprintf(stderr, "\r\033[%zuA\033[J", progress->lines);
    progress->lines = 0;
}

/* A line that wraps would stand on the terminal twice: it is cut. */
static void put_line(const char *line)
{
    struct winsize size;
    size_t columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79;
    size_t length = 0;
    for (; line[length] && (columns || (line[length] & 0xc0) == 0x80); length++)
        columns -= (line[length] & 0xc0) != 0x80;
    fprintf(stderr, "%.*s\n", (int)length, line);
}

static void draw(struct progress *progress)
{
    char line[256];
    wipe(progress);
    head(progress, line);
    put_line(line);
    progress->lines = 1;
    for (size_t i = 0; i < progress->row_count && progress->lines <= ROWS; i++) {
        const struct row *row = &progress->rows[i];
        if (!row->trial)
            continue;
        char name[160]; /* last, as narrow terminals cut it */
        label(progress, row->trial, name, sizeof name);
        if (row->steps)
            snprintf(line, sizeof line, "%3.0f %% epoch %.4g loss %.4g rate %.3g  %s",
                     100 * (double)row->step / (double)row->steps, row->epoch, row->loss, row->rate, name);
        else
            snprintf(line, sizeof line, "starts %s", name);
        put_line(line);
        progress->lines++;
    }
    fflush(stderr);
    clock_gettime(CLOCK_MONOTONIC, &progress->drawn);
}

/* A line that stays, above what is drawn in place. */
static void say(struct progress *progress, const char *line)
{
    wipe(progress);
    fprintf(stderr, "%s\n", line);
    if (progress->terminal)
        draw(progress);
}

/* ---- Events ---- */

static void begin(struct progress *progress, const struct run_counts *counts)
{
    char line[512];
    clock_gettime(CLOCK_MONOTONIC, &progress->begun);
    progress->told = progress->begun;
    if (!counts->to_train)
        return;
    int length = snprintf(line, sizeof line, "%zu trial%s to train", counts->to_train, counts->to_train == 1 ? "" : "s");
    if (counts->before)
        length += snprintf(line + length, sizeof line - (size_t)length, ", %zu done before", counts->before);
    if (counts->failed_before)
        snprintf(line + length, sizeof line - (size_t)length, ", %zu that failed are left alone (--retry)",
                 counts->failed_before);
    say(progress, line);
}

static void end_of_trial(struct progress *progress, const struct run_event *event)
{
    const struct trial_result *result = event->result;
    if (progress->terminal)
        return;
    if (progress->plan->count > MANY_TRIALS && result->status == TRIAL_DONE) {
        if (since(&progress->told) < LINE_SECONDS)
            return;
        char line[256];
        clock_gettime(CLOCK_MONOTONIC, &progress->told);
        head(progress, line);
        say(progress, line);
        return;
    }
    struct text text = { 0 };
    const struct { const char *name; double value; } facts[] = {
        { "train.loss", result->last.train.loss },
        { "validation.loss", result->last.validation.loss },
        { "test.loss", result->final_test.loss },
        { "test.accuracy", result->final_test.accuracy },
    };
    text_format(&text, "[%zu/%zu] %s: ", ended(event->counts) + event->counts->before, event->counts->planned,
                trial_status_names[result->status]);
    progress_label(progress->plan, event->trial, &text);
    if (result->status == TRIAL_DIVERGED)
        text_format(&text, ": not finite at step %llu", (unsigned long long)result->diverged_step);
    for (size_t i = 0; i < sizeof facts / sizeof *facts && result->status == TRIAL_DONE; i++)
        if (!isnan(facts[i].value))
            text_format(&text, "%s %s %.4g", i ? "," : ":", facts[i].name, facts[i].value);
    text_format(&text, " (%.2f s)", result->seconds);
    say(progress, text.data ? text.data : "");
    text_free(&text);
}

static void failure(struct progress *progress, const struct run_event *event)
{
    struct text text = { 0 };
    text_format(&text, "[%zu/%zu] failed: ", ended(event->counts) + event->counts->before, event->counts->planned);
    progress_label(progress->plan, event->trial, &text);
    text_format(&text, ": %s\n        alone: %s --trial %.12s", event->text, progress->command,
                event->trial->key);
    say(progress, text.data ? text.data : "");
    text_free(&text);
}

static void about(struct progress *progress, const struct run_event *event)
{
    struct text text = { 0 };
    if (event->trial)
        progress_label(progress->plan, event->trial, &text);
    else if (event->kind == RUN_PRINTED)
        text_add_string(&text, "worker");
    text_add_string(&text, text.length ? ": " : "");
    if (event->kind == RUN_RESUMED)
        text_format(&text, "goes on from step %llu of %llu", (unsigned long long)event->step,
                    (unsigned long long)event->steps);
    else
        text_add_string(&text, event->text);
    say(progress, text.data ? text.data : "");
    text_free(&text);
}

static struct row *row_of(struct progress *progress, const struct plan_trial *trial)
{
    for (size_t i = 0; i < progress->row_count; i++)
        if (progress->rows[i].trial == trial)
            return &progress->rows[i];
    return NULL;
}

static void on_event(void *context, const struct run_event *event)
{
    struct progress *progress = context;
    struct row *row = event->trial ? row_of(progress, event->trial) : NULL;
    progress->counts = *event->counts;
    switch (event->kind) {
    case RUN_BEGINS:
        begin(progress, event->counts);
        break;
    case RUN_STARTED:
        row = row_of(progress, NULL);
        if (row)
            *row = (struct row){ .trial = event->trial, .loss = NAN, .rate = NAN };
        break;
    case RUN_PROGRESS:
        if (row)
            *row = (struct row){ event->trial, event->step, event->steps, row->from, event->epoch, event->loss,
                                 event->rate };
        break;
    case RUN_RESUMED:
        if (row)
            *row = (struct row){ event->trial, event->step, event->steps, event->step, NAN, NAN, NAN };
        about(progress, event);
        break;
    case RUN_ENDED:
    case RUN_FAILED:
    case RUN_STOPPED:
        if (row)
            row->trial = NULL;
        if (event->kind == RUN_ENDED)
            end_of_trial(progress, event);
        else if (event->kind == RUN_FAILED)
            failure(progress, event);
        else
            about(progress, event);
        break;
    case RUN_PRINTED:
    case RUN_NOTE:
        about(progress, event);
        break;
    }
}

static void on_tick(void *context, double *seconds)
{
    struct progress *progress = context;
    if (!progress->terminal)
        return;
    const double left = REDRAW_SECONDS - since(&progress->drawn);
    if (left <= 0)
        draw(progress);
    if (*seconds < 0 || *seconds > REDRAW_SECONDS)
        *seconds = left > 0 ? left : REDRAW_SECONDS;
}

struct progress *progress_new(const struct plan *plan, const char *command, unsigned jobs, struct iso_error *err)
{
    struct progress *progress = memory_array(1, sizeof *progress);
    const char *terminal = getenv("TERM");
    if (!progress || !(progress->rows = memory_array(jobs, sizeof *progress->rows))) {
        free(progress);
        error_memory(err);
        return NULL;
    }
    progress->plan = plan;
    progress->command = command;
    progress->row_count = jobs;
    progress->terminal = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
    clock_gettime(CLOCK_MONOTONIC, &progress->begun);
    return progress;
}

double progress_seconds(const struct progress *progress)
{
    return since(&progress->begun);
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    wipe(progress);
    fflush(stderr);
    free(progress->rows);
    free(progress);
}

struct run_listener progress_listener(struct progress *progress)
{
    return (struct run_listener){ .context = progress, .event = on_event, .tick = on_tick };
}
