/* isoflop/vecmath.h: elementary functions of float32, for loops over arrays.
 *
 * Each is a few polynomials without a branch, a table or a call, so that a compiler turns `for (...) y[i] =
 * iso_exp(x[i]);` into vector code (gcc -O3, or -O2 -ftree-vectorize -fvect-cost-model=dynamic; clang -O2). They use
 * only operations that IEEE 754 rounds exactly and no fused multiply-add, so the bits are the same in a loop's body and
 * its tail, on every processor and from every compiler, unlike those of a libm. Compile with -ffp-contract=off and
 * without -ffast-math.
 *
 * Errors are the largest over every float32 argument, in units in the last place of the exact result, against the C
 * library's float64 (tests/bench/vecmath_exhaustive.c). NaN gives NaN, infinities their limits; subnormal arguments and
 * results are right where the processor does not flush them to zero. The polynomials are weighted minimax fits
 * (tests/reference/fit_vecmath.py).
 */
#ifndef ISOFLOP_VECMATH_H
#define ISOFLOP_VECMATH_H

#include <stdint.h>

#if defined __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* Inlined always, without which a loop can't become vector code. */
#if defined __GNUC__
#define ISO_VECTOR static inline __attribute__((always_inline))
#else
#define ISO_VECTOR static inline
#endif

union iso_float_bits {
    float value;
    uint32_t bits;
};
union iso_double_bits {
    double value;
    uint64_t bits;
};

ISO_VECTOR uint32_t iso_bits_of(float x)
{
    return ((union iso_float_bits){ .value = x }).bits;
}

ISO_VECTOR float iso_float_of(uint32_t bits)
{
    return ((union iso_float_bits){ .bits = bits }).value;
}

ISO_VECTOR float iso_abs(float x)
{
    return iso_float_of(iso_bits_of(x) & 0x7fffffffu);
}

/* |magnitude| with the sign of `sign`. */
ISO_VECTOR float iso_copysign(float magnitude, float sign)
{
    return iso_float_of((iso_bits_of(magnitude) & 0x7fffffffu) | (iso_bits_of(sign) & 0x80000000u));
}

/* x limited to [low, high]; NaN stays NaN. */
ISO_VECTOR float iso_clamp(float x, float low, float high)
{
    const float y = x < low ? low : x;
    return y > high ? high : y;
}

/* 1.5 * 2^23: adding it rounds a float below 2^22 to a whole number, which is then in the low bits. */
#define ISO_ROUNDER 12582912.0f
/* ln 2 = ISO_LN2_HIGH + ISO_LN2_LOW; n * ISO_LN2_HIGH is exact for |n| < 2^15. */
#define ISO_LN2_HIGH 0x1.63p-1f
#define ISO_LN2_LOW (-0x1.bd0106p-13f)

/* e^r - 1 and n with x = n ln 2 + r, |r| <= ln 2 / 2, for |x| < 128. */
ISO_VECTOR float iso_exp_reduced(float x, uint32_t *n)
{
    const float shifted = x * 0x1.715476p+0f + ISO_ROUNDER;
    const float whole = shifted - ISO_ROUNDER;
    const float r = (x - whole * ISO_LN2_HIGH) - whole * ISO_LN2_LOW;
    float p = 0x1.6a492cp-10f;
    p = p * r + 0x1.12399ep-7f;
    p = p * r + 0x1.5558b4p-5f;
    p = p * r + 0x1.555492p-3f;
    p = p * r + 0x1.fffffcp-2f;
    *n = iso_bits_of(shifted) - 0x4b400000u;
    return r + r * r * p;
}

/* 2^n for -126 <= n <= 127, n in two's complement. */
ISO_VECTOR float iso_power_of_two(uint32_t n)
{
    return iso_float_of((n + 127u) << 23);
}

/* e^x. Error at most 1 ulp. */
ISO_VECTOR float iso_exp(float x)
{
    uint32_t n;
    const float p = 1.0f + iso_exp_reduced(iso_clamp(x, -104.0f, 89.0f), &n);
    /* 2^n in two factors: n goes from -150 to 128. The offset makes the halving one of a positive number. */
    const uint32_t half = ((n + 256u) >> 1) - 128u;
    return p * iso_power_of_two(half) * iso_power_of_two(n - half);
}

/* e^x for x <= 0, in fewer operations. Error at most 1 ulp. */
ISO_VECTOR float iso_exp_negative(float x)
{
    uint32_t n;
    const float p = 1.0f + iso_exp_reduced(x < -104.0f ? -104.0f : x, &n);
    return p * iso_power_of_two(n + 64u) * 0x1p-64f;
}

