/* Curves, moving averages, and straight lines in logarithms. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "figure/build.h"

#define POINTS_MARKED 25 /* a line of more points goes without a marker at each */
#define PANEL_MARKED 8   /* the same in a panel of small multiples */
#define GROUPS_LISTED 10 /* more groups of numbers than this have a colour bar */
#define LINES_LISTED 8   /* lines that differ in more than the group and are still named one by one */

/* "depth 2, batch 50": what a line's other swept columns are. */
static char *others_label(struct build *build, const struct line *line)
{
    struct text text = { 0 };
    const struct gathered *data = build->data;
    for (size_t i = 0; i < data->other_count; i++) {
        const struct column *column = data->others[i];
        struct quantity quantity;
        const char *value = column->texts ? column->texts[line->trial] : NULL;
        if (!quantity_of(build->arena, column->name, NULL, &quantity))
            continue;
        if (!column->texts)
            value = quantity_text(build->arena, column->numbers[line->trial], quantity.count, 3);
        text_add_string(&text, i ? ", " : "");
        const char *first = quantity.after ? value : quantity.brief, *second = quantity.after ? quantity.brief : value;
        text_format(&text, "%s%s%s", first ? first : "none", quantity.brief[0] ? " " : "", second ? second : "none");
    }
    char *taken = text_take(&text), *own = taken ? arena_copy(build->arena, taken, strlen(taken)) : NULL;
    free(taken);
    return own;
}

/* Of several y: "validation loss", or "validation" where the axis says loss already. */
static const char *y_label(struct build *build, size_t index)
{
    struct quantity quantity;
    if (!quantity_of(build->arena, build->spec->y[index], NULL, &quantity))
        return NULL;
    size_t length = strlen(quantity.title), last = strlen(build->figure->y.title);
    char *label = arena_copy(build->arena, quantity.title, length);
    if (!label)
        return NULL;
    if (label[0] >= 'A' && label[0] <= 'Z')
        label[0] = (char)(label[0] - 'A' + 'a');
    if (length > last + 1 && !strcasecmp(label + length - last, build->figure->y.title))
        label[length - last - 1] = 0;
    return label;
}

/* The titles of the other columns: "learning rate, batch size". */
static void others_names(const struct build *build, struct text *text)
{
    for (size_t i = 0; i < build->data->other_count; i++) {
        struct quantity quantity;
        if (!quantity_of(build->arena, build->data->others[i]->name, NULL, &quantity))
            continue;
        text_add_string(text, i ? ", " : "");
        char first = quantity.title[0];
        bool capital = first >= 'A' && first <= 'Z';
        text_format(text, "%c%s", capital ? first - 'A' + 'a' : first, quantity.title + 1);
    }
}

static bool better(const struct build *build, double a, double b)
{
    return isnan(b) ? !isnan(a) : build->y.more_is_better ? a > b : a < b;
}

/* Takes over the cells of another line that are better than the best so far, or the first at their x. */
static void keep_cells(const struct build *build, struct line *best, const struct line *line)
{
    for (size_t m = 0; m < line->count; m++) {
        const struct cell *cell = &line->cells[m];
        size_t at = 0;
        while (at < best->count && best->cells[at].key < cell->key)
            at++;
        if (at == best->count || best->cells[at].key != cell->key) {
            memmove(best->cells + at + 1, best->cells + at, (best->count - at) * sizeof *best->cells);
            best->cells[at] = *cell;
            best->count++;
        } else if (better(build, cell->middle, best->cells[at].middle)) {
            best->cells[at] = *cell;
        }
    }
}

