/* Bars for named cases, and heat maps of two swept paths. */
#include <math.h>
#include <string.h>

#include "base/statistics.h"
#include "figure/build.h"

/* The different x of all lines, as the names of places 0, 1, ... */
struct places {
    size_t count;
    double *keys;
    const char **names;
};

static int find_places(struct build *build, struct places *places)
{
    const struct gathered *data = build->data;
    size_t most = 0;
    for (size_t i = 0; i < data->line_count; i++)
        most += data->lines[i].count;
    places->count = 0;
    places->keys = arena_zero(build->arena, most + 1, sizeof *places->keys);
    places->names = arena_zero(build->arena, most + 1, sizeof *places->names);
    if (!places->keys || !places->names)
        return error_memory(build->err);
    for (size_t i = 0; i < data->line_count; i++)
        for (size_t k = 0; k < data->lines[i].count; k++)
            places->keys[places->count++] = data->lines[i].cells[k].x;
    places->count = reals_unique(places->keys, places->count);
    for (size_t i = 0; i < places->count; i++) {
        places->names[i] = data->name_count ? build_tidy(build->arena, data->names[(size_t)places->keys[i]])
                                            : quantity_text(build->arena, places->keys[i], build->x.count, 4);
        if (!places->names[i])
            return error_memory(build->err);
    }
    return 0;
}

static size_t place_of(const struct places *places, double key)
{
    size_t i = 0;
    while (i + 1 < places->count && places->keys[i] != key)
        i++;
    return i;
}

/* An axis of names in place of one of numbers. */
static int name_axis(struct build *build, struct figure_axis *axis, size_t count, const char **names)
{
    double *values = arena_zero(build->arena, count + 1, sizeof *values);
    if (!values)
        return error_memory(build->err);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)i;
    axis->logarithmic = false;
    axis->names = names;
    axis->values = values;
    axis->value_count = count;
    return 0;
}

static int keep_best(struct build *build)
{
    if (build->data->other_count && build->spec->others == OTHERS_BEST)
        return build_keep_best(build);
    if (build->data->other_count && build->spec->others == OTHERS_MEAN)
        return build_say_averaged(build);
    return 0;
}

/* ---- Bars ---- */

/* Whiskers of one group's bars: a series without line or marker, in ink. */
static int add_whiskers(struct build *build, const struct line *line, const struct places *places, double shift)
{
    struct figure *figure = build->figure;
    struct figure_series *series = &figure->series[figure->series_count];
    double *values[4];
    bool spread = false;
    for (int i = 0; i < 4; i++)
        if (!(values[i] = arena_zero(build->arena, line->count + 1, sizeof **values)))
            return error_memory(build->err);
    *series = (struct figure_series){ .role = ROLE_WHISKERS, .x = values[0], .y = values[1], .low = values[2],
                                      .high = values[3], .shade = NAN };
    for (size_t k = 0; k < line->count; k++) {
        const struct cell *cell = &line->cells[k];
        if (isnan(cell->middle) || (figure->y.logarithmic && cell->middle <= 0))
            continue;
        values[0][series->count] = (double)place_of(places, cell->x) + shift;
        values[1][series->count] = cell->middle;
        values[2][series->count] = cell->low;
        values[3][series->count++] = cell->high;
        spread = spread || cell->high - cell->low > 1e-12 * fabs(cell->middle);
    }
    if (!spread || build->spec->band == BAND_NONE)
        series->low = series->high = NULL;
    figure->series_count++;
    return 0;
}

static void add_bars(struct build *build, const struct line *line, const struct places *places, double shift,
                     double width)
{
    struct figure *figure = build->figure;
    for (size_t k = 0; k < line->count; k++) {
        const struct cell *cell = &line->cells[k];
        double at = (double)place_of(places, cell->x) + shift;
        if (figure->y.logarithmic && cell->middle <= 0) {
            build->left_out++;
            continue;
        }
        if (isnan(cell->middle))
            continue;
        struct figure_cell *bar = &figure->cells[figure->cell_count++];
        *bar = (struct figure_cell){ .x0 = at - width / 2, .x1 = at + width / 2, .y1 = cell->middle, .value = NAN };
        build_colour(build, line->group, &bar->shade, &bar->colour);
        if (build->data->group_count == 1)
            bar->colour = 0;
    }
}

/* A sample for the legend: a series without points. */
static int add_sample(struct build *build, size_t group)
{
    struct figure_series *series = &build->figure->series[build->figure->series_count++];
    *series = (struct figure_series){ .marker = MARKER_SQUARE, .label = build_group_label(build, group, false) };
    build_colour(build, group, &series->shade, &series->colour);
    return series->label ? 0 : error_memory(build->err);
}

