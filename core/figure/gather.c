/* Chooses the table that the columns need, joins points with their trials, finds groups and what else was swept. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "figure/work.h"

/* ---- Columns ---- */

static int no_column(struct work *work, const char *option, const char *name, const struct frame *const *frames,
                     size_t count)
{
    struct text text = { 0 };
    const char **names = NULL;
    size_t total = 0, used = 0;
    for (size_t i = 0; i < count; i++)
        total += frames[i] ? frames[i]->columns : 0;
    names = memory_array(total + 1, sizeof *names);
    for (size_t i = 0; names && i < count; i++)
        for (size_t k = 0; frames[i] && k < frames[i]->columns; k++) {
            bool known = false;
            for (size_t m = 0; m < used && !known; m++)
                known = !strcmp(names[m], frames[i]->column[k].name);
            if (!known)
                names[used++] = frames[i]->column[k].name;
        }
    text_format(&text, "%s: there is no column \"%s\"", option, name);
    size_t before = text.length;
    if (names)
        text_suggest(&text, name, names, used);
    if (names && text.length == before) {
        text_add_string(&text, "; there are ");
        for (size_t i = 0; i < used; i++)
            text_format(&text, "%s%s", i ? ", " : "", names[i]);
    }
    char *message = text_take(&text);
    iso_fail(work->err, "%s", message ? message : "out of memory");
    free(message);
    free(names);
    return -1;
}

static const struct column *find(const struct frame *frame, const char *name)
{
    return frame ? frame_find(frame, name) : NULL;
}

/* Both tables have examples, flops and losses: along the trials where x is what grows in training, else the ends. */
static bool wants_points(const struct work *work)
{
    const struct figure_spec *spec = work->spec;
    const struct frame *trials = work->results->trials, *points = work->results->points;
    if (!points || spec->table == TABLE_TRIALS)
        return false;
    if (spec->table == TABLE_POINTS)
        return true;
    if (!spec->x && spec->kind != KIND_FRONTIER)
        return true;
    for (size_t i = 0; i < spec->y_count; i++)
        if (!find(points, spec->y[i]))
            return false;
    if (!find(points, spec->x))
        return false;
    struct quantity quantity;
    return !find(trials, spec->x) || (quantity_of(work->arena, spec->x, NULL, &quantity) && quantity.progress);
}

/* Rows of points to rows of trials, by the number in their column `trial`. */
static int join(struct work *work)
{
    const struct frame *table = work->table, *trials = work->trials;
    work->trial_of = arena_zero(work->arena, table->rows + 1, sizeof *work->trial_of);
    if (!work->trial_of)
        return error_memory(work->err);
    if (!work->out->along || table == trials) {
        for (size_t row = 0; row < table->rows; row++)
            work->trial_of[row] = row;
        return 0;
    }
    const struct column *from = find(table, "trial"), *to = find(trials, "trial");
    if (!from || !to || !from->numbers || !to->numbers)
        return iso_fail(work->err, "the tables of trials and points can't be joined: both need the column trial");
    double largest = 0;
    for (size_t row = 0; row < trials->rows; row++)
        if (to->numbers[row] > largest)
            largest = to->numbers[row];
    if (largest > 1e8)
        return iso_fail(work->err, "the table of trials numbers them up to %g", largest);
    size_t *row_of = arena_zero(work->arena, (size_t)largest + 1, sizeof *row_of);
    if (!row_of)
        return error_memory(work->err);
    for (size_t row = 0; row < trials->rows; row++)
        if (to->numbers[row] >= 0)
            row_of[(size_t)to->numbers[row]] = row + 1;
    for (size_t row = 0; row < table->rows; row++) {
        double trial = from->numbers[row];
        bool known = trial >= 0 && trial <= largest && row_of[(size_t)trial];
        work->trial_of[row] = known ? row_of[(size_t)trial] - 1 : SIZE_MAX;
    }
    return 0;
}

static int resolve(struct work *work)
{
    const struct figure_spec *spec = work->spec;
    struct gathered *out = work->out;
    const struct frame *trials = work->results->trials, *points = work->results->points;
    out->along = wants_points(work);
    work->trials = trials;
    work->table = out->along ? points : trials;
    if (!work->table)
        return iso_fail(work->err, "there are no results yet");
    const struct frame *both[] = { trials, points };
    out->indexed = !spec->x;
    for (size_t i = 0; i < spec->y_count; i++)
        if (!find(trials, spec->y[i]) && !find(points, spec->y[i]))
            return no_column(work, "y", spec->y[i], both, 2);
    if (spec->x && !find(work->table, spec->x) && find(points, spec->x) && points != work->table)
        return iso_fail(work->err, "x is %s of the table of points, but y, %s, is only in that of trials", spec->x,
                        spec->y[0]);
    if (spec->x && !(out->x_column = find(work->table, spec->x)))
        return no_column(work, "x", spec->x, both, 2);
    work->y = arena_zero(work->arena, spec->y_count, sizeof *work->y);
    if (!work->y)
        return error_memory(work->err);
    for (size_t i = 0; i < spec->y_count; i++) {
        work->y[i] = find(work->table, spec->y[i]);
        if (!work->y[i] && (find(trials, spec->y[i]) || find(points, spec->y[i])))
            return iso_fail(work->err, "x is %s of the table of %s, but y, %s, is only in that of %s",
                            spec->x ? spec->x : "a count", out->along ? "points" : "trials", spec->y[i],
                            out->along ? "trials" : "points");
        if (!work->y[i]->numbers && work->table->rows)
            return iso_fail(work->err, "y: the column %s holds texts, not numbers", spec->y[i]);
    }
    if (spec->group && !(out->group_column = find(trials, spec->group)))
        return no_column(work, spec->kind == KIND_FRONTIER || spec->kind == KIND_ISOFLOP ? "size" : "group",
                         spec->group, both, 1);
    work->status = find(trials, "status");
    if (work->status && !work->status->texts)
        work->status = NULL;
    out->seeds = find(trials, "seed") && find(trials, "key"); /* of an experiment */
    return join(work);
}

