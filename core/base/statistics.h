/* Means, deviations, sorted values and Student's t. */
#ifndef BASE_STATISTICS_H
#define BASE_STATISTICS_H

#include <stddef.h>

/* Running mean and sum of squared deviations (Welford's recurrence). Begins as { 0 }. */
struct moments {
    size_t n;
    double mean, squares;
};
void moments_add(struct moments *moments, double value);
double moments_mean(const struct moments *moments);  /* NaN of nothing */
double moments_sd(const struct moments *moments);    /* divided by n - 1; NaN below two values */
double moments_error(const struct moments *moments); /* standard error of the mean: sd / sqrt(n) */

/* Into ascending order (no NaN among them); the second also drops repeated values and tells how many are left. */
void reals_sort(double *values, size_t count);
size_t reals_unique(double *values, size_t count);

/* t below which Student's distribution of so many degrees of freedom (> 0) has the given probability (in (0, 1)). */
double student_quantile(double probability, double degrees);

#endif
