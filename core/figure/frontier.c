/* The frontier: loss against compute of every trial, and the lower envelope over sizes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/build.h"

#define GRID 600         /* places of x at which the envelope is looked up */
#define POINTS_MARKED 100 /* in all: lines of more go without markers */
#define SIZES_LISTED 8   /* more sizes than this have a colour bar */

/* Coordinates in which lines are drawn straight. */
static double to_axis(const struct figure_axis *axis, double value)
{
    return axis->logarithmic ? log(value) : value;
}

static double from_axis(const struct figure_axis *axis, double value)
{
    return axis->logarithmic ? exp(value) : value;
}

struct reach {
    double y;     /* the best value at this x; NaN: none */
    size_t group; /* whose size it is */
};

/* The best of all lines at places of x, each line joined straight in the axes' coordinates; sign = -1 where more is
 * better. From then on what was reached with less compute still stands. */
static void find_envelope(const struct build *build, double low, double high, double sign, struct reach *reached)
{
    const struct figure_axis *x_axis = &build->figure->x, *y_axis = &build->figure->y;
    for (size_t k = 0; k < GRID; k++)
        reached[k] = (struct reach){ NAN, 0 };
    for (size_t i = 0; i < build->figure->series_count; i++) {
        const struct figure_series *series = &build->figure->series[i];
        size_t at = 0;
        for (size_t k = 0; k < GRID; k++) {
            double x = low + (high - low) * (double)k / (GRID - 1), y = NAN;
            while (at < series->count && to_axis(x_axis, series->x[at]) < x - 1e-9 * (high - low))
                at++;
            if (at == series->count)
                break;
            double right = to_axis(x_axis, series->x[at]), value = to_axis(y_axis, series->y[at]);
            if (fabs(right - x) <= 1e-9 * (high - low)) {
                y = value;
            } else if (at && series->line) {
                double left = to_axis(x_axis, series->x[at - 1]), before = to_axis(y_axis, series->y[at - 1]);
                y = before + (value - before) * (x - left) / (right - left);
            }
            if (!isnan(y) && !(sign * y >= sign * reached[k].y)) {
                reached[k].y = y;
                reached[k].group = series->colour;
            }
        }
    }
    for (size_t k = 1; k < GRID; k++)
        if (!(sign * reached[k].y <= sign * reached[k - 1].y) && !isnan(reached[k - 1].y))
            reached[k] = reached[k - 1];
}

