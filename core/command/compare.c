/* isoflop compare: experiments side by side. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/memory.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/tables.h"
#include "lab/comparison.h"

/* ---- For people ---- */

static void write_head(const char *title, bool markdown, FILE *out)
{
    fprintf(out, markdown ? "\n## %s\n\n" : "\n%s\n", title);
}

static int write_experiments(const struct comparison *comparison, bool markdown, FILE *out)
{
    static const char *const heads[] = { "", "folder", "name", "trials", "done", "diverged", "failed", "numerics" };
    struct cells cells;
    cells_make(&cells, comparison->count, 8);
    for (size_t c = 0; c < 8; c++)
        cells_set(&cells, 0, c, "%s", heads[c]);
    for (size_t e = 0; e < comparison->count; e++) {
        const struct compared *compared = &comparison->experiments[e];
        const size_t counts[] = { compared->trials, compared->done, compared->diverged, compared->failed };
        cells_set(&cells, e + 1, 0, "%zu", e + 1);
        cells_set(&cells, e + 1, 1, "%s", compared->folder);
        cells_set(&cells, e + 1, 2, "%s", compared->experiment->name);
        for (size_t i = 0; i < 4 && !cells.failed; i++) {
            cells.number[3 + i] = true;
            cells_set(&cells, e + 1, 3 + i, "%zu", counts[i]);
        }
        cells_set(&cells, e + 1, 7, "%.*s%s", (int)strcspn(compared->numerics, "\n"), compared->numerics,
                  strchr(compared->numerics, '\n') ? " and others" : "");
    }
    const int status = cells_write(&cells, markdown, out);
    cells_free(&cells);
    return status;
}

static int write_settings(const struct comparison *comparison, bool markdown, FILE *out)
{
    struct cells cells;
    if (!comparison->setting_count) {
        fprintf(out, "none\n");
        return 0;
    }
    cells_make(&cells, comparison->setting_count, 1 + comparison->count);
    cells_set(&cells, 0, 0, "setting");
    for (size_t e = 0; e < comparison->count; e++)
        cells_set(&cells, 0, 1 + e, "%zu", e + 1);
    for (size_t i = 0; i < comparison->setting_count; i++) {
        const struct compared_setting *setting = &comparison->settings[i];
        cells_set(&cells, i + 1, 0, "%s", setting->path);
        for (size_t e = 0; e < comparison->count; e++)
            cells_set(&cells, i + 1, 1 + e, "%s", setting->values[e] ? setting->values[e] : "-");
    }
    const int status = cells_write(&cells, markdown, out);
    cells_free(&cells);
    return status;
}

static void write_keys(const struct comparison *comparison, bool markdown, FILE *out)
{
    for (size_t e = 1; e < comparison->count; e++) {
        const struct compared_keys *keys = &comparison->keys[e];
        fprintf(out, "%s1 and %zu: %zu", markdown ? "- " : "", e + 1, keys->common);
        if (keys->common)
            fprintf(out, "; ended in both: %zu, of these equal to the bit: %zu", keys->ended, keys->equal);
        if (keys->largest > 0)
            fprintf(out, "; largest difference of a loss %.2g max(1, loss), trial %.12s", keys->largest, keys->key);
        if (keys->ended > keys->equal && strcmp(comparison->experiments[0].numerics, comparison->experiments[e].numerics))
            fprintf(out, "; their numerics differ");
        fprintf(out, "\n");
    }
}

/* Swept values, then a column for each experiment and metric. */
static int write_means(const struct comparison *comparison, bool markdown, FILE *out)
{
    const size_t paths = comparison->path_count, metrics = comparison->experiments[0].summary->metric_count;
    struct cells cells;
    cells_make(&cells, comparison->row_count, paths + comparison->count * metrics);
    for (size_t r = 0; !cells.failed && r <= comparison->row_count; r++) {
        const struct compared_row *row = r ? &comparison->rows[r - 1] : NULL;
        for (size_t p = 0; p < paths; p++)
            cells_set(&cells, r, p, "%s", row ? row->values[p] : comparison->paths[p]);
        for (size_t m = 0; m < metrics; m++)
            for (size_t e = 0; e < comparison->count; e++) {
                const struct summary *summary = comparison->experiments[e].summary;
                const size_t c = paths + m * comparison->count + e;
                const struct summary_row *point = row && row->at[e] != SIZE_MAX ? &summary->rows[row->at[e]] : NULL;
                char number[64], count[96] = "";
                cells.number[c] = true;
                if (!row) {
                    cells_set(&cells, r, c, "%zu %s", e + 1, summary->trials->column[summary->metrics[m]].name);
                } else if (point) {
                    summary_number(point->mean[m], point->sd[m], number);
                    table_count(point, count);
                    cells_set(&cells, r, c, "%s (%s)%s", number, count,
                              row->at[e] == comparison->experiments[e].best ? " best" : "");
                }
            }
    }
    const int status = cells_write(&cells, markdown, out);
    cells_free(&cells);
    return status;
}

