/* The frontier: loss against compute of every trial, and the lower envelope over sizes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/envelope.h"

#define POINTS_MARKED 100 /* in all: lines of more go without markers */
#define SIZES_LISTED 8   /* more sizes than this have a colour bar */

static double to_axis(const struct figure_axis *axis, double value)
{
    return axis->logarithmic ? log(value) : value;
}

static double from_axis(const struct figure_axis *axis, double value)
{
    return axis->logarithmic ? exp(value) : value;
}

/* The drawn lines in the axes' own coordinates. */
static int add_strand(struct build *build, const struct figure_series *series, size_t line, struct strand *strand)
{
    const struct figure *figure = build->figure;
    strand->x = arena_zero(build->arena, series->count + 1, sizeof *strand->x);
    strand->y = arena_zero(build->arena, series->count + 1, sizeof *strand->y);
    strand->cell = arena_zero(build->arena, series->count + 1, sizeof *strand->cell);
    if (!strand->x || !strand->y || !strand->cell)
        return error_memory(build->err);
    strand->line = line;
    strand->group = build->data->lines[line].group;
    strand->joined = build->data->along;
    for (size_t i = 0; i < series->count; i++) {
        if (isnan(series->y[i]))
            continue;
        strand->x[strand->count] = to_axis(&figure->x, series->x[i]);
        strand->y[strand->count] = to_axis(&figure->y, series->y[i]);
        strand->cell[strand->count++] = build->cell_of[i];
    }
    return 0;
}

/* One run of the envelope, of which all points are at an end of the sizes or none is. */
static int add_run(struct build *build, const struct envelope *envelope, size_t first, size_t last, bool end,
                   bool *labelled)
{
    struct figure *figure = build->figure;
    size_t count = last - first + 1, used = 0;
    double *x = arena_zero(build->arena, count, sizeof *x), *y = arena_zero(build->arena, count, sizeof *y);
    if (!x || !y)
        return error_memory(build->err);
    for (size_t k = first; k <= last; k++) {
        x[used] = from_axis(&figure->x, envelope_x(envelope, k));
        y[used++] = from_axis(&figure->y, envelope->at[k].y);
    }
    struct figure_series *series = &figure->series[figure->series_count++];
    *series = (struct figure_series){ .role = end ? ROLE_ENVELOPE_END : ROLE_ENVELOPE, .count = used, .x = x, .y = y,
                                      .line = true, .dashed = end, .shade = NAN };
    if (!*labelled)
        series->label = !end ? build->y.more_is_better ? "upper envelope" : "lower envelope"
                             : "there the best size is the smallest or largest";
    *labelled = true;
    return 0;
}

static int add_runs(struct build *build, const struct envelope *envelope)
{
    struct figure *figure = build->figure;
    bool labelled[2] = { false, false };
    size_t before = figure->series_count;
    for (size_t k = envelope->first, next; k < envelope->last; k = next) {
        bool end = envelope_is_end(envelope, k);
        next = k + 1;
        while (next < envelope->last && envelope_is_end(envelope, next) == end)
            next++;
        if (add_run(build, envelope, k, next, end, &labelled[end]))
            return -1;
    }
    /* In the legend the envelope comes before its ends. */
    if (figure->series_count > before + 1 && figure->series[before].role == ROLE_ENVELOPE_END) {
        struct figure_series first_run = figure->series[before];
        figure->series[before] = figure->series[before + 1];
        figure->series[before + 1] = first_run;
    }
    return 0;
}

/* The final points of trials, where nothing was measured along them, are joined by no line: the envelope is what was
 * reached with at most so much compute. Those of the smallest and largest size are marked. */
