/* Groups trials by their point in the sweep and averages over seeds. */
#include "lab/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/statistics.h"
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
    free(summary->repeats);
    free(summary->metrics);
    free(summary->keys);
    frame_free(summary->trials);
    free(summary);
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

static int fail_column(const struct frame *trials, const char *name, struct iso_error *err)
{
    struct text text = { 0 };
    const char **names = memory_array(trials->columns + 1, sizeof *names);
    for (size_t k = 0; names && k < trials->columns; k++)
        names[k] = trials->column[k].name;
    if (names)
        text_suggest(&text, name, names, trials->columns);
    iso_fail(err, "there is no column \"%s\"%s", name, text.data ? text.data : "; `isoflop export` shows them");
    free(names);
    text_free(&text);
    return -1;
}

static int choose_columns(struct summary *summary, const char *also, const char *const *metrics, size_t metric_count,
                          struct iso_error *err)
{
    const struct frame *trials = summary->trials;
    const size_t first = column_index(trials, "seed") + 1, end = column_index(trials, "params");
    const size_t count = metrics ? metric_count : sizeof measured / sizeof *measured;
    if (!first || end == SIZE_MAX || end < first)
        return iso_fail(err, "this is no table of trials");
    summary->keys = memory_array(end - first + 2, sizeof *summary->keys);
    summary->metrics = memory_array(count + 1, sizeof *summary->metrics);
    if (!summary->keys || !summary->metrics)
        return error_memory(err);
    for (size_t i = first; i < end; i++)
        summary->keys[summary->key_count++] = i;
    const size_t extra = also ? column_index(trials, also) : SIZE_MAX;
    if (also && extra == SIZE_MAX)
        return fail_column(trials, also, err);
    if (also && (extra < first || extra >= end))
        summary->keys[summary->key_count++] = extra;
    for (size_t i = 0; i < count; i++) {
        const char *name = metrics ? metrics[i] : measured[i];
        const size_t index = column_index(trials, name);
        if (index != SIZE_MAX && trials->column[index].kind != COLUMN_TEXT
            && (metrics || is_measured(&trials->column[index], trials->rows))) {
            summary->metrics[summary->metric_count++] = index;
        } else if (metrics) {
            return index == SIZE_MAX ? fail_column(trials, name, err)
                                     : iso_fail(err, "the column %s holds texts, which have no mean", name);
        }
    }
    return 0;
}

static const char *status_of(const struct summary *summary, size_t trial)
{
    const struct column *status = frame_find(summary->trials, "status");
    return status && status->texts && status->texts[trial] ? status->texts[trial] : "";
}

struct keyed {
    const char *key;
    size_t trial;
};

static int compare_keys(const void *a, const void *b)
{
    const struct keyed *left = a, *right = b;
    const int order = strcmp(left->key, right->key);
    return order ? order : (left->trial > right->trial) - (left->trial < right->trial);
}

/* Of the trials of a point, all but the first with a key are repeats: a value that is swept twice trains nothing
 * twice. */
static int mark_repeats(struct summary *summary, size_t from, size_t to)
{
    const struct column *key = frame_find(summary->trials, "key");
    if (!key || !key->texts)
        return 0;
    struct keyed *keyed = memory_array(to - from, sizeof *keyed);
    if (!keyed)
        return -1;
    size_t count = 0;
    for (size_t i = from; i < to; i++)
        if (key->texts[i])
            keyed[count++] = (struct keyed){ key->texts[i], i };
    qsort(keyed, count, sizeof *keyed, compare_keys);
    for (size_t k = 1; k < count; k++)
        summary->repeats[keyed[k].trial] = strcmp(keyed[k].key, keyed[k - 1].key) == 0;
    free(keyed);
    return 0;
}

bool summary_counts(const struct summary *summary, size_t trial)
{
    return strcmp(status_of(summary, trial), "done") == 0 && !summary->repeats[trial];
}

/* Over the point's trials that are done. */
static struct moments moments_of(const struct summary *summary, const struct column *column,
                                 const struct summary_row *row)
{
    struct moments moments = { 0 };
    for (size_t i = row->first; i < row->end; i++)
        if (!isnan(column->numbers[i]) && summary_counts(summary, i))
            moments_add(&moments, column->numbers[i]);
    return moments;
}

