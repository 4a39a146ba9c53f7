/* Lays a figure out on a page: margins, axes, grid, words, legend; paint.c fills the frame. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/layout.h"

static const struct colour light = { 228, 228, 228, 1 }, lighter = { 241, 241, 241, 1 };

/* Widths of DejaVu Sans in thousandths of its size, from the space to ~. */
static const unsigned short widths[95] = {
    318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636, 636, 636,
    636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656,
    557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500, 500, 613,
    635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 521, 392, 634, 592, 818,
    592, 592, 525, 636, 337, 636, 838,
};

double text_width(const char *text, double size, bool bold)
{
    double width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at >= 32 && *at < 127)
            width += widths[*at - 32];
        else if (*at >= 0xc0) /* one for each character: superscripts are narrower, signs wider */
            width += *at == 0xc2 ? 440 : !memcmp(at, "\xe2\x81", 2) ? 440 : *at == 0xe2 ? 800 : 640;
    }
    return width * size / 1000 * (bold ? 1.1 : 1);
}

/* Breaks a text at spaces into lines of at most `most` points. */
size_t layout_wrap(struct layout *layout, const char *text, double size, double most, const char **lines, size_t limit)
{
    size_t count = 0;
    while (*text && count < limit) {
        size_t end = strlen(text), fits = 0;
        for (size_t i = 1; i <= end; i++) {
            if (text[i] && text[i] != ' ')
                continue;
            char *part = arena_copy(layout->arena, text, i);
            if (!part)
                return 0;
            if (fits && text_width(part, size, false) > most && count + 1 < limit)
                break;
            fits = i;
        }
        if (!(lines[count++] = arena_copy(layout->arena, text, fits)))
            return 0;
        text += fits;
        text += strspn(text, " ");
    }
    return count;
}

double layout_widest(const struct ticks *ticks, double size)
{
    double width = 0;
    for (size_t i = 0; i < ticks->count; i++)
        if (ticks->tick[i].label)
            width = fmax(width, text_width(ticks->tick[i].label, size, false));
    return width;
}

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

/* ---- Margins ---- */

int layout_caption(struct layout *layout)
{
    layout->caption = arena_zero(layout->arena, CAPTION_LINES, sizeof *layout->caption);
    if (!layout->caption)
        return error_memory(layout->err);
    if (layout->figure->caption)
        layout->caption_count = layout_wrap(layout, layout->figure->caption, layout->small, layout->width - 24,
                                            layout->caption, CAPTION_LINES);
    return 0;
}

double layout_foot(const struct layout *layout)
{
    return 8 + (double)layout->caption_count * layout->small * 1.3 + (layout->caption_count ? 5 : 0);
}

static int place_frame(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    double left, right, bottom, top;
    if (layout_caption(layout) || legend_list(layout))
        return -1;
    top = 12 + (figure->title ? layout->large * 1.9 : 0) + legend_note_height(layout);
    bottom = layout_foot(layout) + layout->large * 1.5 + layout->size * 1.35 + 6;
    right = legend_margin(layout);
    /* The left margin hangs on the labels of y, they on the room above, that on nothing else. */
    double room_y = fmax(layout->height - top - bottom, 20) / (layout->size * 3);
    if (!ticks_of(layout->arena, &figure->y, room_y, &layout->y))
        return error_memory(layout->err);
    left = 10 + layout->large * 1.35 + layout_widest(&layout->y, layout->size) + 8;
    double room_x = fmax(layout->width - left - right, 20) / (layout->size * 4.6);
    if (!ticks_of(layout->arena, &figure->x, room_x, &layout->x))
        return error_memory(layout->err);
    if (figure->x.names) {
        double each = (layout->width - left - right) / (double)figure->x.value_count;
        double needed = layout_widest(&layout->x, layout->size) + 6;
        layout->upright = needed > each;
        if (layout->upright)
            bottom += fmin(needed - 6, layout->height * 0.3) - layout->size - 2;
    } else if (layout->x.count) {
        right = fmax(right, 6 + layout_widest(&layout->x, layout->size) / 2);
    }
    layout->box = (struct frame_box){ left, layout->width - right, bottom, layout->height - top };
    if (layout->box.right - layout->box.left < 60 || layout->box.top - layout->box.bottom < 40)
        return iso_fail(layout->err, "figure %s: %g x %g points are too little room for it", figure->name,
                        layout->width, layout->height);
    return 0;
}

/* ---- Drawing ---- */

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

static void draw_ticks(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    for (size_t i = 0; i < layout->x.count; i++) {
        const struct tick *tick = &layout->x.tick[i];
        const char *label = layout->no_x_labels ? NULL : tick->label;
        double x = layout_x(layout, tick->at);
        layout_rule(layout, x, box->bottom, x, box->bottom - (tick->major ? 3.6 : 2), LAYOUT_AXIS,
                    tick->major ? 0.8 : 0.6);
        if (label && layout->upright)
            canvas_text(layout->canvas, x, box->bottom - 6, layout->size, ANCHOR_END, true, false, LAYOUT_INK, label);
        else if (label)
            canvas_text(layout->canvas, x, box->bottom - 5 - layout->size * 0.72, layout->size, ANCHOR_MIDDLE, false,
                        false, LAYOUT_INK, label);
    }
    for (size_t i = 0; i < layout->y.count; i++) {
        const struct tick *tick = &layout->y.tick[i];
        double y = layout_y(layout, tick->at);
        layout_rule(layout, box->left, y, box->left - (tick->major ? 3.6 : 2), y, LAYOUT_AXIS, tick->major ? 0.8 : 0.6);
        if (tick->label && !layout->no_y_labels)
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

void layout_titles(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    const char *x_title = layout_axis_title(layout, &layout->figure->x, layout->x.power);
    const char *y_title = layout_axis_title(layout, &layout->figure->y, layout->y.power);
    if (x_title)
        canvas_text(layout->canvas, (box->left + box->right) / 2, layout_foot(layout) + layout->large * 0.6,
                    layout->large, ANCHOR_MIDDLE, false, false, LAYOUT_INK, x_title);
    if (y_title)
        canvas_text(layout->canvas, 8 + layout->large / 2, (box->bottom + box->top) / 2, layout->large, ANCHOR_MIDDLE,
                    true, false, LAYOUT_INK, y_title);
}

void layout_words(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    if (figure->title) { /* smaller where it would leave the page */
        double size = layout->large * 1.06, room = layout->width - layout->box.left - 8;
        size *= fmin(1, fmax(0.6, room / fmax(text_width(figure->title, size, true), 1)));
        canvas_text(layout->canvas, layout->box.left, layout->height - 8 - layout->large * 0.6, size, ANCHOR_START,
                    false, true, LAYOUT_INK, figure->title);
    }
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
    int status = figure->panel_count  ? layout_panels(&layout)
                 : figure->tile_count ? layout_sheet(&layout)
                 : figure->layer_count ? layout_diagram(&layout)
                                      : lay_out_frame(&layout);
    arena_free(layout.arena);
    return status;
}
