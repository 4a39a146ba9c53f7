/* From rows to cells: reads them, averages along trials, matches seeds, follows diverged trials; and statistics. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "figure/work.h"

bool work_running(const char *status)
{
    return status && (!strcmp(status, "pending") || !strcmp(status, "running"));
}

const char *work_status(const struct work *work, size_t trial)
{
    return work->status ? work->status->texts[trial] : NULL;
}

bool work_diverged(const struct work *work, size_t trial)
{
    const char *status = work_status(work, trial);
    return status && !strcmp(status, "diverged");
}

/* ---- Records ---- */

static void add(struct work *work, size_t line, size_t trial, double key, double x, double y, bool diverged)
{
    work->records[work->record_count++] =
        (struct record){ .line = line, .trial = trial, .key = key, .x = x, .y = y, .diverged = diverged };
}

static int name_x(struct work *work, const struct column *x, double *index)
{
    struct gathered *out = work->out;
    size_t rows = work->table->rows;
    out->names = arena_zero(work->arena, GROUPS_MAX, sizeof *out->names);
    if (!out->names)
        return error_memory(work->err);
    for (size_t row = 0; row < rows; row++) {
        const char *text = x->texts[row];
        size_t i = 0;
        index[row] = NAN;
        if (!text)
            continue;
        while (i < out->name_count && strcmp(out->names[i], text))
            i++;
        if (i == GROUPS_MAX)
            return iso_fail(work->err, "x: the column %s holds more than %d different texts", x->name, GROUPS_MAX);
        if (i == out->name_count && !(out->names[out->name_count++] = arena_copy(work->arena, text, strlen(text))))
            return error_memory(work->err);
        index[row] = (double)i;
    }
    return 0;
}

static int read_records(struct work *work)
{
    struct gathered *out = work->out;
    const struct figure_spec *spec = work->spec;
    const struct frame *table = work->table;
    const struct column *step = out->along ? frame_find(table, "step") : NULL;
    double *xs = arena_zero(work->arena, table->rows + 1, sizeof *xs);
    work->records = arena_zero(work->arena, table->rows * spec->y_count + 1, sizeof *work->records);
    if (!xs || !work->records)
        return error_memory(work->err);
    if (out->x_column && out->x_column->texts) {
        if (name_x(work, out->x_column, xs))
            return -1;
    } else {
        for (size_t row = 0; row < table->rows; row++)
            xs[row] = out->x_column ? out->x_column->numbers[row] : (double)row;
    }
    for (size_t i = 0; i < spec->y_count; i++)
        for (size_t row = 0; row < table->rows; row++) {
            size_t trial = work->trial_of[row];
            if (trial == SIZE_MAX || work->line_of[trial] == SIZE_MAX)
                continue;
            size_t line = work->line_of[trial] * spec->y_count + i;
            double x = xs[row], y = work->y[i]->numbers[row];
            bool lost = isinf(y) || (!out->along && work_diverged(work, trial));
            if (!isfinite(x) || (isnan(y) && !lost)) {
                out->empty += !out->along && !work_running(work_status(work, trial));
                continue;
            }
            double key = spec->kind == KIND_SCATTER ? (double)row /* each for itself */
                         : step && step->numbers && isfinite(step->numbers[row]) ? step->numbers[row] : x;
            add(work, line, out->along ? trial : row, key, x, lost ? NAN : y, lost);
        }
    return 0;
}

static int compare_by_trial(const void *a, const void *b)
{
    const struct record *p = a, *q = b;
    if (p->line != q->line)
        return p->line < q->line ? -1 : 1;
    if (p->trial != q->trial)
        return p->trial < q->trial ? -1 : 1;
    return (p->key > q->key) - (p->key < q->key);
}