/* ---- Groups and what else was swept ---- */

bool gather_same(const struct column *column, size_t a, size_t b)
{
    if (column->texts) {
        const char *s = column->texts[a], *t = column->texts[b];
        return s == t || (s && t && !strcmp(s, t));
    }
    double x = column->numbers[a], y = column->numbers[b];
    return x == y || (isnan(x) && isnan(y));
}

static int compare_groups(const void *a, const void *b)
{
    double x = ((const struct group *)a)->number, y = ((const struct group *)b)->number;
    return (x > y) - (x < y);
}

static int find_groups(struct work *work)
{
    struct gathered *out = work->out;
    const struct column *column = out->group_column;
    size_t rows = work->trials->rows;
    work->group_of = arena_zero(work->arena, rows + 1, sizeof *work->group_of);
    out->groups = arena_zero(work->arena, GROUPS_MAX, sizeof *out->groups);
    if (!work->group_of || !out->groups)
        return error_memory(work->err);
    if (!column) {
        out->group_count = 1;
        out->groups[0].number = NAN;
        return 0;
    }
    for (size_t row = 0; row < rows; row++) {
        size_t i = 0;
        if (column->texts) {
            const char *text = column->texts[row] ? column->texts[row] : "";
            while (i < out->group_count && strcmp(out->groups[i].text, text))
                i++;
            if (i == out->group_count && i < GROUPS_MAX) {
                const char *own = arena_copy(work->arena, text, strlen(text));
                if (!own)
                    return error_memory(work->err);
                out->groups[out->group_count++] = (struct group){ NAN, own };
            }
        } else {
            if (isnan(column->numbers[row])) {
                work->group_of[row] = SIZE_MAX;
                continue;
            }
            while (i < out->group_count && out->groups[i].number != column->numbers[row])
                i++;
            if (i == out->group_count && i < GROUPS_MAX)
                out->groups[out->group_count++] = (struct group){ column->numbers[row], NULL };
        }
        if (i == GROUPS_MAX)
            return iso_fail(work->err, "group: the column %s has more than %d values; group by one with fewer",
                            column->name, GROUPS_MAX);
        work->group_of[row] = i;
    }
    if (column->texts)
        return 0;
    qsort(out->groups, out->group_count, sizeof *out->groups, compare_groups);
    for (size_t row = 0; row < rows; row++) {
        if (work->group_of[row] == SIZE_MAX)
            continue;
        struct group wanted = { column->numbers[row], NULL };
        const struct group *at = bsearch(&wanted, out->groups, out->group_count, sizeof *out->groups, compare_groups);
        work->group_of[row] = (size_t)(at - out->groups);
    }
    return 0;
}

/* Of small multiples only the rows of one panel count. */
static void leave_out(struct work *work)
{
    const struct figure_spec *spec = work->spec;
    for (size_t row = 0; spec->only && row < work->trials->rows; row++)
        if (!gather_same(spec->only, row, spec->only_row))
            work->group_of[row] = SIZE_MAX;
}

/* The columns of swept paths stand between the seed and the sizes. */
bool gather_is_swept(const struct frame *trials, size_t index)
{
    static const char *const fixed[] = { "trial", "key", "status", "seed", "experiment" };
    size_t end = trials->columns;
    for (size_t i = 0; i < trials->columns; i++)
        if (!strcmp(trials->column[i].name, "params"))
            end = i;
    if (!frame_find(trials, "key") || !frame_find(trials, "params"))
        return false; /* a table of one's own */
    const char *name = trials->column[index].name;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (!strcmp(name, fixed[i]))
            return false;
    return index < end || !strcmp(name, "case");
}

struct place {
    size_t group, row;
    double x;
};

static int compare_places(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    if (p->group != q->group)
        return p->group < q->group ? -1 : 1;
    return (p->x > q->x) - (p->x < q->x);
}

