/* Lines, bands and markers within the frame: clipped, and thinned to what can be seen. */
#ifndef FIGURE_PAINT_H
#define FIGURE_PAINT_H

#include "figure/canvas.h"

struct frame_box {
    double left, right, bottom, top; /* points on the page */
};

struct colour paint_colour(double shade, size_t colour); /* of a series */
struct colour paint_shade(double shade);                 /* of the scale alone */
struct colour paint_dark(struct colour colour);          /* dark enough for text on white */
int paint_series(struct canvas *canvas, const struct figure *figure, const struct frame_box *box,
                 struct iso_error *err);
/* Cells with their words, as far as these fit. */
void paint_cells(struct canvas *canvas, const struct figure *figure, const struct frame_box *box, double size);
void paint_marks(struct canvas *canvas, const struct figure *figure, const struct frame_box *box);
void paint_marker(struct canvas *canvas, enum figure_marker marker, double x, double y, double radius,
                  struct colour colour, bool edge);
/* A triangle that points out of the frame; open: some of the seeds only. */
void paint_lost(struct canvas *canvas, double x, double y, enum figure_edge edge, bool open, struct colour colour);
void paint_dashes(struct canvas *canvas, size_t count, const double *x, const double *y, struct colour colour,
                  double width);
double paint_width(const struct figure_series *series);
/* Keeps the points of a line without which it would move by more than `tolerance` (Ramer, Douglas, Peucker). Returns
 * how many; `keep` has room for count. */
size_t paint_thin(size_t count, double *x, double *y, double tolerance, unsigned char *keep, size_t *stack);

#endif
