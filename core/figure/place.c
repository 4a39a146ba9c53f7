/* How much room the parts of a page take, and where the frame is placed between them. */
#include <math.h>
#include <string.h>

#include "figure/layout.h"

#define NAMES_UPRIGHT 0.3 /* of the page's height, at most, for names that stand upright */
#define NAMES_BESIDE 0.3  /* of its width for those of y */

/* ---- Words above and below ---- */

int place_words(struct layout *layout)
{
    const struct figure *figure = layout->figure;
    layout->caption = arena_zero(layout->arena, CAPTION_LINES, sizeof *layout->caption);
    if (!layout->caption)
        return error_memory(layout->err);
    if (figure->title)
        layout_break(layout, figure->title, layout->large * 1.06, true, layout->width - 16, 3, &layout->title);
    if (figure->caption)
        layout->caption_count = layout_wrap(layout, figure->caption, layout->small, layout->width - 24, layout->caption,
                                            CAPTION_LINES);
    return 0;
}

double place_head(const struct layout *layout)
{
    const size_t lines = layout->title.count;
    return 8 + (lines ? layout->large * 1.9 + (double)(lines - 1) * layout_step(layout, layout->large * 1.06) : 0);
}

double place_foot(const struct layout *layout)
{
    return 8 + (double)layout->caption_count * layout->small * 1.3 + (layout->caption_count ? 5 : 0);
}

/* ---- Axes ---- */

void place_axis_titles(struct layout *layout)
{
    const char *x = layout_axis_title(layout, &layout->figure->x, layout->x.power);
    const char *y = layout_axis_title(layout, &layout->figure->y, layout->y.power);
    const bool page_of_characters = canvas_letters(layout->canvas) > 0;
    layout->x_title = layout->y_title = (struct lines){ 0 };
    if (x)
        layout_break(layout, x, layout->large, false, layout->width - 16, 2, &layout->x_title);
    if (y)
        layout_break(layout, y, layout->large, false, page_of_characters ? layout->width - 16 : layout->height - 16,
                     page_of_characters ? 1 : 2, &layout->y_title);
}

double place_x_title(const struct layout *layout)
{
    const size_t lines = layout->x_title.count;
    return lines ? layout->large * 1.5 + (double)(lines - 1) * layout_step(layout, layout->large) : layout->large * 0.5;
}

double place_y_title(const struct layout *layout)
{
    const size_t lines = layout->y_title.count;
    if (canvas_letters(layout->canvas) > 0) /* it stands above the frame */
        return 0;
    return lines ? layout->large * 1.35 + (double)(lines - 1) * layout_step(layout, layout->large) : 0;
}

double place_widest(const struct layout *layout, const struct ticks *ticks)
{
    double width = 0;
    for (size_t i = 0; i < ticks->count; i++)
        if (ticks->tick[i].label)
            width = fmax(width, text_width(layout->canvas, ticks->tick[i].label, layout->size, false));
    return width;
}

/* Of so many that one line of each has no room, only some are named. */
static struct lines *break_names(struct layout *layout, const struct ticks *ticks, double most, double each,
                                 size_t limit, bool *cut)
{
    const size_t every = (size_t)fmax(1, ceil(layout->size * 1.05 / fmax(each, 0.1)));
    struct lines *names = arena_zero(layout->arena, ticks->count + 1, sizeof *names);
    *cut = false;
    for (size_t i = 0; names && i < ticks->count; i++)
        if (ticks->tick[i].label && i % every == 0) {
            layout_break(layout, ticks->tick[i].label, layout->size, false, most, limit, &names[i]);
            *cut = *cut || names[i].cut;
        }
    return names;
}

/* Side by side in a few lines each, else upright. */
double place_x_names(struct layout *layout, double each, double most)
{
    const double step = layout_step(layout, layout->size);
    const bool characters = canvas_letters(layout->canvas) > 0; /* which don't stand upright */
    double highest = 1;
    bool cut;
    layout->upright = false;
    layout->x_names = break_names(layout, &layout->x, each - 5, INFINITY, characters ? LINES_MOST : 4, &cut);
    if (layout->x_names && cut && !characters) {
        layout->upright = true;
        layout->x_names = break_names(layout, &layout->x, most, each, (size_t)fmin(3, floor(each / step)), &cut);
    }
    for (size_t i = 0; layout->x_names && i < layout->x.count; i++)
        highest = fmax(highest, layout->upright ? layout->x_names[i].width : (double)layout->x_names[i].count);
    return layout->upright ? highest : layout->size * 1.35 + (highest - 1) * step;
}

