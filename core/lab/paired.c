/* Paired differences over seeds. */
#include "lab/paired.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/statistics.h"
#include "base/text.h"

/* The row of point b that has the seed of row `trial`; SIZE_MAX: none. */
static size_t partner(const struct summary *summary, const struct summary_row *b, size_t trial)
{
    const struct column *seed = frame_find(summary->trials, "seed");
    for (size_t i = b->first; seed && i < b->end; i++)
        if (seed->numbers[i] == seed->numbers[trial])
            return i;
    return SIZE_MAX;
}

struct paired_difference paired_between(const struct summary *summary, const struct summary_row *a,
                                        const struct summary_row *b, const struct column *column, double confidence)
{
    struct moments moments = { 0 };
    for (size_t i = a->first; i < a->end; i++) {
        const size_t j = partner(summary, b, i);
        if (j != SIZE_MAX && summary_counts(summary, i) && summary_counts(summary, j)
            && !isnan(column->numbers[i]) && !isnan(column->numbers[j]))
            moments_add(&moments, column->numbers[i] - column->numbers[j]);
    }
    const double width = moments.n > 1 ? student_quantile((1 + confidence) / 2, (double)(moments.n - 1))
                                             * moments_error(&moments) : NAN;
    const double mean = moments_mean(&moments);
    return (struct paired_difference){ moments.n, mean, moments_sd(&moments), mean - width, mean + width };
}

bool paired_differs(const struct paired_difference *difference)
{
    return difference->low > 0 || difference->high < 0;
}

static int find_key(const struct summary *summary, const char *path, size_t *key, struct iso_error *err)
{
    struct text list = { 0 };
    for (*key = 0; *key < summary->key_count; (*key)++) {
        const char *name = summary->trials->column[summary->keys[*key]].name;
        if (strcmp(name, path) == 0) {
            text_free(&list);
            return 0;
        }
        text_format(&list, "%s%s", *key ? ", " : "", name);
    }
    iso_fail(err, "%s was not swept, so nothing is paired along it%s%s", path, list.length ? "; swept were " : "",
             list.data ? list.data : "");
    text_free(&list);
    return -1;
}

static int find_reference(const struct summary *summary, struct paired *paired, const char *path, const char *reference,
                          struct iso_error *err)
{
    const struct column *column = &summary->trials->column[summary->keys[paired->key]];
    double wanted;
    const bool number = reference && column->kind != COLUMN_TEXT && !column->wholes && number_real(reference, &wanted);
    size_t first = SIZE_MAX;
    for (size_t r = 0; r < summary->count; r++) {
        char buffer[64];
        const size_t row = summary->rows[r].first;
        first = row < first ? row : first;
        const char *text = column_shown(column, row, buffer);
        if (reference && (strcmp(text, reference) == 0 || (number && column->numbers[row] == wanted))) {
            paired->reference = row;
            return 0;
        }
    }
    if (reference)
        return iso_fail(err, "%s has no value %s to compare with", path, reference);
    paired->reference = first == SIZE_MAX ? 0 : first;
    return 0;
}

static void count_pairs(const struct summary *summary, struct paired_row *row)
{
    const struct column *status = frame_find(summary->trials, "status");
    const struct summary_row *a = &summary->rows[row->row], *b = &summary->rows[row->reference];
    for (size_t i = a->first; i < a->end; i++) {
        const size_t j = partner(summary, b, i);
        if (j == SIZE_MAX)
            continue;
        const char *x = status->texts[i] ? status->texts[i] : "", *y = status->texts[j] ? status->texts[j] : "";
        row->pairs++;
        if (strcmp(x, "diverged") == 0 || strcmp(y, "diverged") == 0)
            row->diverged++;
        else if (strcmp(x, "failed") == 0 || strcmp(y, "failed") == 0)
            row->failed++;
        else if (strcmp(x, "done") != 0 || strcmp(y, "done") != 0)
            row->unfinished++;
    }
}

struct paired *paired_new(const struct summary *summary, const char *path, const char *reference, double confidence,
                          struct iso_error *err)
{
    struct paired *paired = memory_array(1, sizeof *paired);
    if (!paired || !(paired->rows = memory_array(summary->count + 1, sizeof *paired->rows))) {
        error_memory(err);
        goto fail;
    }
    if (find_key(summary, path, &paired->key, err) || find_reference(summary, paired, path, reference, err))
        goto fail;
    const struct column *key = &summary->trials->column[summary->keys[paired->key]];
    for (size_t r = 0; r < summary->count; r++) {
        const size_t own = summary->rows[r].first;
        if (column_same(key, own, paired->reference))
            continue;
        for (size_t q = 0; q < summary->count; q++) {
            const size_t other = summary->rows[q].first;
            if (!column_same(key, other, paired->reference)
                || !summary_same_point(summary, own, other, paired->key))
                continue;
            struct paired_row *row = &paired->rows[paired->count++];
            *row = (struct paired_row){ .row = r, .reference = q };
            row->metrics = memory_array(summary->metric_count + 1, sizeof *row->metrics);
            if (!row->metrics) {
                error_memory(err);
                goto fail;
            }
            count_pairs(summary, row);
            for (size_t m = 0; m < summary->metric_count; m++)
                row->metrics[m] = paired_between(summary, &summary->rows[r], &summary->rows[q],
                                                 &summary->trials->column[summary->metrics[m]], confidence);
            break;
        }
    }
    if (!paired->count) {
        iso_fail(err, "%s takes one value alone, or its values share no setting of the other swept paths: nothing is "
                 "paired along it", path);
        goto fail;
    }
    return paired;
fail:
    paired_free(paired);
    return NULL;
}

void paired_free(struct paired *paired)
{
    for (size_t i = 0; paired && i < paired->count; i++)
        free(paired->rows[i].metrics);
    if (paired)
        free(paired->rows);
    free(paired);
}
