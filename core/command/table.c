/* isoflop table: mean ± standard deviation over seeds for each point of a sweep. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"
#include "command/command.h"
#include "command/tables.h"
#include "command/arguments.h"

/* ---- Cells ---- */

/* A table of texts; the row before the first is the head. */
struct cells {
    size_t rows, columns;
    char **text; /* (rows + 1) x columns */
    bool *number;
};

static void cells_free(struct cells *cells)
{
    for (size_t i = 0; cells->text && i < (cells->rows + 1) * cells->columns; i++)
        free(cells->text[i]);
    free(cells->text);
    free(cells->number);
}

static void cell_text(const struct column *column, size_t row, char out[64], const char **text)
{
    *text = out;
    if (column->kind == COLUMN_TEXT)
        *text = column->texts[row] ? column->texts[row] : "";
    else if (isnan(column->numbers[row]))
        out[0] = '\0';
    else
        number_text(column->numbers[row], out);
}

static void count_text(const struct summary_row *row, char out[64])
{
    if (row->done == row->trials)
        snprintf(out, 64, "%zu", row->done);
    else if (row->diverged)
        snprintf(out, 64, "%zu of %zu, %zu diverged", row->done, row->trials, row->diverged);
    else
        snprintf(out, 64, "%zu of %zu", row->done, row->trials);
}

/* Swept columns, n, params, metrics, and a mark at the best. */
static int make_cells(struct cells *cells, const struct summary *summary, size_t rows)
{
    const struct frame *trials = summary->trials;
    const struct column *params = frame_find(trials, "params");
    bool marked = false;
    for (size_t i = 0; i < summary->count; i++)
        marked = marked || summary->rows[i].best;
    *cells = (struct cells){ .rows = rows, .columns = summary->key_count + 2 + summary->metric_count + marked };
    cells->text = memory_array((rows + 1) * cells->columns, sizeof *cells->text);
    cells->number = memory_array(cells->columns, sizeof *cells->number);
    bool failed = !cells->text || !cells->number || !params;
    for (size_t r = 0; !failed && r <= rows; r++) {
        const struct summary_row *row = r ? &summary->rows[r - 1] : NULL;
        for (size_t c = 0; c < cells->columns; c++) {
            const size_t n = summary->key_count, m = n + 2;
            char buffer[64] = "";
            const char *text = buffer;
            cells->number[c] = c >= n;
            if (c < n) {
                const struct column *column = &trials->column[summary->keys[c]];
                cells->number[c] = column->kind != COLUMN_TEXT;
                if (row)
                    cell_text(column, row->first, buffer, &text);
                else
                    text = column->name;
            } else if (c == n) {
                if (row)
                    count_text(row, buffer);
                else
                    text = "n";
            } else if (c == n + 1) {
                if (row)
                    cell_text(params, row->first, buffer, &text);
                else
                    text = "params";
            } else if (c < m + summary->metric_count) {
                if (row)
                    summary_number(row->mean[c - m], row->sd[c - m], buffer);
                else
                    text = trials->column[summary->metrics[c - m]].name;
            } else {
                cells->number[c] = false;
                text = row && row->best ? "best" : "";
            }
            char **slot = &cells->text[r * cells->columns + c];
            *slot = strdup(text);
            failed = failed || !*slot;
        }
    }
    if (failed)
        cells_free(cells);
    return failed ? -1 : 0;
}

/* Columns that a text takes: code points, not bytes. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80;
    return width;
}

static void write_text(const struct cells *cells, bool markdown, FILE *out)
{
    for (size_t r = 0; r <= cells->rows; r++) {
        struct text line = { 0 };
        for (size_t c = 0; c < cells->columns; c++) {
            const char *text = cells->text[r * cells->columns + c];
            size_t width = 0;
            for (size_t i = 0; i <= cells->rows; i++) {
                size_t own = width_of(cells->text[i * cells->columns + c]);
                width = own > width ? own : width;
            }
            const int pad = (int)(width - width_of(text));
            text_add_string(&line, markdown ? "| " : c ? "  " : "");
            if (cells->number[c])
                text_format(&line, "%*s%s", pad, "", text);
            else
                text_format(&line, "%s%*s", text, pad, "");
            text_add_string(&line, markdown ? " " : "");
        }
        while (!markdown && line.length && line.data[line.length - 1] == ' ')
            line.data[--line.length] = '\0';
        fprintf(out, "%s%s\n", line.data ? line.data : "", markdown ? "|" : "");
        text_free(&line);
        for (size_t c = 0; markdown && !r && c < cells->columns; c++)
            fputs(cells->number[c] ? "| ---: " : "| --- ", out);
        if (markdown && !r)
            fputs("|\n", out);
    }
}

/* ---- Formats for programs: mean, sd and n of each metric apart ---- */

