/* From gathered cells to a figure: what all kinds have in common. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/build.h"

void build_say(struct build *build, const char *format, ...)
{
    va_list arguments;
    if (build->caption.length)
        text_add_string(&build->caption, " ");
    va_start(arguments, format);
    text_vformat(&build->caption, format, arguments);
    va_end(arguments);
}

static int name_axes(struct build *build)
{
    const struct figure_spec *spec = build->spec;
    struct figure *figure = build->figure;
    const char *unit = build->results->loss_unit;
    bool good = quantity_of(build->arena, spec->x ? spec->x : "measurement", unit, &build->x) &&
                quantity_of(build->arena, spec->y[0], unit, &build->y) &&
                (!spec->group || quantity_of(build->arena, spec->group, unit, &build->group));
    if (!good)
        return error_memory(build->err);
    figure->x = (struct figure_axis){ build->x.title, build->x.unit, spec->x_log, NAN, NAN, 0, NULL, NULL };
    figure->y = (struct figure_axis){ build->y.title, build->y.unit, spec->y_log, NAN, NAN, 0, NULL, NULL };
    const char *x_label = spec->x_label ? arena_copy(build->arena, spec->x_label, strlen(spec->x_label)) : NULL;
    const char *y_label = spec->y_label ? arena_copy(build->arena, spec->y_label, strlen(spec->y_label)) : NULL;
    if ((spec->x_label && !x_label) || (spec->y_label && !y_label))
        return error_memory(build->err);
    if (x_label)
        figure->x = (struct figure_axis){ x_label, NULL, spec->x_log, NAN, NAN, 0, NULL, NULL };
    if (y_label) {
        figure->y = (struct figure_axis){ y_label, NULL, spec->y_log, NAN, NAN, 0, NULL, NULL };
    } else if (spec->y_count > 1) { /* "Training loss" and "Validation loss": what they share is "Loss" */
        const char *last = strrchr(spec->y[0], '.');
        bool shared = last;
        for (size_t i = 1; i < spec->y_count && shared; i++) {
            const char *other = strrchr(spec->y[i], '.');
            shared = other && !strcmp(other, last);
        }
        if (shared) {
            struct quantity common;
            if (!quantity_of(build->arena, last + 1, unit, &common))
                return error_memory(build->err);
            figure->y.title = !strcmp(last, ".loss") ? "Loss" : common.title;
        } else {
            figure->y.title = "Value";
            figure->y.unit = NULL;
        }
    }
    return 0;
}

static bool some_diverged(const struct gathered *data)
{
    for (size_t i = 0; i < data->line_count; i++)
        for (size_t k = 0; k < data->lines[i].count; k++) {
            const struct cell *cell = &data->lines[i].cells[k];
            if (cell->diverged && cell->diverged < cell->trials)
                return true;
        }
    return false;
}

int build_gather(struct build *build, bool averaged)
{
    const struct figure_spec *spec = build->spec;
    build->data = gather_results(build->arena, spec, build->results, averaged, build->err);
    if (!build->data || name_axes(build))
        return -1;
    struct figure_axis *x = &build->figure->x;
    if (build->data->name_count) {
        double *values = arena_zero(build->arena, build->data->name_count, sizeof *values);
        if (!values)
            return error_memory(build->err);
        for (size_t i = 0; i < build->data->name_count; i++)
            values[i] = (double)i;
        x->logarithmic = false;
        x->names = build->data->names;
        x->values = values;
        x->value_count = build->data->name_count;
    }
    build->band = spec->band;
    build->median = some_diverged(build->data);
    if (build->median)
        build->band = BAND_QUANTILES;
    gather_summarise(build->data, build->band, build->y.more_is_better);
    return 0;
}

int build_series(struct build *build, const struct line *line, struct figure_series *series)
{
    const struct figure_spec *spec = build->spec;
    const struct figure_axis *x_axis = &build->figure->x, *y_axis = &build->figure->y;
    double *x = arena_zero(build->arena, line->count + 1, sizeof *x), *y = arena_zero(build->arena, line->count + 1,
                                                                                     sizeof *y);
    double *low = arena_zero(build->arena, line->count + 1, sizeof *low);
    double *high = arena_zero(build->arena, line->count + 1, sizeof *high);
    bool band = false;
    if (!x || !y || !low || !high)
        return error_memory(build->err);
    *series = (struct figure_series){ .x = x, .y = y, .shade = NAN };
    for (size_t i = 0; i < line->count; i++) {
        const struct cell *cell = &line->cells[i];
        double at = spec->start + spec->multiplier * cell->x;
        if (x_axis->logarithmic && at <= 0) {
            if (build->data->along && cell->key == 0)
                build->zero_steps++;
            else
                build->left_out++;
            continue;
        }
        if (y_axis->logarithmic && cell->middle <= 0) {
            build->left_out++;
            continue;
        }
        if (isnan(cell->middle) && !(series->count && !isnan(y[series->count - 1])))
            continue; /* breaks between points only, one each */
        if (build->cell_of)
            build->cell_of[series->count] = i;
        x[series->count] = at;
        y[series->count] = cell->middle;
        low[series->count] = cell->low;
        high[series->count] = cell->high;
        band = band || cell->high - cell->low > 1e-12 * fabs(cell->middle); /* more than rounding */
        series->count++;
    }
    while (series->count && isnan(y[series->count - 1]))
        series->count--;
    if (band && spec->band != BAND_NONE) {
        series->low = low;
        series->high = high;
    }
    return 0;
}