static int add_steps(struct build *build)
{
    struct figure *figure = build->figure;
    double sign = build->y.more_is_better ? -1 : 1, best = INFINITY, from = -INFINITY;
    size_t most = 0, used = 0, ends = 0, data_series = figure->series_count, sizes = build->data->group_count;
    for (size_t i = 0; i < data_series; i++)
        most += figure->series[i].count;
    double *x = arena_zero(build->arena, 2 * most + 1, sizeof *x), *y = arena_zero(build->arena, 2 * most + 1,
                                                                                  sizeof *y);
    double *end_x = arena_zero(build->arena, most + 1, sizeof *end_x);
    double *end_y = arena_zero(build->arena, most + 1, sizeof *end_y);
    if (!x || !y || !end_x || !end_y)
        return error_memory(build->err);
    for (;;) {
        double next = INFINITY, value = INFINITY;
        size_t size = 0;
        for (size_t i = 0; i < data_series; i++)
            for (size_t k = 0; k < figure->series[i].count; k++) {
                double at = figure->series[i].x[k], loss = sign * figure->series[i].y[k];
                if (loss < best && (at < next || (at == next && loss < value)) && at >= from) {
                    next = at;
                    value = loss;
                    size = figure->series[i].colour;
                }
            }
        if (isinf(next))
            break;
        if (used) {
            x[used] = next;
            y[used++] = sign * best;
        }
        if (sizes > 2 && (size == 0 || size == sizes - 1)) {
            end_x[ends] = next;
            end_y[ends++] = sign * value;
        }
        x[used] = from = next;
        y[used++] = sign * (best = value);
    }
    if (used < 3)
        return 0;
    if (ends)
        figure->series[figure->series_count++] =
            (struct figure_series){ .label = "the smallest or largest size is the best", .role = ROLE_ENVELOPE_END,
                                    .count = ends, .x = end_x, .y = end_y, .marker = MARKER_CROSS, .shade = NAN };
    figure->series[figure->series_count++] =
        (struct figure_series){ .label = build->y.more_is_better ? "upper envelope" : "lower envelope",
                                .role = ROLE_ENVELOPE, .count = used, .x = x, .y = y, .line = true, .shade = NAN };
    return 0;
}

/* The envelope of the lines, and the law through it. */
static int add_envelope(struct build *build, struct strand *strands, size_t count)
{
    struct envelope *envelope = arena_zero(build->arena, 1, sizeof *envelope);
    if (!envelope)
        return error_memory(build->err);
    *envelope = (struct envelope){ .low = INFINITY, .high = -INFINITY, .sizes = build->data->group_count,
                                   .sign = build->y.more_is_better ? -1 : 1, .steps = !build->data->along };
    for (size_t i = 0; i < count; i++)
        if (strands[i].count) {
            envelope->low = fmin(envelope->low, strands[i].x[0]);
            envelope->high = fmax(envelope->high, strands[i].x[strands[i].count - 1]);
        }
    if (!(envelope->high > envelope->low))
        return 0;
    envelope_find(envelope, strands, count);
    if (build->data->along ? add_runs(build, envelope) : add_steps(build))
        return -1;
    return envelope_law(build, envelope, strands, count);
}

static bool has_values(const struct frame *frame, const char *name)
{
    const struct column *column = frame ? frame_find(frame, name) : NULL;
    for (size_t row = 0; column && column->numbers && row < frame->rows; row++)
        if (isfinite(column->numbers[row]))
            return true;
    return false;
}

const char *build_default_y(const struct figure_results *results)
{
    static const char *const candidates[] = { "validation.loss", "test.loss", "train_eval.loss", "train.loss" };
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (has_values(results->points, candidates[i]) || (!results->points && has_values(results->trials,
                                                                                         candidates[i])))
            return candidates[i];
    return "validation.loss";
}

/* Trials that were measured at step 0 and at their ends have nothing between that a line could show, though it would
 * join the two: their ends are points of their own, as where the table of trials is drawn. */
static void leave_ends_alone(struct gathered *data)
{
    for (size_t i = 0; i < data->line_count; i++)
        if (data->lines[i].count > 2 || (data->lines[i].count == 2 && data->lines[i].cells[0].key > 0))
            return;
    for (size_t i = 0; data->along && i < data->line_count; i++)
        if (data->lines[i].count && data->lines[i].cells[0].key <= 0) {
            data->lines[i].cells++;
            data->lines[i].count--;
        }
    data->along = false;
}

