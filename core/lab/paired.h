/* Paired differences over seeds: what changing one swept value does, seed by seed. */
#ifndef LAB_PAIRED_H
#define LAB_PAIRED_H

#include "lab/summary.h"

/* A paired difference: the mean over seeds of (value here - value there), with its standard deviation and the interval
 * that holds the true mean with the confidence asked for, by Student's t with n - 1 degrees of freedom. */
struct paired_difference {
    size_t n;
    double mean, sd, low, high; /* NaN: too few pairs */
};

/* One setting of the other paths and one value of the path, against the reference value. */
struct paired_row {
    size_t row, reference;             /* in summary->rows */
    size_t pairs;                      /* seeds that both have */
    size_t diverged, failed, unfinished; /* of these, where either did not end; they are in no mean */
    struct paired_difference *metrics; /* summary->metric_count */
};

struct paired {
    size_t key;       /* the path's place in summary->keys */
    size_t reference; /* row of summary->trials that has the reference value */
    size_t count;
    struct paired_row *rows;
};

/* Differences along `path`. reference: the value that others are compared with, as tables show it; NULL: the first. */
struct paired *paired_new(const struct summary *summary, const char *path, const char *reference, double confidence,
                          struct iso_error *err);
void paired_free(struct paired *paired);
/* Of one column between two points, a - b, over the seeds that both have done. */
struct paired_difference paired_between(const struct summary *summary, const struct summary_row *a,
                                        const struct summary_row *b, const struct column *column, double confidence);
/* Does the interval exclude 0? */
bool paired_differs(const struct paired_difference *difference);

#endif