static int add_row(struct summary *summary, size_t from, size_t to)
{
    struct summary_row *row = &summary->rows[summary->count];
    *row = (struct summary_row){ .first = from, .end = to };
    row->mean = memory_array(summary->metric_count + 1, sizeof *row->mean);
    row->sd = memory_array(summary->metric_count + 1, sizeof *row->sd);
    row->n = memory_array(summary->metric_count + 1, sizeof *row->n);
    summary->count++;
    if (!row->mean || !row->sd || !row->n || mark_repeats(summary, from, to))
        return -1;
    for (size_t i = from; i < to; i++) {
        const char *word = status_of(summary, i);
        if (summary->repeats[i])
            continue;
        row->trials++;
        row->done += strcmp(word, "done") == 0;
        row->diverged += strcmp(word, "diverged") == 0;
        row->failed += strcmp(word, "failed") == 0;
    }
    for (size_t m = 0; m < summary->metric_count; m++) {
        const struct moments moments = moments_of(summary, &summary->trials->column[summary->metrics[m]], row);
        row->mean[m] = moments_mean(&moments);
        row->sd[m] = moments_sd(&moments);
        row->n[m] = moments.n;
    }
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
            const struct moments moments = moments_of(summary, &summary->trials->column[column], row);
            if (moments.n && moments.n == row->trials && moments.mean < lowest) {
                lowest = moments.mean;
                best = row;
            }
        }
        if (best) {
            best->best = true;
            return;
        }
    }
}

bool summary_same_point(const struct summary *summary, size_t a, size_t b, size_t except)
{
    for (size_t k = 0; k < summary->key_count; k++)
        if (k != except && !column_same(&summary->trials->column[summary->keys[k]], a, b))
            return false;
    return true;
}

struct summary *summary_new(struct frame *trials, const char *const *metrics, size_t metric_count,
                            struct iso_error *err)
{
    return summary_by(trials, NULL, metrics, metric_count, err);
}

struct summary *summary_by(struct frame *trials, const char *also, const char *const *metrics, size_t metric_count,
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
    summary->repeats = memory_array(trials->rows + 1, sizeof *summary->repeats);
    if (!summary->rows || !summary->repeats || choose_columns(summary, also, metrics, metric_count, err)) {
        error_memory(err);
        goto fail;
    }
    for (size_t from = 0, to; from < trials->rows; from = to) {
        for (to = from + 1; to < trials->rows && summary_same_point(summary, from, to, SIZE_MAX); to++)
            ;
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

/* A row with what it is sorted by. */
struct sortable {
    struct summary_row row;
    double number;
    const char *text; /* NULL: by the number */
    bool down;
};

static int compare_rows(const void *a, const void *b)
{
    const struct sortable *left = a, *right = b;
    int order = 0;
    if (left->text || right->text) {
        order = strcmp(left->text ? left->text : "", right->text ? right->text : "");
        order = left->down ? -order : order;
    } else if (isnan(left->number) || isnan(right->number)) { /* what is empty comes last, whichever way */
        order = isnan(left->number) - isnan(right->number);
    } else {
        order = (left->number > right->number) - (left->number < right->number);
        order = left->down ? -order : order;
    }
    return order ? order : (left->row.first > right->row.first) - (left->row.first < right->row.first);
}

int summary_sort(struct summary *summary, const char *name, bool descending, struct iso_error *err)
{
    const bool by_n = strcmp(name, "n") == 0;
    const size_t index = column_index(summary->trials, name);
    if (index == SIZE_MAX && !by_n)
        return fail_column(summary->trials, name, err);
    const struct column *column = by_n ? NULL : &summary->trials->column[index];
    struct sortable *rows = memory_array(summary->count + 1, sizeof *rows);
    if (!rows)
        return error_memory(err);
    bool key = column && strncmp(name, "params", 6) == 0; /* has a value without any trial being done */
    for (size_t k = 0; k < summary->key_count; k++)
        key = key || summary->keys[k] == index;
    for (size_t i = 0; i < summary->count; i++) {
        const struct summary_row *row = &summary->rows[i];
        rows[i] = (struct sortable){ .row = *row, .number = (double)row->done, .down = descending };
        if (column && column->kind == COLUMN_TEXT) {
            rows[i].text = column->texts[row->first];
        } else if (column && key) {
            rows[i].number = column->numbers[row->first];
        } else if (column) {
            const struct moments moments = moments_of(summary, column, row);
            rows[i].number = moments_mean(&moments);
        }
    }
    qsort(rows, summary->count, sizeof *rows, compare_rows);
    for (size_t i = 0; i < summary->count; i++)
        summary->rows[i] = rows[i].row;
    free(rows);
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
    if (fabs(mean) >= 1e7 || (mean != 0 && fabs(mean) < 1e-6 && !(sd > fabs(mean))))
        snprintf(out, 64, "%.4g", mean);
    else if (isnan(sd))
        snprintf(out, 64, "%.*f", decimals, mean);
    else
        snprintf(out, 64, "%.*f ± %.*f", decimals, mean, decimals, sd);
}