/* One run of the envelope, of which all points are at an end of the sizes or none is. */
static int add_run(struct build *build, const struct reach *reached, size_t first, size_t last, double low,
                   double high, bool end, bool *labelled)
{
    struct figure *figure = build->figure;
    size_t count = last - first + 1, used = 0;
    double *x = arena_zero(build->arena, count, sizeof *x), *y = arena_zero(build->arena, count, sizeof *y);
    if (!x || !y)
        return error_memory(build->err);
    for (size_t k = first; k <= last; k++) {
        x[used] = from_axis(&figure->x, low + (high - low) * (double)k / (GRID - 1));
        y[used++] = from_axis(&figure->y, reached[k].y);
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

static int add_envelope(struct build *build)
{
    struct figure *figure = build->figure;
    struct reach *reached = arena_zero(build->arena, GRID, sizeof *reached);
    double low = INFINITY, high = -INFINITY, sign = build->y.more_is_better ? -1 : 1;
    size_t sizes = build->data->group_count, first = 0, last = GRID - 1;
    bool labelled[2] = { false, false };
    if (!reached)
        return error_memory(build->err);
    for (size_t i = 0; i < figure->series_count; i++)
        for (size_t k = 0; k < figure->series[i].count; k++)
            if (!isnan(figure->series[i].y[k])) {
                low = fmin(low, to_axis(&figure->x, figure->series[i].x[k]));
                high = fmax(high, to_axis(&figure->x, figure->series[i].x[k]));
            }
    if (!(high > low))
        return 0;
    find_envelope(build, low, high, sign, reached);
    while (first < GRID && isnan(reached[first].y))
        first++;
    while (last > first && reached[last].y == reached[last - 1].y) /* it ends with its last gain */
        last--;
    size_t before = figure->series_count;
    for (size_t k = first, next; k < last; k = next) {
        bool end = sizes > 2 && (reached[k].group == 0 || reached[k].group == sizes - 1);
        next = k + 1;
        while (next < last && (sizes > 2 && (reached[next].group == 0 || reached[next].group == sizes - 1)) == end)
            next++;
        if (add_run(build, reached, k, next, low, high, end, &labelled[end]))
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

/* The final points of trials, where nothing was measured along them: joined by no line, so the envelope is what was
 * reached with at most so much compute. */
static int add_steps(struct build *build)
{
    struct figure *figure = build->figure;
    double sign = build->y.more_is_better ? -1 : 1, best = INFINITY, from = -INFINITY;
    size_t most = 0, used = 0;
    for (size_t i = 0; i < figure->series_count; i++)
        most += figure->series[i].count;
    double *x = arena_zero(build->arena, 2 * most + 1, sizeof *x), *y = arena_zero(build->arena, 2 * most + 1,
                                                                                  sizeof *y);
    if (!x || !y)
        return error_memory(build->err);
    for (;;) {
        double next = INFINITY, value = INFINITY;
        for (size_t i = 0; i < figure->series_count; i++)
            for (size_t k = 0; k < figure->series[i].count; k++) {
                double at = figure->series[i].x[k], loss = sign * figure->series[i].y[k];
                if (loss < best && (at < next || (at == next && loss < value)) && at >= from) {
                    next = at;
                    value = loss;
                }
            }
        if (isinf(next))
            break;
        if (used) {
            x[used] = next;
            y[used++] = sign * best;
        }
        x[used] = from = next;
        y[used++] = sign * (best = value);
    }
    if (used < 3)
        return 0;
    figure->series[figure->series_count++] =
        (struct figure_series){ .label = build->y.more_is_better ? "upper envelope" : "lower envelope",
                                .role = ROLE_ENVELOPE, .count = used, .x = x, .y = y, .line = true, .shade = NAN };
    return 0;
}

static bool has_values(const struct frame *frame, const char *name)
{
    const struct column *column = frame ? frame_find(frame, name) : NULL;
    for (size_t row = 0; column && column->numbers && row < frame->rows; row++)
        if (isfinite(column->numbers[row]))
            return true;
    return false;
}

/* The y of a recipe that names none. */
static const char *default_y(const struct figure_results *results)
{
    static const char *const candidates[] = { "validation.loss", "test.loss", "train_eval.loss", "train.loss" };
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (has_values(results->points, candidates[i]) || (!results->points && has_values(results->trials,
                                                                                         candidates[i])))
            return candidates[i];
    return "validation.loss";
}

/* As lines the measurements along each trial; where they lack y, such as best.validation.loss, its end. */
int build_frontier(struct build *build)
{
    struct figure_spec spec = *build->spec;
    struct figure *figure = build->figure;
    const char *y[1];
    spec.others = OTHERS_SEPARATE;
    if (!spec.y_count) {
        y[0] = default_y(build->results);
        spec.y = y;
        spec.y_count = 1;
    }
    const struct figure_spec *asked = build->spec;
    build->spec = &spec;
    int status = build_gather(build, false);
    if (status)
        goto out;
    struct gathered *data = build->data;
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
    /* Room for the envelope in as many runs as the owner may change. */
    figure->series = arena_zero(build->arena, data->line_count + GRID + 1, sizeof *figure->series);
    if (!figure->series) {
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
    status = data->along ? add_envelope(build) : add_steps(build);
    if (!status && !(status = build_marks(build)))
        status = build_finish(build);
out:
    build->spec = asked;
    return status;
}
