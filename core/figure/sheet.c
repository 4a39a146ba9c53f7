/* Sheets of pictures, and the drawing of a network. */
#include <math.h>
#include <string.h>

#include "figure/layout.h"

#define SAMPLES 24 /* units of a layer that are drawn one by one, at most */

#define SMALLEST 6.0 /* points of letters that are still read */

/* A word that fits its room: smaller, if that is still read; else its first part alone, cut off if need be. */
static void fitted(struct layout *layout, const char *word, double x, double y, double size, double room, bool bold,
                   struct colour colour)
{
    const double least = canvas_letters(layout->canvas) > 0 ? size : fmin(SMALLEST, size);
    const size_t first = strcspn(word, " ");
    double width = text_width(layout->canvas, word, size, bold);
    if (width * least > room * size && word[first]) {
        if (!(word = arena_copy(layout->arena, word, first)))
            return;
        width = text_width(layout->canvas, word, size, bold);
    }
    if (width * least > room * size && (word = layout_cut(layout, word, least, bold, room)))
        width = room * size / least;
    if (word)
        canvas_text(layout->canvas, x, y, size * fmin(1, room / fmax(width, 1)), ANCHOR_MIDDLE, false, bold, colour,
                    word);
}

/* ---- Sheets ---- */

int layout_sheet(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    size_t words = 0, columns = 1, rows;
    double side = 0;
    if (place_words(layout))
        return -1;
    for (size_t i = 0; i < figure->tile_count; i++)
        for (size_t k = words; k < 2; k++)
            words = figure->tiles[i].words[k] ? k + 1 : words;
    double left = 12, right = layout->width - 12, bottom = place_foot(layout);
    double top = layout->height - place_head(layout);
    double line = layout->small * 1.15, below = (double)words * line + (words ? 5 : 3), gap = 5;
    double shape = (double)figure->tiles[0].width / (double)figure->tiles[0].height;
    /* The number of columns that gives the largest pictures. */
    for (size_t n = 1; n <= figure->tile_count; n++) {
        double down = (double)((figure->tile_count + n - 1) / n);
        double fits = fmin(((right - left + gap) / (double)n - gap) / shape, (top - bottom) / down - below);
        if (fits > side) {
            side = fits;
            columns = n;
        }
    }
    if (side < 6)
        return iso_fail(layout->err, "%g x %g points are too little room for %zu pictures", layout->width,
                        layout->height, figure->tile_count);
    side = fmin(side, 160);
    rows = (figure->tile_count + columns - 1) / columns;
    double step_x = fmin((right - left + gap) / (double)columns, side * shape * 1.6 + gap);
    double step_y = fmin((top - bottom) / (double)rows, side + below + 6);
    layout->box = (struct frame_box){ left, right, bottom, top };
    for (size_t i = 0; i < figure->tile_count; i++) {
        const struct figure_tile *tile = &figure->tiles[i];
        double x = left + (double)(i % columns) * step_x, y = top - (double)(i / columns) * step_y - side;
        double middle = x + (step_x - gap) / 2;
        canvas_image(layout->canvas, middle - side * shape / 2, y, side * shape, side, tile);
        for (size_t k = 0; k < 2; k++) {
            if (!tile->words[k])
                continue;
            struct colour red = { 178, 34, 34, 1 };
            fitted(layout, tile->words[k], middle, y - 3 - line * ((double)k + 0.45), layout->small, step_x - 5, false,
                   k && tile->wrong ? red : k ? LAYOUT_GREY : LAYOUT_INK);
        }
    }
    layout_words(layout);
    return 0;
}

/* ---- Networks ---- */

struct column_of_units {
    double x, middle, height;
    size_t shown;
    bool all;
};

static double unit_y(const struct column_of_units *column, size_t i)
{
    double step = column->shown > 1 ? column->height / (double)(column->shown - 1) : 0;
    return column->middle + column->height / 2 - step * (double)i;
}