int build_bars(struct build *build)
{
    struct figure *figure = build->figure;
    struct places places;
    if (build_gather(build, false) || keep_best(build) || find_places(build, &places))
        return -1;
    const struct gathered *data = build->data;
    size_t cells = 0, groups = data->group_count;
    for (size_t i = 0; i < data->line_count; i++)
        cells += data->lines[i].count;
    figure->dodge = false;
    figure->cells = arena_zero(build->arena, cells + 1, sizeof *figure->cells);
    figure->series = arena_zero(build->arena, data->line_count + groups + 1, sizeof *figure->series);
    if (!figure->cells || !figure->series || name_axis(build, &figure->x, places.count, places.names))
        return error_memory(build->err);
    if (build->spec->group)
        figure->legend_title = build->group.title;
    const double share = fmin(0.78, 0.2 * (double)places.count); /* a fifth of the frame at most */
    const double width = share / (double)groups;
    for (size_t group = 0; group < groups; group++) {
        double shift = ((double)group - 0.5 * (double)(groups - 1)) * width;
        if (groups > 1 && add_sample(build, group))
            return -1;
        for (size_t i = 0; i < data->line_count; i++) {
            if (data->lines[i].group != group || !data->lines[i].count)
                continue;
            add_bars(build, &data->lines[i], &places, shift, width * 0.92);
            if (add_whiskers(build, &data->lines[i], &places, shift))
                return -1;
        }
    }
    for (size_t i = 0; i < data->lost_count; i++)
        data->lost[i].x = (double)place_of(&places, data->lost[i].x) +
                          ((double)data->lines[data->lost[i].line].group - 0.5 * (double)(groups - 1)) * width;
    return build_marks(build) || build_finish(build) ? -1 : 0;
}

/* ---- Heat maps ---- */

static int set_scale(struct build *build, double low, double high)
{
    struct figure *figure = build->figure;
    if (!(low <= high)) /* nothing is finite */
        return 0;
    bool flat = !(high > low);
    figure->colour_bar = true;
    figure->scale = figure->y;
    figure->scale.logarithmic = low > 0 && high / low >= 20;
    figure->scale.low = flat ? low - 0.5 * fmax(fabs(low), 1e-9) : low;
    figure->scale.high = flat ? high + 0.5 * fmax(fabs(high), 1e-9) : high;
    figure->legend_title = figure->y.title;
    return 0;
}

/* Three digits, zeros too: 2.00 beside 2.31. */
static char *value_text(struct arena *arena, double value)
{
    double size = fabs(value);
    if (!(size >= 1e-3 && size < 1e4))
        return quantity_text(arena, value, false, 3);
    int decimals = 2 - (int)floor(log10(size) + 1e-9);
    return arena_format(arena, "%s%.*f", value < 0 ? "−" : "", decimals > 0 ? decimals : 0, size);
}

static int add_cells(struct build *build, const struct line *line, const struct places *places, double *low,
                     double *high)
{
    struct figure *figure = build->figure;
    for (size_t k = 0; k < line->count; k++) {
        const struct cell *cell = &line->cells[k];
        double x = (double)place_of(places, cell->x), y = (double)line->group;
        struct figure_cell *shown = &figure->cells[figure->cell_count++];
        *shown = (struct figure_cell){ .x0 = x - 0.5, .x1 = x + 0.5, .y0 = y - 0.5, .y1 = y + 0.5,
                                       .value = cell->middle, .shade = NAN, .diverged = cell->diverged,
                                       .trials = cell->trials };
        if (isnan(cell->middle))
            continue;
        *low = fmin(*low, cell->middle);
        *high = fmax(*high, cell->middle);
        if (!(shown->text = value_text(build->arena, cell->middle)))
            return error_memory(build->err);
    }
    return 0;
}

int build_heatmap(struct build *build)
{
    struct figure *figure = build->figure;
    struct places places;
    double low = INFINITY, high = -INFINITY;
    if (build_gather(build, false) || keep_best(build) || find_places(build, &places))
        return -1;
    const struct gathered *data = build->data;
    size_t cells = 0;
    bool lost = false;
    for (size_t i = 0; i < data->line_count; i++)
        cells += data->lines[i].count;
    figure->dodge = false;
    figure->cells = arena_zero(build->arena, cells + 1, sizeof *figure->cells);
    const char **names = arena_zero(build->arena, data->group_count + 1, sizeof *names);
    if (!figure->cells || !names)
        return error_memory(build->err);
    for (size_t i = 0; i < data->line_count; i++)
        if (add_cells(build, &data->lines[i], &places, &low, &high))
            return -1;
    if (set_scale(build, low, high))
        return -1;
    for (size_t i = 0; i < data->group_count; i++)
        if (!(names[i] = build_group_label(build, i, false)))
            return error_memory(build->err);
    for (size_t i = 0; i < figure->cell_count; i++)
        lost = lost || figure->cells[i].diverged;
    if (lost)
        build_say(build, "A cross: every seed diverged; a dot: some did.");
    figure->y = (struct figure_axis){ build->group.title, build->group.unit, false, NAN, NAN, 0, NULL, NULL };
    if (name_axis(build, &figure->x, places.count, places.names) ||
        name_axis(build, &figure->y, data->group_count, names))
        return -1;
    return build_finish(build);
}
