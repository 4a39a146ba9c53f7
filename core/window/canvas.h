/* What is drawn by hand: strokes over a picture, each undone and done again. Needs no screen. */
#ifndef WINDOW_CANVAS_H
#define WINDOW_CANVAS_H

#include <stdbool.h>
#include <stddef.h>

#define CANVAS_SIDE 448 /* pixels; 16 a pixel of MNIST */

struct canvas_stroke {
    size_t first, count; /* of its points */
    float radius;        /* in pixels */
    enum { CANVAS_DRAW, CANVAS_ERASE, CANVAS_CLEAR } kind;
};
struct canvas_point { float x, y; }; /* in pixels */

struct canvas {
    size_t channels;
    float *ground;  /* the picture below the strokes: channels planes, 0 black to 1 white */
    float *drawing; /* with them */
    struct canvas_stroke *strokes;
    size_t stroke_count, stroke_done, stroke_capacity; /* done: not undone */
    struct canvas_point *points;
    size_t point_count, point_capacity;
    bool failed; /* out of memory: the last stroke is not whole */
};

/* -1: out of memory. */
int canvas_make(struct canvas *canvas, size_t channels);
void canvas_free(struct canvas *canvas);
/* A new picture (channels planes of CANVAS_SIDE^2), or black (NULL), and no strokes. */
void canvas_ground(struct canvas *canvas, const float *picture);
/* A stroke begins at a point and goes on to others, smooth at its edge. */
void canvas_begin(struct canvas *canvas, float x, float y, float radius, bool erase);
void canvas_extend(struct canvas *canvas, float x, float y);
void canvas_clear(struct canvas *canvas); /* can be undone */
void canvas_undo(struct canvas *canvas);
void canvas_redo(struct canvas *canvas);
bool canvas_empty(const struct canvas *canvas); /* all black */

#endif
