/* isoflop report: an experiment as one HTML page that stands alone. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/figures.h"
#include "command/progress.h"
#include "command/tables.h"
#include "figure/report.h"
#include "lab/inspect.h"
#include "lab/plan.h"

#define FAILURES_MOST 200

/* What the page is made of, freed together. */
struct parts {
    struct figure_set *set;
    struct figure **figures;
    struct iso_error *missing; /* of figures that could not be made */
    struct report_figure *shown;
    struct summary *summary;
    struct cells results;
    struct lab_status *status;
    struct text state, recipe, provenance, remarks;
    struct cells failures;
    char *facts[16];
    size_t fact_count;
};

static void parts_free(struct parts *parts)
{
    for (size_t i = 0; parts->figures && i < parts->set->count; i++)
        figure_free(parts->figures[i]);
    free(parts->figures);
    free(parts->missing);
    free(parts->shown);
    figure_set_close(parts->set);
    cells_free(&parts->results);
    cells_free(&parts->failures);
    summary_free(parts->summary);
    lab_status_free(parts->status);
    text_free(&parts->state);
    text_free(&parts->recipe);
    text_free(&parts->provenance);
    text_free(&parts->remarks);
    for (size_t i = 0; i < parts->fact_count; i++)
        free(parts->facts[i]);
}

static int add_fact(struct parts *parts, const char *name, const char *value, struct iso_error *err)
{
    char *copy[2] = { strdup(name), strdup(value) };
    if (!copy[0] || !copy[1]) {
        free(copy[0]);
        free(copy[1]);
        return error_memory(err);
    }
    parts->facts[parts->fact_count++] = copy[0];
    parts->facts[parts->fact_count++] = copy[1];
    return 0;
}

static double sum_of(const struct frame *frame, const char *name)
{
    const struct column *column = frame_find(frame, name);
    double sum = 0;
    for (size_t row = 0; column && column->numbers && row < frame->rows; row++)
        sum += isnan(column->numbers[row]) ? 0 : column->numbers[row];
    return sum;
}

/* Trials, compute and time. */
static int read_facts(struct parts *parts, struct iso_error *err)
{
    const struct lab_status *status = parts->status;
    const struct frame *trials = parts->set->trials;
    char text[200], quantity[48], other[48];
    text_format(&parts->state, "%s%s%s, begun %s.", status->name,
                status->running ? ", still running" : "",
                !status->running && status->pending + status->active ? ", not finished" : "",
                parts->set->experiment->started);
    snprintf(text, sizeof text, "%" PRIu64 ": %" PRIu64 " done, %" PRIu64 " diverged, %" PRIu64 " failed, %" PRIu64
             " to go", status->planned, status->done, status->diverged, status->failed,
             status->pending + status->active);
    if (add_fact(parts, "Trials", text, err))
        return -1;
    progress_quantity(sum_of(trials, "flops"), "FLOP", quantity);
    progress_quantity(sum_of(trials, "flops_matmul"), "FLOP", other);
    snprintf(text, sizeof text, "%s in training, evaluation apart; matrix products alone: %s", quantity, other);
    if (add_fact(parts, "Compute", text, err))
        return -1;
    progress_duration(status->seconds, quantity);
    snprintf(text, sizeof text, "%s of training, summed over trials", quantity);
    if (add_fact(parts, "Time", text, err))
        return -1;
    snprintf(text, sizeof text, "%.0f", sum_of(trials, "examples"));
    return add_fact(parts, "Examples seen", text, err);
}

static int read_results(struct parts *parts, const char *folder, struct iso_error *err)
{
    struct frame *trials = lab_frame(folder, LAB_TRIALS, err);
    const char *columns[8];
    if (!trials)
        return -1;
    size_t count = table_columns(trials, columns);
    parts->summary = summary_new(trials, count ? columns : NULL, count, err);
    if (!parts->summary)
        return -1;
    table_cells(parts->summary, parts->summary->count, &parts->results);
    return parts->results.failed ? error_memory(err) : 0;
}

/* Failed trials with their reasons, and those that diverged. */
static int read_failures(struct parts *parts, struct iso_error *err)
{
    static const char *const head[] = { "trial", "key", "status", "reason" };
    const struct frame *open = parts->status->open, *trials = parts->set->trials;
    const struct column *status = frame_find(trials, "status"), *key = frame_find(trials, "key");
    const struct column *place = frame_find(trials, "trial"), *steps = frame_find(trials, "steps");
    struct cells *cells = &parts->failures;
    size_t rows = 0;
    for (size_t row = 0; status && status->texts && row < trials->rows; row++) {
        const char *is = status->texts[row];
        rows += is && (!strcmp(is, "failed") || !strcmp(is, "diverged"));
    }
    if (!rows || !key || !place)
        return 0;
    cells_make(cells, rows < FAILURES_MOST ? rows : FAILURES_MOST, 4);
    for (size_t c = 0; c < 4; c++)
        cells_set(cells, 0, c, "%s", head[c]);
    size_t at = 0;
    for (size_t row = 0; row < trials->rows && at < cells->rows && !cells->failed; row++) {
        const char *is = status->texts[row];
        if (!is || (strcmp(is, "failed") && strcmp(is, "diverged")))
            continue;
        cells->number[0] = true;
        cells_set(cells, ++at, 0, "%.0f", place->numbers[row]);
        cells_set(cells, at, 1, "%.12s", key->texts[row] ? key->texts[row] : "");
        cells_set(cells, at, 2, "%s", is);
        if (!strcmp(is, "diverged") && steps && steps->numbers && !isnan(steps->numbers[row]))
            cells_set(cells, at, 3, "the loss was no longer finite after step %.0f", steps->numbers[row]);
        for (size_t i = 0; !strcmp(is, "failed") && i < open->rows; i++)
            if (open->column[0].numbers[i] == place->numbers[row] && open->column[6].texts[i])
                cells_set(cells, at, 3, "%s", open->column[6].texts[i]);
    }
    return cells->failed ? error_memory(err) : 0;
}

