/* Histograms with bins of a power of two. */
#include "train/histogram.h"

#include <math.h>

void histogram_of(const float *values, size_t count, double out[HISTOGRAM_VALUES])
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < HISTOGRAM_VALUES; i++)
        out[i] = i < 2 ? NAN : 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            low = fmin(low, (double)values[i]);
            high = fmax(high, (double)values[i]);
        }
    if (low > high)
        return;
    /* The finest width that has all values in the bins; equal values get bins much finer than they are. */
    int exponent = -140;
    if (high > low)
        exponent = (int)ceil(log2((high - low) / HISTOGRAM_BINS)) - 1;
    else if (high != 0)
        exponent = (int)floor(log2(fabs(high))) - 5;
    while (floor(ldexp(high, -exponent)) - floor(ldexp(low, -exponent)) >= HISTOGRAM_BINS)
        exponent++;
    const double first = floor(ldexp(low, -exponent));
    out[0] = exponent;
    out[1] = first;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            out[2 + (size_t)(floor(ldexp((double)values[i], -exponent)) - first)]++;
}
