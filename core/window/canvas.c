/* Strokes over a picture. */
#include "window/canvas.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define AREA ((size_t)CANVAS_SIDE * CANVAS_SIDE)
#define EDGE 0.4f /* of the radius, over which ink fades */

int canvas_make(struct canvas *canvas, size_t channels)
{
    *canvas = (struct canvas){ .channels = channels };
    canvas->ground = calloc(channels * AREA, sizeof(float));
    canvas->drawing = calloc(channels * AREA, sizeof(float));
    if (canvas->ground && canvas->drawing)
        return 0;
    canvas_free(canvas);
    return -1;
}

void canvas_free(struct canvas *canvas)
{
    free(canvas->ground);
    free(canvas->drawing);
    free(canvas->strokes);
    free(canvas->points);
    *canvas = (struct canvas){ 0 };
}

static void *grown(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return array;
    const size_t more = 2 * count + 64;
    void *larger = more > SIZE_MAX / size ? NULL : realloc(array, more * size);
    if (larger)
        *capacity = more;
    return larger;
}

/* Ink along the line from a to b: a pixel is covered by how far inside the radius it lies. */
static void ink(struct canvas *canvas, struct canvas_point a, struct canvas_point b, float radius, bool erase)
{
    const float reach = radius + 1, dx = b.x - a.x, dy = b.y - a.y, square = dx * dx + dy * dy;
    const int left = (int)fmaxf(0, fminf(a.x, b.x) - reach), top = (int)fmaxf(0, fminf(a.y, b.y) - reach);
    const int right = (int)fminf(CANVAS_SIDE - 1, fmaxf(a.x, b.x) + reach);
    const int bottom = (int)fminf(CANVAS_SIDE - 1, fmaxf(a.y, b.y) + reach);
    for (int y = top; y <= bottom; y++) {
        for (int x = left; x <= right; x++) {
            const float px = (float)x + 0.5f - a.x, py = (float)y + 0.5f - a.y;
            const float along = square > 0 ? fminf(1, fmaxf(0, (px * dx + py * dy) / square)) : 0;
            const float distance = hypotf(px - along * dx, py - along * dy);
            const float cover = fminf(1, fmaxf(0, (radius - distance) / (EDGE * radius)));
            for (size_t c = 0; c < canvas->channels; c++) {
                float *pixel = &canvas->drawing[c * AREA + (size_t)y * CANVAS_SIDE + (size_t)x];
                *pixel = erase ? fminf(*pixel, 1 - cover) : fmaxf(*pixel, cover);
            }
        }
    }
}

static void paint(struct canvas *canvas, const struct canvas_stroke *stroke)
{
    if (stroke->kind == CANVAS_CLEAR)
        memset(canvas->drawing, 0, canvas->channels * AREA * sizeof(float));
    for (size_t i = 0; i < stroke->count; i++) {
        const struct canvas_point *point = &canvas->points[stroke->first + i];
        ink(canvas, i ? point[-1] : point[0], point[0], stroke->radius, stroke->kind == CANVAS_ERASE);
    }
}

static void paint_all(struct canvas *canvas)
{
    memcpy(canvas->drawing, canvas->ground, canvas->channels * AREA * sizeof(float));
    for (size_t i = 0; i < canvas->stroke_done; i++)
        paint(canvas, &canvas->strokes[i]);
}

void canvas_ground(struct canvas *canvas, const float *picture)
{
    if (picture)
        memcpy(canvas->ground, picture, canvas->channels * AREA * sizeof(float));
    else
        memset(canvas->ground, 0, canvas->channels * AREA * sizeof(float));
    canvas->stroke_count = canvas->stroke_done = canvas->point_count = 0;
    paint_all(canvas);
}

/* What was undone is forgotten when something new is done. */
static bool add_stroke(struct canvas *canvas, struct canvas_stroke stroke)
{
    struct canvas_stroke *strokes = grown(canvas->strokes, &canvas->stroke_capacity, canvas->stroke_done + 1,
                                          sizeof *strokes);
    canvas->failed = !strokes;
    if (!strokes)
        return false;
    canvas->strokes = strokes;
    canvas->point_count = canvas->stroke_done ? strokes[canvas->stroke_done - 1].first +
                                                    strokes[canvas->stroke_done - 1].count
                                              : 0;
    stroke.first = canvas->point_count;
    strokes[canvas->stroke_done++] = stroke;
    canvas->stroke_count = canvas->stroke_done;
    return true;
}

void canvas_extend(struct canvas *canvas, float x, float y)
{
    struct canvas_point *points = grown(canvas->points, &canvas->point_capacity, canvas->point_count + 1,
                                        sizeof *points);
    canvas->failed = canvas->failed || !points;
    if (canvas->failed || !canvas->stroke_done)
        return;
    canvas->points = points;
    struct canvas_stroke *stroke = &canvas->strokes[canvas->stroke_done - 1];
    struct canvas_point *point = &points[canvas->point_count++];
    *point = (struct canvas_point){ x, y };
    ink(canvas, stroke->count++ ? point[-1] : *point, *point, stroke->radius, stroke->kind == CANVAS_ERASE);
}

void canvas_begin(struct canvas *canvas, float x, float y, float radius, bool erase)
{
    if (add_stroke(canvas, (struct canvas_stroke){ .radius = radius, .kind = erase ? CANVAS_ERASE : CANVAS_DRAW }))
        canvas_extend(canvas, x, y);
}

void canvas_clear(struct canvas *canvas)
{
    if (!canvas_empty(canvas) && add_stroke(canvas, (struct canvas_stroke){ .kind = CANVAS_CLEAR }))
        paint(canvas, &canvas->strokes[canvas->stroke_done - 1]);
}

void canvas_undo(struct canvas *canvas)
{
    if (canvas->stroke_done) {
        canvas->stroke_done--;
        paint_all(canvas);
    }
}

void canvas_redo(struct canvas *canvas)
{
    if (canvas->stroke_done < canvas->stroke_count)
        paint(canvas, &canvas->strokes[canvas->stroke_done++]);
}

bool canvas_empty(const struct canvas *canvas)
{
    for (size_t i = 0; i < canvas->channels * AREA; i++)
        if (canvas->drawing[i] > 0)
            return false;
    return true;
}