/* What `isoflop check` would say of the recipe as it was run. */
static int read_remarks(struct parts *parts, struct iso_error *err)
{
    struct iso_error failed = ERROR_NONE;
    struct plugins *plugins = plugins_new(NULL, &failed);
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = tree_copy(parts->set->experiment->tree);
    int status = found && tree ? 0 : error_memory(err);
    if (!status && !plugins)
        text_format(&parts->remarks, "The recipe was not looked at: %s", failed.text);
    if (!status && plugins) {
        struct plan *plan = plan_of_tree(tree, plugins, found);
        tree = NULL;
        diagnostics_text(found, &parts->remarks);
        plan_free(plan);
    }
    tree_free(tree);
    diagnostics_free(found);
    plugins_free(plugins);
    return status;
}

static int make_figures(struct parts *parts, struct iso_error *err)
{
    const struct figure_set *set = parts->set;
    parts->figures = memory_array(set->count + 1, sizeof(struct figure *));
    parts->missing = memory_array(set->count + 1, sizeof *parts->missing);
    parts->shown = memory_array(set->count + 1, sizeof *parts->shown);
    if (!parts->figures || !parts->missing || !parts->shown)
        return error_memory(err);
    for (size_t i = 0; i < set->count; i++) {
        parts->figures[i] = figure_build(set->specs[i], &set->results, &parts->missing[i]);
        parts->shown[i] = (struct report_figure){ figure_spec_name(set->specs[i]), parts->figures[i],
                                                  parts->missing[i].text };
    }
    return 0;
}

static struct report_table table_of(const struct cells *cells)
{
    return (struct report_table){ cells->rows, cells->columns, cells->text, cells->number };
}

static int write_report(const char *folder, const char *out, struct iso_error *err)
{
    struct parts parts = { 0 };
    char *html = NULL;
    size_t length;
    int status = -1;
    if (!(parts.set = figure_set_open(folder, err)) || !(parts.status = lab_status(folder, err)) ||
        read_facts(&parts, err) || read_results(&parts, folder, err) || read_failures(&parts, err) ||
        read_remarks(&parts, err) || make_figures(&parts, err) || lab_show(folder, &parts.provenance, err))
        goto out;
    node_yaml(parts.set->experiment->tree->root, &parts.recipe);
    if (parts.state.failed || parts.recipe.failed || parts.remarks.failed) {
        error_memory(err);
        goto out;
    }
    const struct report report = {
        .title = parts.set->experiment->title, .name = parts.set->experiment->name, .state = parts.state.data,
        .facts = (const char *const *)parts.facts, .results = table_of(&parts.results),
        .results_note = "Means ± standard deviations over the n seeds that are done; diverged trials are counted, never "
                        "averaged. The best has the lowest mean validation loss.",
        .figure_count = parts.set->count, .figures = parts.shown, .remarks = parts.remarks.data,
        .failures = table_of(&parts.failures), .recipe = parts.recipe.data, .provenance = parts.provenance.data };
    html = report_html(&report, &length, err);
    status = html ? file_replace(out, html, length, err) : -1;
out:
    free(html);
    parts_free(&parts);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    const char *folder = NULL, *out = NULL;
    const struct option options[] = { { .name = "--out", .value = &out }, { 0 } };
    struct iso_error *err = &outcome->error;
    if (arguments_read(argc, argv, options, &folder, 1, 1, command_report.arguments, err))
        return STATUS_WRONG;
    struct lab_experiment *experiment = lab_experiment(folder, err); /* no experiment: a wrong command */
    if (!experiment)
        return STATUS_WRONG;
    lab_experiment_free(experiment);
    char *path = out ? strdup(out) : file_join(folder, "report.html");
    if (!path) {
        error_memory(err);
        return STATUS_FAILED;
    }
    int status = write_report(folder, path, err);
    if (!status)
        printf("report: %s\n", path);
    free(path);
    return status ? STATUS_FAILED : STATUS_DONE;
}

const struct command command_report = {
    .name = "report",
    .arguments = "DIR [--out FILE]",
    .summary = "an experiment as one HTML page that stands alone",
    .help = "  --out FILE   where to (default: DIR/report.html)\n"
            "Results with means and deviations, every figure, exponents, remarks on the method, failures, recipe and\n"
            "provenance; nothing in it is fetched from elsewhere. Also during a run.\n",
    .run = run,
};
