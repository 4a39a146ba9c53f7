/* Lays a figure out on a page: margins, axes, grid, words, legend; paint.c fills the frame. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/layout.h"

static const struct colour light = { 228, 228, 228, 1 }, lighter = { 241, 241, 241, 1 };

/* "Training compute (10¹⁴ FLOP)" */
const char *layout_axis_title(const struct layout *layout, const struct figure_axis *axis, int power)
{
    if (!power)
        return axis->unit && axis->unit[0] ? arena_format(layout->arena, "%s (%s)", axis->title, axis->unit)
                                           : axis->title;
    static const char *const raised[10] = { "⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹" };
    struct text text = { 0 };
    char digits[16];
    snprintf(digits, sizeof digits, "%d", abs(power));
    text_format(&text, "%s (10%s", axis->title, power < 0 ? "⁻" : "");
    for (const char *digit = digits; *digit; digit++)
        text_add_string(&text, raised[*digit - '0']);
    text_format(&text, "%s%s)", axis->unit && axis->unit[0] ? " " : "", axis->unit ? axis->unit : "");
    char *taken = text_take(&text), *own = taken ? arena_copy(layout->arena, taken, strlen(taken)) : NULL;
    free(taken);
    return own;
}

void layout_rule(struct layout *layout, double x0, double y0, double x1, double y1, struct colour colour,
                 double width)
{
    canvas_line(layout->canvas, 2, (double[]){ x0, x1 }, (double[]){ y0, y1 }, colour, width);
}

double layout_x(const struct layout *layout, double at)
{
    return layout->box.left + axis_place(&layout->figure->x, at) * (layout->box.right - layout->box.left);
}

double layout_y(const struct layout *layout, double at)
{
    return layout->box.bottom + axis_place(&layout->figure->y, at) * (layout->box.top - layout->box.bottom);
}

/* No grid where names stand: they have places, no scale. */
static void draw_grid(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    const struct figure *figure = layout->figure;
    for (int major = 0; major < 2; major++) {
        struct colour colour = major ? light : lighter;
        double width = major ? 0.7 : 0.5;
        for (size_t i = 0; i < layout->x.count; i++)
            if (layout->x.tick[i].major == major && (major || figure->x.logarithmic) &&
                !(figure->x.names && figure->cell_count)) {
                double x = layout_x(layout, layout->x.tick[i].at);
                layout_rule(layout, x, box->bottom, x, box->top, colour, width);
            }
        for (size_t i = 0; i < layout->y.count; i++)
            if (layout->y.tick[i].major == major && (major || figure->y.logarithmic) && !figure->y.names) {
                double y = layout_y(layout, layout->y.tick[i].at);
                layout_rule(layout, box->left, y, box->right, y, colour, width);
            }
    }
}

double layout_step(const struct layout *layout, double size)
{
    return canvas_letters(layout->canvas) > 0 ? size / 0.95 : size * 1.2;
}

void layout_lines(struct layout *layout, const struct lines *lines, double x, double y, double size,
                  enum anchor anchor, bool bold, struct colour colour)
{
    const double step = layout_step(layout, size);
    for (size_t i = 0; i < lines->count; i++)
        canvas_text(layout->canvas, x, y + ((double)(lines->count - 1) / 2 - (double)i) * step, size, anchor, false,
                    bold, colour, lines->line[i]);
}

/* Beside the axis: its label, or the lines of its name. */
static void draw_x_label(struct layout *layout, size_t index, double x)
{
    const struct lines *names = layout->x_names ? &layout->x_names[index] : NULL;
    const double step = layout_step(layout, layout->size), top = layout->box.bottom - 5 - layout->size * 0.72;
    const char *label = layout->x.tick[index].label;
    for (size_t i = 0; names && i < names->count; i++)
        if (layout->upright)
            canvas_text(layout->canvas, x + ((double)i - (double)(names->count - 1) / 2) * step, layout->box.bottom - 6,
                        layout->size, ANCHOR_END, true, false, LAYOUT_INK, names->line[i]);
        else
            canvas_text(layout->canvas, x, top - (double)i * step, layout->size, ANCHOR_MIDDLE, false, false,
                        LAYOUT_INK, names->line[i]);
    if (!names && label)
        canvas_text(layout->canvas, x, top, layout->size, ANCHOR_MIDDLE, false, false, LAYOUT_INK, label);
}

