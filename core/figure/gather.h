/* Gathers rows of results into lines of cells: a cell is all seeds of one configuration at one x. */
#ifndef FIGURE_GATHER_H
#define FIGURE_GATHER_H

#include "figure/spec.h"
#include "figure/quantity.h"

struct cell {
    double key;              /* what seeds are matched by: x itself or, along a trial, the step */
    double x;                /* mean over the seeds */
    size_t trials, diverged; /* seeds here, and those of them that diverged here or before */
    size_t first, count;     /* the finite values: gathered.values[first ...] */
    double middle, low, high; /* of gather_summarise(); NaN: nothing to draw; low and high may be infinite */
};

struct line {
    size_t group; /* into gathered.groups */
    size_t y;     /* into spec.y */
    size_t trial; /* a row of the trials: whose group and others this line has */
    size_t trials;
    size_t count;
    struct cell *cells; /* ascending keys */
};

/* A diverged trial of a line, for the mark at the edge. */
struct lost {
    size_t line;
    double x; /* NaN: not known, before the first measurement */
    size_t diverged, trials;
};

struct group {
    double number;    /* of a numeric column */
    const char *text; /* of a text column; NULL */
};

struct gathered {
    struct arena *arena;
    bool along;      /* x runs along the trials: the table of points */
    bool indexed;    /* x counts measurements */
    bool by_trial;   /* a line each trial: seeds could not be matched */
    const struct column *x_column, *group_column;
    size_t name_count; /* of a text x */
    const char **names;
    size_t group_count;
    struct group *groups; /* ascending numbers, or texts in order of their first row; one for no group */
    size_t other_count;
    const struct column **others; /* swept columns, neither x nor group, that vary within a line's cells */
    size_t line_count;
    struct line *lines; /* by group, y, others */
    size_t lost_count;
    struct lost *lost;
    double *values;
    size_t *value_trials;         /* whose values these are: rows of the trials */
    size_t trial_count;           /* rows of the trials, and of each: */
    const size_t *trial_line;     /* line / spec.y_count; SIZE_MAX: of none */
    const bool *trial_lost;       /* it diverged */
    const struct column *seed;    /* NULL: none */
    size_t seeds_low, seeds_high; /* of the cells */
    bool seeds;                   /* of an experiment: cells hold seeds, else rows */
    /* For the caption. */
    size_t trials, diverged, unfinished, failed, empty, short_trials, cut;
    size_t longest; /* measurements of the longest trial, before averaging */
};

/* NULL and words where the columns are not there or nothing is left. With `averaged`, each trial's values are first
 * averaged over spec.window. All in `arena`. */
struct gathered *gather_results(struct arena *arena, const struct figure_spec *spec,
                                const struct figure_results *results, bool averaged, struct iso_error *err);
/* Fills in middle, low and high of every cell. Quantiles count a diverged seed as the worst value (more_is_better: the
 * lowest); other bands are over the finite values. */
void gather_summarise(struct gathered *gathered, enum band band, bool more_is_better);
/* The quantile of ascending values by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996),
 * `lowest` and `highest` values of -inf and inf being added. */
double gather_quantile(const double *sorted, size_t count, size_t lowest, size_t highest, double fraction);
/* Whether a column of an experiment's trials is a swept path, the case or the like. */
bool gather_is_swept(const struct frame *trials, size_t index);
/* Whether two rows hold the same value; empty ones are alike. */
bool gather_same(const struct column *column, size_t a, size_t b);

#endif
