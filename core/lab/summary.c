/* Groups trials by their point in the sweep and averages over seeds. */
#include "lab/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char *const measured[] = {
    "train.loss", "train.accuracy", "train_eval.loss", "train_eval.accuracy", "validation.loss", "validation.accuracy",
    "best.validation.loss", "best.validation.accuracy", "test.loss", "test.accuracy", "best.test.loss",
    "best.test.accuracy",
};

void summary_free(struct summary *summary)
{
    if (!summary)
        return;
    for (size_t i = 0; i < summary->count; i++) {
        free(summary->rows[i].mean);
        free(summary->rows[i].sd);
        free(summary->rows[i].n);
    }
    free(summary->rows);
    free(summary->metrics);
    free(summary->keys);
    frame_free(summary->trials);
    free(summary);
}

static bool same_cell(const struct column *column, size_t a, size_t b)
{
    if (column->kind == COLUMN_TEXT) {
        const char *x = column->texts[a], *y = column->texts[b];
        return x == y || (x && y && strcmp(x, y) == 0);
    }
    return column->numbers[a] == column->numbers[b] || (isnan(column->numbers[a]) && isnan(column->numbers[b]));
}

static bool is_measured(const struct column *column, size_t rows)
{
    if (column->kind == COLUMN_TEXT)
        return false;
    for (size_t row = 0; row < rows; row++)
        if (!isnan(column->numbers[row]))
            return true;
    return false;
}

static size_t column_index(const struct frame *frame, const char *name)
{
    const struct column *column = frame_find(frame, name);
    return column ? (size_t)(column - frame->column) : SIZE_MAX;
}

static int choose_columns(struct summary *summary, const char *const *metrics, size_t metric_count,
                          struct iso_error *err)
{
    const struct frame *trials = summary->trials;
    const size_t first = column_index(trials, "seed") + 1, end = column_index(trials, "params");
    const size_t count = metrics ? metric_count : sizeof measured / sizeof *measured;
    if (!first || end == SIZE_MAX || end < first)
        return iso_fail(err, "this is no table of trials");
    summary->keys = memory_array(end - first + 1, sizeof *summary->keys);
    summary->metrics = memory_array(count + 1, sizeof *summary->metrics);
    if (!summary->keys || !summary->metrics)
        return error_memory(err);
    for (size_t i = first; i < end; i++)
        summary->keys[summary->key_count++] = i;
    for (size_t i = 0; i < count; i++) {
        const char *name = metrics ? metrics[i] : measured[i];
        const size_t index = column_index(trials, name);
        if (index != SIZE_MAX && trials->column[index].kind != COLUMN_TEXT
            && (metrics || is_measured(&trials->column[index], trials->rows))) {
            summary->metrics[summary->metric_count++] = index;
        } else if (metrics) {
            struct text text = { 0 };
            const char **names = memory_array(trials->columns + 1, sizeof *names);
            for (size_t k = 0; names && k < trials->columns; k++)
                names[k] = trials->column[k].name;
            if (names)
                text_suggest(&text, name, names, trials->columns);
            iso_fail(err, "there is no column of numbers \"%s\"%s", name, text.data ? text.data : "");
            free(names);
            text_free(&text);
            return -1;
        }
    }
    return 0;
}

/* Mean and standard deviation (n - 1) of the group's trials that are done; Welford's recurrence. */
static void average(const struct summary *summary, const struct column *column, size_t from, size_t to, double *mean,
                    double *sd, size_t *n)
{
    const struct column *status = frame_find(summary->trials, "status");
    double squares = 0;
    *mean = 0;
    *n = 0;
    for (size_t row = from; row < to; row++) {
        const char *word = status && status->texts ? status->texts[row] : NULL;
        const double value = column->numbers[row];
        if (isnan(value) || !word || strcmp(word, "done") != 0)
            continue;
        const double change = value - *mean;
        *mean += change / (double)++*n;
        squares += change * (value - *mean);
    }
    *sd = *n > 1 ? sqrt(squares / (double)(*n - 1)) : NAN;
    if (!*n)
        *mean = NAN;
}

static int add_row(struct summary *summary, size_t from, size_t to)
{
    struct summary_row *row = &summary->rows[summary->count];
    const struct column *status = frame_find(summary->trials, "status");
    *row = (struct summary_row){ .first = from, .trials = to - from };
    row->mean = memory_array(summary->metric_count + 1, sizeof *row->mean);
    row->sd = memory_array(summary->metric_count + 1, sizeof *row->sd);
    row->n = memory_array(summary->metric_count + 1, sizeof *row->n);
    summary->count++;
    if (!row->mean || !row->sd || !row->n)
        return -1;
    for (size_t i = from; i < to; i++) {
        const char *word = status && status->texts && status->texts[i] ? status->texts[i] : "";
        row->done += strcmp(word, "done") == 0;
        row->diverged += strcmp(word, "diverged") == 0;
        row->failed += strcmp(word, "failed") == 0;
    }
    for (size_t m = 0; m < summary->metric_count; m++)
        average(summary, &summary->trials->column[summary->metrics[m]], from, to, &row->mean[m], &row->sd[m],
                &row->n[m]);
    return 0;
}

