/* Lays a figure out on a page: margins, axes, grid, words, legend; paint.c fills the frame. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/paint.h"
#include "figure/ticks.h"

#define LEGEND_MAX 64 /* more entries are counted in one line */

static const struct colour ink = { 25, 25, 25, 1 }, grey = { 95, 95, 95, 1 }, light = { 228, 228, 228, 1 },
                           lighter = { 241, 241, 241, 1 }, axis_grey = { 70, 70, 70, 1 };

enum entry_kind { ENTRY_SERIES, ENTRY_BAND, ENTRY_LOST, ENTRY_SOME_LOST, ENTRY_MORE };

struct entry {
    const struct figure_series *series; /* NULL: a word about all */
    enum entry_kind what;
    const char *lines[4];
    size_t line_count;
    double y; /* where it belongs, beside a line */
};

struct layout {
    const struct figure *figure;
    struct canvas *canvas;
    struct arena *arena; /* of texts made here */
    double width, height;
    struct frame_box box;
    double size, small, large; /* of letters: labels and ticks, notes, titles */
    struct ticks x, y, scale;
    bool upright;              /* the names of x are too long to stand side by side */
    bool direct;               /* names stand beside the ends of lines */
    struct entry entries[LEGEND_MAX];
    size_t entry_count;
    struct entry notes[3];     /* band and marks, above the frame where no legend is */
    size_t note_count;
    const char **caption;
    size_t caption_count;
    struct iso_error *err;
};

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
static size_t wrap(struct layout *layout, const char *text, double size, double most, const char **lines, size_t limit)
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

static double widest(const struct ticks *ticks, double size)
{
    double width = 0;
    for (size_t i = 0; i < ticks->count; i++)
        if (ticks->tick[i].label)
            width = fmax(width, text_width(ticks->tick[i].label, size, false));
    return width;
}

/* "Training compute (10¹⁴ FLOP)" */
static const char *axis_title(struct layout *layout, const struct figure_axis *axis, int power)
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

/* ---- What stands beside the frame ---- */

static bool is_data(const struct figure_series *series)
{
    return series->role == ROLE_DATA || series->role == ROLE_BACKDROP;
}

/* Names stand beside the lines where these are few, all named, and end near the right edge. */
static bool stands_beside(const struct figure *figure)
{
    size_t count = 0;
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct figure_series *series = &figure->series[i];
        if (series->role == ROLE_FIT || series->role == ROLE_LAW)
            return false;
        if (!is_data(series) || !series->label || !series->line ||
            axis_place(&figure->x, series->x[series->count - 1]) < 0.85)
            return false;
        count++;
    }
    return count >= 2 && count < 5 && !figure->colour_bar;
}

static bool fits(const struct layout *layout, const char *const *lines, const struct entry *entry, double most)
{
    for (size_t i = 0; i < entry->line_count; i++)
        if (text_width(lines[i], layout->size, false) > most)
            return false;
    return true;
}

static void add_entry(struct layout *layout, const struct figure_series *series, enum entry_kind what, const char *text,
                      double most)
{
    if (layout->entry_count == LEGEND_MAX)
        return;
    struct entry *entry = &layout->entries[layout->entry_count++];
    *entry = (struct entry){ .series = series };
    entry->what = what;
    entry->line_count = wrap(layout, text, layout->size, most, entry->lines, 4);
    /* Lines of about equal length. */
    const char *lines[4];
    while (entry->line_count > 1 && (most *= 0.95) > 20 &&
           wrap(layout, text, layout->size, most, lines, 4) == entry->line_count && fits(layout, lines, entry, most))
        memcpy(entry->lines, lines, sizeof lines);
}

static void add_note(struct layout *layout, enum entry_kind what, const char *text)
{
    struct entry *entry = &layout->notes[layout->note_count++];
    *entry = (struct entry){ .line_count = 1, .lines = { text } };
    entry->what = what;
}

