/* A figure asked for: its kind, columns and options. */
#ifndef FIGURE_SPEC_H
#define FIGURE_SPEC_H

#include "figure/figure.h"

enum figure_kind {
    KIND_CURVE,
    KIND_MOVING_AVERAGE,
    KIND_LOGLOG,
    KIND_FRONTIER,
    KIND_ISOFLOP,
    KIND_HEATMAP,
    KIND_SCATTER,
    KIND_BARS,
    KIND_CONFUSION,
    KIND_EXAMPLES,
    KIND_FILTERS,
    KIND_ARCHITECTURE,
    KIND_HISTOGRAM,
    KIND_COUNT
};
extern const char *const figure_kinds[KIND_COUNT];

enum band { BAND_SD, BAND_SE, BAND_MINMAX, BAND_QUANTILES, BAND_NONE };
/* What becomes of swept columns that are neither x nor group. */
enum others { OTHERS_SEPARATE, OTHERS_BEST, OTHERS_MEAN };
enum floor { FLOOR_ZERO, FLOOR_FREE }; /* the irreducible loss E of a law */
enum order { ORDER_WRONG, ORDER_FIRST }; /* of examples */
enum source_table { TABLE_AUTO, TABLE_TRIALS, TABLE_POINTS };

struct figure_spec {
    struct arena *arena;
    const char *name, *title, *caption, *x_label, *y_label; /* NULL where not given */
    enum figure_kind kind;
    const char *x; /* of a frontier: the compute column; NULL in a moving average: counts measurements */
    size_t y_count;
    const char **y; /* none: a frontier's default */
    const char *group; /* of a frontier: the size; of a heat map: what runs upwards; NULL: none */
    const char *multiples; /* a panel for each of its values; NULL: one figure */
    const struct column *only; /* of a panel: just the trials that are here as in row only_row */
    size_t only_row;
    size_t budget_count; /* of isoflop; 0: found */
    double *budgets;     /* ascending FLOP */
    enum band band;
    enum others others;
    enum source_table table;
    bool x_log, y_log;
    int lines, points; /* -1: as fits the data */
    int fit;
    uint64_t window;
    double start, multiplier; /* x = start + multiplier * x */
    enum floor floor;
    uint64_t bootstrap; /* resamples of the seeds */
    double extend;      /* how far a law is drawn beyond the data: a factor of x */
    uint64_t trial;                /* of a model; 0: the best */
    const char *checkpoint, *split; /* NULL: as there is */
    uint64_t count;                /* of pictures */
    enum order order;
    const char *of;  /* of a histogram */
    uint64_t steps; /* at most so many of them */
    double x_range[2], y_range[2]; /* low and high; NaN: from the data */
};

#endif
