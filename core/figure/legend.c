/* What stands beside the frame: a legend, a scale of colours, or names at the ends of lines. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/layout.h"

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

/* Of an entry, for what it stands for, before its words. */
static double sample_room(const struct layout *layout)
{
    return layout->letters * (24 / 9.0);
}

static void add_entry(struct layout *layout, const struct figure_series *series, enum entry_kind what, const char *text,
                      double most)
{
    if (layout->entry_count == LEGEND_MAX)
        return;
    struct entry *entry = &layout->entries[layout->entry_count++];
    *entry = (struct entry){ .series = series };
    entry->what = what;
    layout_break(layout, text, layout->letters, false, most, 4, &entry->words);
}

/* Of the figure as a whole: in the legend, or above the frame. */
static void add_word(struct layout *layout, enum entry_kind what, const char *text, bool beside, double most)
{
    if (beside) {
        add_entry(layout, NULL, what, text, most);
        return;
    }
    struct entry *entry = &layout->notes[layout->note_count++];
    *entry = (struct entry){ .words = { .line = { text }, .count = 1 } };
    entry->words.width = text_width(layout->canvas, text, layout->letters, false);
    entry->what = what;
}

static void list_entries(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    const double most = layout->legend == LEGEND_BELOW ? layout->width - 60 : fmin(150, layout->width * 0.3);
    size_t labelled = 0, listed = 0;
    bool all_lost = false, some_lost = false;
    layout->entry_count = layout->note_count = 0;
    for (size_t i = 0; i < figure->series_count; i++)
        labelled += figure->series[i].label != NULL;
    layout->direct = !layout->by_legend && stands_beside(figure);
    size_t room = (size_t)fmax(4, (layout->height - 90) / (layout->size * 1.45));
    room = room > LEGEND_MAX - 6 || layout->legend == LEGEND_BELOW ? LEGEND_MAX - 6 : room;
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
    bool beside = layout->by_legend || (!layout->direct && (layout->entry_count || figure->colour_bar));
    if (figure->band)
        add_word(layout, ENTRY_BAND, figure->band, beside, most);
    if (all_lost)
        add_word(layout, ENTRY_LOST, "diverged", beside, most);
    if (some_lost)
        add_word(layout, ENTRY_SOME_LOST, "some seeds diverged", beside, most);
}

/* With the unit, where it is that of a scale; in two lines where the entries are narrower. */
static void break_title(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    const char *title = figure->colour_bar ? layout_axis_title(layout, &figure->scale, layout->scale.power) : NULL;
    layout->legend_title = (struct lines){ 0 };
    if (!title)
        title = figure->legend_title;
    if (!title || !figure->legend_title || (!layout->entry_count && !figure->colour_bar))
        return;
    double most = 0;
    for (size_t i = 0; i < layout->entry_count; i++)
        most = fmax(most, layout->entries[i].words.width + sample_room(layout));
    most = fmax(most, fmin(85, layout->width * 0.25));
    layout_break(layout, title, layout->letters, true, most, 3, &layout->legend_title);
}

static double entries_width(const struct layout *layout)
{
    double width = 0;
    for (size_t i = 0; i < layout->entry_count; i++)
        width = fmax(width, layout->entries[i].words.width);
    return width + sample_room(layout);
}

static double bar_width(const struct layout *layout)
{
    return 16 + place_widest(layout, &layout->scale);
}

double legend_width(const struct layout *layout)
{
    return fmax(entries_width(layout), layout->figure->colour_bar ? 0 : layout->legend_title.width);
}

double legend_margin(const struct layout *layout)
{
    const bool bar = layout->figure->colour_bar, entries = layout->entry_count && layout->legend == LEGEND_RIGHT;
    if (layout->direct)
        return entries_width(layout) - 4;
    if (!bar && !entries)
        return 14;
    double width = layout->legend_title.width;
    if (bar)
        width = fmax(width, bar_width(layout));
    if (entries)
        width = fmax(width, entries_width(layout));
    return width + 24;
}

static double title_height(const struct layout *layout)
{
    const size_t lines = layout->legend_title.count;
    return lines ? layout->letters * 1.55 + (double)(lines - 1) * layout_step(layout, layout->letters) : 0;
}