static void list_entries(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    const double most = fmin(150, layout->width * 0.3);
    size_t labelled = 0, listed = 0;
    bool all_lost = false, some_lost = false;
    for (size_t i = 0; i < figure->series_count; i++)
        labelled += figure->series[i].label != NULL;
    layout->direct = stands_beside(figure);
    size_t room = (size_t)fmax(4, (layout->height - 90) / (layout->size * 1.45));
    room = room > LEGEND_MAX - 6 ? LEGEND_MAX - 6 : room;
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct figure_series *series = &figure->series[i];
        if (!series->label)
            continue;
        if (is_data(series) && ++listed > room - 2 && labelled > room)
            continue;
        add_entry(layout, series, ENTRY_SERIES,
                  layout->direct ? series->direct : series->label, most);
    }
    if (labelled > room && listed > room - 2)
        add_entry(layout, NULL, ENTRY_MORE,
                  arena_format(layout->arena, "and %zu more", listed - (room - 2)), most);
    for (size_t i = 0; i < figure->mark_count; i++) {
        bool all = figure->marks[i].diverged >= figure->marks[i].trials;
        all_lost = all_lost || all;
        some_lost = some_lost || !all;
    }
    bool beside = !layout->direct && (layout->entry_count || figure->colour_bar);
    if (figure->band)
        beside ? add_entry(layout, NULL, ENTRY_BAND, figure->band, most) : add_note(layout, ENTRY_BAND, figure->band);
    if (all_lost)
        beside ? add_entry(layout, NULL, ENTRY_LOST, "diverged", most) : add_note(layout, ENTRY_LOST, "diverged");
    if (some_lost)
        beside ? add_entry(layout, NULL, ENTRY_SOME_LOST, "some seeds diverged", most)
               : add_note(layout, ENTRY_SOME_LOST, "some seeds diverged");
}

static double right_margin(const struct layout *layout)
{
    double width = 0;
    for (size_t i = 0; i < layout->entry_count; i++)
        for (size_t k = 0; k < layout->entries[i].line_count; k++)
            width = fmax(width, text_width(layout->entries[i].lines[k], layout->size, false));
    if (layout->direct)
        return width + 20;
    if (layout->figure->legend_title && (layout->entry_count || layout->figure->colour_bar))
        width = fmax(width, text_width(layout->figure->legend_title, layout->size, true) - 24);
    if (layout->figure->colour_bar)
        width = fmax(width, widest(&layout->scale, layout->size));
    return layout->entry_count || layout->figure->colour_bar ? width + 50 : 14;
}

/* ---- Margins ---- */

static int place_frame(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    double left, right, bottom, top;
    layout->caption = arena_zero(layout->arena, 8, sizeof *layout->caption);
    if (!layout->caption)
        return error_memory(layout->err);
    if (figure->caption)
        layout->caption_count = wrap(layout, figure->caption, layout->small, layout->width - 24, layout->caption, 8);
    list_entries(layout);
    if (figure->colour_bar && !ticks_of(layout->arena, &figure->scale, 5, &layout->scale))
        return error_memory(layout->err);
    top = 12 + (figure->title ? layout->large * 1.9 : 0);
    if (layout->note_count)
        top += figure->title ? layout->size * 0.9 : layout->size * 1.4;
    bottom = 8 + (double)layout->caption_count * layout->small * 1.3 + (layout->caption_count ? 5 : 0) +
             layout->large * 1.5 + layout->size * 1.35 + 6;
    right = right_margin(layout);
    /* The left margin hangs on the labels of y, they on the room above, that on nothing else. */
    double room_y = fmax(layout->height - top - bottom, 20) / (layout->size * 3);
    if (!ticks_of(layout->arena, &figure->y, room_y, &layout->y))
        return error_memory(layout->err);
    left = 10 + layout->large * 1.35 + widest(&layout->y, layout->size) + 8;
    double room_x = fmax(layout->width - left - right, 20) / (layout->size * 4.6);
    if (!ticks_of(layout->arena, &figure->x, room_x, &layout->x))
        return error_memory(layout->err);
    if (figure->x.names) {
        double each = (layout->width - left - right) / (double)figure->x.value_count;
        double needed = widest(&layout->x, layout->size) + 6;
        layout->upright = needed > each;
        if (layout->upright)
            bottom += fmin(needed - 6, layout->height * 0.3) - layout->size - 2;
    } else if (layout->x.count) {
        right = fmax(right, 6 + widest(&layout->x, layout->size) / 2);
    }
    layout->box = (struct frame_box){ left, layout->width - right, bottom, layout->height - top };
    if (layout->box.right - layout->box.left < 60 || layout->box.top - layout->box.bottom < 40)
        return iso_fail(layout->err, "figure %s: %g x %g points are too little room for it", figure->name,
                        layout->width, layout->height);
    return 0;
}