static int compare_numbers(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* Losses may rise far above where they begin before they fall: transients that would press all else together. The frame
 * ends where no line ends above it, and half of them begin below. */
static int cut_transients(struct build *build)
{
    const struct figure *figure = build->figure;
    double *first = arena_zero(build->arena, figure->series_count + 1, sizeof *first);
    double last = -INFINITY, most = -INFINITY;
    size_t count = 0;
    if (!first)
        return error_memory(build->err);
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct figure_series *series = &figure->series[i];
        if (series->role != ROLE_BACKDROP || series->lost)
            continue;
        first[count++] = series->y[0];
        last = fmax(last, series->y[series->count - 1]);
        for (size_t k = 0; k < series->count; k++)
            most = fmax(most, series->y[k]);
    }
    if (!count || build->y.more_is_better || !isnan(build->spec->y_range[1]))
        return 0;
    qsort(first, count, sizeof *first, compare_numbers);
    const double highest = fmax(last, first[count / 2]);
    if (most > 1.3 * highest) {
        build->highest = highest;
        build_say(build, "Losses above %s are cut off.", quantity_text(build->arena, highest, false, 2));
    }
    return 0;
}

/* As lines the measurements along each trial; where they lack y, such as best.validation.loss, its end. */
int build_frontier(struct build *build)
{
    struct figure_spec spec = *build->spec;
    struct figure *figure = build->figure;
    const char *y[1];
    spec.others = OTHERS_SEPARATE;
    if (!spec.y_count) {
        y[0] = build_default_y(build->results);
        spec.y = y;
        spec.y_count = 1;
    }
    const struct figure_spec *asked = build->spec;
    build->spec = &spec;
    int status = build_gather(build, false);
    if (status)
        goto out;
    struct gathered *data = build->data;
    leave_ends_alone(data);
    figure->legend_title = build->group.title;
    if (data->group_count && data->groups[0].text) {
        status = iso_fail(build->err, "size: the column %s holds texts, not numbers", spec.group);
        goto out;
    }
    if (data->group_count > SIZES_LISTED)
        build_scale(build);
    size_t cells = 0;
    for (size_t i = 0; i < data->line_count; i++)
        cells += data->lines[i].count;
    size_t longest = 0, strand_count = 0;
    for (size_t i = 0; i < data->line_count; i++)
        longest = data->lines[i].count > longest ? data->lines[i].count : longest;
    struct strand *strands = arena_zero(build->arena, data->line_count + 1, sizeof *strands);
    build->cell_of = arena_zero(build->arena, longest + 1, sizeof *build->cell_of);
    /* Room for the envelope in as many runs as the owner may change, and for two laws. */
    figure->series = arena_zero(build->arena, data->line_count + ENVELOPE_GRID + 5, sizeof *figure->series);
    if (!figure->series || !strands || !build->cell_of) {
        status = error_memory(build->err);
        goto out;
    }
    for (size_t group = 0; group < data->group_count; group++) {
        bool labelled = figure->colour_bar;
        for (size_t i = 0; i < data->line_count; i++) {
            struct figure_series *series = &figure->series[figure->series_count];
            if (data->lines[i].group != group)
                continue;
            if ((status = build_series(build, &data->lines[i], series)))
                goto out;
            if (!series->count)
                continue;
            series->low = series->high = NULL;
            build_colour(build, group, &series->shade, &series->colour);
            if ((status = add_strand(build, series, i, &strands[strand_count++])))
                goto out;
            series->line = data->along && spec.lines != 0;
            series->role = series->line ? ROLE_BACKDROP : ROLE_DATA;
            series->marker = !series->line || spec.points == 1 || (spec.points < 0 && cells <= POINTS_MARKED)
                                 ? (enum figure_marker)(MARKER_CIRCLE + (figure->colour_bar ? 0 : group % MARKER_COUNT))
                                 : MARKER_NONE;
            if (!labelled) {
                series->label = series->direct = build_group_label(build, group, false);
                status = series->label ? 0 : error_memory(build->err);
                if (status)
                    goto out;
            }
            labelled = true;
            figure->series_count++;
        }
    }
    status = add_envelope(build, strands, strand_count);
    if (!status && !(status = build_marks(build)) && !(status = cut_transients(build)))
        status = build_finish(build);
out:
    build->spec = asked;
    return status;
}
