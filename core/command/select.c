/* isoflop select: the best point of a sweep, and a recipe that trains it again. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/tables.h"
#include "lab/plan.h"
#include "lab/refit.h"

#define CONFIDENCE 0.95

static void write_point(const struct selection *selection, const struct summary_row *row)
{
    const struct summary *summary = selection->summary;
    char number[64], count[96], buffer[64];
    for (size_t k = 0; k < summary->key_count; k++) {
        const struct column *column = &summary->trials->column[summary->keys[k]];
        printf("%s%s %s", k ? ", " : "  ", column->name, column_shown(column, row->first, buffer));
    }
    summary_number(row->mean[0], row->sd[0], number);
    table_count(row, count);
    printf("%s%s %s, n = %s", summary->key_count ? "\n  " : "  ", summary->trials->column[summary->metrics[0]].name,
           number, count);
    if (row->n[0] > 1)
        printf(", standard error %.2g", row->sd[0] / sqrt((double)row->n[0]));
    printf("\n");
}

static void write_text(const struct selection *selection)
{
    const struct summary *summary = selection->summary;
    const struct paired_difference *difference = &selection->difference;
    char buffer[64];
    printf("best of %zu points by the mean of %s over seeds, the %s the better (± sd):\n", summary->count,
           summary->trials->column[summary->metrics[0]].name, selection->larger ? "larger" : "smaller");
    write_point(selection, &summary->rows[selection->best]);
    if (selection->second != SIZE_MAX) {
        printf("runner-up:\n");
        write_point(selection, &summary->rows[selection->second]);
        printf("best - runner-up: %.3g", difference->mean);
        if (difference->n > 1)
            printf(", standard error %.2g over %zu seeds in pairs, 95 %% interval [%.3g, %.3g]: %s\n",
                   difference->sd / sqrt((double)difference->n), difference->n, difference->low, difference->high,
                   paired_differs(difference) ? "more than noise" : "within noise");
        else
            printf("; one seed in both: nothing tells it from noise\n");
        if (selection->level > 1)
            printf("%zu other points can't be told from the best by these seeds\n", selection->level);
    }
    if (selection->diverged)
        printf("%zu points are left out, as a seed of theirs diverged or failed\n", selection->diverged);
    if (selection->unfinished)
        printf("%zu points are left out, as they are not finished: the choice may change\n", selection->unfinished);
    for (size_t i = 0; i < selection->edge_count; i++) {
        const struct selection_edge *edge = &selection->edges[i];
        const struct column *column = &summary->trials->column[summary->keys[edge->key]];
        printf("warning: %s %s is the %s of %zu values tried: the best may lie beyond it\n", column->name,
               column_shown(column, summary->rows[selection->best].first, buffer), edge->smallest ? "smallest" : "largest",
               edge->values);
    }
}

static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *point_json(const struct selection *selection, size_t index)
{
    const struct summary *summary = selection->summary;
    if (index == SIZE_MAX)
        return json_null();
    const struct summary_row *row = &summary->rows[index];
    json_t *settings = json_object();
    for (size_t k = 0; k < summary->key_count; k++) {
        const struct column *column = &summary->trials->column[summary->keys[k]];
        json_object_set_new(settings, column->name,
                            column->kind == COLUMN_TEXT ? column->texts[row->first] ? json_string(column->texts[row->first])
                                                                                    : json_null()
                            : column->kind == COLUMN_INTEGER && !isnan(column->numbers[row->first])
                                ? json_integer((json_int_t)column->numbers[row->first])
                                : real(column->numbers[row->first]));
    }
    return json_pack("{s:o,s:o,s:o,s:o,s:I,s:I,s:I}", "settings", settings, "mean", real(row->mean[0]), "sd",
                     real(row->sd[0]), "standard_error", real(row->sd[0] / sqrt((double)row->n[0])), "n",
                     (json_int_t)row->n[0], "trials", (json_int_t)row->trials, "diverged", (json_int_t)row->diverged);
}

static int write_json(const struct selection *selection)
{
    const struct summary *summary = selection->summary;
    const struct paired_difference *difference = &selection->difference;
    const bool two = selection->second != SIZE_MAX;
    json_t *edges = json_array();
    for (size_t i = 0; i < selection->edge_count; i++)
        json_array_append_new(edges, json_pack("{s:s,s:s}", "path",
                                               summary->trials->column[summary->keys[selection->edges[i].key]].name,
                                               "edge", selection->edges[i].smallest ? "smallest" : "largest"));
    json_t *json = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "by", summary->trials->column[summary->metrics[0]].name, "better",
        selection->larger ? "larger" : "smaller", "points", (json_int_t)summary->count, "complete",
        (json_int_t)selection->complete, "diverged", (json_int_t)selection->diverged, "unfinished",
        (json_int_t)selection->unfinished, "best", point_json(selection, selection->best), "runner_up",
        point_json(selection, selection->second), "difference",
        two ? json_pack("{s:o,s:o,s:I,s:o,s:o,s:b}", "mean", real(difference->mean), "sd", real(difference->sd), "n",
                        (json_int_t)difference->n, "low", real(difference->low), "high", real(difference->high),
                        "within_noise", !paired_differs(difference))
            : json_null(),
        "edges", edges);
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    if (text)
        puts(text);
    free(text);
    json_decref(json);
    return text ? 0 : -1;
}

/* Writes a new file; one that is there is never overwritten. */
static int write_new(const char *path, const struct text *text, struct iso_error *err)
{
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return errno == EEXIST ? iso_fail(err, "%s is there already; name another file, or move it away", path)
                               : error_system(err, "cannot write", path);
    const bool failed = file_write(file, text->data, text->length) || fsync(file);
    if (failed)
        error_system(err, "cannot write", path);
    if (close(file) && !failed)
        return error_system(err, "cannot write", path);
    if (failed)
        unlink(path);
    return failed ? -1 : 0;
}

