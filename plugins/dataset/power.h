/* Powers in double from + - * / alone, so that generated data have the same bits on every machine. */
#ifndef DATASET_POWER_H
#define DATASET_POWER_H

#include <isoflop/vecmath.h>

/* base^exponent for 1 <= base < inf and |x| < 700, where x = exponent ln base; relative error about 1e-15 (1 + |x|).
 * e^x = 2^k e^r with k the integer next to x / ln 2; e^r by its Taylor series, |r| < 0.35. */
static inline double power(double base, double exponent)
{
    const double x = exponent * iso_log_double(base);
    const double rounder = 6755399441055744.0; /* 1.5 * 2^52 */
    const double k = (x * 0x1.71547652b82fep+0 + rounder) - rounder;
    const double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    double sum = 1;
    for (int n = 16; n > 0; n--)
        sum = 1 + sum * r / n;
    const union iso_double_bits two_to_k = { .bits = (uint64_t)((int64_t)k + 1023) << 52 };
    return sum * two_to_k.value;
}

#endif
