/* isoflop table --pivot: the values of one swept path side by side. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "command/tables.h"

/* Rows of the summary, laid out: at[row * columns + column] is one of them + 1, or 0. */
struct pivot {
    const struct summary *summary;
    const struct column *path;
    size_t key; /* of `path` in summary->keys */
    size_t rows, columns;
    size_t *first_of_row, *first_of_column; /* a row of the summary each */
    size_t *at;
};

static bool same_value(const struct column *column, size_t a, size_t b)
{
    char x[64], y[64];
    return strcmp(column_shown(column, a, x), column_shown(column, b, y)) == 0;
}

static int lay_out(struct pivot *pivot)
{
    const struct summary *summary = pivot->summary;
    size_t *row_of = memory_array(summary->count + 1, sizeof *row_of);
    size_t *column_of = memory_array(summary->count + 1, sizeof *column_of);
    pivot->first_of_row = memory_array(summary->count + 1, sizeof *pivot->first_of_row);
    pivot->first_of_column = memory_array(summary->count + 1, sizeof *pivot->first_of_column);
    bool failed = !row_of || !column_of || !pivot->first_of_row || !pivot->first_of_column;
    for (size_t i = 0; !failed && i < summary->count; i++) {
        const size_t own = summary->rows[i].first;
        size_t r = 0, c = 0;
        while (r < pivot->rows
               && !summary_same_point(summary, own, summary->rows[pivot->first_of_row[r]].first, pivot->key))
            r++;
        while (c < pivot->columns && !same_value(pivot->path, own, summary->rows[pivot->first_of_column[c]].first))
            c++;
        if (r == pivot->rows)
            pivot->first_of_row[pivot->rows++] = i;
        if (c == pivot->columns)
            pivot->first_of_column[pivot->columns++] = i;
        row_of[i] = r;
        column_of[i] = c;
    }
    pivot->at = failed ? NULL : memory_array(pivot->rows * pivot->columns + 1, sizeof *pivot->at);
    for (size_t i = 0; pivot->at && i < summary->count; i++)
        if (!pivot->at[row_of[i] * pivot->columns + column_of[i]])
            pivot->at[row_of[i] * pivot->columns + column_of[i]] = i + 1;
    free(row_of);
    free(column_of);
    return pivot->at ? 0 : -1;
}

/* "0.21 ± 0.01", with what is not in the mean. */
static void add_cell(struct cells *cells, size_t r, size_t c, const struct summary_row *row, size_t metric)
{
    char number[64], count[96] = "";
    summary_number(row->mean[metric], row->sd[metric], number);
    if (row->done != row->trials)
        table_count(row, count);
    cells_set(cells, r, c, "%s%s%s%s%s", number, *count ? " (" : "", count, *count ? ")" : "", row->best ? " best" : "");
}

static int write_cells(const struct pivot *pivot, bool markdown, size_t rows, FILE *out)
{
    const struct summary *summary = pivot->summary;
    const size_t keys = summary->key_count - 1, metrics = summary->metric_count;
    struct cells cells;
    fprintf(out, "mean ± sd over seeds of ");
    for (size_t m = 0; m < metrics; m++)
        fprintf(out, "%s%s", m ? ", " : "", summary->trials->column[summary->metrics[m]].name);
    fprintf(out, "; columns: %s\n%s", pivot->path->name, markdown ? "\n" : "");
    cells_make(&cells, rows, keys + pivot->columns * metrics);
    for (size_t r = 0; !cells.failed && r <= rows; r++) {
        char buffer[64];
        for (size_t k = 0, c = 0; k < summary->key_count; k++) {
            const struct column *column = &summary->trials->column[summary->keys[k]];
            if (k == pivot->key)
                continue;
            cells.number[c] = column->kind != COLUMN_TEXT;
            cells_set(&cells, r, c++, "%s",
                      r ? column_shown(column, summary->rows[pivot->first_of_row[r - 1]].first, buffer) : column->name);
        }
        for (size_t c = 0; c < pivot->columns; c++)
            for (size_t m = 0; m < metrics; m++) {
                const size_t place = keys + c * metrics + m;
                const size_t at = r ? pivot->at[(r - 1) * pivot->columns + c] : 0;
                cells.number[place] = true;
                if (at)
                    add_cell(&cells, r, place, &summary->rows[at - 1], m);
                else if (!r)
                    cells_set(&cells, r, place, "%s%s%s",
                              column_shown(pivot->path, summary->rows[pivot->first_of_column[c]].first, buffer),
                              metrics > 1 ? " " : "",
                              metrics > 1 ? summary->trials->column[summary->metrics[m]].name : "");
            }
    }
    const int status = cells_write(&cells, markdown, out);
    cells_free(&cells);
    return status;
}

