/* From gathered cells to a figure: what all kinds have in common. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/build.h"

static void say(struct build *build, const char *panel, const char *format, va_list arguments)
{
    struct text sentence = { 0 };
    if (panel)
        text_format(&sentence, "%s: ", panel);
    text_vformat(&sentence, format, arguments);
    if (sentence.failed)
        build->caption.failed = true;
    else if (!build->caption.data || !strstr(build->caption.data, sentence.data)) /* panels say the same */
        text_format(&build->caption, "%s%s", build->caption.length ? " " : "", sentence.data);
    text_free(&sentence);
}

void build_say(struct build *build, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(build, NULL, format, arguments);
    va_end(arguments);
}

void build_say_here(struct build *build, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(build, build->panel, format, arguments);
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
        const char **names = arena_zero(build->arena, build->data->name_count, sizeof *names);
        if (!values || !names)
            return error_memory(build->err);
        for (size_t i = 0; i < build->data->name_count; i++) {
            values[i] = (double)i;
            if (!(names[i] = build_tidy(build->arena, build->data->names[i])))
                return error_memory(build->err);
        }
        x->logarithmic = false;
        x->names = names;
        build->figure->dodge = true;
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
    for (size_t i = 0; i < build->data->lost_count && build->data->along && !series->lost; i++)
        series->lost = &build->data->lines[build->data->lost[i].line] == line;
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

static void add_in_words(const struct node *node, struct text *out)
{
    if (node->kind == NODE_SCALAR)
        text_add_string(out, node->text);
    for (size_t i = 0; i < node->count; i++) {
        const struct node *value = node->values[i];
        const bool within = node->kind == NODE_MAP && value->kind != NODE_SCALAR;
        text_add_string(out, i ? ", " : "");
        if (node->kind == NODE_MAP)
            text_format(out, "%s%s", node->keys[i]->text, !within ? " " : value->count ? " (" : "");
        add_in_words(value, out);
        if (within && value->count)
            text_add_string(out, ")");
    }
}

const char *build_tidy(struct arena *arena, const char *text)
{
    if (text[0] != '[' && text[0] != '{')
        return text[0] ? text : "none";
    struct diagnostics *found = diagnostics_new();
    struct tree *tree = found ? tree_parse("value", text, strlen(text), found) : NULL;
    struct text out = { 0 };
    const char *own = text; /* what only looks like a list stays as it is */
    if (tree && tree->root && tree->root->kind != NODE_SCALAR && !diagnostics_count(found, SEVERITY_ERROR)) {
        add_in_words(tree->root, &out);
        char *taken = text_take(&out);
        own = !taken ? NULL : taken[0] ? arena_copy(arena, taken, strlen(taken)) : "none";
        free(taken);
    }
    tree_free(tree);
    diagnostics_free(found);
    return own;
}

const char *build_group_label(const struct build *build, size_t group, bool direct)
{
    const struct group *at = &build->data->groups[group];
    const char *value;
    bool speaks = false; /* a word that needs none before it */
    if (at->text) {
        value = build_tidy(build->arena, at->text);
        speaks = value && strcmp(value, "true") && strcmp(value, "false") && strcmp(value, "none");
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
    if (!direct || !value || speaks || !build->group.brief[0])
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

int build_kind(struct build *build)
{
    switch (build->spec->kind) {
    case KIND_CURVE:
    case KIND_MOVING_AVERAGE:
    case KIND_LOGLOG:
    case KIND_SCATTER:
        return build_curve(build);
    case KIND_FRONTIER:
        return build_frontier(build);
    case KIND_ISOFLOP:
        return build_isoflop(build);
    case KIND_HEATMAP:
        return build_heatmap(build);
    case KIND_BARS:
        return build_bars(build);
    case KIND_CONFUSION:
        return build_confusion(build);
    case KIND_EXAMPLES:
        return build_examples(build);
    case KIND_FILTERS:
        return build_filters(build);
    case KIND_ARCHITECTURE:
        return build_architecture(build);
    case KIND_HISTOGRAM:
        return build_histogram(build);
    case KIND_COUNT:
        break;
    }
    return iso_fail(build->err, "no such kind of figure");
}

struct figure *figure_build(const struct figure_spec *spec, const struct figure_results *results,
                            struct iso_error *err)
{
    struct arena *arena = arena_new();
    struct figure *figure = arena ? arena_zero(arena, 1, sizeof *figure) : NULL;
    struct build build = { .arena = arena, .spec = spec, .results = results, .figure = figure,
                           .highest = NAN, .err = err };
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
    if (spec->multiples ? build_multiples(&build) : build_kind(&build))
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