/* Of the lines of one group and y keeps the best: at each x, or along trials the one that ends best. */
static int drop_worse(struct build *build)
{
    struct gathered *data = build->data;
    for (size_t i = 0; i < data->line_count; i++) {
        struct line *best = &data->lines[i];
        size_t room = best->count, others = 0;
        for (size_t k = i + 1; k < data->line_count; k++)
            if (data->lines[k].count && data->lines[k].group == best->group && data->lines[k].y == best->y) {
                room += data->lines[k].count;
                others++;
            }
        if (!others)
            continue;
        struct cell *cells = data->along ? NULL : arena_zero(build->arena, room, sizeof *cells);
        if (!data->along && !cells)
            return error_memory(build->err);
        if (cells && best->count)
            memcpy(cells, best->cells, best->count * sizeof *cells);
        best->cells = cells ? cells : best->cells;
        for (size_t k = i + 1; k < data->line_count; k++) {
            struct line *line = &data->lines[k];
            if (!line->count || line->group != best->group || line->y != best->y)
                continue;
            if (!data->along)
                keep_cells(build, best, line);
            else if (!best->count || better(build, line->cells[line->count - 1].middle,
                                            best->cells[best->count - 1].middle)) {
                best->cells = line->cells;
                best->count = line->count;
                best->trial = line->trial;
            }
            line->count = 0;
        }
    }
    return 0;
}

/* The settings that are not in the figure have no marks in it either. */
static void drop_marks(struct gathered *data, const struct cell *const *before)
{
    size_t kept = 0;
    for (size_t i = 0; i < data->line_count && !data->along; i++)
        for (size_t k = 0; k < data->lines[i].count; k++) {
            const struct cell *cell = &data->lines[i].cells[k];
            if (cell->diverged)
                data->lost[kept++] = (struct lost){ i, cell->x, cell->diverged, cell->trials };
        }
    for (size_t i = 0; i < data->lost_count && data->along; i++)
        for (size_t k = 0; k < data->line_count; k++) /* the line that was kept may stand in another's place */
            if (data->lines[k].count && data->lines[k].cells == before[data->lost[i].line]) {
                data->lost[kept] = data->lost[i];
                data->lost[kept++].line = k;
                break;
            }
    data->lost_count = kept;
}

/* The titles of the other columns, to be freed; NULL: out of memory. */
static char *others_taken(const struct build *build)
{
    struct text names = { 0 };
    others_names(build, &names);
    return text_take(&names);
}

int build_keep_best(struct build *build)
{
    char *names = others_taken(build);
    if (!names)
        return error_memory(build->err);
    struct gathered *data = build->data;
    const struct cell **before = arena_zero(build->arena, data->line_count + 1, sizeof *before);
    for (size_t i = 0; before && i < data->line_count; i++)
        before[i] = data->lines[i].cells;
    if (!before || drop_worse(build)) {
        free(names);
        return before ? -1 : error_memory(build->err);
    }
    drop_marks(data, before);
    build_say(build, build->data->along ? "Of each group the line with the best %s at its end, by %s over seeds."
                                        : "At each point the best %s, by %s over seeds.",
              names, build->median ? "median" : "mean");
    free(names);
    return 0;
}

int build_say_averaged(struct build *build)
{
    char *names = others_taken(build);
    if (!names)
        return error_memory(build->err);
    build_say(build, "Averaged over %s too.", names);
    free(names);
    return 0;
}

/* Lines in the order of the legend: by group, then y, then as found. */
static int compare_lines(const void *a, const void *b)
{
    const struct line *p = *(const struct line *const *)a, *q = *(const struct line *const *)b;
    if (p->group != q->group)
        return p->group < q->group ? -1 : 1;
    if (p->y != q->y)
        return p->y < q->y ? -1 : 1;
    return (p > q) - (p < q);
}

/* The 97.5 % point of Student's t: a table, then the first terms of its expansion about the normal's 1.96. */
static double student(size_t freedom)
{
    static const double table[] = { 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228 };
    double f = (double)freedom;
    return freedom <= 10 ? table[freedom - 1] : 1.96 + 2.37 / f + 2.8 / (f * f);
}

int build_law(struct build *build, const char *of, size_t count, double intercept, double slope, double error,
              struct figure_law *law)
{
    double half = count > 2 ? student(count - 2) * error : NAN;
    *law = (struct figure_law){ .of = of, .factor = exp(intercept), .exponent = slope, .error = error,
                                .low = slope - half, .high = slope + half, .how = "least squares in logarithms" };
    law->formula = arena_format(build->arena, "%s = a %s^b", build->spec->y[0], build->spec->x);
    return law->formula ? 0 : error_memory(build->err);
}

