/* Small multiples: a figure for each value of one column, with equal axes and colours. */
#include <math.h>
#include <string.h>

#include "figure/build.h"

#define PANELS_MAX 24

/* The first row of each value, by ascending numbers; texts as found. */
static int find_values(struct build *build, const struct column *column, size_t rows, size_t *first, size_t *count)
{
    *count = 0;
    for (size_t row = 0; row < rows; row++) {
        size_t at = 0;
        if (column->numbers ? isnan(column->numbers[row]) : !column->texts[row])
            continue;
        while (at < *count && !gather_same(column, first[at], row))
            at++;
        if (at < *count)
            continue;
        if (*count == PANELS_MAX)
            return iso_fail(build->err, "multiples: the column %s has more than %d values", column->name, PANELS_MAX);
        for (at = *count; at && column->numbers && column->numbers[first[at - 1]] > column->numbers[row]; at--)
            first[at] = first[at - 1];
        first[at] = row;
        (*count)++;
    }
    return *count ? 0 : iso_fail(build->err, "multiples: the column %s is empty", column->name);
}

static const char *panel_title(struct build *build, const struct column *column, size_t row)
{
    struct quantity quantity;
    if (!quantity_of(build->arena, column->name, NULL, &quantity))
        return NULL;
    const char *value = column->texts ? build_tidy(build->arena, column->texts[row])
                                      : quantity_text(build->arena, column->numbers[row], quantity.count, 4);
    if (!value || !quantity.brief[0]) /* a copy: the table may go before the figure does */
        return value ? arena_copy(build->arena, value, strlen(value)) : NULL;
    return quantity.after ? arena_format(build->arena, "%s %s", value, quantity.brief)
                          : arena_format(build->arena, "%s %s", quantity.brief, value);
}

static void widen(struct figure_axis *axis, const struct figure_axis *other)
{
    axis->low = fmin(axis->low, other->low);
    axis->high = fmax(axis->high, other->high);
}

/* Equal axes and scales; a panel without data gets them too. */
void build_share_axes(struct figure *figure)
{
    const struct figure *model = NULL;
    struct figure_axis x, y, scale;
    bool rough = false;
    for (size_t i = 0; i < figure->panel_count; i++) {
        const struct figure *panel = figure->panels[i];
        if (panel->missing)
            continue;
        if (!model) {
            model = panel;
            x = panel->x, y = panel->y, scale = panel->scale;
            rough = panel->all_lost;
        }
        if (x.names && panel->x.value_count > x.value_count)
            x = panel->x;
        widen(&x, &panel->x);
        if (rough && !panel->all_lost) /* of diverged lines alone: ranges of no use where there are others */
            y = panel->y;
        else if (rough || !panel->all_lost)
            widen(&y, &panel->y);
        rough = rough && panel->all_lost;
        if (panel->colour_bar)
            widen(&scale, &panel->scale);
        scale.logarithmic = scale.logarithmic && panel->scale.logarithmic;
    }
    if (!model)
        return;
    figure->x = x, figure->y = y, figure->scale = scale;
    figure->colour_bar = model->colour_bar;
    figure->legend_title = model->legend_title;
    for (size_t i = 0; i < figure->panel_count; i++) {
        struct figure *panel = figure->panels[i];
        for (size_t k = 0; k < panel->mark_count; k++)
            if (panel->marks[k].x == panel->x.low)
                panel->marks[k].x = x.low;
        panel->x = x, panel->y = y, panel->scale = scale;
    }
}

static const char *minus(double value)
{
    return value < 0 ? "−" : "";
}

/* Of a few panels; a report's table has them all. */
static void say_exponents(struct build *build)
{
    enum { MOST = 12 };
    const struct figure *figure = build->figure;
    struct text text = { 0 };
    for (size_t i = 0; i < figure->law_count && figure->law_count <= MOST; i++) {
        const struct figure_law *law = &figure->laws[i];
        if (isnan(law->exponent)) /* a single optimum */
            continue;
        text_format(&text, "%s%s %s%.3f", text.length ? "; " : "", law->of, minus(law->exponent), fabs(law->exponent));
        if (!isnan(law->error))
            text_format(&text, " ± %.3f", law->error);
        else if (!isnan(law->low))
            text_format(&text, " [%s%.3f, %s%.3f]", minus(law->low), fabs(law->low), minus(law->high), fabs(law->high));
    }
    if (text.length)
        build_say(build, "Exponents: %s.", text.data);
    else if (figure->law_count > MOST)
        build_say(build, "The exponents of its %zu laws are listed by `isoflop report`.", figure->law_count);
    build->caption.failed = build->caption.failed || text.failed;
    text_free(&text);
}

/* The laws of all panels, each with the panel's title. */
static int collect_laws(struct build *build)
{
    struct figure *figure = build->figure;
    size_t count = 0;
    for (size_t i = 0; i < figure->panel_count; i++)
        count += figure->panels[i]->law_count;
    figure->laws = arena_zero(build->arena, count + 1, sizeof *figure->laws);
    if (!figure->laws)
        return error_memory(build->err);
    for (size_t i = 0; i < figure->panel_count; i++)
        for (size_t k = 0; k < figure->panels[i]->law_count; k++) {
            struct figure_law *law = &figure->laws[figure->law_count++];
            *law = figure->panels[i]->laws[k];
            law->of = law->of ? arena_format(build->arena, "%s, %s", figure->panels[i]->panel_title, law->of)
                              : figure->panels[i]->panel_title;
            if (!law->of)
                return error_memory(build->err);
        }
    say_exponents(build);
    return 0;
}

int build_multiples(struct build *build)
{
    const struct figure_spec *spec = build->spec;
    struct figure *figure = build->figure;
    const struct frame *trials = build->results->trials;
    const struct column *column = trials ? frame_find(trials, spec->multiples) : NULL;
    size_t first[PANELS_MAX], count, drawn = 0;
    struct iso_error last = ERROR_NONE;
    if (!column)
        return iso_fail(build->err, "multiples: the table of trials has no column \"%s\"", spec->multiples);
    if (find_values(build, column, trials->rows, first, &count))
        return -1;
    figure->panels = arena_zero(build->arena, count + 1, sizeof(struct figure *));
    if (!figure->panels)
        return error_memory(build->err);
    for (size_t i = 0; i < count; i++) {
        struct iso_error err = ERROR_NONE;
        struct figure *panel = arena_zero(build->arena, 1, sizeof *panel);
        struct figure_spec one = *spec;
        struct build part = { .arena = build->arena, .spec = &one, .results = build->results, .figure = panel,
                              .highest = NAN, .err = &err };
        if (!panel || !(part.panel = panel->panel_title = panel_title(build, column, first[i])))
            return error_memory(build->err);
        one.multiples = NULL;
        one.only = column;
        one.only_row = first[i];
        panel->arena = build->arena;
        panel->name = figure->name;
        panel->kind = figure->kind;
        part.caption = build->caption; /* sentences are said once */
        int status = build_kind(&part);
        build->caption = part.caption;
        figure->panels[figure->panel_count++] = panel;
        if (status) {
            *panel = (struct figure){ .arena = build->arena, .name = figure->name, .kind = figure->kind,
                                      .panel_title = panel->panel_title,
                                      .missing = arena_format(build->arena, "%s", err.text) };
            last = err;
            if (!panel->missing)
                return error_memory(build->err);
        }
        drawn += !status;
    }
    if (!drawn)
        return iso_fail(build->err, "%s", last.text);
    build_share_axes(figure);
    return collect_laws(build) || build_close_caption(build) ? -1 : 0;
}