/* Columns METRIC[PATH=VALUE].mean, .sd, .n, .diverged. */
static struct frame *make_frame(const struct pivot *pivot, size_t rows)
{
    static const char *const parts[] = { "mean", "sd", "n", "diverged" };
    const struct summary *summary = pivot->summary;
    struct frame *frame = frame_new(rows);
    bool failed = !frame;
    for (size_t k = 0; !failed && k < summary->key_count; k++) {
        const struct column *from = &summary->trials->column[summary->keys[k]];
        if (k == pivot->key)
            continue;
        struct column *column = table_copy_head(frame, from);
        failed = !column;
        for (size_t r = 0; !failed && r < rows; r++)
            failed = table_copy_value(frame, column, r, from, summary->rows[pivot->first_of_row[r]].first) != 0;
    }
    for (size_t i = 0; !failed && i < pivot->columns * summary->metric_count * 4; i++) {
        const size_t part = i % 4, m = i / 4 % summary->metric_count, c = i / 4 / summary->metric_count;
        struct text name = { 0 };
        char buffer[64];
        text_format(&name, "%s[%s=%s].%s", summary->trials->column[summary->metrics[m]].name, pivot->path->name,
                    column_shown(pivot->path, summary->rows[pivot->first_of_column[c]].first, buffer), parts[part]);
        struct column *column = name.failed ? NULL : frame_add_column(frame, name.data, part < 2 ? COLUMN_DOUBLE
                                                                                                 : COLUMN_INTEGER);
        failed = !column;
        text_free(&name);
        for (size_t r = 0; !failed && r < rows; r++) {
            const size_t at = pivot->at[r * pivot->columns + c];
            const struct summary_row *row = at ? &summary->rows[at - 1] : NULL;
            if (row)
                column->numbers[r] = part == 0 ? row->mean[m] : part == 1 ? row->sd[m]
                                     : part == 2 ? (double)row->n[m] : (double)row->diverged;
        }
    }
    if (failed) {
        frame_free(frame);
        return NULL;
    }
    return frame;
}

int table_write_pivot(const struct summary *summary, const char *path, enum table_format format, size_t limit, FILE *out,
                      struct iso_error *err)
{
    struct pivot pivot = { .summary = summary, .path = frame_find(summary->trials, path) };
    int status = -1;
    while (pivot.key < summary->key_count && &summary->trials->column[summary->keys[pivot.key]] != pivot.path)
        pivot.key++;
    if (lay_out(&pivot)) {
        error_memory(err);
        goto out;
    }
    if (pivot.columns > 1000) {
        iso_fail(err, "%s has %zu values, which are too many for columns", path, pivot.columns);
        goto out;
    }
    const size_t rows = limit && limit < pivot.rows ? limit : pivot.rows;
    if (format == TABLE_TEXT || format == TABLE_MARKDOWN) {
        status = write_cells(&pivot, format == TABLE_MARKDOWN, rows, out);
    } else {
        struct frame *frame = make_frame(&pivot, rows);
        status = !frame ? -1 : format == TABLE_CSV ? frame_write_csv(frame, out) : frame_write_json(frame, out);
        frame_free(frame);
    }
out:
    free(pivot.first_of_row);
    free(pivot.first_of_column);
    free(pivot.at);
    return status;
}
