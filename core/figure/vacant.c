/* Which part of a frame is empty: where a legend hides nothing. */
#include <math.h>

#include "figure/layout.h"

#define AIR 3 /* points about the legend */

static bool overlap(const struct frame_box *box, double left, double right, double bottom, double top)
{
    return right >= box->left && left <= box->right && top >= box->bottom && bottom <= box->top;
}

/* On the page; what lies outside the frame at its edge. */
static double at_y(const struct layout *layout, double y)
{
    const struct figure_axis *axis = &layout->figure->y;
    const bool low = y == -INFINITY || (axis->logarithmic && y <= 0);
    const double place = low ? layout->box.bottom : y == INFINITY ? layout->box.top : layout_y(layout, y);
    return fmin(fmax(place, layout->box.bottom), layout->box.top);
}

/* Whether what runs from edges at x0 to edges at x1 enters the box: a line, whose edges are equal, or a band. */
static bool crosses(const struct frame_box *box, double x0, const double *y0, double x1, const double *y1)
{
    if (x1 < x0)
        return crosses(box, x1, y1, x0, y0);
    if (x1 < box->left || x0 > box->right)
        return false;
    double bottom = INFINITY, top = -INFINITY;
    for (int end = 0; end < 2; end++) {
        const double x = end ? fmin(x1, box->right) : fmax(x0, box->left), part = x1 > x0 ? (x - x0) / (x1 - x0) : end;
        for (int edge = 0; edge < 2; edge++) {
            const double y = y0[edge] + part * (y1[edge] - y0[edge]);
            bottom = fmin(bottom, y);
            top = fmax(top, y);
        }
    }
    return top >= box->bottom && bottom <= box->top;
}

static bool series_enters(const struct layout *layout, const struct figure_series *series, const struct frame_box *box)
{
    const double radius = 3.5;
    for (size_t i = 0; i < series->count; i++) {
        if (isnan(series->y[i]))
            continue;
        const double x = layout_x(layout, series->x[i]), y = at_y(layout, series->y[i]);
        const bool band = series->low && !isnan(series->low[i]) && !isnan(series->high[i]);
        const double edges[2] = { band ? at_y(layout, series->low[i]) : y, band ? at_y(layout, series->high[i]) : y };
        /* Groups of one name stand side by side. */
        const double beside = layout->figure->dodge ? 0.3 * (layout_x(layout, 1) - layout_x(layout, 0)) : radius;
        if (overlap(box, x - beside, x + beside, edges[0] - radius, edges[1] + radius))
            return true;
        if (i + 1 == series->count || !series->line || isnan(series->y[i + 1]))
            continue;
        const bool next = band && !isnan(series->low[i + 1]) && !isnan(series->high[i + 1]);
        const double after = at_y(layout, series->y[i + 1]);
        const double ends[2] = { next ? at_y(layout, series->low[i + 1]) : after,
                                 next ? at_y(layout, series->high[i + 1]) : after };
        if (crosses(box, x, edges, layout_x(layout, series->x[i + 1]), ends))
            return true;
    }
    return false;
}

static bool is_vacant(const struct layout *layout, const struct frame_box *box)
{
    const struct figure *figure = layout->figure;
    for (size_t i = 0; i < figure->mark_count; i++) {
        const double x = layout_x(layout, figure->marks[i].x);
        const double y = figure->marks[i].edge == EDGE_TOP ? layout->box.top : layout->box.bottom;
        if (overlap(box, x - 5, x + 5, y - 20, y + 20)) /* several of one place stand below each other */
            return false;
    }
    for (size_t i = 0; i < figure->cell_count; i++) {
        const struct figure_cell *cell = &figure->cells[i];
        if (overlap(box, layout_x(layout, cell->x0), layout_x(layout, cell->x1), at_y(layout, cell->y0),
                    at_y(layout, cell->y1)))
            return false;
    }
    for (size_t i = 0; i < figure->series_count; i++)
        if (series_enters(layout, &figure->series[i], box))
            return false;
    return true;
}

bool legend_fits_inside(struct layout *layout)
{
    const struct frame_box *frame = &layout->box;
    const double width = legend_width(layout) + 8, height = legend_height(layout) + 4, in = 5;
    const double right = frame->right - in - width, left = frame->left + in;
    const double middle = (frame->left + frame->right - width) / 2;
    const double top = frame->top - in, bottom = frame->bottom + in + height;
    const double places[][2] = { { right, top }, { left, bottom }, { left, top }, { right, bottom },
                                 { right, (top + bottom) / 2 }, { left, (top + bottom) / 2 }, { middle, top },
                                 { middle, bottom } };
    if (canvas_letters(layout->canvas) > 0 || width > 0.6 * (frame->right - frame->left) ||
        height > 0.75 * (frame->top - frame->bottom))
        return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const double x = places[i][0], y = places[i][1];
        const struct frame_box around = { x - AIR, x + width + AIR, y - height - AIR, y + AIR };
        if (!is_vacant(layout, &around))
            continue;
        layout->legend_box = (struct frame_box){ x, x + width, y - height, y };
        return true;
    }
    return false;
}