static double entry_height(const struct layout *layout, const struct entry *entry)
{
    const size_t more = entry->words.count ? entry->words.count - 1 : 0;
    return layout->letters * 1.45 + (double)more * layout_step(layout, layout->letters);
}

/* Before the first entry that is a word about all. */
static bool is_parted(const struct layout *layout, size_t index)
{
    return index && layout->entries[index].what != ENTRY_SERIES && layout->entries[index - 1].what == ENTRY_SERIES;
}

bool legend_is_cut(const struct layout *layout)
{
    for (size_t i = 0; i < layout->entry_count; i++)
        if (layout->entries[i].what == ENTRY_MORE)
            return true;
    return false;
}

double legend_height(const struct layout *layout)
{
    double height = layout->figure->colour_bar ? 0 : title_height(layout);
    for (size_t i = 0; i < layout->entry_count; i++)
        height += entry_height(layout, &layout->entries[i]) + (is_parted(layout, i) ? layout->letters * 0.5 : 0);
    return height;
}

/* ---- Drawing ---- */

static bool bands_are_bars(const struct figure *figure)
{
    for (size_t i = 0; i < figure->series_count; i++)
        if (figure->series[i].low && figure->series[i].line)
            return false;
    return true;
}

/* A short piece of what the entry stands for, from x on. */
static void draw_sample(struct layout *layout, const struct entry *entry, double x, double y)
{
    const struct figure_series *series = entry->series;
    struct colour colour = { 130, 130, 130, 0.28 };
    const double sample = 0.75 * sample_room(layout), half = sample / 2;
    double from[2] = { x, x + sample }, at[2] = { y, y };
    switch (entry->what) {
    case ENTRY_BAND:
        if (bands_are_bars(layout->figure)) {
            layout_rule(layout, x + half, y - 4.5, x + half, y + 4.5, LAYOUT_GREY, 0.9);
            layout_rule(layout, x + half - 2, y - 4.5, x + half + 2, y - 4.5, LAYOUT_GREY, 0.9);
            layout_rule(layout, x + half - 2, y + 4.5, x + half + 2, y + 4.5, LAYOUT_GREY, 0.9);
            paint_marker(layout->canvas, MARKER_CIRCLE, x + half, y, 2.2, LAYOUT_GREY, true);
            return;
        }
        canvas_fill(layout->canvas, 4, (double[]){ x, x + sample, x + sample, x },
                    (double[]){ y - 4, y - 4, y + 4, y + 4 }, colour);
        layout_rule(layout, x, y, x + sample, y, LAYOUT_GREY, 1.3);
        return;
    case ENTRY_LOST:
    case ENTRY_SOME_LOST:
        paint_lost(layout->canvas, x + half, y, layout->figure->marks[0].edge, entry->what == ENTRY_SOME_LOST,
                   LAYOUT_GREY);
        return;
    case ENTRY_MORE:
        return;
    case ENTRY_SERIES:
        break;
    }
    bool envelope = series->role == ROLE_ENVELOPE || series->role == ROLE_ENVELOPE_END;
    colour = envelope ? LAYOUT_INK : paint_colour(series->shade, series->colour);
    double width = series->role == ROLE_BACKDROP ? 1.4 : paint_width(series);
    bool fitted = !series->line && series->marker != MARKER_NONE && layout->figure->kind &&
                  !strcmp(layout->figure->kind, "loglog");
    if (series->dashed)
        paint_dashes(layout->canvas, 2, from, at, colour, width);
    else if (series->line || fitted)
        canvas_line(layout->canvas, 2, from, at, colour, width);
    if (series->marker != MARKER_NONE)
        paint_marker(layout->canvas, series->marker, x + half, y, 2.6, colour, true);
}

static double draw_entry(struct layout *layout, const struct entry *entry, double x, double y)
{
    bool word = entry->what != ENTRY_SERIES;
    draw_sample(layout, entry, x, y);
    for (size_t i = 0; i < entry->words.count; i++)
        canvas_text(layout->canvas, x + sample_room(layout), y - (double)i * layout_step(layout, layout->letters),
                    layout->letters, ANCHOR_START, false, false, word ? LAYOUT_GREY : LAYOUT_INK,
                    entry->words.line[i]);
    return y - entry_height(layout, entry);
}

