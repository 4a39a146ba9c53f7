/* A page to draw on, in points of 1/72 inch from its lower left corner. draw.c is its one kind, over PLplot. */
#ifndef FIGURE_CANVAS_H
#define FIGURE_CANVAS_H

#include "figure/figure.h"

struct colour {
    unsigned char red, green, blue;
    double opacity;
};

enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

struct canvas; /* draw.c */
void canvas_line(struct canvas *canvas, size_t count, const double *x, const double *y, struct colour colour,
                 double width);
void canvas_fill(struct canvas *canvas, size_t count, const double *x, const double *y, struct colour colour);
/* UTF-8 with superscript digits; y is the middle of capital letters. `up`: reads upwards, then x is that middle. */
void canvas_text(struct canvas *canvas, double x, double y, double size, enum anchor anchor, bool up, bool bold,
                 struct colour colour, const char *text);

/* Width of a text in points, for DejaVu Sans, which is wider than the other fonts that may stand in. */
double text_width(const char *text, double size, bool bold);

/* Draws a figure on a page of width x height points: layout.c. */
int figure_lay_out(const struct figure *figure, struct canvas *canvas, double width, double height,
                   struct iso_error *err);

/* PLplot's SVG as a compact one: whole tenths of points, no clipping, a title and a description. NULL and words where
 * it is not as PLplot 5 writes it. To be freed. */
char *svg_tidy(const char *svg, size_t length, unsigned width, unsigned height, const char *title,
               const char *description, struct iso_error *err);

#endif