double place_y_names(struct layout *layout, double each, double most)
{
    double width = 0;
    bool cut;
    layout->y_names = break_names(layout, &layout->y, most, each,
                                  (size_t)fmin(4, floor(each / layout_step(layout, layout->size))), &cut);
    for (size_t i = 0; layout->y_names && i < layout->y.count; i++)
        width = fmax(width, layout->y_names[i].width);
    return width;
}

/* ---- The frame ---- */

/* The frame between margins, of which those at the right and below the axis' title are given: the legend's. The left
 * margin hangs on the labels of y, they on the room above, that on the names of x, and these on the width. */
static int fit_frame(struct layout *layout, double right, double below)
{
    const struct figure *figure = layout->figure;
    double foot = place_foot(layout) + below, top = place_head(layout) + 4 + legend_note_height(layout);
    if (canvas_letters(layout->canvas) > 0)
        top += layout->size * 1.1;
    double bottom = foot + place_x_title(layout) + layout->size * 1.35 + 6;
    double room_y = fmax(layout->height - top - bottom, 20) / (layout->size * 3);
    layout->x_names = layout->y_names = NULL;
    layout->upright = false;
    if (!ticks_of(layout->arena, &figure->y, room_y, &layout->y))
        return error_memory(layout->err);
    double labels = figure->y.names ? place_y_names(layout, fmax(layout->height - top - bottom, 20) /
                                                                (double)figure->y.value_count,
                                                    layout->width * NAMES_BESIDE)
                                    : place_widest(layout, &layout->y);
    double left = 10 + place_y_title(layout) + labels + 8;
    double room_x = fmax(layout->width - left - right, 20) / (layout->size * 4.6);
    if (!ticks_of(layout->arena, &figure->x, room_x, &layout->x))
        return error_memory(layout->err);
    if (figure->x.names) {
        double each = fmax(layout->width - left - right, 20) / (double)figure->x.value_count;
        bottom = foot + place_x_title(layout) + 6 + place_x_names(layout, each, layout->height * NAMES_UPRIGHT);
    } else if (layout->x.count) {
        right = fmax(right, 6 + place_widest(layout, &layout->x) / 2);
    }
    place_axis_titles(layout);
    layout->box = (struct frame_box){ left, layout->width - right, bottom, layout->height - top };
    return 0;
}

static double area(const struct layout *layout)
{
    const double width = layout->box.right - layout->box.left, height = layout->box.top - layout->box.bottom;
    return width < 60 || height < 40 ? 0 : width * height;
}

/* Right of the frame; of a narrow page, or a legend too long for that, in rows below. */
static int place_outside(struct layout *layout)
{
    layout->legend = LEGEND_RIGHT;
    if (legend_list(layout) || fit_frame(layout, legend_margin(layout), 0))
        return -1;
    const double beside = area(layout), share = (layout->box.right - layout->box.left) / layout->width;
    const double high = legend_height(layout), room = layout->box.top - place_foot(layout);
    const bool long_one = high > room || legend_is_cut(layout), characters = canvas_letters(layout->canvas) > 0;
    if (layout->direct || !layout->entry_count || (share > PLACE_SHARE(layout) && !long_one && beside > 0))
        return 0;
    layout->legend = LEGEND_BELOW;
    if (legend_list(layout))
        return -1;
    const double height = legend_rows(layout, layout->width - 20);
    layout->legend_box = (struct frame_box){ 12, layout->width - 8, place_foot(layout), place_foot(layout) + height };
    if (fit_frame(layout, legend_margin(layout), height))
        return -1;
    if (height < 0.4 * layout->height && area(layout) > beside * (long_one && !characters ? 0.3 : 1))
        return 0;
    layout->legend = LEGEND_RIGHT;
    if (high > room && !characters) /* lines that are narrower break at other places */
        layout->letters *= fmax(0.65, 0.95 * room / high);
    return legend_list(layout) || fit_frame(layout, legend_margin(layout), 0) ? -1 : 0;
}

int place_frame(struct layout *layout)
{
    if (place_words(layout))
        return -1;
    /* The axes' titles are broken for the ticks' powers; the first fit finds these. */
    layout->legend = LEGEND_INSIDE;
    if (legend_list(layout) || fit_frame(layout, legend_margin(layout), 0) ||
        fit_frame(layout, legend_margin(layout), 0))
        return -1;
    if ((layout->direct || !layout->entry_count || !legend_fits_inside(layout)) && place_outside(layout))
        return -1;
    if (!(area(layout) > 0))
        return iso_fail(layout->err, "%g x %g points are too little room for it", layout->width, layout->height);
    return 0;
}