void build_colour(const struct build *build, size_t group, double *shade, size_t *colour)
{
    const struct gathered *data = build->data;
    const struct figure_axis *scale = &build->figure->scale;
    *colour = group;
    *shade = NAN;
    if (data->group_count < 2 || data->groups[0].text)
        return;
    if (!build->figure->colour_bar) {
        *shade = FIGURE_SHADE_HIGHEST * (double)group / (double)(data->group_count - 1);
    } else {
        double low = scale->low, high = scale->high, at = data->groups[group].number;
        if (scale->logarithmic)
            low = log(low), high = log(high), at = log(at);
        *shade = FIGURE_SHADE_HIGHEST * (at - low) / (high - low);
    }
}

void build_scale(struct build *build)
{
    const struct gathered *data = build->data;
    double low = data->groups[0].number, high = data->groups[data->group_count - 1].number;
    build->figure->colour_bar = true;
    build->figure->scale = (struct figure_axis){ build->group.title, build->group.unit, low > 0 && high / low >= 10,
                                                 low, high, 0, NULL, NULL };
}

/* "[500,150]" is a list of sizes: "500, 150". */
static const char *tidy(struct arena *arena, const char *text)
{
    size_t length = strlen(text);
    if (length < 2 || text[0] != '[' || text[length - 1] != ']' || strpbrk(text, "{\""))
        return text[0] ? text : "none";
    struct text out = { 0 };
    for (size_t i = 1; i + 1 < length; i++) {
        text_add(&out, &text[i], 1);
        if (text[i] == ',' && text[i + 1] != ' ')
            text_add_string(&out, " ");
    }
    char *taken = text_take(&out), *own = taken ? arena_copy(arena, taken, strlen(taken)) : NULL;
    free(taken);
    return own;
}

const char *build_group_label(const struct build *build, size_t group, bool direct)
{
    const struct group *at = &build->data->groups[group];
    const char *value;
    if (at->text) {
        value = tidy(build->arena, at->text);
    } else {
        value = quantity_text(build->arena, at->number, build->group.count, 3);
        for (int digits = 4; digits <= 15 && value; digits++) { /* as many digits as tell it from its neighbours */
            const char *before = group ? quantity_text(build->arena, at[-1].number, build->group.count, digits - 1)
                                       : NULL;
            const char *after = group + 1 < build->data->group_count
                                    ? quantity_text(build->arena, at[1].number, build->group.count, digits - 1) : NULL;
            if (!(before && !strcmp(before, value)) && !(after && !strcmp(after, value)))
                break;
            value = quantity_text(build->arena, at->number, build->group.count, digits);
        }
    }
    if (!direct || !value || !build->group.brief[0])
        return value;
    return build->group.after ? arena_format(build->arena, "%s %s", value, build->group.brief)
                              : arena_format(build->arena, "%s %s", build->group.brief, value);
}

int build_marks(struct build *build)
{
    const struct gathered *data = build->data;
    struct figure *figure = build->figure;
    figure->marks = arena_zero(build->arena, data->lost_count + 1, sizeof *figure->marks);
    if (!figure->marks)
        return error_memory(build->err);
    for (size_t i = 0; i < data->lost_count; i++) {
        const struct lost *lost = &data->lost[i];
        struct figure_mark *mark = &figure->marks[figure->mark_count];
        double x = build->spec->start + build->spec->multiplier * lost->x;
        if (data->along && i && lost->line == lost[-1].line && lost->x == lost[-1].x) {
            mark[-1].diverged += lost->diverged; /* seeds that diverged together */
            continue;
        }
        figure->mark_count++;
        *mark = (struct figure_mark){ .x = figure->x.logarithmic && !(x > 0) ? NAN : x,
                                      .edge = build->y.more_is_better ? EDGE_BOTTOM : EDGE_TOP,
                                      .diverged = lost->diverged, .trials = lost->trials };
        build_colour(build, data->lines[lost->line].group, &mark->shade, &mark->colour);
    }
    return 0;
}

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