static void draw_ways(struct layout *layout, const struct column_of_units *from, const struct column_of_units *to)
{
    double many = (double)(from->shown * to->shown);
    struct colour colour = { 120, 120, 120, fmin(0.5, 0.12 + 8 / many) };
    for (size_t i = 0; i < from->shown; i++)
        for (size_t k = 0; k < to->shown; k++)
            layout_rule(layout, from->x, unit_y(from, i), to->x, unit_y(to, k), colour, 0.4);
}

/* Units as circles; where not all are drawn, three dots in the middle stand for the rest. */
static void draw_units(struct layout *layout, const struct column_of_units *column, double radius, double shade)
{
    for (size_t i = 0; i < column->shown; i++) {
        if (!column->all && i == column->shown / 2) {
            for (int k = -1; k <= 1; k++) {
                double y = unit_y(column, i) + 3.2 * k;
                paint_marker(layout->canvas, MARKER_CIRCLE, column->x, y, 0.9, LAYOUT_INK, k == 0);
            }
            continue;
        }
        paint_marker(layout->canvas, MARKER_CIRCLE, column->x, unit_y(column, i), radius + 0.7, LAYOUT_AXIS, false);
        paint_marker(layout->canvas, MARKER_CIRCLE, column->x, unit_y(column, i), radius, paint_shade(shade), false);
    }
}

int layout_diagram(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    const size_t count = figure->layer_count;
    size_t most = 0, words = 0;
    struct column_of_units *columns = arena_zero(layout->arena, count, sizeof *columns);
    if (!columns || place_words(layout))
        return error_memory(layout->err);
    for (size_t i = 0; i < count; i++) {
        most = figure->layers[i].units > most ? figure->layers[i].units : most;
        for (size_t k = words; k < 3; k++)
            words = figure->layers[i].words[k] ? k + 1 : words;
    }
    double left = 12, right = layout->width - 12, foot = place_foot(layout), line = layout->size * 1.3;
    double bottom = foot + line * (double)(words + 1) + 12;
    double top = layout->height - 6 - place_head(layout) - line;
    double step = (right - left) / (double)count, highest = top - bottom;
    if (step < 24 || highest < 30)
        return iso_fail(layout->err, "%g x %g points are too little room for %zu layers", layout->width,
                        layout->height, count);
    layout->box = (struct frame_box){ left, right, bottom, top };
    for (size_t i = 0; i < count; i++) {
        size_t units = figure->layers[i].units, room = (size_t)fmin(SAMPLES, highest / 9);
        struct column_of_units *column = &columns[i];
        /* Heights grow with the logarithm of the size. */
        double part = most > 1 ? 0.35 + 0.65 * log1p((double)units) / log1p((double)most) : 1;
        size_t fits = (size_t)fmax(3, floor((double)room * part)) | 1u;
        column->x = left + step * ((double)i + 0.5);
        column->middle = (top + bottom) / 2;
        column->all = units <= fits;
        column->shown = column->all ? units : fits;
        column->height = (highest - 8) * (column->all ? fmin(part, (double)units / (double)(room ? room : 1)) : part);
    }
    for (size_t i = 1; i < count; i++)
        draw_ways(layout, &columns[i - 1], &columns[i]);
    double radius = fmin(3.4, step / 8);
    for (size_t i = 0; i < count; i++) {
        const struct figure_layer *layer = &figure->layers[i];
        draw_units(layout, &columns[i], radius, count > 1 ? FIGURE_SHADE_HIGHEST * (double)i / (double)(count - 1) : 0);
        fitted(layout, layer->name, columns[i].x, bottom - line * 0.9, layout->size, step - 4, true, LAYOUT_INK);
        for (size_t k = 0; k < 3; k++)
            if (layer->words[k])
                fitted(layout, layer->words[k], columns[i].x, bottom - line * ((double)k + 1.9), layout->small,
                       step - 4, false, LAYOUT_GREY);
        if (layer->between && i)
            fitted(layout, layer->between, (columns[i - 1].x + columns[i].x) / 2, top + line * 0.5, layout->small,
                   step - 4, false, LAYOUT_GREY);
    }
    layout_words(layout);
    return 0;
}
