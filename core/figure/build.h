/* What the builders of the kinds share. */
#ifndef FIGURE_BUILD_H
#define FIGURE_BUILD_H

#include "figure/gather.h"

/* A figure in the making. */
struct build {
    struct arena *arena; /* the figure's */
    const struct figure_spec *spec;
    const struct figure_results *results;
    struct figure *figure;
    struct gathered *data;
    struct quantity x, y, group;
    enum band band;
    bool median;          /* a diverged seed: bands are quantiles about the median */
    size_t left_out, zero_steps; /* values that logarithmic axes can't show */
    size_t *cell_of;      /* NULL, or where build_series puts the cell of each point of its series */
    struct text caption;
    struct iso_error *err;
};

/* Adds a sentence to the caption. */
#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
void build_say(struct build *build, const char *format, ...);
/* Gathers, names axes, chooses and computes bands. */
int build_gather(struct build *build, bool averaged);
/* The series of a line, as far as axes can show it; 0 or -1 where memory is out. */
int build_series(struct build *build, const struct line *line, struct figure_series *series);
/* Colour by group: a shade for numbers, else from the set for categories. */
void build_colour(const struct build *build, size_t group, double *shade, size_t *colour);
const char *build_group_label(const struct build *build, size_t group, bool direct);
/* Scale of colours for the groups, as an axis. */
void build_scale(struct build *build);
int build_marks(struct build *build);
/* Ranges of the axes, what was left out, the caption. Fails in words where nothing is to be seen. */
int build_finish(struct build *build);

int build_curve(struct build *build);    /* and moving averages and straight lines in logarithms: curve.c */
int build_frontier(struct build *build); /* frontier.c */


/* Least squares: y = intercept + slope x; error: the slope's standard error, NaN for fewer than three points. False for
 * fewer than two different x. */
bool build_straight_line(size_t count, const double *x, const double *y, double *intercept, double *slope,
                         double *error);

#endif
