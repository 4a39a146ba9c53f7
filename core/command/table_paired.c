/* isoflop table --paired: differences over seeds with intervals. */
#include <math.h>
#include <stdio.h>

#include "command/tables.h"

/* "-0.012 ± 0.003 [-0.019, -0.005]*" with the decimals of the deviation. */
static void difference_text(const struct paired_difference *difference, char out[160])
{
    char number[64];
    summary_number(difference->mean, difference->sd, number);
    if (isnan(difference->low)) {
        snprintf(out, 160, "%s", number);
        return;
    }
    const double width = difference->high - difference->low;
    const int decimals = width > 0 ? 1 - (int)floor(log10(width)) : 4;
    const int digits = decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
    snprintf(out, 160, "%s [%.*f, %.*f]%s", number, digits, difference->low, digits, difference->high,
             paired_differs(difference) ? "*" : "");
}

static void count_text(const struct paired_row *row, size_t n, char out[96])
{
    int used = snprintf(out, 96, n == row->pairs ? "%zu" : "%zu of %zu", n, row->pairs);
    const struct { size_t count; const char *what; } parts[] = { { row->diverged, "diverged" }, { row->failed, "failed" },
                                                                 { row->unfinished, "unfinished" } };
    for (size_t i = 0; i < 3; i++)
        if (parts[i].count)
            used += snprintf(out + used, 96 - (size_t)used, ", %zu %s", parts[i].count, parts[i].what);
}

static int write_cells(const struct summary *summary, const struct paired *paired, double confidence, bool markdown,
                       size_t rows, FILE *out)
{
    const struct frame *trials = summary->trials;
    const struct column *path = &trials->column[summary->keys[paired->key]];
    const size_t keys = summary->key_count;
    char buffer[160];
    struct cells cells;
    fprintf(out, "differences from %s = %s, paired by seed: mean ± sd [%g %% interval, Student's t, n - 1 degrees of"
            " freedom]\n%s", path->name, column_shown(path, paired->reference, buffer), 100 * confidence,
            markdown ? "\n" : "");
    cells_make(&cells, rows, keys + 1 + summary->metric_count);
    for (size_t r = 0; !cells.failed && r <= rows; r++) {
        const struct paired_row *row = r ? &paired->rows[r - 1] : NULL;
        for (size_t k = 0; k < keys; k++) {
            const struct column *column = &trials->column[summary->keys[k]];
            cells.number[k] = column->kind != COLUMN_TEXT;
            cells_set(&cells, r, k, "%s", row ? column_shown(column, summary->rows[row->row].first, buffer) : column->name);
        }
        if (row)
            count_text(row, row->pairs - row->diverged - row->failed - row->unfinished, buffer);
        cells.number[keys] = true;
        cells_set(&cells, r, keys, "%s", row ? buffer : "n");
        for (size_t m = 0; m < summary->metric_count; m++) {
            if (row)
                difference_text(&row->metrics[m], buffer);
            cells.number[keys + 1 + m] = true;
            cells_set(&cells, r, keys + 1 + m, "%s", row ? buffer : trials->column[summary->metrics[m]].name);
        }
    }
    int status = cells_write(&cells, markdown, out);
    cells_free(&cells);
    fprintf(out, "%s* the interval excludes 0; no correction is made for looking at several rows\n", markdown ? "\n" : "");
    return status || ferror(out) ? -1 : 0;
}

/* A row for each setting, value and metric. */
static struct frame *make_frame(const struct summary *summary, const struct paired *paired, double confidence,
                                size_t limit)
{
    static const char *const counts[] = { "pairs", "n", "diverged", "failed" };
    static const char *const numbers[] = { "difference", "sd", "low", "high", "confidence" };
    const struct frame *trials = summary->trials;
    const struct column *path = &trials->column[summary->keys[paired->key]];
    const size_t metrics = summary->metric_count, rows = limit * metrics;
    struct frame *frame = frame_new(rows);
    struct column *column;
    char buffer[64];
    bool failed = !frame;
    for (size_t k = 0; !failed && k < summary->key_count; k++) {
        const struct column *from = &trials->column[summary->keys[k]];
        failed = !(column = table_copy_head(frame, from));
        for (size_t r = 0; !failed && r < rows; r++)
            failed = table_copy_value(frame, column, r, from, summary->rows[paired->rows[r / metrics].row].first) != 0;
    }
    failed = failed || !(column = frame_add_column(frame, "reference", COLUMN_TEXT));
    for (size_t r = 0; !failed && r < rows; r++)
        failed = column_set_text(column, r, column_shown(path, paired->reference, buffer)) != 0;
    failed = failed || !(column = frame_add_column(frame, "column", COLUMN_TEXT));
    for (size_t r = 0; !failed && r < rows; r++)
        failed = column_set_text(column, r, trials->column[summary->metrics[r % metrics]].name) != 0;
    for (size_t i = 0; !failed && i < 9; i++) {
        failed = !(column = frame_add_column(frame, i < 4 ? counts[i] : numbers[i - 4], i < 4 ? COLUMN_INTEGER
                                             : i == 8 ? COLUMN_SETTING : COLUMN_DOUBLE));
        for (size_t r = 0; !failed && r < rows; r++) {
            const struct paired_row *row = &paired->rows[r / metrics];
            const struct paired_difference *d = &row->metrics[r % metrics];
            const double values[] = { (double)row->pairs, (double)d->n, (double)row->diverged, (double)row->failed,
                                      d->mean, d->sd, d->low, d->high, confidence };
            column->numbers[r] = values[i];
        }
    }
    if (failed) {
        frame_free(frame);
        return NULL;
    }
    return frame;
}

int table_write_paired(const struct summary *summary, const struct paired *paired, double confidence,
                       enum table_format format, size_t limit, FILE *out)
{
    const size_t rows = limit && limit < paired->count ? limit : paired->count;
    if (format == TABLE_TEXT || format == TABLE_MARKDOWN)
        return write_cells(summary, paired, confidence, format == TABLE_MARKDOWN, rows, out);
    struct frame *frame = make_frame(summary, paired, confidence, rows);
    int status = !frame ? -1 : format == TABLE_CSV ? frame_write_csv(frame, out) : frame_write_json(frame, out);
    frame_free(frame);
    return status;
}