static void draw_ticks(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    for (size_t i = 0; i < layout->x.count; i++) {
        const struct tick *tick = &layout->x.tick[i];
        double x = layout_x(layout, tick->at);
        layout_rule(layout, x, box->bottom, x, box->bottom - (tick->major ? 3.6 : 2), LAYOUT_AXIS,
                    tick->major ? 0.8 : 0.6);
        if (!layout->no_x_labels)
            draw_x_label(layout, i, x);
    }
    for (size_t i = 0; i < layout->y.count; i++) {
        const struct tick *tick = &layout->y.tick[i];
        double y = layout_y(layout, tick->at);
        layout_rule(layout, box->left, y, box->left - (tick->major ? 3.6 : 2), y, LAYOUT_AXIS, tick->major ? 0.8 : 0.6);
        if (layout->no_y_labels)
            continue;
        if (layout->y_names)
            layout_lines(layout, &layout->y_names[i], box->left - 6, y, layout->size, ANCHOR_END, false, LAYOUT_INK);
        else if (tick->label)
            canvas_text(layout->canvas, box->left - 6, y, layout->size, ANCHOR_END, false, false, LAYOUT_INK,
                        tick->label);
    }
    canvas_line(layout->canvas, 3, (double[]){ box->left, box->left, box->right },
                (double[]){ box->top, box->bottom, box->bottom }, LAYOUT_AXIS, 0.8);
}

int layout_frame(struct layout *layout)
{
    draw_grid(layout);
    paint_cells(layout->canvas, layout->figure, &layout->box, layout->size);
    draw_ticks(layout);
    if (paint_series(layout->canvas, layout->figure, &layout->box, layout->err))
        return -1;
    paint_marks(layout->canvas, layout->figure, &layout->box);
    return 0;
}

/* The middle of an axis' title: that of the frame, unless the title would leave the page. */
static double title_middle(double low, double high, double width, double page)
{
    return fmax(fmin((low + high) / 2, page - 6 - width / 2), 6 + width / 2);
}

void layout_titles(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    const struct lines *x = &layout->x_title, *y = &layout->y_title;
    const double step = layout_step(layout, layout->large);
    double middle = title_middle(box->left, box->right, x->width, layout->width);
    double foot = place_foot(layout);
    if (layout->legend == LEGEND_BELOW)
        foot += layout->legend_box.top - layout->legend_box.bottom;
    layout_lines(layout, x, middle, foot + layout->large * 0.6 + (double)(x->count ? x->count - 1 : 0) * step / 2,
                 layout->large, ANCHOR_MIDDLE, false, LAYOUT_INK);
    if (canvas_letters(layout->canvas) > 0) { /* of a terminal: words above the axis, none upright */
        layout_lines(layout, y, 6, box->top + layout->above + layout->size * 1.1, layout->large, ANCHOR_START, false,
                     LAYOUT_INK);
        return;
    }
    middle = title_middle(box->bottom, box->top, y->width, layout->height);
    for (size_t i = 0; i < y->count; i++)
        canvas_text(layout->canvas, 8 + layout->large / 2 + (double)i * step, middle, layout->large, ANCHOR_MIDDLE,
                    true, false, LAYOUT_INK, y->line[i]);
}

void layout_words(struct layout *layout)
{
    /* The title begins with the frame, further left where it would leave the page. */
    const struct lines *title = &layout->title;
    double left = fmax(fmin(layout->box.left, layout->width - 8 - title->width), 8);
    double size = layout->large * 1.06, step = layout_step(layout, size);
    layout_lines(layout, title, left, layout->height - 8 - layout->large * 0.6 -
                 (double)(title->count ? title->count - 1 : 0) * step / 2, size, ANCHOR_START, true, LAYOUT_INK);
    for (size_t i = 0; i < layout->caption_count; i++)
        canvas_text(layout->canvas, 12, 8 + ((double)(layout->caption_count - i) - 0.6) * layout->small * 1.3,
                    layout->small, ANCHOR_START, false, false, LAYOUT_GREY, layout->caption[i]);
}

static int lay_out_frame(struct layout *layout)
{
    if (place_frame(layout) || layout_frame(layout))
        return -1;
    layout_titles(layout);
    legend_draw(layout);
    legend_notes(layout);
    layout_words(layout);
    return 0;
}

int figure_lay_out(const struct figure *figure, struct canvas *canvas, double width, double height,
                   struct iso_error *err)
{
    double scale = fmin(1, fmax(0.65, fmin(width / 330, height / 215)));
    struct layout layout = { .figure = figure, .canvas = canvas, .arena = arena_new(), .width = width,
                             .height = height, .size = 9 * scale, .small = 7.8 * scale, .large = 10 * scale,
                             .err = err };
    if (!layout.arena)
        return error_memory(err);
    if (canvas_letters(canvas) > 0)
        layout.size = layout.small = layout.large = canvas_letters(canvas);
    layout.letters = layout.size;
    int status = figure->panel_count  ? layout_panels(&layout)
                 : figure->tile_count ? layout_sheet(&layout)
                 : figure->layer_count ? layout_diagram(&layout)
                                      : lay_out_frame(&layout);
    arena_free(layout.arena);
    return status;
}
