/* Paints what stands within the frame. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure/paint.h"
#include "figure/ticks.h"

#define PI 3.14159265358979323846
#define TOLERANCE 0.06 /* points: a twentieth of a line's width */
#define BANDS_FULL 6.0 /* more bands than this are paler each: they lie on one another */
#define CIRCLE 24      /* corners of what is drawn as a circle; svg_tidy makes circles of them again */

/* Okabe and Ito's colours for all kinds of colour vision (2008), without yellow, which white paper swallows. */
static const struct colour categories[] = {
    { 0, 114, 178, 1 },  { 213, 94, 0, 1 },   { 0, 158, 115, 1 }, { 204, 121, 167, 1 },
    { 230, 159, 0, 1 },  { 86, 180, 233, 1 }, { 60, 60, 60, 1 },
};

/* Viridis (van der Walt and Smith 2015) at equal distances. */
static const unsigned char viridis[][3] = {
    { 68, 1, 84 },    { 71, 24, 106 },  { 71, 45, 123 },  { 66, 64, 134 },  { 59, 82, 139 },  { 51, 99, 141 },
    { 44, 114, 142 }, { 38, 130, 142 }, { 33, 145, 140 }, { 31, 160, 136 }, { 40, 174, 128 }, { 63, 188, 115 },
    { 94, 201, 98 },  { 132, 212, 75 }, { 173, 220, 48 }, { 216, 226, 25 }, { 253, 231, 37 },
};

struct colour paint_shade(double shade)
{
    const size_t last = sizeof viridis / sizeof *viridis - 1;
    double at = fmin(fmax(shade, 0), 1) * (double)last;
    size_t i = at >= (double)last ? last - 1 : (size_t)at;
    double part = at - (double)i, mixed[3];
    for (int k = 0; k < 3; k++)
        mixed[k] = viridis[i][k] + part * (viridis[i + 1][k] - viridis[i][k]);
    return (struct colour){ (unsigned char)lround(mixed[0]), (unsigned char)lround(mixed[1]),
                            (unsigned char)lround(mixed[2]), 1 };
}

struct colour paint_colour(double shade, size_t colour)
{
    return isnan(shade) ? categories[colour % (sizeof categories / sizeof *categories)] : paint_shade(shade);
}

struct colour paint_dark(struct colour colour)
{
    /* Relative luminance, roughly: text needs a contrast of 4.5 to white. */
    double light = (0.2126 * pow(colour.red / 255., 2.2) + 0.7152 * pow(colour.green / 255., 2.2) +
                    0.0722 * pow(colour.blue / 255., 2.2));
    double factor = light > 0.18 ? pow(0.18 / light, 1 / 2.2) : 1;
    colour.red = (unsigned char)(colour.red * factor);
    colour.green = (unsigned char)(colour.green * factor);
    colour.blue = (unsigned char)(colour.blue * factor);
    return colour;
}

double paint_width(const struct figure_series *series)
{
    switch (series->role) {
    case ROLE_BACKDROP:
        return 0.9;
    case ROLE_ENVELOPE:
    case ROLE_LAW:
        return 1.6;
    case ROLE_ENVELOPE_END:
    case ROLE_FIT:
        return 1.1;
    case ROLE_WHISKERS:
    case ROLE_DATA:
        break;
    }
    return 1.4;
}

static const struct colour ink = { 20, 20, 20, 1 };

static struct colour colour_of(const struct figure_series *series)
{
    if (series->role == ROLE_ENVELOPE || series->role == ROLE_ENVELOPE_END || series->role == ROLE_WHISKERS)
        return ink;
    struct colour colour = paint_colour(series->shade, series->colour);
    if (series->role == ROLE_BACKDROP)
        colour.opacity = 0.75;
    return colour;
}

