/* isoflop table: mean ± standard deviation over seeds for each point of a sweep. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"
#include "command/arguments.h"
#include "command/command.h"
#include "command/tables.h"

/* ---- Values ---- */

void table_count(const struct summary_row *row, char out[96])
{
    int used = snprintf(out, 96, row->done == row->trials ? "%zu" : "%zu of %zu", row->done, row->trials);
    if (row->diverged)
        used += snprintf(out + used, 96 - (size_t)used, ", %zu diverged", row->diverged);
    if (row->failed)
        snprintf(out + used, 96 - (size_t)used, ", %zu failed", row->failed);
}

struct column *table_copy_head(struct frame *to, const struct column *from)
{
    return frame_add_column(to, from->name, from->kind);
}

int table_copy_value(const struct frame *to, struct column *column, size_t row, const struct column *from,
                     size_t from_row)
{
    if (from->kind == COLUMN_TEXT)
        return column_set_text(column, row, from->texts[from_row]);
    if (from->wholes && fabs(from->numbers[from_row]) >= 0x1p53)
        return column_set_whole(to, column, row, from->wholes[from_row]);
    column->numbers[row] = from->numbers[from_row];
    return 0;
}

/* ---- For people: swept columns, n, params, metrics, and a mark at the best ---- */

void table_cells(const struct summary *summary, size_t rows, struct cells *cells)
{
    const struct frame *trials = summary->trials;
    const struct column *params = frame_find(trials, "params");
    const size_t n = summary->key_count, m = n + 2, last = m + summary->metric_count;
    bool marked = false;
    for (size_t i = 0; i < rows; i++)
        marked = marked || summary->rows[i].best;
    cells_make(cells, rows, last + marked);
    for (size_t r = 0; !cells->failed && r <= rows; r++) {
        const struct summary_row *row = r ? &summary->rows[r - 1] : NULL;
        char buffer[96];
        for (size_t k = 0; k < n; k++) {
            const struct column *column = &trials->column[summary->keys[k]];
            cells->number[k] = column->kind != COLUMN_TEXT;
            cells_set(cells, r, k, "%s", row ? column_shown(column, row->first, buffer) : column->name);
        }
        cells->number[n] = cells->number[n + 1] = true;
        if (row)
            table_count(row, buffer);
        cells_set(cells, r, n, "%s", row ? buffer : "n");
        cells_set(cells, r, n + 1, "%s", row && params ? column_shown(params, row->first, buffer) : row ? "" : "params");
        for (size_t c = 0; c < summary->metric_count; c++) {
            cells->number[m + c] = true;
            if (row)
                summary_number(row->mean[c], row->sd[c], buffer);
            cells_set(cells, r, m + c, "%s", row ? buffer : trials->column[summary->metrics[c]].name);
        }
        if (row && row->best)
            cells_set(cells, r, last, "best");
    }
}

static int write_cells(const struct summary *summary, bool markdown, size_t rows, FILE *out)
{
    struct cells cells;
    table_cells(summary, rows, &cells);
    const int status = cells_write(&cells, markdown, out);
    cells_free(&cells);
    return status;
}

/* ---- For programs: mean, sd and n of each metric apart ---- */

