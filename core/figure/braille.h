/* A canvas of characters: lines as dots of braille, words as they are, areas as coloured cells. */
#ifndef FIGURE_BRAILLE_H
#define FIGURE_BRAILLE_H

#include "figure/canvas.h"

#define BRAILLE_COLUMN 5.0 /* points of the page to a character, so that words take about their room */
#define BRAILLE_ROW 10.0

struct braille;
struct braille *braille_new(size_t columns, size_t rows); /* NULL: out of memory */
void braille_free(struct braille *braille);
void braille_line(struct braille *braille, size_t count, const double *x, const double *y, struct colour colour);
void braille_fill(struct braille *braille, size_t count, const double *x, const double *y, struct colour colour);
void braille_text(struct braille *braille, double x, double y, enum anchor anchor, bool up, bool bold,
                  struct colour colour, const char *text);
void braille_image(struct braille *braille, double x, double y, double width, double height,
                   const struct figure_tile *tile);
/* Lines of UTF-8; colours as escape sequences for 256 colours, or none. */
void braille_write(const struct braille *braille, bool colours, struct text *out);

#endif