static struct frame *make_frame(const struct summary *summary, size_t rows)
{
    const struct frame *trials = summary->trials;
    struct frame *frame = frame_new(rows);
    bool failed = !frame;
    for (size_t k = 0; !failed && k < summary->key_count; k++) {
        const struct column *from = &trials->column[summary->keys[k]];
        struct column *column = frame_add_column(frame, from->name, from->kind);
        failed = !column;
        for (size_t r = 0; !failed && r < rows; r++)
            if (from->kind == COLUMN_TEXT)
                failed = column_set_text(column, r, from->texts[summary->rows[r].first]) != 0;
            else
                column->numbers[r] = from->numbers[summary->rows[r].first];
    }
    static const char *const counts[] = { "trials", "done", "diverged", "failed", "params", "best" };
    const struct column *params = frame_find(trials, "params");
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
        for (int which = 0; !failed && which < 2; which++) {
            struct text name = { 0 };
            text_format(&name, "%s.%s", trials->column[summary->metrics[m]].name, which ? "sd" : "mean");
            struct column *column = name.failed ? NULL : frame_add_column(frame, name.data, COLUMN_DOUBLE);
            failed = !column;
            for (size_t r = 0; !failed && r < rows; r++)
                column->numbers[r] = which ? summary->rows[r].sd[m] : summary->rows[r].mean[m];
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
    if (format == TABLE_CSV || format == TABLE_JSON) {
        struct frame *frame = make_frame(summary, rows);
        int status = !frame ? -1 : format == TABLE_CSV ? frame_write_csv(frame, out) : frame_write_json(frame, out);
        frame_free(frame);
        return status;
    }
    struct cells cells;
    if (make_cells(&cells, summary, rows))
        return -1;
    write_text(&cells, format == TABLE_MARKDOWN, out);
    cells_free(&cells);
    return ferror(out) ? -1 : 0;
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

static const char *const formats[] = { "text", "csv", "markdown", "json", NULL };

static int run(int argc, char **argv, struct command_outcome *outcome)
{
    struct option_list columns = { 0 };
    const char *format_name = NULL, *sort = NULL, *limit_text = NULL, *folder = NULL;
    bool descending = false;
    uint64_t limit = 0;
    const struct option options[] = {
        { .name = "--format", .value = &format_name }, { .name = "--sort", .value = &sort },
        { .name = "--descending", .flag = &descending }, { .name = "--column", .list = &columns },
        { .name = "--limit", .value = &limit_text }, { 0 },
    };
    struct summary *summary = NULL;
    struct iso_error *err = &outcome->error;
    int format = TABLE_TEXT, status = STATUS_WRONG;
    if (arguments_read(argc, argv, options, &folder, 1, 1, command_table.arguments, err)
        || argument_choice("--format", format_name, formats, &format, err) || argument_count("--limit", limit_text, &limit, err))
        goto out;
    struct frame *trials = lab_frame(folder, LAB_TRIALS, err);
    if (!trials)
        goto out;
    const char *chosen[8];
    size_t chosen_count = 0;
    if (!columns.count && (format == TABLE_TEXT || format == TABLE_MARKDOWN))
        chosen_count = table_columns(trials, chosen);
    summary = summary_new(trials, columns.count ? columns.values : chosen_count ? chosen : NULL,
                          columns.count ? columns.count : chosen_count, err);
    if (!summary || (sort && summary_sort(summary, sort, descending, err)))
        goto out;
    status = STATUS_DONE;
    if (table_write(summary, (enum table_format)format, (size_t)limit, stdout)) {
        iso_fail(err, "cannot write the table");
        status = STATUS_FAILED;
    }
out:
    summary_free(summary);
    free(columns.values);
    return status;
}

const struct command command_table = {
    .name = "table",
    .arguments = "DIR [--format text|csv|markdown|json] [--sort COLUMN] [--descending] [--column NAME]... [--limit N]",
    .summary = "mean ± standard deviation over seeds for each point of the sweep",
    .help = "  --format FORMAT   text (default), csv, markdown or json\n"
            "  --sort COLUMN     by a swept path or the mean of a column\n"
            "  --descending      largest first\n"
            "  --column NAME     a column to average, such as test.loss; may be repeated\n"
            "  --limit N         the first N rows\n"
            "The point with the lowest mean validation loss is marked; diverged trials are counted, never averaged.\n",
    .run = run,
};