static int write_text(const struct comparison *comparison, bool markdown, FILE *out)
{
    int status = write_experiments(comparison, markdown, out);
    write_head("settings that differ", markdown, out);
    status = write_settings(comparison, markdown, out) || status;
    write_head("trials in common, by key", markdown, out);
    write_keys(comparison, markdown, out);
    write_head("means ± sd over seeds (n)", markdown, out);
    return write_means(comparison, markdown, out) || status ? -1 : 0;
}

/* ---- For programs ---- */

/* A row for each experiment and point of its own. */
static struct frame *make_frame(const struct comparison *comparison)
{
    static const char *const counts[] = { "trials", "done", "diverged", "failed", "best" };
    static const char *const parts[] = { "mean", "sd", "n" };
    const size_t metrics = comparison->experiments[0].summary->metric_count;
    size_t rows = 0, row = 0;
    for (size_t e = 0; e < comparison->count; e++)
        for (size_t r = 0; r < comparison->row_count; r++)
            rows += comparison->rows[r].at[e] != SIZE_MAX;
    struct frame *frame = frame_new(rows);
    bool failed = !frame || !frame_add_column(frame, "experiment", COLUMN_INTEGER)
                  || !frame_add_column(frame, "folder", COLUMN_TEXT);
    for (size_t p = 0; !failed && p < comparison->path_count; p++)
        failed = !frame_add_column(frame, comparison->paths[p], COLUMN_TEXT);
    for (size_t i = 0; !failed && i < 5; i++)
        failed = !frame_add_column(frame, counts[i], COLUMN_INTEGER);
    for (size_t i = 0; !failed && i < 3 * metrics; i++) {
        const struct summary *summary = comparison->experiments[0].summary;
        struct text name = { 0 };
        text_format(&name, "%s.%s", summary->trials->column[summary->metrics[i / 3]].name, parts[i % 3]);
        failed = name.failed || !frame_add_column(frame, name.data, i % 3 == 2 ? COLUMN_INTEGER : COLUMN_DOUBLE);
        text_free(&name);
    }
    for (size_t e = 0; !failed && e < comparison->count; e++)
        for (size_t r = 0; !failed && r < comparison->row_count; r++) {
            const struct compared *compared = &comparison->experiments[e];
            const size_t at = comparison->rows[r].at[e], numbers = 2 + comparison->path_count;
            if (at == SIZE_MAX)
                continue;
            const struct summary_row *point = &compared->summary->rows[at];
            const double values[] = { (double)point->trials, (double)point->done, (double)point->diverged,
                                      (double)point->failed, at == compared->best };
            frame->column[0].numbers[row] = (double)(e + 1);
            failed = column_set_text(&frame->column[1], row, compared->folder) != 0;
            for (size_t p = 0; p < comparison->path_count; p++)
                failed = column_set_text(&frame->column[2 + p], row, comparison->rows[r].values[p]) || failed;
            for (size_t i = 0; i < 5; i++)
                frame->column[numbers + i].numbers[row] = values[i];
            for (size_t i = 0; i < 3 * metrics; i++)
                frame->column[numbers + 5 + i].numbers[row] =
                    i % 3 == 0 ? point->mean[i / 3] : i % 3 == 1 ? point->sd[i / 3] : (double)point->n[i / 3];
            row++;
        }
    if (failed) {
        frame_free(frame);
        return NULL;
    }
    return frame;
}

static json_t *experiments_json(const struct comparison *comparison)
{
    json_t *list = json_array();
    for (size_t e = 0; e < comparison->count; e++) {
        const struct compared *compared = &comparison->experiments[e];
        json_array_append_new(list, json_pack("{s:I,s:s,s:s,s:I,s:I,s:I,s:I,s:s}", "experiment", (json_int_t)(e + 1),
                                              "folder", compared->folder, "name", compared->experiment->name, "trials",
                                              (json_int_t)compared->trials, "done", (json_int_t)compared->done, "diverged",
                                              (json_int_t)compared->diverged, "failed", (json_int_t)compared->failed,
                                              "numerics", compared->numerics));
    }
    return list;
}