static double draw_colour_bar(struct layout *layout, double x, double top)
{
    const struct figure_axis *scale = &layout->figure->scale;
    const bool shared = layout->entry_count && layout->legend == LEGEND_RIGHT; /* the entries stand below it */
    double height = (layout->box.top - layout->box.bottom) * (shared ? 0.55 : 0.8), bottom = top - height;
    enum { STEPS = 64 };
    for (int i = 0; i < STEPS; i++) {
        double low = bottom + height * i / STEPS, high = bottom + height * (i + 1) / STEPS + (i + 1 < STEPS ? 0.4 : 0);
        canvas_fill(layout->canvas, 4, (double[]){ x, x + 10, x + 10, x }, (double[]){ low, low, high, high },
                    paint_shade(FIGURE_SHADE_HIGHEST * (i + 0.5) / STEPS));
    }
    for (size_t i = 0; i < layout->scale.count; i++) {
        const struct tick *tick = &layout->scale.tick[i];
        double y = bottom + axis_place(scale, tick->at) * height;
        layout_rule(layout, x + 10, y, x + 10 + (tick->major ? 3.2 : 1.8), y, LAYOUT_AXIS, 0.6);
        if (tick->label)
            canvas_text(layout->canvas, x + 16, y, layout->letters, ANCHOR_START, false, false, LAYOUT_INK,
                        tick->label);
    }
    return bottom - layout->letters * 1.4;
}

/* The title's lines, the first in the middle of y; gives where the next thing stands. */
static double draw_title(struct layout *layout, double x, double y)
{
    for (size_t i = 0; i < layout->legend_title.count; i++)
        canvas_text(layout->canvas, x, y - (double)i * layout_step(layout, layout->letters), layout->letters,
                    ANCHOR_START, false, true, LAYOUT_INK, layout->legend_title.line[i]);
    return y - title_height(layout);
}

static void draw_column(struct layout *layout, double x, double y)
{
    for (size_t i = 0; i < layout->entry_count; i++) {
        y -= is_parted(layout, i) ? layout->letters * 0.5 : 0;
        y = draw_entry(layout, &layout->entries[i], x, y);
    }
}

/* Entries one after the other, as many a row as it holds; `draw` or just count the rows. Gives how high they are. */
static double flow(const struct layout *layout, double left, double width, double top, struct layout *draw)
{
    const double gap = 12, step = layout_step(layout, layout->letters);
    const struct lines *title = &layout->legend_title;
    const bool titled = title->count && !layout->figure->colour_bar;
    double x = 0, y = 5 + layout->letters * 0.75, high = layout->letters * 1.45;
    if (titled) {
        if (draw)
            draw_title(draw, left, top - y);
        x = title->width + gap;
        high = fmax(high, layout->letters * 1.45 + (double)(title->count - 1) * step);
    }
    for (size_t i = 0; i < layout->entry_count; i++) {
        const struct entry *entry = &layout->entries[i];
        if (x > 0 && x + sample_room(layout) + entry->words.width > width) {
            x = 0;
            y += high;
            high = 0;
        }
        if (draw)
            draw_entry(draw, entry, left + x, top - y);
        x += sample_room(layout) + entry->words.width + gap;
        high = fmax(high, entry_height(layout, entry));
    }
    return y + high - layout->letters * 0.4;
}

double legend_rows(const struct layout *layout, double width)
{
    return flow(layout, 0, width, 0, NULL) + 9;
}

static void draw_entries(struct layout *layout)
{
    const struct frame_box *at = &layout->legend_box;
    const bool bar = layout->figure->colour_bar;
    double x = layout->box.right + 14, y = layout->box.top - layout->letters * 0.5;
    if (bar)
        y = draw_colour_bar(layout, x, draw_title(layout, x, y));
    if (!layout->entry_count)
        return;
    if (layout->legend == LEGEND_BELOW) {
        flow(layout, at->left, at->right - at->left, at->top, layout);
        return;
    }
    if (layout->legend == LEGEND_INSIDE) {
        canvas_fill(layout->canvas, 4, (double[]){ at->left, at->right, at->right, at->left },
                    (double[]){ at->bottom, at->bottom, at->top, at->top }, (struct colour){ 255, 255, 255, 0.85 });
        x = at->left + 4;
        y = at->top - layout->letters * 0.8;
    }
    draw_column(layout, x, bar ? y : draw_title(layout, x, y));
}