/* Convolves each trial's values with a window of equal weights, where it overlaps whole. Divergence stays as it is. */
static int average(struct work *work)
{
    struct gathered *out = work->out;
    const struct figure_spec *spec = work->spec;
    size_t window = (size_t)spec->window, kept = 0;
    if (!out->along)
        for (size_t i = 0; i < work->record_count; i++)
            work->records[i].trial = 0; /* a table of one's own: rows of a line are one series */
    qsort(work->records, work->record_count, sizeof *work->records, compare_by_trial);
    for (size_t first = 0, end; first < work->record_count; first = end) {
        struct record *series = work->records + first;
        size_t count = 0;
        for (end = first; end < work->record_count && work->records[end].line == series->line &&
                          work->records[end].trial == series->trial; end++)
            if (!work->records[end].diverged)
                series[count++] = work->records[end];
        if (count > out->longest)
            out->longest = count;
        if (count < window) {
            out->short_trials += count > 0;
            continue;
        }
        if (out->indexed)
            for (size_t i = 0; i < count; i++)
                series[i].x = series[i].key = (double)i;
        for (size_t i = 0; i + window <= count; i++) {
            struct record mean = series[i];
            double sum = 0;
            for (size_t k = 0; k < window; k++)
                sum += series[i + k].y;
            mean.y = sum / (double)window;
            mean.x = 0.5 * (series[i].x + series[i + window - 1].x);
            mean.key = 0.5 * (series[i].key + series[i + window - 1].key);
            work->records[kept++] = mean; /* kept never passes what is still to be read: first + i */
        }
    }
    work->record_count = kept;
    if (!kept && out->longest)
        return iso_fail(work->err, "the window of %zu measurements is longer than the longest series, which has %zu",
                        window, out->longest);
    return 0;
}

/* ---- Cells ---- */

static int compare_by_key(const void *a, const void *b)
{
    const struct record *p = a, *q = b;
    if (p->line != q->line)
        return p->line < q->line ? -1 : 1;
    if (p->key != q->key)
        return p->key < q->key ? -1 : 1;
    if (p->diverged != q->diverged)
        return p->diverged ? 1 : -1;
    return (p->y > q->y) - (p->y < q->y);
}

/* The trials of a line that have measurements. */
static size_t trials_of_line(const struct work *work, const bool *measured, size_t combination)
{
    size_t count = 0;
    for (size_t row = 0; row < work->trials->rows; row++)
        count += work->line_of[row] == combination && measured[row];
    return count;
}

static int make_cells(struct work *work)
{
    struct gathered *out = work->out;
    size_t lines = work->combination_count * work->spec->y_count, used = 0;
    struct cell *cells = arena_zero(work->arena, work->record_count + 1, sizeof *cells);
    out->values = arena_zero(work->arena, work->record_count + 1, sizeof *out->values);
    out->value_trials = arena_zero(work->arena, work->record_count + 1, sizeof *out->value_trials);
    out->lines = arena_zero(work->arena, lines + 1, sizeof *out->lines);
    bool *measured = arena_zero(work->arena, work->trials->rows + 1, sizeof *measured);
    if (!cells || !out->values || !out->value_trials || !out->lines || !measured)
        return error_memory(work->err);
    for (size_t i = 0; i < work->record_count; i++)
        measured[work->records[i].trial] = true;
    qsort(work->records, work->record_count, sizeof *work->records, compare_by_key);
    size_t at = 0, value = 0;
    for (size_t i = 0; i < lines; i++) {
        struct line *line = &out->lines[i];
        line->trial = work->representative[i / work->spec->y_count];
        line->group = work->group_of[line->trial];
        line->y = i % work->spec->y_count;
        line->trials = trials_of_line(work, measured, i / work->spec->y_count);
        line->cells = cells + used;
        while (at < work->record_count && work->records[at].line == i) {
            struct cell *cell = &cells[used++];
            size_t all = 0;
            *cell = (struct cell){ .key = work->records[at].key, .first = value };
            for (; at < work->record_count && work->records[at].line == i && work->records[at].key == cell->key; at++) {
                const struct record *record = &work->records[at];
                cell->x += record->x;
                all++;
                if (record->diverged) {
                    cell->diverged++;
                } else {
                    out->value_trials[value] = record->trial;
                    out->values[value++] = record->y;
                }
            }
            cell->x /= (double)all;
            cell->trials = all;
            cell->count = value - cell->first;
            line->count++;
        }
    }
    out->line_count = lines;
    return 0;
}

static int add_lost(struct work *work, struct lost lost)
{
    struct gathered *out = work->out;
    if (!out->lost) {
        size_t most = 0;
        for (size_t i = 0; i < out->line_count; i++)
            most += out->lines[i].count + out->lines[i].trials;
        out->lost = arena_zero(work->arena, most + 1, sizeof *out->lost);
        if (!out->lost)
            return error_memory(work->err);
    }
    out->lost[out->lost_count++] = lost;
    return 0;
}