size_t paint_thin(size_t count, double *x, double *y, double tolerance, unsigned char *keep, size_t *stack)
{
    size_t depth = 0, kept = 0;
    if (count < 3)
        return count;
    memset(keep, 0, count);
    keep[0] = keep[count - 1] = 1;
    stack[depth++] = 0;
    stack[depth++] = count - 1;
    while (depth) {
        size_t last = stack[--depth], first = stack[--depth], worst = first;
        double dx = x[last] - x[first], dy = y[last] - y[first], length = hypot(dx, dy), most = tolerance;
        for (size_t i = first + 1; i < last; i++) {
            double px = x[i] - x[first], py = y[i] - y[first], along = length > 0 ? (px * dx + py * dy) / length : 0;
            double off = length > 0 && along >= 0 && along <= length ? fabs(px * dy - py * dx) / length
                         : along <= 0 ? hypot(px, py) : hypot(x[i] - x[last], y[i] - y[last]);
            if (off > most) {
                most = off;
                worst = i;
            }
        }
        if (worst == first)
            continue;
        keep[worst] = 1;
        stack[depth++] = first;
        stack[depth++] = worst;
        stack[depth++] = worst;
        stack[depth++] = last;
    }
    for (size_t i = 0; i < count; i++)
        if (keep[i]) {
            x[kept] = x[i];
            y[kept++] = y[i];
        }
    return kept;
}

/* ---- Clipping ---- */

/* The part of a segment within the box (Liang and Barsky 1984); false: none. */
static bool clip(const struct frame_box *box, double *x0, double *y0, double *x1, double *y1)
{
    double from = 0, to = 1, dx = *x1 - *x0, dy = *y1 - *y0;
    double p[4] = { -dx, dx, -dy, dy };
    double q[4] = { *x0 - box->left, box->right - *x0, *y0 - box->bottom, box->top - *y0 };
    for (int i = 0; i < 4; i++) {
        if (p[i] == 0) {
            if (q[i] < 0)
                return false;
            continue;
        }
        double t = q[i] / p[i];
        if (p[i] < 0)
            from = fmax(from, t);
        else
            to = fmin(to, t);
    }
    if (from > to)
        return false;
    double x = *x0, y = *y0;
    if (to < 1) {
        *x1 = x + to * dx;
        *y1 = y + to * dy;
    }
    if (from > 0) {
        *x0 = x + from * dx;
        *y0 = y + from * dy;
    }
    return true;
}

/* Room for the longest series. */
struct scratch {
    double *x, *y, *cut_x, *cut_y;
    unsigned char *keep;
    size_t *stack;
};

/* Groups of one category stand side by side. */
static double dodge(const struct figure *figure, const struct figure_series *series)
{
    const double apart = fmin(0.14, 0.6 / (double)figure->series_count);
    if (!figure->dodge)
        return 0;
    return apart * ((double)(series - figure->series) - 0.5 * (double)(figure->series_count - 1));
}

static double place_x(const struct figure *figure, const struct frame_box *box, double x)
{
    return box->left + axis_place(&figure->x, x) * (box->right - box->left);
}

/* Values at infinity, or of zero on a logarithmic axis, stand far outside the frame. */
static double place_y(const struct figure *figure, const struct frame_box *box, double y)
{
    double height = box->top - box->bottom, place;
    if (isinf(y))
        place = y > 0 ? 20 : -20;
    else if (figure->y.logarithmic && y <= 0)
        place = -20;
    else
        place = fmin(fmax(axis_place(&figure->y, y), -20), 20);
    return box->bottom + place * height;
}

void paint_dashes(struct canvas *canvas, size_t count, const double *x, const double *y, struct colour colour,
                  double width)
{
    const double on = 4.5, off = 2.5;
    double phase = 0;
    for (size_t i = 1; i < count; i++) {
        double length = hypot(x[i] - x[i - 1], y[i] - y[i - 1]), at = 0;
        while (at < length) {
            bool drawn = phase < on;
            double part = fmin(length - at, (drawn ? on : on + off) - phase);
            if (drawn && part > 0) {
                double a = at / length, b = (at + part) / length;
                double dash_x[2] = { x[i - 1] + a * (x[i] - x[i - 1]), x[i - 1] + b * (x[i] - x[i - 1]) };
                double dash_y[2] = { y[i - 1] + a * (y[i] - y[i - 1]), y[i - 1] + b * (y[i] - y[i - 1]) };
                canvas_line(canvas, 2, dash_x, dash_y, colour, width);
            }
            at += part + 1e-9;
            phase += part + 1e-9;
            if (phase >= on + off - 1e-9)
                phase = 0;
        }
    }
}

