/* Histograms of weights, gradients and activations, as numbers measured at a point.
 *
 * All bins of one histogram have the width 2^e and edges at its multiples: bin k holds the values in [k 2^e, (k + 1)
 * 2^e). So two of them are added up exactly, by joining pairs of bins of the finer one. */
#ifndef TRAIN_HISTOGRAM_H
#define TRAIN_HISTOGRAM_H

#include <stddef.h>

#define HISTOGRAM_BINS 64                   /* at most; at least half as many where values differ */
#define HISTOGRAM_VALUES (2 + HISTOGRAM_BINS) /* e, the first bin's k, counts */

/* Counts of finite values; out[0] is NaN where there is none. */
void histogram_of(const float *values, size_t count, double out[HISTOGRAM_VALUES]);

#endif
