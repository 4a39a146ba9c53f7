/* The functions of isoflop/vecmath.h beside the C library's float64, and the error of one in units in the last
 * place. */
#ifndef TESTS_VECMATH_COMPARE_H
#define TESTS_VECMATH_COMPARE_H

#include <float.h>
#include <math.h>
#include <stddef.h>

#include <isoflop/vecmath.h>

#define COMPARE_BLOCK 4096

struct compared {
    const char *name;
    void (*block)(const float *x, float *y); /* COMPARE_BLOCK values, as vector code */
    float (*alone)(float x); /* one value, where no loop can become vector code */
    double (*exact)(double x);
    double bound;  /* ulp, as the header states */
    float low, high; /* x for which it holds; beyond, infinities apart, anything finite */
};

struct worst {
    double error; /* in ulp of the exact result; infinite where one is NaN and the other isn't */
    float x, got;
    double exact;
    unsigned long count;
};

#define COMPARE_LOOP(function)                                                                                        \
    static void function##_block(const float *x, float *y)                                                           \
    {                                                                                                                 \
        for (size_t i = 0; i < COMPARE_BLOCK; i++)                                                                    \
            y[i] = function(x[i]);                                                                                    \
    }                                                                                                                 \
    static float function##_alone(float x)                                                                            \
    {                                                                                                                 \
        const volatile float argument = x;                                                                            \
        return function(argument);                                                                                    \
    }
COMPARE_LOOP(iso_exp)
COMPARE_LOOP(iso_exp_negative)
COMPARE_LOOP(iso_expm1)
COMPARE_LOOP(iso_log)
COMPARE_LOOP(iso_log1p)
COMPARE_LOOP(iso_softplus)
COMPARE_LOOP(iso_tanh)
COMPARE_LOOP(iso_sigmoid)
COMPARE_LOOP(iso_erf)
COMPARE_LOOP(iso_normal_cdf)
COMPARE_LOOP(iso_sin)
COMPARE_LOOP(iso_cos)

static double exact_sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double exact_softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x))) + (isnan(x) ? x : 0); /* fmax hides NaN */
}

static double exact_normal_cdf(double x)
{
    return erfc(-x * 0.70710678118654752440) / 2;
}

static const struct compared compared[] = {
    { "exp", iso_exp_block, iso_exp_alone, exp, 1, -INFINITY, INFINITY },
    { "exp_negative", iso_exp_negative_block, iso_exp_negative_alone, exp, 1, -INFINITY, 0 },
    { "expm1", iso_expm1_block, iso_expm1_alone, expm1, 1.6, -INFINITY, INFINITY },
    { "log", iso_log_block, iso_log_alone, log, 0.9, -INFINITY, INFINITY },
    { "log1p", iso_log1p_block, iso_log1p_alone, log1p, 1.5, -INFINITY, INFINITY },
    { "softplus", iso_softplus_block, iso_softplus_alone, exact_softplus, 2.1, -INFINITY, INFINITY },
    { "tanh", iso_tanh_block, iso_tanh_alone, tanh, 3, -INFINITY, INFINITY },
    { "sigmoid", iso_sigmoid_block, iso_sigmoid_alone, exact_sigmoid, 3, -INFINITY, INFINITY },
    { "erf", iso_erf_block, iso_erf_alone, erf, 1.4, -INFINITY, INFINITY },
    { "normal_cdf", iso_normal_cdf_block, iso_normal_cdf_alone, exact_normal_cdf, 8, -1, INFINITY },
    { "normal_cdf far", iso_normal_cdf_block, iso_normal_cdf_alone, exact_normal_cdf, 12, -4, INFINITY },
    { "sin", iso_sin_block, iso_sin_alone, sin, 0.51, -0x1p21f, 0x1p21f },
    { "cos", iso_cos_block, iso_cos_alone, cos, 0.51, -0x1p21f, 0x1p21f },
};

static double error_ulp(float got, double exact)
{
    if (isnan(exact) || isnan(got))
        return isnan(exact) && isnan(got) ? 0 : (double)INFINITY;
    if (fabs(exact) >= 0x1.ffffffp+127) /* rounds to infinity */
        return isinf(got) && (got > 0) == (exact > 0) ? 0 : fabs((double)got) == (double)FLT_MAX ? 1 : (double)INFINITY;
    if (isinf(got))
        return fabs(exact) > 0x1.fffffcp+127 ? 1 : (double)INFINITY;
    int exponent;
    (void)frexp(exact, &exponent);
    const double ulp = ldexp(1, exponent - 24 < -149 || exact == 0 ? -149 : exponent - 24);
    return fabs((double)got - exact) / ulp;
}

/* NaN is always covered, and infinities but where a function is for one sign only. */
static int compare_covers(const struct compared *function, float x)
{
    return isnan(x) || (x >= function->low && x <= function->high) || (isinf(x) && function->high > 0);
}

/* Bit patterns first, first + stride, ... below 2^32. */
static struct worst compare_function(const struct compared *function, uint64_t first, uint64_t stride)
{
    static float x[COMPARE_BLOCK], y[COMPARE_BLOCK];
    struct worst worst = { .error = -1 };
    for (uint64_t bits = first; bits < (uint64_t)1 << 32;) {
        size_t n = 0;
        for (; n < COMPARE_BLOCK && bits < (uint64_t)1 << 32; n++, bits += stride)
            x[n] = iso_float_of((uint32_t)bits);
        function->block(x, y);
        for (size_t i = 0; i < n; i++) {
            if (!compare_covers(function, x[i]))
                continue;
            const double exact = function->exact((double)x[i]), error = error_ulp(y[i], exact);
            worst.count++;
            if (error > worst.error) {
                worst.error = error;
                worst.x = x[i];
                worst.got = y[i];
                worst.exact = exact;
            }
        }
    }
    return worst;
}

#endif
