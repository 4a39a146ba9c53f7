/* Fits power laws with and without a floor by least squares in logarithms. */
#include <math.h>

#include "figure/power_law.h"

#define FLOORS 32      /* tried before the best of them is refined */
#define NARROWINGS 30  /* each to 0.62 of the interval: to 1e-6 of it */
#define STEPS 60       /* of the inner search, which takes about four */

double power_law_at(const struct power_law *law, double x)
{
    double line = law->intercept + law->slope * x;
    return law->floor > 0 ? log(law->floor + exp(line)) : line;
}

/* The line through log(y - E), each point weighted by what a small change of it does to log y: 1 - E / y. */
static bool fit_line(size_t count, const double *x, const double *y, const double *weight, struct power_law *law)
{
    double n = 0, x_mean = 0, y_mean = 0, xx = 0, xy = 0;
    for (size_t i = 0; i < count; i++) {
        double share = 1 - law->floor * exp(-y[i]), w = weight[i] * share * share;
        if (!(w > 0))
            continue;
        double x_step = x[i] - x_mean, line = y[i] + log(share);
        n += w;
        x_mean += w / n * x_step;
        xx += w * x_step * (x[i] - x_mean);
        xy += w * (x[i] - x_mean) * (line - y_mean);
        y_mean += w / n * (line - y_mean);
    }
    if (!(xx > 0))
        return false;
    law->slope = xy / xx;
    law->intercept = y_mean - law->slope * x_mean;
    return true;
}

bool power_law_fit(size_t count, const double *x, const double *y, const double *weight, struct power_law *law)
{
    law->floor = 0;
    return fit_line(count, x, y, weight, law);
}

static double squares(size_t count, const double *x, const double *y, const double *weight, const struct power_law *law)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double residual = y[i] - power_law_at(law, x[i]);
        sum += weight[i] * residual * residual;
    }
    return sum;
}

/* A step of Gauss and Newton in intercept and slope, the floor being fixed: with t = exp(intercept + slope x), log y
 * changes by t / (E + t) of a change of the intercept, and by x times that of one of the slope. */
static bool newton_step(size_t count, const double *x, const double *y, const double *weight,
                        const struct power_law *law, double *intercept, double *slope)
{
    double aa = 0, ab = 0, bb = 0, ar = 0, br = 0;
    for (size_t i = 0; i < count; i++) {
        double value = power_law_at(law, x[i]), share = 1 - law->floor * exp(-value);
        double w = weight[i] * share, residual = y[i] - value;
        aa += w * share;
        ab += w * share * x[i];
        bb += w * share * x[i] * x[i];
        ar += w * residual;
        br += w * residual * x[i];
    }
    double determinant = aa * bb - ab * ab;
    if (!(determinant > 1e-14 * aa * bb))
        return false;
    *intercept = (bb * ar - ab * br) / determinant;
    *slope = (aa * br - ab * ar) / determinant;
    return true;
}

/* The best intercept and slope at a floor; gives the sum of squares, infinite where there is none. */
static double fit_at(double floor, size_t count, const double *x, const double *y, const double *weight,
                     struct power_law *law)
{
    law->floor = floor;
    if (!fit_line(count, x, y, weight, law))
        return INFINITY;
    double best = squares(count, x, y, weight, law), intercept, slope;
    for (int step = 0; step < STEPS && floor > 0 && newton_step(count, x, y, weight, law, &intercept, &slope); step++) {
        double before = best, size = 1;
        for (; size > 1e-4; size /= 2) {
            struct power_law next = { floor, law->intercept + size * intercept, law->slope + size * slope };
            double sum = squares(count, x, y, weight, &next);
            if (sum < best) {
                *law = next;
                best = sum;
                break;
            }
        }
        if (!(before - best > 1e-12 * before))
            break;
    }
    return best;
}

bool power_law_fit_floor(size_t count, const double *x, const double *y, const double *weight, struct power_law *law)
{
    double least = INFINITY, best = INFINITY, ratio = (sqrt(5) - 1) / 2;
    struct power_law tried;
    int place = 0;
    if (count < 4 || !power_law_fit(count, x, y, weight, law))
        return false;
    for (size_t i = 0; i < count; i++)
        least = fmin(least, exp(y[i]));
    for (int i = 0; i < FLOORS; i++) {
        double sum = fit_at(least * i / FLOORS, count, x, y, weight, &tried);
        if (sum < best) {
            best = sum;
            place = i;
            *law = tried;
        }
    }
    /* Golden section between the neighbours of the best. */
    double low = least * (place ? place - 1 : 0) / FLOORS, high = least * (place + 1) / FLOORS;
    double left = high - ratio * (high - low), right = low + ratio * (high - low);
    double left_sum = fit_at(left, count, x, y, weight, &tried), right_sum = fit_at(right, count, x, y, weight, &tried);
    for (int i = 0; i < NARROWINGS; i++)
        if (left_sum < right_sum) {
            high = right;
            right = left;
            right_sum = left_sum;
            left = high - ratio * (high - low);
            left_sum = fit_at(left, count, x, y, weight, &tried);
        } else {
            low = left;
            left = right;
            left_sum = right_sum;
            right = low + ratio * (high - low);
            right_sum = fit_at(right, count, x, y, weight, &tried);
        }
    if (fit_at((low + high) / 2, count, x, y, weight, &tried) < best)
        *law = tried;
    return true;
}