static void stroke(struct canvas *canvas, const struct figure_series *series, size_t count, struct scratch *scratch)
{
    count = paint_thin(count, scratch->cut_x, scratch->cut_y, TOLERANCE, scratch->keep, scratch->stack);
    if (count < 2)
        return;
    if (series->dashed)
        paint_dashes(canvas, count, scratch->cut_x, scratch->cut_y, colour_of(series), paint_width(series));
    else
        canvas_line(canvas, count, scratch->cut_x, scratch->cut_y, colour_of(series), paint_width(series));
}

static void paint_line(struct canvas *canvas, const struct figure *figure, const struct frame_box *box,
                       const struct figure_series *series, struct scratch *scratch)
{
    size_t run = 0;
    for (size_t i = 0; i + 1 < series->count; i++) {
        if (isnan(series->y[i]) || isnan(series->y[i + 1])) {
            stroke(canvas, series, run, scratch);
            run = 0;
            continue;
        }
        double x0 = place_x(figure, box, series->x[i]), y0 = place_y(figure, box, series->y[i]);
        double x1 = place_x(figure, box, series->x[i + 1]), y1 = place_y(figure, box, series->y[i + 1]);
        double end_x = x1, end_y = y1;
        if (!clip(box, &x0, &y0, &x1, &y1)) {
            stroke(canvas, series, run, scratch);
            run = 0;
            continue;
        }
        if (!run || scratch->cut_x[run - 1] != x0 || scratch->cut_y[run - 1] != y0) {
            stroke(canvas, series, run, scratch);
            scratch->cut_x[0] = x0;
            scratch->cut_y[0] = y0;
            run = 1;
        }
        scratch->cut_x[run] = x1;
        scratch->cut_y[run++] = y1;
        if (x1 != end_x || y1 != end_y) {
            stroke(canvas, series, run, scratch);
            run = 0;
        }
    }
    stroke(canvas, series, run, scratch);
}

/* One stretch of a band: along its upper edge and back along the lower, both within the frame. */
static void fill_band(struct canvas *canvas, const struct figure *figure, const struct frame_box *box,
                      const struct figure_series *series, size_t first, size_t last, double opacity,
                      struct scratch *scratch)
{
    size_t count = 0;
    struct colour colour = paint_colour(series->shade, series->colour);
    colour.opacity = opacity;
    for (int upper = 1; upper >= 0; upper--) {
        const double *edge = upper ? series->high : series->low;
        size_t used = 0;
        for (size_t k = first; k <= last; k++) {
            double x = place_x(figure, box, series->x[k]), y = place_y(figure, box, edge[k]);
            scratch->cut_x[used] = fmin(fmax(x, box->left), box->right);
            scratch->cut_y[used++] = fmin(fmax(y, box->bottom), box->top);
        }
        used = paint_thin(used, scratch->cut_x, scratch->cut_y, TOLERANCE, scratch->keep, scratch->stack);
        for (size_t k = 0; k < used; k++, count++) {
            scratch->x[count] = scratch->cut_x[upper ? k : used - 1 - k];
            scratch->y[count] = scratch->cut_y[upper ? k : used - 1 - k];
        }
    }
    canvas_fill(canvas, count, scratch->x, scratch->y, colour);
}

/* Bands of points without a line are bars with caps. */
static void paint_bars(struct canvas *canvas, const struct figure *figure, const struct frame_box *box,
                       const struct figure_series *series)
{
    struct colour colour = colour_of(series);
    for (size_t i = 0; i < series->count; i++) {
        double x = place_x(figure, box, series->x[i] + dodge(figure, series));
        double low = fmax(place_y(figure, box, series->low[i]), box->bottom);
        double high = fmin(place_y(figure, box, series->high[i]), box->top);
        if (!(high > low) || x < box->left || x > box->right)
            continue;
        canvas_line(canvas, 2, (double[]){ x, x }, (double[]){ low, high }, colour, 0.9);
        canvas_line(canvas, 2, (double[]){ x - 2, x + 2 }, (double[]){ low, low }, colour, 0.9);
        canvas_line(canvas, 2, (double[]){ x - 2, x + 2 }, (double[]){ high, high }, colour, 0.9);
    }
}