static struct frame *make_frame(const struct summary *summary, size_t rows)
{
    static const char *const counts[] = { "trials", "done", "diverged", "failed", "params", "best" };
    static const char *const parts[] = { "mean", "sd", "n" };
    const struct frame *trials = summary->trials;
    const struct column *params = frame_find(trials, "params");
    struct frame *frame = frame_new(rows);
    bool failed = !frame;
    for (size_t k = 0; !failed && k < summary->key_count; k++) {
        const struct column *from = &trials->column[summary->keys[k]];
        struct column *column = table_copy_head(frame, from);
        failed = !column;
        for (size_t r = 0; !failed && r < rows; r++)
            failed = table_copy_value(frame, column, r, from, summary->rows[r].first) != 0;
    }
    for (size_t i = 0; !failed && i < sizeof counts / sizeof *counts; i++) {
        struct column *column = frame_add_column(frame, counts[i], COLUMN_INTEGER);
        failed = !column;
        for (size_t r = 0; !failed && r < rows; r++) {
            const struct summary_row *row = &summary->rows[r];
            const double values[] = { (double)row->trials, (double)row->done, (double)row->diverged,
                                      (double)row->failed, params ? params->numbers[row->first] : NAN, row->best };
            column->numbers[r] = values[i];
        }
    }
    for (size_t m = 0; !failed && m < summary->metric_count; m++)
        for (int which = 0; !failed && which < 3; which++) {
            struct text name = { 0 };
            text_format(&name, "%s.%s", trials->column[summary->metrics[m]].name, parts[which]);
            struct column *column = name.failed ? NULL : frame_add_column(frame, name.data, which == 2 ? COLUMN_INTEGER
                                                                                                      : COLUMN_DOUBLE);
            failed = !column;
            for (size_t r = 0; !failed && r < rows; r++) {
                const struct summary_row *row = &summary->rows[r];
                column->numbers[r] = which == 0 ? row->mean[m] : which == 1 ? row->sd[m] : (double)row->n[m];
            }
            text_free(&name);
        }
    if (failed) {
        frame_free(frame);
        return NULL;
    }
    return frame;
}

int table_write(const struct summary *summary, enum table_format format, size_t limit, FILE *out)
{
    const size_t rows = limit && limit < summary->count ? limit : summary->count;
    if (format == TABLE_TEXT || format == TABLE_MARKDOWN)
        return write_cells(summary, format == TABLE_MARKDOWN, rows, out);
    struct frame *frame = make_frame(summary, rows);
    int status = !frame ? -1 : format == TABLE_CSV ? frame_write_csv(frame, out) : frame_write_json(frame, out);
    frame_free(frame);
    return status;
}

size_t table_columns(const struct frame *trials, const char *columns[8])
{
    static const char *const wanted[] = { "best.validation.loss", "validation.loss", "validation.accuracy", "test.loss",
                                          "test.accuracy", "train.loss" };
    size_t count = 0;
    bool best = false;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct column *column = frame_find(trials, wanted[i]);
        bool any = false;
        for (size_t row = 0; column && column->numbers && row < trials->rows && !any; row++)
            any = !isnan(column->numbers[row]);
        if (!any || (i == 1 && best) || (i == 5 && count >= 4))
            continue;
        best = best || i == 0;
        columns[count++] = wanted[i];
    }
    return count;
}

/* ---- The command ---- */

struct given {
    const char *folder, *sort, *pivot, *paired, *reference, *format_text, *limit_text, *confidence_text;
    struct option_list columns;
    bool descending;
    int format;
    uint64_t limit;
    double confidence;
};

/* "a,b" in one --column as two. The words live in *words. */
static int split_columns(struct option_list *columns, char **words, struct iso_error *err)
{
    struct text text = { 0 };
    for (size_t i = 0; i < columns->count; i++)
        text_format(&text, "%s%s", i ? "," : "", columns->values[i]);
    columns->count = 0;
    *words = text_take(&text);
    if (!*words)
        return error_memory(err);
    for (char *word = strtok(*words, ","); word; word = strtok(NULL, ",")) {
        if (memory_grow(&columns->values, &columns->capacity, columns->count + 1, sizeof *columns->values))
            return error_memory(err);
        columns->values[columns->count++] = word;
    }
    return 0;
}

static int write_asked(const struct given *given, struct summary *summary, struct iso_error *err)
{
    const enum table_format format = (enum table_format)given->format;
    if (given->pivot)
        return table_write_pivot(summary, given->pivot, format, (size_t)given->limit, stdout, err);
    if (!given->paired)
        return table_write(summary, format, (size_t)given->limit, stdout);
    struct paired *paired = paired_new(summary, given->paired, given->reference, given->confidence, err);
    const int status = paired ? table_write_paired(summary, paired, given->confidence, format, (size_t)given->limit,
                                                   stdout) : -1;
    paired_free(paired);
    return status;
}