/* e^x - 1, without loss for small x. Error at most 1.6 ulp. */
ISO_VECTOR float iso_expm1(float x)
{
    uint32_t n;
    const float p = iso_exp_reduced(iso_clamp(x, -20.0f, 89.0f), &n);
    const float half = iso_power_of_two(n - 1u);
    return 2.0f * (half * p + (half - 0.5f));
}

/* log(x / 2^log2_scale) for x positive, finite and not subnormal; any number for others, NaN included. */
ISO_VECTOR float iso_log_normal(float x, float log2_scale)
{
    const uint32_t bits = iso_bits_of(x) - 0x3f3504f3u; /* from sqrt(1/2) */
    /* x = 2^k m with sqrt(1/2) <= m < sqrt(2); the exponent is biased to stay positive. */
    const float k = (float)(int32_t)((bits + 0x4b800000u) >> 23) - (151.0f + log2_scale);
    const float f = iso_float_of((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    const float square = f * f;
    float p = 0x1.147338p-4f;
    p = p * f - 0x1.de01dap-4f;
    p = p * f + 0x1.e6c00ap-4f;
    p = p * f - 0x1.fc28cap-4f;
    p = p * f + 0x1.233ba2p-3f;
    p = p * f - 0x1.555c44p-3f;
    p = p * f + 0x1.99a476p-3f;
    p = p * f - 0x1.000006p-2f;
    p = p * f + 0x1.555548p-2f;
    return f + (square * (f * p - 0.5f) + k * ISO_LN2_LOW) + k * ISO_LN2_HIGH;
}

/* Natural logarithm; log(0) = -inf, NaN below. Error at most 0.9 ulp. */
ISO_VECTOR float iso_log(float x)
{
    const int tiny = x < 0x1p-126f;
    const float y = iso_log_normal(tiny ? x * 0x1p24f : x, tiny ? 24.0f : 0.0f);
    const float inside = x > 0 ? (x <= 0x1.fffffep+127f ? y : x) : iso_float_of(0x7fc00000u);
    return x == 0 ? iso_float_of(0xff800000u) : inside;
}

/* log(1 + x), without loss for small x. Error at most 1.5 ulp. */
ISO_VECTOR float iso_log1p(float x)
{
    const float sum = 1.0f + x;
    const float lost = (x - (sum - 1.0f)) / sum;
    return iso_log(sum) + (x < 0x1p24f && x > -1.0f ? lost : 0.0f);
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). Error at most 2.1 ulp. */
ISO_VECTOR float iso_softplus(float x)
{
    const float e = iso_exp_negative(-iso_abs(x)), sum = 1.0f + e;
    return (x < 0 ? 0 : x) + (iso_log_normal(sum, 0) + (e - (sum - 1.0f)) / sum);
}

/* Hyperbolic tangent, -m / (2 + m) with m = e^-2|x| - 1. Error at most 3 ulp. */
ISO_VECTOR float iso_tanh(float x)
{
    uint32_t n;
    const float size = iso_abs(x), p = iso_exp_reduced(-2.0f * (size > 10.0f ? 10.0f : size), &n);
    const float scale = iso_power_of_two(n), m = scale * p + (scale - 1.0f);
    return iso_copysign(m / (2.0f + m), x);
}

/* 1 / (1 + e^-x), also where it is tiny. Error at most 3 ulp. */
ISO_VECTOR float iso_sigmoid(float x)
{
    const float e = iso_exp_negative(-iso_abs(x));
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

/* Error function: t + t P(t^2) below 1, 1 - e^Q(t) above. Error at most 1.4 ulp. */
ISO_VECTOR float iso_erf(float x)
{
    const float t = iso_clamp(iso_abs(x), 0.0f, 4.0f), s = t * t;
    float p = 0x1.4771fcp-14f;
    p = p * s - 0x1.a3515ep-11f;
    p = p * s + 0x1.53f224p-8f;
    p = p * s - 0x1.b7f71ap-6f;
    p = p * s + 0x1.ce2ce6p-4f;
    p = p * s - 0x1.81273ep-2f;
    p = p * s + 0x1.06eba8p-3f;
    float q = 0x1.896b70p-13f;
    q = q * t - 0x1.83fb48p-9f;
    q = q * t + 0x1.66a34ep-6f;
    q = q * t - 0x1.a6c7fcp-4f;
    q = q * t - 0x1.46a98cp-1f;
    q = q * t - 0x1.208e52p+0f;
    q = q * t - 0x1.502590p-12f;
    const float small = t + t * p, large = 1.0f - iso_exp_negative(q);
    return iso_copysign(t < 1.0f ? small : large, x);
}

/* Phi(-size) for size >= 0, the normal distribution's lower tail, from e = e^(-size^2 / 2): e times a polynomial in
 * 1 / (1 + 0.265 size). */
ISO_VECTOR float iso_normal_tail_of(float size, float e)
{
    const float k = 1.0f / (1.0f + 0.265f * size);
    float p = 0x1.fa7ac2p-6f;
    p = p * k - 0x1.2845d4p-3f;
    p = p * k + 0x1.bfe14cp-3f;
    p = p * k - 0x1.e0a020p-4f;
    p = p * k + 0x1.1be138p-3f;
    p = p * k + 0x1.ebd38ap-5f;
    p = p * k + 0x1.a4f29ep-4f;
    p = p * k + 0x1.af0d06p-4f;
    p = p * k + 0x1.b11ea8p-4f;
    return e * (k * p);
}

/* Normal distribution function, (1 + erf(x / sqrt 2)) / 2. Error at most 8 ulp for x >= -1, growing to 12 at -4: that of
 * x^2, which the exponential multiplies. */
ISO_VECTOR float iso_normal_cdf(float x)
{
    const float tail = iso_normal_tail_of(iso_abs(x), iso_exp_negative(-0.5f * x * x));
    return x < 0 ? tail : 1.0f - tail;
}

/* sin(x + shift pi) for shift 0 or 1/2, in double: with n = round(x / pi + shift) and r = x - (n - shift) pi it is
 * (-1)^n sin(r). pi is in two parts, of which the first has 33 bits, so that its product is exact. */
ISO_VECTOR float iso_sin_shifted(float x, double shift)
{
    const double d = (double)iso_clamp(x, -0x1p21f, 0x1p21f);
    const double rounder = 6755399441055744.0; /* 1.5 * 2^52 */
    const double shifted = (d * 0x1.45f306dc9c883p-2 + shift) + rounder;
    const double whole = (shifted - rounder) - shift;
    const double r = (d - whole * 0x1.921fb544p+1) - whole * 0x1.0b4611a626331p-33;
    const double s = r * r;
    double p = 0x1.530cd00224bbcp-33;
    p = p * s - 0x1.ae06ce1b6402dp-26;
    p = p * s + 0x1.71dd07fb7af23p-19;
    p = p * s - 0x1.a019fda84a44cp-13;
    p = p * s + 0x1.1111110b03bbep-7;
    p = p * s - 0x1.555555554909ep-3;
    const uint64_t odd = ((union iso_double_bits){ .value = shifted }).bits << 63;
    const double y = r + r * s * p;
    return (float)((union iso_double_bits){ .bits = ((union iso_double_bits){ .value = y }).bits ^ odd }).value;
}

/* Sine and cosine. Error at most 0.51 ulp for |x| <= 2^21; beyond, where neighbouring float32 are 1/4 and more apart,
 * the argument is taken as 2^21 with its sign. Infinities give NaN. */
ISO_VECTOR float iso_sin(float x)
{
    return iso_sin_shifted(x, 0.0) + (x - x);
}

ISO_VECTOR float iso_cos(float x)
{
    return iso_sin_shifted(x, 0.5) + (x - x);
}

/* Natural logarithm in double, for 0 < x < inf, not subnormal. Error at most 2 ulp.
 * log m = 2 artanh((m - 1) / (m + 1)), its series up to the 23rd power. */
ISO_VECTOR double iso_log_double(double x)
{
    const uint64_t root = 0x3fe6a09e667f3bcdu; /* sqrt(1/2) */
    const uint64_t bits = ((union iso_double_bits){ .value = x }).bits - root;
    const double k = (double)((int32_t)(uint32_t)((bits + 0x4000000000000000u) >> 52) - 1024);
    const double m = ((union iso_double_bits){ .bits = (bits & 0xfffffffffffffu) + root }).value;
    const double s = (m - 1.0) / (m + 1.0), z = s * s;
    double p = 1.0 / 23;
    p = p * z + 1.0 / 21;
    p = p * z + 1.0 / 19;
    p = p * z + 1.0 / 17;
    p = p * z + 1.0 / 15;
    p = p * z + 1.0 / 13;
    p = p * z + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    /* ln 2 in two parts; the first has 32 bits, so that k times it is exact. */
    return k * 0x1.62e42fee00000p-1 + (2.0 * s + (2.0 * s * z * p + k * 0x1.a39ef35793c76p-33));
}

#endif
