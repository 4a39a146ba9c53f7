/* Choosing the best point of a sweep. */
#include "lab/selection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), own = strlen(end);
    return length >= own && strcmp(text + length - own, end) == 0;
}

static int check_column(const struct frame *trials, const char *by, struct iso_error *err)
{
    static const char *const splits[] = { "validation.", "best.validation.", "train.", "train_eval." };
    if (strncmp(by, "test.", 5) == 0 || strncmp(by, "best.test.", 10) == 0)
        return iso_fail(err, "%s can't choose: what is chosen by the test set can't be judged by it; use "
                        "validation.%s", by, strrchr(by, '.') + 1);
    bool known = false;
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
        known = known || strncmp(by, splits[i], strlen(splits[i])) == 0;
    if (!known || !(ends_with(by, ".loss") || ends_with(by, ".accuracy") || ends_with(by, ".cross_entropy")))
        return iso_fail(err, "--by needs a measurement to choose by, such as validation.loss, validation.accuracy or "
                        "best.validation.loss, not %s", by);
    const struct column *column = frame_find(trials, by);
    bool any = false;
    for (size_t i = 0; column && i < trials->rows && !any; i++)
        any = !isnan(column->numbers[i]);
    if (!any)
        return iso_fail(err, "no trial has %s; a recipe sets examples apart by dataset.NAME.validation_size", by);
    return 0;
}

/* Losses of different kinds, or on different data, are not compared. */
static int check_keys(const struct summary *summary, const char *by, struct iso_error *err)
{
    for (size_t k = 0; k < summary->key_count; k++) {
        const char *path = summary->trials->column[summary->keys[k]].name;
        if (strcmp(path, "dataset") == 0)
            return iso_fail(err, "the data set was swept: points on different data can't be compared");
        if ((strcmp(path, "loss") == 0 || strncmp(path, "loss.", 5) == 0) && ends_with(by, ".loss"))
            return iso_fail(err, "%s was swept: values of different losses can't be compared; choose by "
                            "validation.accuracy or validation.cross_entropy", path);
    }
    return 0;
}

static bool is_complete(const struct summary_row *row)
{
    return row->n[0] && row->n[0] == row->trials;
}

static void find_edges(struct selection *selection)
{
    const struct summary *summary = selection->summary;
    const size_t own = summary->rows[selection->best].first;
    for (size_t k = 0; k < summary->key_count; k++) {
        const struct column *column = &summary->trials->column[summary->keys[k]];
        if (column->kind == COLUMN_TEXT || isnan(column->numbers[own]))
            continue;
        double low = INFINITY, high = -INFINITY;
        size_t values = 0;
        for (size_t i = 0; i < summary->count; i++) {
            const double value = column->numbers[summary->rows[i].first];
            bool known = isnan(value);
            for (size_t j = 0; j < i && !known && i < 2000; j++)
                known = column->numbers[summary->rows[j].first] == value;
            values += !known;
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
        const double best = column->numbers[own];
        if (values > 1 && (best == low || best == high))
            selection->edges[selection->edge_count++] = (struct selection_edge){ k, best == low, values };
    }
}

static void choose(struct selection *selection, double confidence)
{
    const struct summary *summary = selection->summary;
    const double sign = selection->larger ? -1 : 1;
    selection->best = selection->second = SIZE_MAX;
    for (size_t i = 0; i < summary->count; i++) {
        const struct summary_row *row = &summary->rows[i];
        if (!is_complete(row)) {
            *(row->diverged || row->failed ? &selection->diverged : &selection->unfinished) += 1;
            continue;
        }
        selection->complete++;
        if (selection->best == SIZE_MAX || sign * row->mean[0] < sign * summary->rows[selection->best].mean[0]) {
            selection->second = selection->best;
            selection->best = i;
        } else if (selection->second == SIZE_MAX
                   || sign * row->mean[0] < sign * summary->rows[selection->second].mean[0]) {
            selection->second = i;
        }
    }
    const struct column *column = &summary->trials->column[summary->metrics[0]];
    for (size_t i = 0; i < summary->count; i++) {
        if (!is_complete(&summary->rows[i]) || i == selection->best)
            continue;
        const struct paired_difference difference = paired_between(summary, &summary->rows[selection->best],
                                                                   &summary->rows[i], column, confidence);
        selection->level += !paired_differs(&difference);
        if (i == selection->second)
            selection->difference = difference;
    }
}

struct selection *selection_new(struct frame *trials, const char *by, double confidence, struct iso_error *err)
{
    struct selection *selection = memory_array(1, sizeof *selection);
    if (!selection || check_column(trials, by, err)) {
        error_memory(err);
        frame_free(trials);
        goto fail;
    }
    selection->larger = ends_with(by, ".accuracy");
    selection->summary = summary_new(trials, &by, 1, err);
    if (!selection->summary || check_keys(selection->summary, by, err))
        goto fail;
    selection->edges = memory_array(selection->summary->key_count + 1, sizeof *selection->edges);
    if (!selection->edges) {
        error_memory(err);
        goto fail;
    }
    choose(selection, confidence);
    if (!selection->complete) {
        iso_fail(err, "no point has all its seeds done: of %zu, %zu have one that diverged or failed, %zu are not "
                 "finished", selection->summary->count, selection->diverged, selection->unfinished);
        goto fail;
    }
    find_edges(selection);
    return selection;
fail:
    selection_free(selection);
    return NULL;
}

void selection_free(struct selection *selection)
{
    if (!selection)
        return;
    summary_free(selection->summary);
    free(selection->edges);
    free(selection);
}