static int set_ranges(struct build *build)
{
    struct figure *figure = build->figure;
    const struct figure_spec *spec = build->spec;
    double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
    size_t points = 0;
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct figure_series *series = &figure->series[i];
        for (size_t k = 0; k < series->count; k++) {
            if (isnan(series->y[k]))
                continue;
            points += series->role == ROLE_DATA || series->role == ROLE_BACKDROP;
            include(&figure->x, series->x[k], &x_low, &x_high);
            include(&figure->y, series->y[k], &y_low, &y_high);
            if (series->low) {
                include(&figure->y, series->low[k], &y_low, &y_high);
                include(&figure->y, series->high[k], &y_low, &y_high);
            }
        }
    }
    if (!points || x_low > x_high || y_low > y_high)
        return nothing(build);
    if (fmax(fmax(fabs(x_low), fabs(x_high)), fmax(fabs(y_low), fabs(y_high))) > 1e300)
        return iso_fail(build->err, "there are values beyond 1e300, which no axis can show");
    if (points == 1)
        return iso_fail(build->err, "there is but one point to draw (%s %g, %s %g)", spec->x ? spec->x : "measurement",
                        x_low, spec->y[0], y_low);
    for (size_t i = 0; i < figure->mark_count; i++)
        include(&figure->x, figure->marks[i].x, &x_low, &x_high);
    bool widest = build->data->along || spec->kind == KIND_MOVING_AVERAGE;
    set_range(&figure->x, x_low, x_high, figure->x.logarithmic || !widest ? 0.03 : 0.01, spec->x_low, spec->x_high);
    set_range(&figure->y, y_low, y_high, 0.05, spec->y_low, spec->y_high);
    for (size_t i = 0; i < figure->mark_count; i++)
        if (isnan(figure->marks[i].x))
            figure->marks[i].x = figure->x.low;
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
        build_say(build, "%zu series shorter than the window left out.", data->short_trials);
    if (data->diverged)
        build_say(build, "%zu of %zu trials diverged%s.%s", data->diverged, data->trials,
                  !build->figure->mark_count ? "" : build->y.more_is_better ? " (at the lower edge)"
                                                                            : " (at the upper edge)",
                  !build->median ? "" : build->figure->band
                      ? " Where only some seeds did, medians and quartiles count them as the worst."
                      : " Where only some seeds did, medians count them as the worst.");
    if (data->unfinished)
        build_say(build, "%zu of %zu trials are not finished.", data->unfinished, data->trials);
    if (data->failed)
        build_say(build, "%zu of %zu trials failed.", data->failed, data->trials);
    if (data->cut)
        build_say(build, "Lines end where fewer than half of their seeds are left.");
    if (data->by_trial)
        build_say(build, "A line for each trial: the seeds were measured at different steps.");
    if (build->zero_steps)
        build_say(build, "Step 0 is left out of the logarithmic axis.");
    if (build->left_out)
        build_say(build, "%zu value%s of zero or below left out of logarithmic axes.", build->left_out,
                  build->left_out == 1 ? "" : "s");
    if (data->empty > data->failed)
        build_say(build, "%zu rows without a number left out.", data->empty - data->failed);
    if (spec->caption && spec->caption[0])
        build_say(build, "%s", spec->caption);
}

int build_finish(struct build *build)
{
    if (set_ranges(build) || set_values(build) || describe_band(build))
        return -1;
    describe_rest(build);
    char *caption = text_take(&build->caption);
    if (!caption)
        return error_memory(build->err);
    build->figure->caption = caption[0] ? arena_copy(build->arena, caption, strlen(caption)) : NULL;
    bool lost = caption[0] && !build->figure->caption;
    free(caption);
    return lost ? error_memory(build->err) : 0;
}

/* ---- Figures ---- */

bool build_straight_line(size_t count, const double *x, const double *y, double *intercept, double *slope,
                         double *error)
{
    double n = (double)count, mean_x = 0, mean_y = 0, xx = 0, xy = 0, residual = 0;
    for (size_t i = 0; i < count; i++) {
        mean_x += x[i] / n;
        mean_y += y[i] / n;
    }
    for (size_t i = 0; i < count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
    }
    if (count < 2 || !(xx > 1e-24 * n * mean_x * mean_x) || xx <= 0)
        return false;
    *slope = xy / xx;
    *intercept = mean_y - *slope * mean_x;
    for (size_t i = 0; i < count; i++) {
        double off = y[i] - *intercept - *slope * x[i];
        residual += off * off;
    }
    /* var(slope) = s² / Sxx with s² = residual / (n - 2). */
    *error = count > 2 ? sqrt(residual / (n - 2) / xx) : NAN;
    return true;
}

struct figure *figure_build(const struct figure_spec *spec, const struct figure_results *results,
                            struct iso_error *err)
{
    struct arena *arena = arena_new();
    struct figure *figure = arena ? arena_zero(arena, 1, sizeof *figure) : NULL;
    struct build build = { .arena = arena, .spec = spec, .results = results, .figure = figure, .err = err };
    if (!figure) {
        error_memory(err);
        arena_free(arena);
        return NULL;
    }
    figure->arena = arena;
    const char *title = spec->title ? spec->title : results->title;
    figure->name = arena_copy(arena, spec->name, strlen(spec->name));
    figure->title = title && title[0] ? arena_copy(arena, title, strlen(title)) : NULL;
    figure->kind = figure_kinds[spec->kind];
    if (!figure->name || (title && title[0] && !figure->title)) {
        error_memory(err);
        goto failed;
    }
    if (spec->kind == KIND_FRONTIER ? build_frontier(&build) : build_curve(&build))
        goto failed;
    text_free(&build.caption);
    return figure;

failed:
    text_free(&build.caption);
    arena_free(arena);
    return NULL;
}

void figure_free(struct figure *figure)
{
    if (figure)
        arena_free(figure->arena);
}
