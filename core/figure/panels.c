/* Small multiples: panels of one figure in a grid, with one legend, one title of each axis and equal axes. */
#include <math.h>
#include <string.h>

#include "figure/layout.h"

#define GAP 10.0  /* points between columns, at least */
#define ABOVE 2.1 /* room for a panel's title and the ticks of the panel above it, in letters' sizes */

struct grid {
    size_t columns, rows;
    double left, bottom, right, top; /* of all panels, with the room for labels outside */
    double step_x, step_y;           /* from a panel to the next */
    double width, height;            /* of a panel's frame */
    double above, gap;               /* between them */
    struct lines *titles;            /* of each */
    size_t title_lines;              /* of each, at most */
};

/* As many columns as make frames of pleasant shape, with few places left empty. */
static size_t choose_columns(size_t count, double width, double height, double above)
{
    size_t best = 1;
    double least = INFINITY;
    for (size_t columns = 1; columns <= count; columns++) {
        size_t rows = (count + columns - 1) / columns;
        double shape = width / (double)columns / fmax(height / (double)rows - above, 1);
        double cost = fabs(log(shape / 1.35)) + 0.25 * (double)(rows * columns - count);
        if (cost < least) {
            least = cost;
            best = columns;
        }
    }
    return best;
}

/* The panel whose legend stands for all. */
static const struct figure *most_labelled(const struct figure *figure)
{
    const struct figure *best = figure->panels[0];
    size_t most = 0;
    for (size_t i = 0; i < figure->panel_count; i++) {
        size_t labels = 0;
        for (size_t k = 0; k < figure->panels[i]->series_count; k++)
            labels += figure->panels[i]->series[k].label != NULL;
        if (labels > most) {
            most = labels;
            best = figure->panels[i];
        }
    }
    return best;
}

/* Lines of the panels' titles for frames so wide. */
static size_t break_titles(struct layout *layout, struct grid *grid)
{
    const struct figure *figure = layout->figure;
    size_t most = 1;
    for (size_t i = 0; i < figure->panel_count; i++) {
        if (!figure->panels[i]->panel_title)
            continue;
        layout_break(layout, figure->panels[i]->panel_title, layout->size, true, grid->width + GAP - 4,
                     grid->title_lines, &grid->titles[i]);
        most = grid->titles[i].count > most ? grid->titles[i].count : most;
    }
    return most;
}

/* Between panels so far apart that the last label of one does not touch the first of the next. */
static double gap_between(const struct layout *layout, double width)
{
    const struct tick *first = NULL, *last = NULL;
    for (size_t i = 0; i < layout->x.count; i++)
        if (layout->x.tick[i].label) {
            first = first ? first : &layout->x.tick[i];
            last = &layout->x.tick[i];
        }
    if (!first || layout->x_names)
        return GAP;
    const struct figure_axis *axis = &layout->figure->x;
    const double free = axis_place(axis, first->at) * width + (1 - axis_place(axis, last->at)) * width;
    const double half = (text_width(layout->canvas, first->label, layout->size, false) +
                         text_width(layout->canvas, last->label, layout->size, false)) / 2;
    return fmax(GAP, half + 5 - free);
}

/* Panels between the margins, with a legend at the right (0: none there) and so high a one below. */
static int fit_grid(struct layout *layout, struct grid *grid, double right, double low)
{
    const struct figure *figure = layout->figure;
    grid->above = layout->size * ABOVE;
    for (int round = 0; round < 2; round++) { /* titles in several lines change the room that they are broken for */
        place_axis_titles(layout);
        grid->left = 10 + place_y_title(layout);
        grid->right = layout->width - right;
        grid->bottom = place_foot(layout) + low + place_x_title(layout);
        grid->top = layout->height - place_head(layout) - (canvas_letters(layout->canvas) > 0 ? layout->size * 1.1 : 0);
        grid->columns = choose_columns(figure->panel_count, grid->right - grid->left, grid->top - grid->bottom,
                                       grid->above);
        grid->rows = (figure->panel_count + grid->columns - 1) / grid->columns;
        double rows = (double)grid->rows, columns = (double)grid->columns, gap = GAP;
        const double high = fmax((grid->top - grid->bottom) / rows - grid->above, 20);
        layout->x_names = layout->y_names = NULL;
        if (!ticks_of(layout->arena, &figure->y, high / (layout->size * 2.6), &layout->y))
            return error_memory(layout->err);
        double labels = 8 + (figure->y.names ? place_y_names(layout, high / (double)figure->y.value_count,
                                                             layout->width * 0.25)
                                             : place_widest(layout, &layout->y));
        double below = layout->size * 1.35 + 6;
        for (int k = 0; k < 2; k++) { /* the gap hangs on the labels, they on the width */
            grid->step_x = (grid->right - grid->left - labels + gap) / columns;
            grid->width = grid->step_x - gap;
            if (!ticks_of(layout->arena, &figure->x, fmax(grid->width, 20) / (layout->size * 4.2), &layout->x))
                return error_memory(layout->err);
            gap = figure->x.names ? GAP : gap_between(layout, grid->width);
        }
        grid->gap = grid->step_x - grid->width;
        if (figure->x.names)
            below = 6 + place_x_names(layout, fmax(grid->width, 20) / (double)figure->x.value_count,
                                      layout->height * 0.25);
        grid->left += labels;
        grid->bottom += below;
        grid->step_y = (grid->top - grid->bottom) / rows;
        grid->height = grid->step_y - grid->above;
        grid->above = layout->size * ABOVE +
                      (double)(break_titles(layout, grid) - 1) * layout_step(layout, layout->size);
    }
    return 0;
}

