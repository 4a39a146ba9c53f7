/* Paints filled rectangles: bars, and tables of colours. */
#include <math.h>
#include <string.h>

#include "figure/paint.h"
#include "figure/ticks.h"

static double within(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

static struct colour colour_of(const struct figure *figure, const struct figure_cell *cell)
{
    if (isnan(cell->value) && isnan(cell->shade) && cell->trials)
        return (struct colour){ 222, 222, 222, 1 }; /* nothing but diverged trials */
    if (isnan(cell->value))
        return paint_colour(cell->shade, cell->colour);
    return paint_shade(FIGURE_SHADE_HIGHEST * axis_place(&figure->scale, cell->value));
}

/* The words of a cell are dark on light colours and light on dark ones. */
static struct colour word_colour(struct colour behind)
{
    double light = 0.2126 * pow(behind.red / 255., 2.2) + 0.7152 * pow(behind.green / 255., 2.2) +
                   0.0722 * pow(behind.blue / 255., 2.2);
    return light > 0.3 ? (struct colour){ 25, 25, 25, 1 } : (struct colour){ 255, 255, 255, 1 };
}

static void paint_cross(struct canvas *canvas, double x, double y, double radius, struct colour colour)
{
    canvas_line(canvas, 2, (double[]){ x - radius, x + radius }, (double[]){ y - radius, y + radius }, colour, 1.2);
    canvas_line(canvas, 2, (double[]){ x - radius, x + radius }, (double[]){ y + radius, y - radius }, colour, 1.2);
}

/* Letters that suit all cells' words; 0: too little room. */
static double word_size(const struct canvas *canvas, const struct figure *figure, const struct frame_box *box,
                        double size)
{
    for (size_t i = 0; i < figure->cell_count; i++) {
        const struct figure_cell *cell = &figure->cells[i];
        double width = fabs(axis_place(&figure->x, cell->x1) - axis_place(&figure->x, cell->x0)) *
                       (box->right - box->left);
        double height = fabs(axis_place(&figure->y, cell->y1) - axis_place(&figure->y, cell->y0)) *
                        (box->top - box->bottom);
        if (!cell->text)
            continue;
        size = fmin(size, (height - 2) / 1.1);
        size *= fmin(1, (width - 3) / fmax(text_width(canvas, cell->text, size, false), 0.1));
    }
    return size < 4.5 ? 0 : size;
}

void paint_cells(struct canvas *canvas, const struct figure *figure, const struct frame_box *box, double size)
{
    double letters = word_size(canvas, figure, box, size * 0.92);
    for (size_t i = 0; i < figure->cell_count; i++) {
        const struct figure_cell *cell = &figure->cells[i];
        double x[2] = { axis_place(&figure->x, cell->x0), axis_place(&figure->x, cell->x1) };
        double y[2] = { axis_place(&figure->y, cell->y0), axis_place(&figure->y, cell->y1) };
        for (int k = 0; k < 2; k++) {
            x[k] = within(box->left + x[k] * (box->right - box->left), box->left, box->right);
            y[k] = within(isnan(y[k]) ? box->bottom : box->bottom + y[k] * (box->top - box->bottom), box->bottom,
                          box->top);
        }
        struct colour colour = colour_of(figure, cell), words = word_colour(colour);
        if (x[0] == x[1] || y[0] == y[1])
            continue;
        canvas_fill(canvas, 4, (double[]){ x[0], x[1], x[1], x[0] }, (double[]){ y[0], y[0], y[1], y[1] }, colour);
        double middle_x = (x[0] + x[1]) / 2, middle_y = (y[0] + y[1]) / 2;
        double radius = fmin(4, 0.3 * fmin(fabs(x[1] - x[0]), fabs(y[1] - y[0])));
        if (cell->diverged && cell->diverged >= cell->trials)
            paint_cross(canvas, middle_x, middle_y, radius, (struct colour){ 170, 30, 30, 1 });
        else if (cell->diverged)
            paint_marker(canvas, MARKER_CIRCLE, fmax(x[0], x[1]) - radius, fmax(y[0], y[1]) - radius, radius / 2, words,
                         false);
        if (cell->text && letters > 0)
            canvas_text(canvas, middle_x, middle_y, letters, ANCHOR_MIDDLE, false, false, words, cell->text);
    }
}