static int compare_entries(const void *a, const void *b)
{
    double p = ((const struct entry *)a)->y, q = ((const struct entry *)b)->y;
    return (p < q) - (p > q);
}

/* Where a line ends, or leaves the frame at its right. */
static size_t last_within(const struct layout *layout, const struct figure_series *series)
{
    size_t last = series->count - 1;
    while (last && axis_place(&layout->figure->x, series->x[last]) > 1 + 1e-9)
        last--;
    return last;
}

/* Names beside the ends of lines, moved apart as little as keeps them legible. */
static void draw_names(struct layout *layout)
{
    const struct frame_box *box = &layout->box;
    const double gap = layout->size * 1.3;
    for (size_t i = 0; i < layout->entry_count; i++) {
        const struct figure_series *series = layout->entries[i].series;
        layout->entries[i].y = fmin(fmax(layout_y(layout, series->y[last_within(layout, series)]), box->bottom),
                                    box->top);
    }
    qsort(layout->entries, layout->entry_count, sizeof *layout->entries, compare_entries);
    double at[LEGEND_MAX];
    for (size_t i = 0; i < layout->entry_count; i++)
        at[i] = layout->entries[i].y;
    for (int round = 0; round < 50; round++)
        for (size_t i = 1; i < layout->entry_count; i++) {
            double need = gap * (double)layout->entries[i - 1].words.count - (at[i - 1] - at[i]);
            if (need > 0) {
                at[i - 1] += need / 2;
                at[i] -= need / 2;
            }
        }
    /* None stands below the frame, where the axis has its labels. */
    for (size_t i = layout->entry_count, least = 0; i-- > 0; least++) {
        const double lines = (double)(layout->entries[i].words.count - 1) * layout->size * 1.15;
        const double lowest = least ? at[i + 1] + gap + lines : box->bottom + layout->size * 0.4 + lines;
        at[i] = fmax(at[i], lowest);
    }
    for (size_t i = 0; i < layout->entry_count; i++) {
        const struct figure_series *series = layout->entries[i].series;
        double end = layout_x(layout, series->x[last_within(layout, series)]);
        struct colour colour = paint_colour(series->shade, series->colour);
        if (fabs(at[i] - layout->entries[i].y) > 2 || box->right - end > 6)
            canvas_line(layout->canvas, 2, (double[]){ end + 4, box->right + 8 },
                        (double[]){ layout->entries[i].y, at[i] }, (struct colour){ colour.red, colour.green,
                                                                                    colour.blue, 0.6 }, 0.5);
        for (size_t k = 0; k < layout->entries[i].words.count; k++)
            canvas_text(layout->canvas, box->right + 10, at[i] - (double)k * layout->size * 1.15, layout->size,
                        ANCHOR_START, false, false, paint_dark(colour), layout->entries[i].words.line[k]);
    }
}

double legend_note_height(const struct layout *layout)
{
    return !layout->note_count ? 0 : layout->figure->title ? layout->size * 0.9 : layout->size * 1.4;
}

void legend_notes(struct layout *layout)
{
    double x = layout->box.right, y = layout->box.top + layout->size * 0.95;
    for (size_t i = layout->note_count; i-- > 0;) {
        x -= layout->notes[i].words.width + sample_room(layout);
        draw_entry(layout, &layout->notes[i], x, y);
        x -= 14;
    }
}

int legend_list(struct layout *layout)
{
    list_entries(layout);
    if (layout->figure->colour_bar && !ticks_of(layout->arena, &layout->figure->scale, 5, &layout->scale))
        return error_memory(layout->err);
    break_title(layout);
    return 0;
}

void legend_draw(struct layout *layout)
{
    if (layout->direct)
        draw_names(layout);
    else
        draw_entries(layout);
}
