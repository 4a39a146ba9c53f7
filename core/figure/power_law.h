/* Power laws through points: y = a x^b, or y = E + a x^b with a floor E. No figure is seen here. */
#ifndef FIGURE_POWER_LAW_H
#define FIGURE_POWER_LAW_H

#include <stdbool.h>
#include <stddef.h>

struct power_law {
    double floor;            /* E, 0 or more */
    double intercept, slope; /* log(y - E) = intercept + slope log x */
};

/* log y at log x. */
double power_law_at(const struct power_law *law, double x);

/* Weighted least squares of log y. x and y are logarithms; no weight is negative. False: fewer than two different x. */
bool power_law_fit(size_t count, const double *x, const double *y, const double *weight, struct power_law *law);
/* The same with the floor free, from 0 to the least y: of all such laws the one with the least squares of log y, so
 * that with a floor of 0 both are the same. False also for fewer than four points. */
bool power_law_fit_floor(size_t count, const double *x, const double *y, const double *weight, struct power_law *law);

#endif