/* Other swept columns count only where they vary at one x of one group: params as x follow from the swept width. */
static int find_others(struct work *work)
{
    struct gathered *out = work->out;
    const struct frame *trials = work->trials;
    struct place *places = arena_zero(work->arena, trials->rows + 1, sizeof *places);
    out->others = arena_zero(work->arena, trials->columns + 1, sizeof *out->others);
    if (!places || !out->others)
        return error_memory(work->err);
    size_t count = 0;
    for (size_t row = 0; row < trials->rows; row++) {
        const struct column *x = out->x_column;
        if (work->group_of[row] == SIZE_MAX)
            continue;
        double at = 0;
        if (!out->along && x && x->numbers)
            at = x->numbers[row];
        else if (!out->along && x)
            while ((size_t)at < row && !gather_same(x, (size_t)at, row))
                at++;
        if (!isnan(at))
            places[count++] = (struct place){ work->group_of[row], row, at };
    }
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < trials->columns; i++) {
        const struct column *column = &trials->column[i];
        bool varies = false;
        if (!gather_is_swept(trials, i) || column == out->x_column || column == out->group_column)
            continue;
        for (size_t k = 1; k < count && !varies; k++)
            varies = !compare_places(&places[k - 1], &places[k]) &&
                     !gather_same(column, places[k - 1].row, places[k].row);
        if (varies)
            out->others[out->other_count++] = column;
    }
    return 0;
}

/* A line for each group and, unless they are averaged over, each combination of the others. */
static int find_lines(struct work *work)
{
    struct gathered *out = work->out;
    size_t rows = work->trials->rows;
    bool split = work->spec->others != OTHERS_MEAN;
    work->line_of = arena_zero(work->arena, rows + 1, sizeof *work->line_of);
    work->representative = arena_zero(work->arena, rows + 1, sizeof *work->representative);
    if (!work->line_of || !work->representative)
        return error_memory(work->err);
    for (size_t row = 0; row < rows; row++) {
        size_t i;
        if (work->group_of[row] == SIZE_MAX) {
            work->line_of[row] = SIZE_MAX;
            continue;
        }
        for (i = 0; i < work->combination_count; i++) {
            size_t other = work->representative[i];
            bool equal = work->group_of[other] == work->group_of[row] && !(out->by_trial && out->along);
            for (size_t k = 0; split && k < out->other_count && equal; k++)
                equal = gather_same(out->others[k], other, row);
            if (equal)
                break;
        }
        if (i == work->combination_count)
            work->representative[work->combination_count++] = row;
        work->line_of[row] = i;
    }
    return 0;
}

/* Lines along training end where fewer than half of their seeds are left: what is left would not be their mean. */
static void cut_tails(struct gathered *out)
{
    for (size_t i = 0; out->along && i < out->line_count; i++) {
        struct line *line = &out->lines[i];
        size_t most = 0, kept = 0;
        for (size_t k = 0; k < line->count; k++)
            if (line->cells[k].trials > most)
                most = line->cells[k].trials;
        for (size_t k = 0; k < line->count; k++)
            if (2 * line->cells[k].trials >= most)
                line->cells[kept++] = line->cells[k];
        out->cut += kept < line->count;
        line->count = kept;
    }
}

static int count_trials(struct work *work)
{
    struct gathered *out = work->out;
    bool *lost = arena_zero(work->arena, work->trials->rows + 1, sizeof *lost);
    if (!lost)
        return error_memory(work->err);
    out->seeds_low = SIZE_MAX;
    for (size_t i = 0; i < out->line_count; i++)
        for (size_t k = 0; k < out->lines[i].count; k++) {
            size_t n = out->lines[i].cells[k].trials;
            if (n < out->seeds_low)
                out->seeds_low = n;
            if (n > out->seeds_high)
                out->seeds_high = n;
        }
    out->trials = work->status ? work->trials->rows : 0;
    for (size_t row = 0; row < out->trials; row++) {
        const char *status = work_status(work, row);
        out->diverged += work_diverged(work, row);
        out->unfinished += work_running(status);
        out->failed += status && !strcmp(status, "failed");
        lost[row] = work_diverged(work, row);
    }
    out->trial_count = work->trials->rows;
    out->trial_line = work->line_of;
    out->trial_lost = lost;
    out->seed = find(work->trials, "seed");
    if (out->seed && !out->seed->numbers)
        out->seed = NULL;
    return 0;
}

struct gathered *gather_results(struct arena *arena, const struct figure_spec *spec,
                                const struct figure_results *results, bool averaged, struct iso_error *err)
{
    struct gathered *out = arena_zero(arena, 1, sizeof *out);
    struct work work = { .arena = arena, .spec = spec, .results = results, .out = out, .err = err };
    if (!out) {
        error_memory(err);
        return NULL;
    }
    out->arena = arena;
    if (resolve(&work) || find_groups(&work))
        return NULL;
    leave_out(&work);
    if (find_others(&work) || find_lines(&work) || work_lines(&work, averaged))
        return NULL;
    if (spec->kind != KIND_SCATTER && !work_seeds_match(out)) {
        out->by_trial = true;
        work.combination_count = work.record_count = 0;
        out->lost_count = out->empty = out->short_trials = 0;
        out->lost = NULL;
        if (find_lines(&work) || work_lines(&work, averaged))
            return NULL;
    }
    cut_tails(out);
    return count_trials(&work) ? NULL : out;
}