static json_t *settings_json(const struct comparison *comparison)
{
    json_t *list = json_array();
    for (size_t i = 0; i < comparison->setting_count; i++) {
        json_t *values = json_array();
        for (size_t e = 0; e < comparison->count; e++) {
            const char *value = comparison->settings[i].values[e];
            json_t *json = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
            json_array_append_new(values, json ? json : json_null());
        }
        json_array_append_new(list, json_pack("{s:s,s:o}", "path", comparison->settings[i].path, "values", values));
    }
    return list;
}

static json_t *keys_json(const struct comparison *comparison)
{
    json_t *list = json_array();
    for (size_t e = 1; e < comparison->count; e++) {
        const struct compared_keys *keys = &comparison->keys[e];
        json_array_append_new(list, json_pack("{s:[i,I],s:I,s:I,s:I,s:f}", "experiments", 1, (json_int_t)(e + 1), "common",
                                              (json_int_t)keys->common, "ended", (json_int_t)keys->ended, "equal",
                                              (json_int_t)keys->equal, "largest_difference", keys->largest));
    }
    return list;
}

static int write_json(const struct comparison *comparison, FILE *out)
{
    json_t *const parts[] = { experiments_json(comparison), settings_json(comparison), keys_json(comparison) };
    static const char *const names[] = { "experiments", "settings", "common" };
    struct frame *frame = make_frame(comparison);
    int status = frame ? 0 : -1;
    fputs("{", out);
    for (size_t i = 0; i < 3; i++) {
        char *text = json_dumps(parts[i], JSON_REAL_PRECISION(17));
        fprintf(out, "\"%s\": %s,\n", names[i], text ? text : "null");
        status = text ? status : -1;
        free(text);
        json_decref(parts[i]);
    }
    fputs("\"rows\": ", out);
    status = frame && frame_write_json(frame, out) == 0 ? status : -1;
    fputs("}\n", out);
    frame_free(frame);
    return status;
}

static int write_csv(const struct comparison *comparison, FILE *out)
{
    struct frame *frame = make_frame(comparison);
    const int status = frame ? frame_write_csv(frame, out) : -1;
    frame_free(frame);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    static const char *const formats[] = { "text", "csv", "markdown", "json", NULL };
    struct option_list columns = { 0 };
    const char *format_text = NULL, **folders = memory_array((size_t)argc + 1, sizeof *folders);
    const struct option options[] = { { .name = "--column", .list = &columns },
                                      { .name = "--format", .value = &format_text }, { 0 } };
    struct iso_error *err = &outcome->error;
    struct comparison *comparison = NULL;
    size_t count = 0;
    int format = TABLE_TEXT, status = STATUS_WRONG;
    if (!folders) {
        error_memory(err);
        return STATUS_FAILED;
    }
    if (options_read(argc, argv, options, folders, &count, 2, (size_t)argc, command_compare.arguments, err)
        || argument_choice("--format", format_text, formats, &format, err)
        || !(comparison = comparison_new(folders, count, columns.values, columns.count, err)))
        goto out;
    const int written = format == TABLE_JSON  ? write_json(comparison, stdout)
                        : format == TABLE_CSV ? write_csv(comparison, stdout)
                                              : write_text(comparison, format == TABLE_MARKDOWN, stdout);
    status = written ? STATUS_FAILED : STATUS_DONE;
    if (written)
        iso_fail(err, "cannot write the comparison");
out:
    comparison_free(comparison);
    free(columns.values);
    free(folders);
    return status;
}

const struct command command_compare = {
    .name = "compare",
    .arguments = "DIR DIR... [--column COLUMN]... [--format text|csv|markdown|json]",
    .summary = "experiments side by side: settings that differ, trials in common, means over seeds",
    .help = "  --column COLUMN   what is averaged, such as test.loss; may be repeated (default: the validation loss, or the\n"
            "                    first of test and training loss that all have)\n"
            "  --format FORMAT   text (default) or markdown: all of it; json: all of it; csv: the means alone, a row for each\n"
            "                    experiment and point\n"
            "A path that an experiment does not sweep has its recipe's own value there. The best of each is by validation.\n",
    .run = run,
};
