/* A page to draw on, in points of 1/72 inch from its lower left corner. draw.c draws it by PLplot, or by characters. */
#ifndef FIGURE_CANVAS_H
#define FIGURE_CANVAS_H

#include "base/text.h"
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

/* A picture whose lower left corner is at (x, y). */
void canvas_image(struct canvas *canvas, double x, double y, double width, double height,
                  const struct figure_tile *tile);

/* A picture as PNG in base64; -1: no memory, or libpng would not. image.c */
int image_add_png(struct text *out, const struct figure_tile *tile);
void image_add_base64(struct text *out, const void *bytes, size_t length);

/* The one size that letters have there, in points; 0: any. */
double canvas_letters(const struct canvas *canvas);
double canvas_letter_width(const struct canvas *canvas); /* of each, there; 0: they differ */

/* Width of a text in points: in characters, or for DejaVu Sans, which is wider than the other fonts that may stand in.
 * words.c */
double text_width(const struct canvas *canvas, const char *text, double size, bool bold);

/* Draws a figure on a page of width x height points: layout.c. */
int figure_lay_out(const struct figure *figure, struct canvas *canvas, double width, double height,
                   struct iso_error *err);

/* A fill of this colour in PLplot's SVG stands for the next picture. */
#define SVG_PICTURE_FILL "#FE01FE"
#define SVG_PICTURE_COLOUR (struct colour){ 0xfe, 0x01, 0xfe, 1 }

/* What an SVG says besides its drawing. */
struct svg_words {
    unsigned width, height;         /* points */
    const char *title, *description;
    const char *id;                 /* ids begin with it; NULL: a file of its own */
    const char *const *pictures;    /* <image/> elements, in order of their fills */
    size_t picture_count;
};

/* The same by characters (draw.c). */
struct braille;
int figure_lay_out_characters(const struct figure *figure, struct braille *braille, double width, double height,
                              struct iso_error *err);

/* PLplot's SVG as a compact one: whole tenths of points, no clipping, a title and a description. NULL and words where
 * it is not as PLplot 5 writes it. To be freed. */
char *svg_tidy(const char *svg, size_t length, const struct svg_words *words, struct iso_error *err);

/* A text within XML or HTML, attributes too: what these can't hold becomes a space or the sign for an unreadable
 * character; lines stay lines. */
void svg_escape(struct text *out, const char *text);

#endif