/* Exponents stand in the legend; those of panels, which share one, in the caption. */
static int label_fit(struct build *build, struct figure_series *data, double slope, double error)
{
    const char *own = data->label ? data->label : "", *minus = slope < 0 ? "−" : "";
    char *exponent;
    if (build->panel) {
        data->label = own[0] ? own : "power law";
        return 0;
    }
    if (isnan(error)) {
        exponent = arena_format(build->arena, "%s%.3f", minus, fabs(slope));
    } else { /* the error in two digits, the exponent to the same place */
        int decimals = error > 0 ? 1 - (int)floor(log10(error)) : 6;
        decimals = decimals < 1 ? 1 : decimals > 5 ? 3 : decimals; /* of an exact law three are enough */
        exponent = arena_format(build->arena, "%s%.*f ± %.*f", minus, decimals, fabs(slope), decimals, error);
    }
    if (!exponent)
        return error_memory(build->err);
    data->label = arena_format(build->arena, "%s%s%s", own, own[0] ? ": " : "exponent ", exponent);
    data->direct = data->direct && own[0] ? arena_format(build->arena, "%s: %s", data->direct, exponent) : data->label;
    return data->label && data->direct ? 0 : error_memory(build->err);
}

static int add_fit(struct build *build, struct figure_series *data)
{
    struct figure *figure = build->figure;
    double *x = arena_zero(build->arena, data->count + 2, sizeof *x), *y = arena_zero(build->arena, data->count + 2,
                                                                                     sizeof *y);
    double intercept, slope, error;
    size_t count = 0;
    if (!x || !y)
        return error_memory(build->err);
    for (size_t i = 0; i < data->count; i++)
        if (!isnan(data->y[i])) {
            x[count] = log(data->x[i]);
            y[count++] = log(data->y[i]);
        }
    if (!build_straight_line(count, x, y, &intercept, &slope, &error)) {
        build_say(build, "No line through %s: it needs two points.",
                  data->direct ? data->direct : data->label ? data->label : "the data");
        return 0;
    }
    if (build_law(build, data->direct ? data->direct : data->label, count, intercept, slope, error,
                  &figure->laws[figure->law_count++]))
        return -1;
    if (label_fit(build, data, slope, error))
        return -1;
    struct figure_series *fit = &figure->series[figure->series_count++];
    *fit = (struct figure_series){ .role = ROLE_FIT, .count = 2, .line = true, .shade = data->shade,
                                   .colour = data->colour };
    double first = data->x[0], last = data->x[data->count - 1];
    x[0] = first;
    x[1] = last;
    y[0] = exp(intercept + slope * log(first));
    y[1] = exp(intercept + slope * log(last));
    fit->x = x;
    fit->y = y;
    return data->label ? 0 : error_memory(build->err);
}

/* Line or points, markers: as asked, else as fits the data. */
static void set_style(const struct build *build, const struct line *line, struct figure_series *series, size_t rank)
{
    const struct figure_spec *spec = build->spec;
    bool names = build->figure->x.names, loglog = spec->kind == KIND_LOGLOG && spec->fit;
    if (spec->kind == KIND_SCATTER) {
        series->marker = build->figure->colour_bar ? MARKER_CIRCLE
                                                   : (enum figure_marker)(MARKER_CIRCLE + line->group % MARKER_COUNT);
        build_colour(build, line->group, &series->shade, &series->colour);
        return;
    }
    bool few = series->count <= (spec->only ? PANEL_MARKED : POINTS_MARKED) &&
               spec->kind != KIND_MOVING_AVERAGE && !build->figure->colour_bar;
    bool points = spec->points >= 0 ? spec->points : few || names || loglog;
    series->line = spec->lines >= 0 ? spec->lines : !names && !loglog;
    if (!series->line && spec->points < 0)
        points = true;
    size_t order = build->data->group_count > 1 ? line->group : rank;
    series->marker = points ? (enum figure_marker)(MARKER_CIRCLE + order % MARKER_COUNT) : MARKER_NONE;
    series->dashed = line->y % 2;
    build_colour(build, line->group, &series->shade, &series->colour);
    if (!points && spec->points < 0 && order && isnan(series->shade) && !series->dashed) {
        /* A few markers tell long lines apart without colour; the first needs none. */
        series->marker = (enum figure_marker)(MARKER_CIRCLE + order % MARKER_COUNT);
        series->every = series->count / 6 + 1;
    }
    if (build->data->group_count == 1 || !build->spec->group)
        series->colour = rank;
}