static double area(const struct grid *grid)
{
    return grid->width < 30 || grid->height < 24 ? 0 : grid->width * grid->height;
}

/* A legend stands where the last row leaves places empty, if it fits there; else at the right, or below. */
static int place_grid(struct layout *layout, struct grid *grid)
{
    struct grid beside, below;
    struct frame_box *at = &layout->legend_box;
    grid->titles = arena_zero(layout->arena, layout->figure->panel_count, sizeof *grid->titles);
    if (!grid->titles)
        return error_memory(layout->err);
    layout->legend = LEGEND_INSIDE;
    if (legend_list(layout) || fit_grid(layout, grid, legend_margin(layout), 0))
        return -1;
    const size_t used = layout->figure->panel_count % grid->columns;
    if (used && layout->entry_count) {
        const double top = grid->bottom + grid->step_y - grid->above - (layout->size * 1.35 + 14);
        const double left = grid->left + (double)used * grid->step_x + 4;
        const double edge = layout->figure->colour_bar ? legend_margin(layout) : 8;
        *at = (struct frame_box){ left, layout->width - edge, top - legend_height(layout), top };
        if (area(grid) > 0 && !layout->x_names && legend_width(layout) < at->right - at->left &&
            at->bottom > place_foot(layout))
            return 0;
    }
    if (!layout->entry_count)
        return 0;
    layout->legend = LEGEND_BELOW;
    beside = below = *grid;
    if (legend_list(layout))
        return -1;
    const double height = legend_rows(layout, layout->width - 20);
    *at = (struct frame_box){ 12, layout->width - 8, place_foot(layout), place_foot(layout) + height };
    if (fit_grid(layout, &below, legend_margin(layout), height))
        return -1;
    layout->legend = LEGEND_RIGHT;
    if (legend_list(layout) || fit_grid(layout, &beside, legend_margin(layout), 0))
        return -1;
    *grid = beside;
    const bool long_one = legend_height(layout) > layout->height - place_head(layout) - place_foot(layout);
    if ((beside.width * (double)beside.columns > PLACE_SHARE(layout) * layout->width && !long_one) ||
        height > 0.4 * layout->height || area(&below) * (double)below.columns * (double)below.rows <
                                             area(&beside) * (double)beside.columns * (double)beside.rows)
        return 0;
    layout->legend = LEGEND_BELOW;
    return legend_list(layout) || fit_grid(layout, grid, legend_margin(layout), height) ? -1 : 0;
}

static int draw_panel(struct layout *page, const struct grid *grid, size_t index)
{
    const struct figure *panel = page->figure->panels[index];
    size_t row = index / grid->columns, column = index % grid->columns;
    struct layout layout = *page;
    layout.figure = panel;
    layout.box.left = grid->left + (double)column * grid->step_x;
    layout.box.right = layout.box.left + grid->width;
    layout.box.bottom = grid->bottom + (double)(grid->rows - 1 - row) * grid->step_y;
    layout.box.top = layout.box.bottom + grid->height;
    layout.no_y_labels = column > 0;
    layout.no_x_labels = index + grid->columns < page->figure->panel_count;
    if (layout_frame(&layout))
        return -1;
    double middle = (layout.box.left + layout.box.right) / 2;
    const struct lines *title = &grid->titles[index];
    const double rise = (double)(title->count ? title->count - 1 : 0) * layout_step(page, page->size) / 2;
    layout_lines(page, title, middle, layout.box.top + page->size * 0.8 + rise, page->size, ANCHOR_MIDDLE, true,
                 LAYOUT_INK);
    if (panel->missing) {
        const char *lines[6];
        size_t count = layout_wrap(page, panel->missing, page->small, grid->width - 10, lines, 6);
        for (size_t i = 0; i < count; i++)
            canvas_text(page->canvas, middle, (layout.box.top + layout.box.bottom) / 2 +
                                                  ((double)count / 2 - (double)i - 0.5) * page->small * 1.3,
                        page->small, ANCHOR_MIDDLE, false, false, LAYOUT_GREY, lines[i]);
    }
    return 0;
}

int layout_panels(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    struct figure shown = *figure, *legend = &shown; /* the page: its own title and caption, a panel's legend */
    const struct figure *from = most_labelled(figure);
    struct grid grid = { .title_lines = 3 };
    shown.series = from->series;
    shown.series_count = from->series_count;
    shown.band = from->band;
    for (size_t i = 0; i < figure->panel_count && !shown.mark_count; i++) {
        shown.marks = figure->panels[i]->marks;
        shown.mark_count = figure->panels[i]->mark_count;
        shown.band = shown.band ? shown.band : figure->panels[i]->band;
    }
    layout->figure = legend;
    layout->by_legend = true;
    if (place_words(layout) || place_grid(layout, &grid))
        return -1;
    if (!(area(&grid) > 0)) { /* of little room the titles take less */
        grid.title_lines = 1;
        if (place_grid(layout, &grid))
            return -1;
    }
    if (!(area(&grid) > 0))
        return iso_fail(layout->err, "%g x %g points are too little room for %zu panels", layout->width, layout->height,
                        figure->panel_count);
    for (size_t i = 0; i < figure->panel_count; i++)
        if (draw_panel(layout, &grid, i))
            return -1;
    layout->box = (struct frame_box){ grid.left, grid.left + grid.step_x * (double)grid.columns - grid.gap, grid.bottom,
                                      grid.bottom + grid.step_y * (double)grid.rows - grid.above };
    layout->above = grid.above - layout->size * 0.8;
    layout_titles(layout);
    legend_draw(layout);
    layout_words(layout);
    return 0;
}