static int refit(const struct selection *selection, const char *folder, const char *path,
                 struct command_outcome *outcome)
{
    struct iso_error *err = &outcome->error;
    struct plugins *plugins = plugins_new(NULL, err);
    struct text text = { 0 };
    int status = STATUS_FAILED;
    outcome->found = diagnostics_new();
    if (!plugins || !outcome->found || refit_recipe(selection, folder, plugins, &text, err)
        || write_new(path, &text, err))
        goto out;
    struct plan *plan = plan_read(path, NULL, 0, plugins, outcome->found);
    if (!plan)
        iso_fail(err, "%s was written, but is not right yet: see above", path);
    else
        status = STATUS_DONE;
    plan_free(plan);
    if (status == STATUS_DONE)
        fprintf(stderr, "%s trains it again: isoflop run %s\n", path, path);
out:
    text_free(&text);
    plugins_free(plugins);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    static const char *const formats[] = { "text", "json", NULL };
    const char *folder = NULL, *by = NULL, *path = NULL, *format_text = NULL;
    const struct option options[] = { { .name = "--by", .value = &by }, { .name = "--refit", .value = &path },
                                      { .name = "--format", .value = &format_text }, { 0 } };
    struct iso_error *err = &outcome->error;
    int format = 0, status = STATUS_DONE;
    if (arguments_read(argc, argv, options, &folder, 1, 1, command_select.arguments, err)
        || argument_choice("--format", format_text, formats, &format, err))
        return STATUS_WRONG;
    if (path && !access(path, F_OK)) {
        iso_fail(err, "%s is there already; name another file, or move it away", path);
        return STATUS_WRONG;
    }
    struct frame *trials = lab_frame(folder, LAB_TRIALS, err);
    struct selection *selection = trials ? selection_new(trials, by ? by : "validation.loss", CONFIDENCE, err) : NULL;
    if (!selection)
        return STATUS_WRONG;
    if (format == 0) {
        write_text(selection);
    } else if (write_json(selection)) {
        iso_fail(err, "the selection can't be written as JSON");
        status = STATUS_FAILED;
    }
    if (path && status == STATUS_DONE)
        status = refit(selection, folder, path, outcome);
    selection_free(selection);
    return status;
}

const struct command command_select = {
    .name = "select",
    .arguments = "DIR [--by COLUMN] [--refit OUT.yaml] [--format text|json]",
    .summary = "the best point of a sweep by its mean over seeds, and a recipe to train it again",
    .help = "  --by COLUMN        what is compared: validation.loss (default), validation.accuracy, best.validation.loss,\n"
            "                     ... (never the test set); accuracies are the better the larger\n"
            "  --refit OUT.yaml   writes a recipe that trains the point again on all training data: no validation, the\n"
            "                     mean best epoch, new seeds\n"
            "  --format FORMAT    text (default) or json\n"
            "Points are compared whose seeds are all done: one with a diverged or failed seed is counted, not chosen.\n",
    .run = run,
};