/* ---- Drawing ---- */

static void rule(struct layout *layout, double x0, double y0, double x1, double y1, struct colour colour,
                 double width)
{
    canvas_line(layout->canvas, 2, (double[]){ x0, x1 }, (double[]){ y0, y1 }, colour, width);
}

static double tick_x(const struct layout *layout, double at)
{
    return layout->box.left + axis_place(&layout->figure->x, at) * (layout->box.right - layout->box.left);
}

static double tick_y(const struct layout *layout, double at)
{
    return layout->box.bottom + axis_place(&layout->figure->y, at) * (layout->box.top - layout->box.bottom);
}

static void draw_grid(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    for (int major = 0; major < 2; major++) {
        for (size_t i = 0; i < layout->x.count; i++)
            if (layout->x.tick[i].major == major && (major || layout->figure->x.logarithmic)) {
                double x = tick_x(layout, layout->x.tick[i].at);
                rule(layout, x, box->bottom, x, box->top, major ? light : lighter, major ? 0.7 : 0.5);
            }
        for (size_t i = 0; i < layout->y.count; i++)
            if (layout->y.tick[i].major == major && (major || layout->figure->y.logarithmic)) {
                double y = tick_y(layout, layout->y.tick[i].at);
                rule(layout, box->left, y, box->right, y, major ? light : lighter, major ? 0.7 : 0.5);
            }
    }
}

static void draw_axes(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    const struct figure *figure = layout->figure;
    for (size_t i = 0; i < layout->x.count; i++) {
        const struct tick *tick = &layout->x.tick[i];
        double x = tick_x(layout, tick->at);
        rule(layout, x, box->bottom, x, box->bottom - (tick->major ? 3.6 : 2), axis_grey, tick->major ? 0.8 : 0.6);
        if (tick->label && layout->upright)
            canvas_text(layout->canvas, x, box->bottom - 6, layout->size, ANCHOR_END, true, false, ink, tick->label);
        else if (tick->label)
            canvas_text(layout->canvas, x, box->bottom - 5 - layout->size * 0.72, layout->size, ANCHOR_MIDDLE, false,
                        false, ink, tick->label);
    }
    for (size_t i = 0; i < layout->y.count; i++) {
        const struct tick *tick = &layout->y.tick[i];
        double y = tick_y(layout, tick->at);
        rule(layout, box->left, y, box->left - (tick->major ? 3.6 : 2), y, axis_grey, tick->major ? 0.8 : 0.6);
        if (tick->label)
            canvas_text(layout->canvas, box->left - 6, y, layout->size, ANCHOR_END, false, false, ink, tick->label);
    }
    canvas_line(layout->canvas, 3, (double[]){ box->left, box->left, box->right },
                (double[]){ box->top, box->bottom, box->bottom }, axis_grey, 0.8);
    double under = 8 + (double)layout->caption_count * layout->small * 1.3 + (layout->caption_count ? 5 : 0) +
                   layout->large * 0.6;
    const char *x_title = axis_title(layout, &figure->x, layout->x.power);
    const char *y_title = axis_title(layout, &figure->y, layout->y.power);
    if (x_title)
        canvas_text(layout->canvas, (box->left + box->right) / 2, under, layout->large, ANCHOR_MIDDLE, false, false,
                    ink, x_title);
    if (y_title)
        canvas_text(layout->canvas, 8 + layout->large / 2, (box->bottom + box->top) / 2, layout->large, ANCHOR_MIDDLE,
                    true, false, ink, y_title);
}

static bool bands_are_bars(const struct figure *figure)
{
    for (size_t i = 0; i < figure->series_count; i++)
        if (figure->series[i].low && figure->series[i].line)
            return false;
    return true;
}