/* Along a trial that diverged, it counts as diverged in all later cells of its line. */
static int mark_diverged(struct work *work)
{
    struct gathered *out = work->out;
    for (size_t i = 0; i < out->line_count; i++) {
        struct line *line = &out->lines[i];
        if (!out->along) {
            for (size_t k = 0; k < line->count; k++) {
                const struct cell *cell = &line->cells[k];
                if (cell->diverged && add_lost(work, (struct lost){ i, cell->x, cell->diverged, cell->trials }))
                    return -1;
            }
            continue;
        }
        for (size_t row = 0; row < work->trials->rows; row++) {
            if (work->line_of[row] != i / work->spec->y_count || !work_diverged(work, row))
                continue;
            double last = -INFINITY, x = NAN;
            for (size_t r = 0; r < work->record_count; r++)
                if (work->records[r].line == i && work->records[r].trial == row && work->records[r].key > last) {
                    last = work->records[r].key;
                    x = work->records[r].x;
                }
            for (size_t k = 0; k < line->count; k++)
                if (line->cells[k].key > last && work->spec->kind != KIND_SCATTER) {
                    line->cells[k].diverged++;
                    line->cells[k].trials++;
                }
            if (add_lost(work, (struct lost){ i, x, 1, line->trials }))
                return -1;
        }
    }
    return 0;
}

bool work_seeds_match(const struct gathered *out)
{
    size_t cells = 0, trials = 0, wanted = 0;
    for (size_t i = 0; out->along && i < out->line_count; i++)
        for (size_t k = 0; k < out->lines[i].count; k++) {
            cells++;
            trials += out->lines[i].cells[k].trials;
            wanted += out->lines[i].trials;
        }
    return !cells || trials == wanted || trials * 2 > wanted || trials > cells + cells / 4;
}

int work_lines(struct work *work, bool averaged)
{
    if (read_records(work) || (averaged && average(work)) || make_cells(work) || mark_diverged(work))
        return -1;
    return 0;
}

/* ---- Statistics ---- */

double gather_quantile(const double *sorted, size_t count, size_t lowest, size_t highest, double fraction)
{
    size_t all = count + lowest + highest;
    if (!all)
        return NAN;
    double place = fraction * (double)(all - 1), part;
    size_t below = (size_t)floor(place), above = below + 1 < all ? below + 1 : below;
    double value[2];
    part = place - (double)below;
    for (int i = 0; i < 2; i++) {
        size_t at = i ? above : below;
        value[i] = at < lowest ? -INFINITY : at < lowest + count ? sorted[at - lowest] : INFINITY;
    }
    if (part <= 0 || value[0] == value[1])
        return value[0];
    return isinf(value[0]) ? value[0] : isinf(value[1]) ? value[1] : value[0] + part * (value[1] - value[0]);
}

void gather_summarise(struct gathered *gathered, enum band band, bool more_is_better)
{
    for (size_t i = 0; i < gathered->line_count; i++)
        for (size_t k = 0; k < gathered->lines[i].count; k++) {
            struct cell *cell = &gathered->lines[i].cells[k];
            const double *values = gathered->values + cell->first;
            double sum = 0, squares = 0, n = (double)cell->count;
            cell->middle = cell->low = cell->high = NAN;
            if (band == BAND_QUANTILES) {
                size_t lowest = more_is_better ? cell->diverged : 0, highest = cell->diverged - lowest;
                double middle = gather_quantile(values, cell->count, lowest, highest, 0.5);
                cell->middle = isfinite(middle) ? middle : NAN;
                cell->low = gather_quantile(values, cell->count, lowest, highest, 0.25);
                cell->high = gather_quantile(values, cell->count, lowest, highest, 0.75);
                continue;
            }
            if (!cell->count)
                continue;
            for (size_t m = 0; m < cell->count; m++)
                sum += values[m];
            cell->middle = cell->low = cell->high = sum / n;
            for (size_t m = 0; m < cell->count; m++)
                squares += (values[m] - cell->middle) * (values[m] - cell->middle);
            double sd = cell->count > 1 ? sqrt(squares / (n - 1)) : 0;
            if (band == BAND_MINMAX) {
                cell->low = values[0];
                cell->high = values[cell->count - 1];
            } else if (band != BAND_NONE) {
                double half = band == BAND_SE ? sd / sqrt(n) : sd;
                cell->low -= half;
                cell->high += half;
            }
        }
}
