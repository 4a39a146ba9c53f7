/* Small multiples: panels of one figure in a grid, with one legend, one title of each axis and equal axes. */
#include <math.h>
#include <string.h>

#include "figure/layout.h"

#define ABOVE 2.1 /* room for a panel's title and the ticks of the panel above it, in letters' sizes */

struct grid {
    size_t columns, rows;
    double left, bottom, right, top; /* of all panels, with the room for labels outside */
    double step_x, step_y;           /* from a panel to the next */
    double width, height;            /* of a panel's frame */
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

static int place_grid(struct layout *layout, struct grid *grid)
{
    const struct figure *figure = layout->figure;
    double above = layout->size * ABOVE;
    grid->left = 10 + layout->large * 1.35;
    grid->right = layout->width - legend_margin(layout);
    grid->bottom = layout_foot(layout) + layout->large * 1.5;
    grid->top = layout->height - 8 - (figure->title ? layout->large * 1.9 : 0);
    grid->columns = choose_columns(figure->panel_count, grid->right - grid->left, grid->top - grid->bottom,
                                   above);
    grid->rows = (figure->panel_count + grid->columns - 1) / grid->columns;
    double rows = (double)grid->rows, columns = (double)grid->columns;
    double room_y = fmax((grid->top - grid->bottom) / rows - above, 20) / (layout->size * 2.6);
    if (!ticks_of(layout->arena, &figure->y, room_y, &layout->y))
        return error_memory(layout->err);
    double labels = layout_widest(&layout->y, layout->size) + 8;
    grid->step_x = (grid->right - grid->left - labels + 10) / columns;
    grid->width = grid->step_x - 10;
    if (!ticks_of(layout->arena, &figure->x, fmax(grid->width, 20) / (layout->size * 4.2), &layout->x))
        return error_memory(layout->err);
    double below = layout->size * 1.35 + 6;
    layout->upright = figure->x.names && layout_widest(&layout->x, layout->size) + 4 >
                                             grid->width / (double)figure->x.value_count;
    if (layout->upright)
        below = fmin(layout_widest(&layout->x, layout->size) + 6, layout->height * 0.25);
    grid->left += labels;
    grid->bottom += below;
    grid->step_y = (grid->top - grid->bottom) / rows;
    grid->height = grid->step_y - above;
    if (grid->width < 30 || grid->height < 24)
        return iso_fail(layout->err, "figure %s: %g x %g points are too little room for %zu panels", figure->name,
                        layout->width, layout->height, figure->panel_count);
    return 0;
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
    if (panel->panel_title) {
        double size = page->size * fmin(1, grid->width / fmax(text_width(panel->panel_title, page->size, true), 1));
        canvas_text(page->canvas, middle, layout.box.top + page->size * 0.8, size, ANCHOR_MIDDLE, false, true,
                    LAYOUT_INK, panel->panel_title);
    }
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
    struct grid grid = { 0 };
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
    if (layout_caption(layout) || legend_list(layout) || place_grid(layout, &grid))
        return -1;
    for (size_t i = 0; i < figure->panel_count; i++)
        if (draw_panel(layout, &grid, i))
            return -1;
    layout->box = (struct frame_box){ grid.left, grid.left + grid.step_x * (double)grid.columns - 10, grid.bottom,
                                      grid.bottom + grid.step_y * (double)grid.rows - layout->size * ABOVE };
    layout_titles(layout);
    legend_draw(layout);
    layout_words(layout);
    return 0;
}