/* A short piece of what the entry stands for, from x to x + 18. */
static void draw_sample(struct layout *layout, const struct entry *entry, double x, double y)
{
    const struct figure_series *series = entry->series;
    struct colour colour = { 130, 130, 130, 0.28 };
    double from[2] = { x, x + 18 }, at[2] = { y, y };
    switch (entry->what) {
    case ENTRY_BAND:
        if (bands_are_bars(layout->figure)) {
            rule(layout, x + 9, y - 4.5, x + 9, y + 4.5, grey, 0.9);
            rule(layout, x + 7, y - 4.5, x + 11, y - 4.5, grey, 0.9);
            rule(layout, x + 7, y + 4.5, x + 11, y + 4.5, grey, 0.9);
            paint_marker(layout->canvas, MARKER_CIRCLE, x + 9, y, 2.2, grey, true);
            return;
        }
        canvas_fill(layout->canvas, 4, (double[]){ x, x + 18, x + 18, x }, (double[]){ y - 4, y - 4, y + 4, y + 4 },
                    colour);
        rule(layout, x, y, x + 18, y, grey, 1.3);
        return;
    case ENTRY_LOST:
    case ENTRY_SOME_LOST:
        paint_lost(layout->canvas, x + 9, y, layout->figure->marks[0].edge, entry->what == ENTRY_SOME_LOST, grey);
        return;
    case ENTRY_MORE:
        return;
    case ENTRY_SERIES:
        break;
    }
    bool envelope = series->role == ROLE_ENVELOPE || series->role == ROLE_ENVELOPE_END;
    colour = envelope ? ink : paint_colour(series->shade, series->colour);
    double width = series->role == ROLE_BACKDROP ? 1.4 : paint_width(series);
    bool fitted = !series->line && series->marker != MARKER_NONE && layout->figure->kind &&
                  !strcmp(layout->figure->kind, "loglog");
    if (series->dashed)
        paint_dashes(layout->canvas, 2, from, at, colour, width);
    else if (series->line || fitted)
        canvas_line(layout->canvas, 2, from, at, colour, width);
    if (series->marker != MARKER_NONE)
        paint_marker(layout->canvas, series->marker, x + 9, y, 2.6, colour, true);
}

static double draw_entry(struct layout *layout, const struct entry *entry, double x, double y)
{
    bool word = entry->what != ENTRY_SERIES;
    draw_sample(layout, entry, x, y);
    for (size_t i = 0; i < entry->line_count; i++)
        canvas_text(layout->canvas, x + 24, y - (double)i * layout->size * 1.2, layout->size, ANCHOR_START, false,
                    false, word ? grey : ink, entry->lines[i]);
    return y - layout->size * 1.45 - (double)(entry->line_count ? entry->line_count - 1 : 0) * layout->size * 1.2;
}

static double draw_colour_bar(struct layout *layout, double x, double top)
{
    const struct figure_axis *scale = &layout->figure->scale;
    double height = (layout->box.top - layout->box.bottom) * (layout->entry_count ? 0.55 : 0.8), bottom = top - height;
    enum { STEPS = 64 };
    for (int i = 0; i < STEPS; i++) {
        double low = bottom + height * i / STEPS, high = bottom + height * (i + 1) / STEPS + (i + 1 < STEPS ? 0.4 : 0);
        canvas_fill(layout->canvas, 4, (double[]){ x, x + 10, x + 10, x }, (double[]){ low, low, high, high },
                    paint_shade(FIGURE_SHADE_HIGHEST * (i + 0.5) / STEPS));
    }
    for (size_t i = 0; i < layout->scale.count; i++) {
        const struct tick *tick = &layout->scale.tick[i];
        double y = bottom + axis_place(scale, tick->at) * height;
        rule(layout, x + 10, y, x + 10 + (tick->major ? 3.2 : 1.8), y, axis_grey, 0.6);
        if (tick->label)
            canvas_text(layout->canvas, x + 16, y, layout->size, ANCHOR_START, false, false, ink, tick->label);
    }
    return bottom - layout->size * 1.4;
}

static void draw_legend(struct layout *layout)
{
    double x = layout->box.right + 14, y = layout->box.top - layout->size * 0.5;
    if (!layout->entry_count && !layout->figure->colour_bar)
        return;
    if (layout->figure->legend_title) {
        const char *title = layout->figure->legend_title;
        if (layout->figure->colour_bar)
            title = axis_title(layout, &layout->figure->scale, layout->scale.power);
        canvas_text(layout->canvas, x, y, layout->size, ANCHOR_START, false, true, ink, title ? title : "");
        y -= layout->size * 1.55;
    }
    if (layout->figure->colour_bar)
        y = draw_colour_bar(layout, x, y + layout->size * 0.5);
    bool words = false;
    for (size_t i = 0; i < layout->entry_count; i++) {
        bool word = layout->entries[i].what != ENTRY_SERIES;
        if (word && !words && i)
            y -= layout->size * 0.5;
        words = words || word;
        y = draw_entry(layout, &layout->entries[i], x, y);
    }
}

