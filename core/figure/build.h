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
    double highest;       /* NaN, or where the frame ends at most: transients above it are cut off */
    size_t *cell_of;      /* NULL, or where build_series puts the cell of each point of its series */
    const char *panel;    /* the title of the panel that this is; NULL: a figure of its own */
    struct text caption;  /* of a panel: the whole figure's, as far as it goes */
    struct iso_error *err;
};

/* Adds a sentence to the caption, once. */
#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
void build_say(struct build *build, const char *format, ...);
/* The same, of what is counted in a panel: with the panel's title. */
#if defined __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
void build_say_here(struct build *build, const char *format, ...);
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

/* The sentences so far as the figure's caption; panels leave theirs to the page. */
int build_close_caption(struct build *build);
/* A swept value in words: "[500,150]" is "500, 150", {"leaky_relu":{"slope":0.02}} is "leaky_relu (slope 0.02)". NULL:
 * out of memory. */
const char *build_tidy(struct arena *arena, const char *text);

/* By the kind that the spec asks for. */
int build_kind(struct build *build);
int build_curve(struct build *build);     /* moving averages, straight lines in logarithms, scatter: curve.c */
int build_frontier(struct build *build);  /* frontier.c */
int build_isoflop(struct build *build);   /* isoflop.c */
int build_bars(struct build *build);      /* table.c */
int build_heatmap(struct build *build);
int build_confusion(struct build *build); /* model.c */
int build_examples(struct build *build);
int build_filters(struct build *build);
int build_architecture(struct build *build);
int build_histogram(struct build *build); /* histogram.c */
/* The trial that a figure of one model shows, said in the caption; and the end of such a caption (model.c). */
int build_choose_trial(struct build *build, struct figure_wish *wish);
int build_end_model(struct build *build);
int build_ranges(struct build *build); /* of the axes, from what the figure has so far */
int build_multiples(struct build *build); /* multiples.c */
void build_share_axes(struct figure *figure); /* of its panels */

/* Of swept columns that are neither x nor group: keeps the best, or says that they are averaged over (curve.c). */
int build_keep_best(struct build *build);
int build_say_averaged(struct build *build);
/* The y of a recipe that names none: validation.loss where there is one (frontier.c). */
const char *build_default_y(const struct figure_results *results);
/* A straight line in logarithms in numbers (curve.c). */
int build_law(struct build *build, const char *of, size_t count, double intercept, double slope, double error,
              struct figure_law *law);
/* Least squares for y = out[0] + out[1] x + out[2] x^2; false for fewer than three different x. */
bool build_parabola(size_t count, const double *x, const double *y, double out[3]);


/* Least squares: y = intercept + slope x; error: the slope's standard error, NaN for fewer than three points. False for
 * fewer than two different x. */
bool build_straight_line(size_t count, const double *x, const double *y, double *intercept, double *slope,
                         double *error);

#endif
