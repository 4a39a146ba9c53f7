/* Means, deviations, sorted values and Student's t. */
#include "base/statistics.h"

#include <math.h>
#include <stdlib.h>

void moments_add(struct moments *moments, double value)
{
    const double change = value - moments->mean;
    moments->n++;
    moments->mean += change / (double)moments->n;
    moments->squares += change * (value - moments->mean);
}

double moments_mean(const struct moments *moments)
{
    return moments->n ? moments->mean : NAN;
}

double moments_sd(const struct moments *moments)
{
    return moments->n > 1 ? sqrt(moments->squares / (double)(moments->n - 1)) : NAN;
}

double moments_error(const struct moments *moments)
{
    return moments_sd(moments) / sqrt((double)moments->n);
}

static int compare_reals(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void reals_sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_reals);
}

size_t reals_unique(double *values, size_t count)
{
    size_t kept = 0;
    reals_sort(values, count);
    for (size_t i = 0; i < count; i++)
        if (!kept || values[i] != values[kept - 1])
            values[kept++] = values[i];
    return kept;
}

/* The regularised incomplete beta function by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated by Lentz's
 * method; it converges fast for x < (a + 1) / (a + b + 2), and the other side is its mirror image. */
static double incomplete_beta(double x, double a, double b)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    if (x > (a + 1) / (a + b + 2))
        return 1 - incomplete_beta(1 - x, b, a);
    const double tiny = 1e-300;
    const double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double sum = d;
    for (int m = 1; m < 10000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double factor = 1;
        for (int half = 0; half < 2; half++) {
            const double term = half ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            factor = c * d;
            sum *= factor;
        }
        if (fabs(factor - 1) < 1e-15)
            break;
    }
    return front * sum;
}

/* Abramowitz and Stegun 26.7.1: the two tails together hold I_x(degrees / 2, 1 / 2), x = degrees / (degrees + t^2). */
static double upper_tail(double t, double degrees)
{
    return incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
}

double student_quantile(double probability, double degrees)
{
    if (!(probability > 0 && probability < 1) || !(degrees > 0))
        return NAN;
    if (probability < 0.5)
        return -student_quantile(1 - probability, degrees);
    double low = 0, high = 1;
    while (upper_tail(high, degrees) > 1 - probability && high < 1e150)
        high *= 2;
    for (int i = 0; i < 200 && low < high; i++) { /* bisection: the tail falls with t */
        const double middle = low + (high - low) / 2;
        if (middle == low || middle == high)
            break;
        *(upper_tail(middle, degrees) > 1 - probability ? &low : &high) = middle;
    }
    return low + (high - low) / 2;
}