static void paint_band(struct canvas *canvas, const struct figure *figure, const struct frame_box *box,
                       const struct figure_series *series, double opacity, struct scratch *scratch)
{
    for (size_t first = 0; first < series->count;) {
        size_t last = first;
        if (isnan(series->low[first]) || isnan(series->high[first])) {
            first++;
            continue;
        }
        while (last + 1 < series->count && !isnan(series->low[last + 1]) && !isnan(series->high[last + 1]))
            last++;
        if (last > first)
            fill_band(canvas, figure, box, series, first, last, opacity, scratch);
        first = last + 1;
    }
}

/* ---- Markers ---- */

/* Corners of a marker of radius 1, counted round; the plus, cross and star are drawn as strokes. */
static size_t corners(enum figure_marker marker, double *x, double *y)
{
    size_t count = 4;
    double turn = 0, size = 1;
    switch (marker) {
    case MARKER_CIRCLE:
        count = CIRCLE;
        break;
    case MARKER_SQUARE:
        turn = PI / 4;
        size = 1.2;
        break;
    case MARKER_TRIANGLE:
        count = 3;
        turn = PI / 2;
        size = 1.25;
        break;
    case MARKER_TRIANGLE_DOWN:
        count = 3;
        turn = -PI / 2;
        size = 1.25;
        break;
    case MARKER_DIAMOND:
        size = 1.25;
        break;
    default:
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        x[i] = size * cos(turn + 2 * PI * (double)i / (double)count);
        y[i] = size * sin(turn + 2 * PI * (double)i / (double)count);
    }
    return count;
}

static void paint_strokes(struct canvas *canvas, enum figure_marker marker, double x, double y, double radius,
                          struct colour colour)
{
    int lines = marker == MARKER_STAR ? 3 : 2;
    for (int i = 0; i < lines; i++) {
        double turn = PI * i / lines + (marker == MARKER_CROSS ? PI / 4 : marker == MARKER_STAR ? PI / 2 : 0);
        double dx = 1.15 * radius * cos(turn), dy = 1.15 * radius * sin(turn);
        canvas_line(canvas, 2, (double[]){ x - dx, x + dx }, (double[]){ y - dy, y + dy }, colour, 1.1);
    }
}

void paint_marker(struct canvas *canvas, enum figure_marker marker, double x, double y, double radius,
                  struct colour colour, bool edge)
{
    double unit_x[CIRCLE], unit_y[CIRCLE], at_x[CIRCLE], at_y[CIRCLE];
    size_t count = corners(marker, unit_x, unit_y);
    if (!count && marker != MARKER_NONE)
        paint_strokes(canvas, marker, x, y, radius, colour);
    for (int pass = edge ? 0 : 1; pass < 2 && count; pass++) {
        double size = pass ? radius : radius + 0.7;
        for (size_t i = 0; i < count; i++) {
            at_x[i] = x + size * unit_x[i];
            at_y[i] = y + size * unit_y[i];
        }
        canvas_fill(canvas, count, at_x, at_y, pass ? colour : (struct colour){ 255, 255, 255, 1 });
    }
}

void paint_lost(struct canvas *canvas, double x, double y, enum figure_edge edge, bool open, struct colour colour)
{
    double up = edge == EDGE_TOP ? 1 : -1;
    double tri_x[4] = { x - 3.2, x + 3.2, x, x - 3.2 };
    double tri_y[4] = { y - up * 2.4, y - up * 2.4, y + up * 3.4, y - up * 2.4 };
    canvas_fill(canvas, 3, tri_x, tri_y, open ? (struct colour){ 255, 255, 255, 1 } : colour);
    canvas_line(canvas, 4, tri_x, tri_y, colour, 0.9);
}

void paint_marks(struct canvas *canvas, const struct figure *figure, const struct frame_box *box)
{
    enum { COLUMNS = 512, HIGHEST = 6 };
    unsigned char stacked[COLUMNS] = { 0 };
    for (size_t i = 0; i < figure->mark_count; i++) {
        const struct figure_mark *mark = &figure->marks[i];
        double place = axis_place(&figure->x, mark->x);
        if (!(place >= -1e-9 && place <= 1 + 1e-9))
            continue;
        double x = box->left + place * (box->right - box->left);
        /* Marks of one place stand below each other. */
        size_t column = (size_t)(fmax(x - box->left, 0) / 5);
        if (column >= COLUMNS || stacked[column] >= HIGHEST)
            continue;
        double down = 6.6 * stacked[column]++;
        double y = mark->edge == EDGE_TOP ? box->top - down : box->bottom + down;
        paint_lost(canvas, x, y, mark->edge, mark->diverged < mark->trials, paint_colour(mark->shade, mark->colour));
    }
}