/* The best point has the lowest mean validation loss (of the best weights where there are such), never by test; only
 * where every seed came to its end. Losses of different kinds, or on different data, are not compared. */
static void mark_best(struct summary *summary)
{
    static const char *const by[] = { "best.validation.loss", "validation.loss" };
    for (size_t k = 0; k < summary->key_count; k++) {
        const char *path = summary->trials->column[summary->keys[k]].name;
        if (strncmp(path, "loss", 4) == 0 || strcmp(path, "dataset") == 0)
            return;
    }
    for (size_t b = 0; b < 2; b++) {
        const size_t column = column_index(summary->trials, by[b]);
        struct summary_row *best = NULL;
        double lowest = INFINITY;
        if (column == SIZE_MAX || summary->count < 2)
            continue;
        for (size_t i = 0; i < summary->count; i++) {
            struct summary_row *row = &summary->rows[i];
            double mean, sd;
            size_t n;
            average(summary, &summary->trials->column[column], row->first, row->first + row->trials, &mean, &sd, &n);
            if (n && n == row->trials && mean < lowest) {
                lowest = mean;
                best = row;
            }
        }
        if (best) {
            best->best = true;
            return;
        }
    }
}

struct summary *summary_new(struct frame *trials, const char *const *metrics, size_t metric_count,
                            struct iso_error *err)
{
    struct summary *summary = memory_array(1, sizeof *summary);
    if (!summary) {
        frame_free(trials);
        error_memory(err);
        return NULL;
    }
    summary->trials = trials;
    summary->rows = memory_array(trials->rows + 1, sizeof *summary->rows);
    if (!summary->rows || choose_columns(summary, metrics, metric_count, err)) {
        error_memory(err);
        goto fail;
    }
    for (size_t from = 0, to; from < trials->rows; from = to) {
        for (to = from + 1; to < trials->rows; to++) {
            bool same = true;
            for (size_t k = 0; same && k < summary->key_count; k++)
                same = same_cell(&trials->column[summary->keys[k]], from, to);
            if (!same)
                break;
        }
        if (add_row(summary, from, to)) {
            error_memory(err);
            goto fail;
        }
    }
    mark_best(summary);
    return summary;
fail:
    summary_free(summary);
    return NULL;
}

/* ---- Sorting ---- */

static const struct summary *sorted; /* for qsort, which hands no context on */
static size_t sorted_key, sorted_metric;
static bool sorted_down;

static int compare_rows(const void *a, const void *b)
{
    const struct summary_row *left = a, *right = b;
    int order = 0;
    if (sorted_metric != SIZE_MAX || sorted->trials->column[sorted_key].kind != COLUMN_TEXT) {
        const double *numbers = sorted->trials->column[sorted_key].numbers;
        const double x = sorted_metric != SIZE_MAX ? left->mean[sorted_metric] : numbers[left->first];
        const double y = sorted_metric != SIZE_MAX ? right->mean[sorted_metric] : numbers[right->first];
        if (isnan(x) || isnan(y)) /* what is empty comes last, whichever way */
            order = (isnan(x) - isnan(y)) * (sorted_down ? -1 : 1);
        else
            order = (x > y) - (x < y);
    } else {
        char *const *texts = sorted->trials->column[sorted_key].texts;
        order = strcmp(texts[left->first] ? texts[left->first] : "", texts[right->first] ? texts[right->first] : "");
    }
    if (sorted_down)
        order = -order;
    return order ? order : (left->first > right->first) - (left->first < right->first);
}

int summary_sort(struct summary *summary, const char *column, bool descending, struct iso_error *err)
{
    const size_t index = column_index(summary->trials, column);
    sorted = summary;
    sorted_key = index;
    sorted_metric = SIZE_MAX;
    sorted_down = descending;
    bool known = index != SIZE_MAX;
    for (size_t m = 0; m < summary->metric_count; m++)
        if (summary->metrics[m] == index)
            sorted_metric = m;
    if (!known)
        return iso_fail(err, "there is no column \"%s\" to sort by", column);
    qsort(summary->rows, summary->count, sizeof *summary->rows, compare_rows);
    return 0;
}

void summary_number(double mean, double sd, char out[64])
{
    if (isnan(mean)) {
        snprintf(out, 64, "-");
        return;
    }
    /* Two digits of the deviation; four significant ones of a number alone. */
    const double scale = sd > 0 ? sd : fabs(mean);
    int decimals = scale > 0 ? (sd > 0 ? 1 : 3) - (int)floor(log10(scale)) : 0;
    decimals = decimals < 0 ? 0 : decimals > 8 ? 8 : decimals;
    if (fabs(mean) >= 1e7 || (mean != 0 && fabs(mean) < 1e-6))
        snprintf(out, 64, "%.4g", mean);
    else if (isnan(sd))
        snprintf(out, 64, "%.*f", decimals, mean);
    else
        snprintf(out, 64, "%.*f ± %.*f", decimals, mean, decimals, sd);
}