static int compare_entries(const void *a, const void *b)
{
    double p = ((const struct entry *)a)->y, q = ((const struct entry *)b)->y;
    return (p < q) - (p > q);
}

/* Names beside the ends of lines, moved apart as little as keeps them legible. */
static void draw_names(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    const double gap = layout->size * 1.3;
    for (size_t i = 0; i < layout->entry_count; i++) {
        const struct figure_series *series = layout->entries[i].series;
        layout->entries[i].y = fmin(fmax(tick_y(layout, series->y[series->count - 1]), box->bottom), box->top);
    }
    qsort(layout->entries, layout->entry_count, sizeof *layout->entries, compare_entries);
    double at[LEGEND_MAX];
    for (size_t i = 0; i < layout->entry_count; i++)
        at[i] = layout->entries[i].y;
    for (int round = 0; round < 50; round++)
        for (size_t i = 1; i < layout->entry_count; i++) {
            double need = gap * (double)layout->entries[i - 1].line_count - (at[i - 1] - at[i]);
            if (need > 0) {
                at[i - 1] += need / 2;
                at[i] -= need / 2;
            }
        }
    for (size_t i = 0; i < layout->entry_count; i++) {
        const struct figure_series *series = layout->entries[i].series;
        double end = tick_x(layout, series->x[series->count - 1]);
        struct colour colour = paint_colour(series->shade, series->colour);
        if (fabs(at[i] - layout->entries[i].y) > 2 || box->right - end > 6)
            canvas_line(layout->canvas, 2, (double[]){ end + 4, box->right + 8 },
                        (double[]){ layout->entries[i].y, at[i] }, (struct colour){ colour.red, colour.green,
                                                                                    colour.blue, 0.6 }, 0.5);
        for (size_t k = 0; k < layout->entries[i].line_count; k++)
            canvas_text(layout->canvas, box->right + 10, at[i] - (double)k * layout->size * 1.15, layout->size,
                        ANCHOR_START, false, false, paint_dark(colour), layout->entries[i].lines[k]);
    }
}

static void draw_words(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    if (figure->title)
        canvas_text(layout->canvas, layout->box.left, layout->height - 8 - layout->large * 0.6, layout->large * 1.06,
                    ANCHOR_START, false, true, ink, figure->title);
    double x = layout->box.right, y = layout->box.top + layout->size * 0.95;
    for (size_t i = layout->note_count; i-- > 0;) {
        x -= text_width(layout->notes[i].lines[0], layout->size, false) + 24;
        draw_entry(layout, &layout->notes[i], x, y);
        x -= 14;
    }
    for (size_t i = 0; i < layout->caption_count; i++)
        canvas_text(layout->canvas, 12, 8 + ((double)(layout->caption_count - i) - 0.6) * layout->small * 1.3,
                    layout->small, ANCHOR_START, false, false, grey, layout->caption[i]);
}

int figure_lay_out(const struct figure *figure, struct canvas *canvas, double width, double height,
                   struct iso_error *err)
{
    double scale = fmin(1, fmax(0.65, fmin(width / 330, height / 215)));
    struct layout layout = { .figure = figure, .canvas = canvas, .arena = arena_new(), .width = width,
                             .height = height, .size = 9 * scale, .small = 7.8 * scale, .large = 10 * scale,
                             .err = err };
    int status = -1;
    if (!layout.arena) {
        error_memory(err);
        return -1;
    }
    if (place_frame(&layout))
        goto out;
    draw_grid(&layout);
    draw_axes(&layout);
    if (paint_series(canvas, figure, &layout.box, err))
        goto out;
    paint_marks(canvas, figure, &layout.box);
    if (layout.direct)
        draw_names(&layout);
    else
        draw_legend(&layout);
    draw_words(&layout);
    status = 0;

out:
    arena_free(layout.arena);
    return status;
}