/* Markers of a series that would stand on one another are drawn once. */
static int paint_points(struct canvas *canvas, const struct figure *figure, const struct frame_box *box,
                        const struct figure_series *series, size_t total, struct iso_error *err)
{
    const double cell = total > 20000 ? 1.5 : 0.5; /* of very many, those a radius apart do */
    size_t columns = (size_t)((box->right - box->left) / cell) + 2;
    size_t rows = (size_t)((box->top - box->bottom) / cell) + 2;
    unsigned char *taken = series->count > 300 ? memory_array(columns * rows, 1) : NULL;
    double radius = (total > 400 ? 1.6 : total > 120 ? 2.1 : 2.6) * fmin(1, 0.5 + (box->right - box->left) / 400);
    if (series->count > 300 && !taken)
        return error_memory(err);
    struct colour colour = colour_of(series);
    colour.opacity = 1;
    for (size_t i = 0; i < series->count; i++) {
        if (isnan(series->y[i]) || (series->every > 1 && (i + series->every / 2) % series->every))
            continue;
        double x = place_x(figure, box, series->x[i] + dodge(figure, series)), y = place_y(figure, box, series->y[i]);
        if (!(x >= box->left - 0.1 && x <= box->right + 0.1 && y >= box->bottom - 0.1 && y <= box->top + 0.1))
            continue;
        size_t at = (size_t)(fmax(x - box->left, 0) / cell) + columns * (size_t)(fmax(y - box->bottom, 0) / cell);
        if (taken && taken[at])
            continue;
        if (taken)
            taken[at] = 1;
        paint_marker(canvas, series->marker, x, y, radius, colour, total <= 400);
    }
    free(taken);
    return 0;
}

int paint_series(struct canvas *canvas, const struct figure *figure, const struct frame_box *box,
                 struct iso_error *err)
{
    size_t longest = 2, total = 0, bands = 0;
    int status = 0;
    for (size_t i = 0; i < figure->series_count; i++) {
        const struct figure_series *series = &figure->series[i];
        longest = series->count > longest ? series->count : longest;
        bands += series->low && series->line;
        total += series->marker != MARKER_NONE ? series->count / (series->every ? series->every : 1) : 0;
    }
    struct scratch scratch = { memory_array(2 * longest + 4, sizeof(double)),
                               memory_array(2 * longest + 4, sizeof(double)),
                               memory_array(longest + 4, sizeof(double)), memory_array(longest + 4, sizeof(double)),
                               memory_array(longest + 4, 1), memory_array(4 * longest + 8, sizeof(size_t)) };
    if (!scratch.x || !scratch.y || !scratch.cut_x || !scratch.cut_y || !scratch.keep || !scratch.stack) {
        status = error_memory(err);
        goto out;
    }
    for (size_t i = 0; i < figure->series_count; i++)
        if (figure->series[i].low && figure->series[i].line)
            paint_band(canvas, figure, box, &figure->series[i], fmax(0.03, 0.18 * fmin(1, BANDS_FULL / (double)bands)),
                       &scratch);
    static const enum figure_role order[] = { ROLE_BACKDROP, ROLE_FIT, ROLE_DATA, ROLE_ENVELOPE, ROLE_ENVELOPE_END,
                                              ROLE_LAW, ROLE_WHISKERS };
    for (size_t role = 0; role < sizeof order / sizeof *order; role++)
        for (size_t i = 0; i < figure->series_count; i++) {
            const struct figure_series *series = &figure->series[i];
            if (series->role != order[role])
                continue;
            if (series->line)
                paint_line(canvas, figure, box, series, &scratch);
            else if (series->low)
                paint_bars(canvas, figure, box, series);
        }
    for (size_t i = 0; i < figure->series_count && !status; i++)
        if (figure->series[i].marker != MARKER_NONE)
            status = paint_points(canvas, figure, box, &figure->series[i], total, err);

out:
    free(scratch.x);
    free(scratch.y);
    free(scratch.cut_x);
    free(scratch.cut_y);
    free(scratch.keep);
    free(scratch.stack);
    return status;
}
