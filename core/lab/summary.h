/* Means and standard deviations over the seeds of each point of a sweep. */
#ifndef LAB_SUMMARY_H
#define LAB_SUMMARY_H

#include <stdbool.h>

#include "lab/results.h"

struct summary_row {
    size_t first, end; /* rows of the trials' frame */
    size_t trials;  /* of this point, each key once */
    size_t done, diverged, failed;
    double *mean, *sd; /* of each metric, over trials that are done; NaN: none, or only one */
    size_t *n;         /* values that each mean is of */
    bool best;         /* the lowest mean validation loss */
};

struct summary {
    struct frame *trials; /* owned */
    bool *repeats;        /* by trial: its point has one with the same key before it */
    size_t key_count;
    size_t *keys;       /* columns of `trials` that were swept */
    size_t metric_count;
    size_t *metrics;    /* columns that are averaged */
    size_t count;
    struct summary_row *rows;
};

/* Takes the trials' frame over, also on failure. metrics: names of columns (NULL: every measured one that is not
 * empty). */
struct summary *summary_new(struct frame *trials, const char *const *metrics, size_t metric_count,
                            struct iso_error *err);
void summary_free(struct summary *summary);
/* The same where also the values of another column (NULL: none) tell points apart. */
struct summary *summary_by(struct frame *trials, const char *also, const char *const *metrics, size_t metric_count,
                           struct iso_error *err);
/* Whether two rows of `trials` have the same values in the key columns, but for the one of index `except` (SIZE_MAX:
 * none) among keys. */
bool summary_same_point(const struct summary *summary, size_t a, size_t b, size_t except);
/* Is this row of `trials` a trial that is done, and the first of its point with its key? */
bool summary_counts(const struct summary *summary, size_t trial);
/* Sorts by any column: a swept one, n, or the mean of numbers. */
int summary_sort(struct summary *summary, const char *column, bool descending, struct iso_error *err);
/* "1.2340" with as many decimals as the deviation gives reason for; `empty` where it is NaN. */
void summary_number(double mean, double sd, char out[64]);

#endif
