/* Finishes a figure: the ranges of its axes, and what its caption must say. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/build.h"

/* ---- Ranges ---- */

static void include(const struct figure_axis *axis, double value, double *low, double *high)
{
    if (!isfinite(value) || (axis->logarithmic && value <= 0))
        return;
    *low = fmin(*low, value);
    *high = fmax(*high, value);
}

/* The range with a little air; from 0 where the values come near it. */
static void set_range(struct figure_axis *axis, double low, double high, double air, double asked_low,
                      double asked_high)
{
    if (axis->names) {
        low = -0.5;
        high = (double)axis->value_count - 0.5;
    } else if (axis->logarithmic) {
        double factor = high / low > 1 + 1e-9 ? pow(high / low, air) : 2;
        low = fmax(low / factor, DBL_MIN);
        high = fmin(high * factor, DBL_MAX);
    } else {
        double width = high - low > 1e-12 * fmax(fabs(low), fabs(high)) ? high - low : fmax(fabs(high), 1) * 0.5;
        bool from_zero = low >= 0 && low < 0.2 * high;
        bool to_zero = high <= 0 && high > 0.2 * low;
        low = from_zero ? 0 : low - air * width;
        high = to_zero ? 0 : high + air * width;
    }
    axis->low = isnan(asked_low) ? low : asked_low;
    axis->high = isnan(asked_high) ? high : asked_high;
}

static int nothing(struct build *build)
{
    const struct gathered *data = build->data;
    if (data->trials && data->diverged == data->trials)
        return iso_fail(build->err, "nothing to draw: %s diverged",
                        data->trials == 1 ? "the only trial" : "all trials");
    if (data->trials && data->unfinished + data->failed == data->trials)
        return iso_fail(build->err, "nothing to draw yet: no trial has finished (%zu to go, %zu failed)",
                        data->unfinished, data->failed);
    if (build->left_out || build->zero_steps)
        return iso_fail(build->err, "nothing to draw: logarithmic axes show only values above 0, and there are none "
                                    "(axes: linear)");
    if (data->lost_count)
        return iso_fail(build->err, "nothing to draw: every trial of it diverged");
    return iso_fail(build->err, "nothing to draw: there are no values of %s yet", build->spec->y[0]);
}

struct ranges {
    double x_low, x_high, y_low, y_high;
};

/* A line that leaves for the frame's edge, as one of a diverged trial, does not widen the range of the others. */
static void include_series(const struct build *build, const struct figure_series *series, bool leaves,
                           struct ranges *ranges)
{
    const struct figure *figure = build->figure;
    const bool runs = !leaves || build->x.progress || !build->spec->x; /* x is not itself a measurement */
    for (size_t k = 0; k < series->count; k++) {
        double high = ranges->y_high;
        if (isnan(series->y[k]))
            continue;
        if (runs)
            include(&figure->x, series->x[k], &ranges->x_low, &ranges->x_high);
        if (leaves)
            continue;
        include(&figure->y, series->y[k], &ranges->y_low, &high);
        if (series->low) {
            include(&figure->y, series->low[k], &ranges->y_low, &high);
            include(&figure->y, series->high[k], &ranges->y_low, &high);
        }
        if (series->role != ROLE_LAW) /* which the data's range cuts off above */
            ranges->y_high = high;
    }
}

int build_ranges(struct build *build)
{
    struct figure *figure = build->figure;
    const struct figure_spec *spec = build->spec;
    struct ranges ranges = { INFINITY, -INFINITY, INFINITY, -INFINITY };
    double only = NAN;
    size_t points = 0, held = 0;
    for (size_t i = 0; i < figure->series_count; i++)
        held += !figure->series[i].lost && figure->series[i].count > 1;
    figure->all_lost = figure->series_count && !held;
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct figure_series *series = &figure->series[i];
        for (size_t k = 0; k < series->count; k++)
            if (!isnan(series->y[k]) && (series->role == ROLE_DATA || series->role == ROLE_BACKDROP)) {
                only = series->y[k];
                points++;
            }
        include_series(build, series, series->lost && held, &ranges);
    }
    if (ranges.y_high > build->highest && ranges.y_low < build->highest)
        ranges.y_high = build->highest;
    for (size_t i = 0; i < figure->cell_count; i++) {
        const struct figure_cell *cell = &figure->cells[i];
        points++;
        include(&figure->x, cell->x0, &ranges.x_low, &ranges.x_high);
        include(&figure->x, cell->x1, &ranges.x_low, &ranges.x_high);
        include(&figure->y, cell->y0, &ranges.y_low, &ranges.y_high);
        include(&figure->y, cell->y1, &ranges.y_low, &ranges.y_high);
    }
    const double x_low = ranges.x_low, x_high = ranges.x_high, y_low = ranges.y_low, y_high = ranges.y_high;
    if (!points || x_low > x_high || y_low > y_high)
        return nothing(build);
    if (fmax(fmax(fabs(x_low), fabs(x_high)), fmax(fabs(y_low), fabs(y_high))) > 1e300)
        return iso_fail(build->err, "there are values beyond 1e300, which no axis can show");
    if (points == 1 && !figure->cell_count)
        return iso_fail(build->err, "there is but one point to draw (%s %g, %s %g)", spec->x ? spec->x : "measurement",
                        x_low, spec->y[0], only);
    const bool measured = spec->kind == KIND_SCATTER && x_low < x_high; /* what a diverged trial measured last */
    for (size_t i = 0; i < figure->mark_count && !measured; i++)
        include(&figure->x, figure->marks[i].x, &ranges.x_low, &ranges.x_high);
    const bool widest = build->data->along || spec->kind == KIND_MOVING_AVERAGE;
    set_range(&figure->x, ranges.x_low, ranges.x_high, figure->x.logarithmic || !widest ? 0.03 : 0.01, spec->x_range[0],
              spec->x_range[1]);
    set_range(&figure->y, y_low, y_high, 0.05, spec->y_range[0], spec->y_range[1]);
    for (size_t i = 0; i < figure->mark_count; i++)
        if (isnan(figure->marks[i].x))
            figure->marks[i].x = figure->x.low;
        else if (measured)
            figure->marks[i].x = fmin(fmax(figure->marks[i].x, figure->x.low), figure->x.high);
    return 0;
}