static int label_lines(struct build *build, const struct line *line, struct figure_series *series, bool one_by_one,
                       bool again)
{
    const struct gathered *data = build->data;
    bool grouped = build->spec->group, several = build->spec->y_count > 1;
    const char *group = grouped ? build_group_label(build, line->group, false) : NULL;
    const char *direct = grouped ? build_group_label(build, line->group, true) : NULL;
    const char *y = several ? y_label(build, line->y) : NULL;
    const char *other = one_by_one && data->other_count ? others_label(build, line) : NULL;
    if ((grouped && (!group || !direct)) || (several && !y) || (one_by_one && data->other_count && !other))
        return error_memory(build->err);
    if (build->figure->colour_bar || again)
        return 0;
    const char *parts[] = { group, y, other }, *direct_parts[] = { direct, y, other };
    for (size_t i = 0; i < 3; i++) {
        if (parts[i])
            series->label = series->label ? arena_format(build->arena, "%s, %s", series->label, parts[i]) : parts[i];
        if (parts[i])
            series->direct = series->direct ? arena_format(build->arena, "%s, %s", series->direct, direct_parts[i])
                                            : direct_parts[i];
    }
    return 0;
}

int build_curve(struct build *build)
{
    const struct figure_spec *spec = build->spec;
    struct figure *figure = build->figure;
    if (build_gather(build, spec->kind == KIND_MOVING_AVERAGE))
        return -1;
    struct gathered *data = build->data;
    if (data->other_count && spec->others == OTHERS_BEST && build_keep_best(build))
        return -1;
    if (data->other_count && spec->others == OTHERS_MEAN && spec->kind != KIND_SCATTER && build_say_averaged(build))
        return -1;

    const struct line **lines = arena_zero(build->arena, data->line_count + 1, sizeof *lines);
    figure->series = arena_zero(build->arena, 2 * data->line_count + 1, sizeof *figure->series);
    figure->laws = arena_zero(build->arena, data->line_count + 1, sizeof *figure->laws);
    size_t count = 0, rank = 0;
    char *other_names = others_taken(build);
    if (!lines || !figure->series || !figure->laws || !other_names) {
        free(other_names);
        return error_memory(build->err);
    }
    for (size_t i = 0; i < data->line_count; i++)
        if (data->lines[i].count)
            lines[count++] = &data->lines[i];
    qsort(lines, count, sizeof *lines, compare_lines);
    bool alike = data->other_count && spec->others == OTHERS_SEPARATE;
    bool one_by_one = alike && count <= LINES_LISTED;
    bool many = (alike && !one_by_one) || data->by_trial;
    if (many && alike)
        build_say(build, "A line for each %s.", other_names);
    free(other_names);
    if (spec->group) {
        figure->legend_title = build->group.title;
        if (!data->groups[0].text && data->group_count > GROUPS_LISTED)
            build_scale(build);
    }
    for (size_t i = 0; i < count; i++) {
        struct figure_series *series = &figure->series[figure->series_count];
        bool again = many && i && lines[i]->group == lines[i - 1]->group && lines[i]->y == lines[i - 1]->y;
        if (build_series(build, lines[i], series))
            return -1;
        if (!series->count)
            continue;
        set_style(build, lines[i], series, many ? lines[i]->y : rank);
        rank++;
        if (many) {
            series->role = ROLE_BACKDROP;
            series->low = series->high = NULL;
        }
        if (label_lines(build, lines[i], series, one_by_one, again))
            return -1;
        figure->series_count++;
        if (spec->kind == KIND_LOGLOG && spec->fit && add_fit(build, series))
            return -1;
    }
    if (spec->kind == KIND_LOGLOG && spec->fit && figure->legend_title && !build->panel)
        figure->legend_title = arena_format(build->arena, "%s: exponent", figure->legend_title);
    if (build_marks(build))
        return -1;
    return build_finish(build);
}