static int make_table(const struct given *given, struct iso_error *err)
{
    const char *chosen[8], *const *metrics = given->columns.values;
    size_t count = given->columns.count;
    struct frame *trials = lab_frame(given->folder, LAB_TRIALS, err);
    if (!trials)
        return STATUS_WRONG;
    if (!count && (given->format == TABLE_TEXT || given->format == TABLE_MARKDOWN || given->paired)) {
        count = table_columns(trials, chosen);
        metrics = chosen;
        if (given->pivot && count > 1) /* one is what a page has room for */
            count = 1;
    }
    const char *sort = given->sort;
    const bool minus = sort && sort[0] == '-';
    struct summary *summary = summary_by(trials, given->pivot, count ? metrics : NULL, count, err);
    int status = STATUS_WRONG;
    if (!summary || (sort && summary_sort(summary, sort + minus, given->descending != minus, err)))
        goto out;
    status = STATUS_DONE;
    if (write_asked(given, summary, err)) {
        status = err->text[0] ? STATUS_WRONG : STATUS_FAILED;
        iso_fail(err, "cannot write the table");
    }
out:
    summary_free(summary);
    return status;
}

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    static const char *const formats[] = { "text", "csv", "markdown", "json", NULL };
    struct given given = { .confidence = 0.95 };
    const struct option options[] = {
        { .name = "--format", .value = &given.format_text }, { .name = "--sort", .value = &given.sort },
        { .name = "--descending", .flag = &given.descending }, { .name = "--column", .list = &given.columns },
        { .name = "--columns", .list = &given.columns },     { .name = "--value", .list = &given.columns },
        { .name = "--limit", .value = &given.limit_text },   { .name = "--pivot", .value = &given.pivot },
        { .name = "--paired", .value = &given.paired },      { .name = "--reference", .value = &given.reference },
        { .name = "--confidence", .value = &given.confidence_text }, { 0 },
    };
    struct iso_error *err = &outcome->error;
    char *words = NULL;
    int status = STATUS_WRONG;
    if (arguments_read(argc, argv, options, &given.folder, 1, 1, command_table.arguments, err)
        || argument_choice("--format", given.format_text, formats, &given.format, err)
        || argument_count("--limit", given.limit_text, &given.limit, err) || split_columns(&given.columns, &words, err))
        goto out;
    if (given.confidence_text && (!number_real(given.confidence_text, &given.confidence) || !(given.confidence > 0)
                                  || !(given.confidence < 1)))
        iso_fail(err, "--confidence needs a number between 0 and 1, such as 0.95, not %s", given.confidence_text);
    else if (given.pivot && given.paired)
        iso_fail(err, "--pivot and --paired are two tables; ask for one");
    else if (given.reference && !given.paired)
        iso_fail(err, "--reference is the value that --paired compares with");
    else
        status = make_table(&given, err);
out:
    free(given.columns.values);
    free(words);
    return status;
}

const struct command command_table = {
    .name = "table",
    .arguments = "DIR [--format text|csv|markdown|json] [--sort COLUMN] [--column COLUMN]... [--pivot COLUMN]"
                 " [--paired COLUMN [--reference VALUE] [--confidence P]] [--limit N]",
    .summary = "mean ± standard deviation over seeds for each point of the sweep",
    .help = "  --format FORMAT     text (default), csv, markdown or json\n"
            "  --sort COLUMN       by a swept path, n, or the mean of any column; -COLUMN: largest first\n"
            "  --descending        largest first\n"
            "  --column COLUMN     a column to average, such as test.loss; may be repeated, or A,B,...\n"
            "  --columns COLUMN    the same\n"
            "  --value COLUMN      the same, of a pivot\n"
            "  --pivot COLUMN      the values of a swept path (or any column) become columns\n"
            "  --paired COLUMN     differences to the first value of a swept path, seed by seed, with intervals by Student's t\n"
            "  --reference VALUE   its value to compare with\n"
            "  --confidence P      of the intervals (default: 0.95)\n"
            "  --limit N           the first N rows\n"
            "The point with the lowest mean validation loss is marked; diverged trials are counted, never averaged.\n",
    .run = run,
};
