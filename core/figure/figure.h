/* Figures: what is shown, as plain data, apart from how it is drawn (draw.h, the only place that sees PLplot).
 *
 *   recipe's `figures:` --figure_spec_read--> spec --figure_build(frames)--> figure (series, axes) --figure_draw--> file
 */
#ifndef FIGURE_FIGURE_H
#define FIGURE_FIGURE_H

#include "base/frame.h"
#include "recipe/tree.h"

/* A figure asked for: kind, columns and options. */
struct figure_spec;
/* From one entry of `figures:` (name and mapping); mistakes, with their places, go to `found`. */
struct figure_spec *figure_spec_read(const char *name, const struct node *node, struct diagnostics *found);
void figure_spec_free(struct figure_spec *spec);
const char *figure_spec_name(const struct figure_spec *spec);

/* The results a figure is made from. */
struct figure_results {
    const char *title;          /* of the experiment */
    const struct frame *trials; /* one row a trial: the columns of `export --table trials` */
    const struct frame *points; /* one row a point: `export --table points` */
};

/* The plain data of a figure; fields in figure.c's docs. */
struct figure;
/* NULL and an error in words where there is nothing to draw (no data, all diverged, ...). */
struct figure *figure_build(const struct figure_spec *spec, const struct figure_results *results,
                            struct iso_error *err);
void figure_free(struct figure *figure);

enum figure_format { FIGURE_SVG, FIGURE_PNG, FIGURE_PDF };
/* Writes a figure to a file; width and height in points of 1/72 inch (0: default). */
int figure_draw(const struct figure *figure, const char *path, enum figure_format format, unsigned width,
                unsigned height, struct iso_error *err);

#endif
