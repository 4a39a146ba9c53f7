/* Means and standard deviations over the seeds of each point of a sweep. */
#ifndef LAB_SUMMARY_H
#define LAB_SUMMARY_H

#include <stdbool.h>

#include "lab/results.h"

struct summary_row {
    size_t first;   /* row of the trials' frame that the swept values are taken from */
    size_t trials;  /* of this point */
    size_t done, diverged, failed;
    double *mean, *sd; /* of each metric, over trials that are done; NaN: none, or only one */
    size_t *n;         /* values that each mean is of */
    bool best;         /* the lowest mean validation loss */
};

struct summary {
    struct frame *trials; /* owned */
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
/* Sorts by a swept column or the mean of a metric. */
int summary_sort(struct summary *summary, const char *column, bool descending, struct iso_error *err);
/* "1.2340" with as many decimals as the deviation gives reason for; `empty` where it is NaN. */
void summary_number(double mean, double sd, char out[64]);

#endif
