/* isoflop status: how far an experiment is, also while it runs. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "command/arguments.h"
#include "lab/inspect.h"

static void write_open(const struct lab_status *status)
{
    const struct frame *open = status->open;
    const struct column *c = open->column; /* trial, key, status, step, epoch, train.loss, error */
    const size_t most = 20;
    for (size_t row = 0; row < open->rows && row < most; row++) {
        if (!c[1].texts[row])
            continue;
        const bool interrupted = !status->running && !strcmp(c[2].texts[row], "running");
        printf("  trial %.0f  %.12s  %s", c[0].numbers[row], c[1].texts[row],
               interrupted ? "interrupted" : c[2].texts[row]);
        if (!isnan(c[3].numbers[row]))
            printf("  step %.0f, epoch %.4g", c[3].numbers[row], c[4].numbers[row]);
        if (!isnan(c[5].numbers[row]))
            printf(", train.loss %.4g", c[5].numbers[row]);
        printf("%s%s\n", c[6].texts[row] ? ": " : "", c[6].texts[row] ? c[6].texts[row] : "");
    }
    if (open->rows > most)
        printf("  ... and %zu more\n", open->rows - most);
}

static void write_json(const struct lab_status *status)
{
    struct text text = { 0 };
    text_add_string(&text, "{\"name\": ");
    text_add_json(&text, status->name);
    text_format(&text, ", \"running\": %s, \"trials\": %" PRIu64 ", \"pending\": %" PRIu64 ", \"active\": %" PRIu64
                ", \"done\": %" PRIu64 ", \"diverged\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"left_over\": %" PRIu64
                ", \"seconds\": %.17g}\n", status->running ? "true" : "false", status->planned, status->pending,
                status->active, status->done, status->diverged, status->failed, status->left_over, status->seconds);
    fputs(text.data ? text.data : "", stdout);
    text_free(&text);
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    static const char *const formats[] = { "text", "json", NULL };
    const char *folder = NULL, *format_name = NULL;
    const struct option options[] = { { .name = "--format", .value = &format_name }, { 0 } };
    struct iso_error *err = &outcome->error;
    int format = 0;
    if (arguments_read(argc, argv, options, &folder, 1, 1, command_status.arguments, err)
        || argument_choice("--format", format_name, formats, &format, err))
        return STATUS_WRONG;
    struct lab_status *status = lab_status(folder, err);
    if (!status)
        return STATUS_WRONG;
    if (format == 1) {
        write_json(status);
    } else {
        printf("%s: %" PRIu64 " trials: %" PRIu64 " done, %" PRIu64 " diverged, %" PRIu64 " failed, %" PRIu64 " %s, %"
               PRIu64 " pending\n", status->title, status->planned, status->done, status->diverged, status->failed,
               status->active, status->running ? "running" : "interrupted", status->pending);
        if (status->running)
            printf("being written by %s\n", status->holder);
        else if (status->pending + status->active)
            printf("not running; the same `isoflop run` goes on with it\n");
        if (status->left_over)
            printf("%" PRIu64 " more trials of earlier recipes are kept\n", status->left_over);
        if (status->failed)
            printf("`isoflop run RECIPE --retry` trains failed ones again\n");
        write_open(status);
    }
    lab_status_free(status);
    return STATUS_DONE;
}

const struct command command_status = {
    .name = "status",
    .arguments = "DIR [--format text|json]",
    .summary = "how far an experiment is, also while it runs",
    .help = "  --format FORMAT   text (default) or json\n",
    .run = run,
};