/* A swept quantity of whole numbers, such as widths, has its own values as ticks. */
static int set_values(struct build *build)
{
    enum { MOST = 10 };
    struct figure_axis *axis = &build->figure->x;
    const struct gathered *data = build->data;
    double *values = arena_zero(build->arena, MOST, sizeof *values);
    size_t count = 0;
    if (!values)
        return error_memory(build->err);
    if (data->along || axis->names || !data->x_column || build->x.progress || build->x.count ||
        build->spec->multiplier != 1 || build->spec->start != 0)
        return 0;
    for (size_t i = 0; i < data->line_count; i++)
        for (size_t k = 0; k < data->lines[i].count; k++) {
            double x = data->lines[i].cells[k].x;
            size_t at = 0;
            while (at < count && values[at] < x)
                at++;
            if (at < count && values[at] == x)
                continue;
            if (count == MOST || x != floor(x) || fabs(x) >= 1e5 || (axis->logarithmic && x <= 0))
                return 0;
            memmove(values + at + 1, values + at, (count - at) * sizeof *values);
            values[at] = x;
            count++;
        }
    axis->values = values;
    axis->value_count = count;
    return 0;
}

/* ---- Words ---- */

static const char *seeds_text(struct build *build)
{
    const struct gathered *data = build->data;
    const char *what = data->seeds ? "seeds" : "rows";
    if (data->seeds_low == data->seeds_high)
        return arena_format(build->arena, "%zu %s", data->seeds_high, what);
    return arena_format(build->arena, "%zu–%zu %s", data->seeds_low, data->seeds_high, what);
}

static int describe_band(struct build *build)
{
    static const char *const words[] = { [BAND_SD] = "mean ± sd", [BAND_SE] = "mean ± standard error",
                                         [BAND_MINMAX] = "mean, least to greatest",
                                         [BAND_QUANTILES] = "median and quartiles" };
    bool shown = false;
    for (size_t i = 0; i < build->figure->series_count; i++)
        shown = shown || (build->figure->series[i].low && build->figure->series[i].role != ROLE_LAW);
    const char *seeds = build->data->seeds_high > 1 ? seeds_text(build) : NULL;
    if (shown && seeds)
        build->figure->band = arena_format(build->arena, "%s of %s", words[build->band], seeds);
    else if (seeds)
        build_say(build, "%s of %s.", build->median ? "Median" : "Mean", seeds);
    return shown && !build->figure->band ? error_memory(build->err) : 0;
}

static void describe_rest(struct build *build)
{
    const struct gathered *data = build->data;
    const struct figure_spec *spec = build->spec;
    if (spec->kind == KIND_MOVING_AVERAGE)
        build_say(build, "Moving average over %zu measurements, drawn at the middle of each window.",
                  (size_t)spec->window);
    if (data->short_trials)
        build_say_here(build, "%zu series shorter than the window left out.", data->short_trials);
    if (data->diverged) /* of panels all say the same */
        build_say(build, "%zu of %zu trials diverged%s.", data->diverged, data->trials,
                  !build->figure->mark_count || build->panel ? "" : build->y.more_is_better ? " (at the lower edge)"
                                                                                             : " (at the upper edge)");
    if (data->diverged && build->median)
        build_say(build, "Where only some seeds did, medians %scount them as the worst.",
                  build->figure->band ? "and quartiles " : "");
    if (data->unfinished)
        build_say(build, "%zu of %zu trials %s not finished.", data->unfinished, data->trials,
                  data->unfinished == 1 ? "is" : "are");
    if (data->failed)
        build_say(build, "%zu of %zu trials failed.", data->failed, data->trials);
    if (data->cut)
        build_say(build, "Lines end where fewer than half of their seeds are left.");
    if (data->by_trial)
        build_say(build, "A line for each trial: the seeds were measured at different steps.");
    if (build->zero_steps)
        build_say(build, "Step 0 is left out of the logarithmic axis.");
    if (build->left_out)
        build_say_here(build, "%zu value%s of zero or below left out of logarithmic axes.", build->left_out,
                  build->left_out == 1 ? "" : "s");
    if (data->empty > data->failed)
        build_say(build, "%zu row%s without a number left out.", data->empty - data->failed,
                  data->empty - data->failed == 1 ? "" : "s");
    if (spec->caption && spec->caption[0])
        build_say(build, "%s", spec->caption);
}

int build_finish(struct build *build)
{
    if (build_ranges(build) || set_values(build) || describe_band(build))
        return -1;
    describe_rest(build);
    return build_close_caption(build);
}

int build_close_caption(struct build *build)
{
    if (build->panel) /* it is the whole figure's */
        return 0;
    char *caption = text_take(&build->caption);
    if (!caption)
        return error_memory(build->err);
    build->figure->caption = caption[0] ? arena_copy(build->arena, caption, strlen(caption)) : NULL;
    bool lost = caption[0] && !build->figure->caption;
    free(caption);
    return lost ? error_memory(build->err) : 0;
}
