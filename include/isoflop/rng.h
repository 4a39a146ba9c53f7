/* isoflop/rng.h: the generator of random numbers handed to plugins.
 *
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a pure function from a key and
 * a counter to 128 random bits, so that number (i, j) is had without drawing those before it. isoflop sets the key from
 * (seed, purpose); `block` computes the function; a plugin reads numbers with the iso_rng_*_at functions below.
 *
 * iso_rng_*_at(rng, i, j): i and j are the plugin's own indices, such as the row and column of a weight; each pair has
 * a number of its own, the same in every call. The *_block forms give the four numbers j = 4q ... 4q + 3 of row i at
 * the cost of one.
 */
#ifndef ISOFLOP_RNG_H
#define ISOFLOP_RNG_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include <isoflop/vecmath.h>

struct iso_rng {
    size_t size;
    uint32_t key[2];
    uint32_t stream[1]; /* fourth word of the counter, such as a layer's number; isoflop sets it */
    void (*block)(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);
};

/* Four 32-bit words: numbers j = 4 * quad ... 4 * quad + 3 of row i. */
static inline void iso_rng_bits_block(const struct iso_rng *rng, uint64_t i, uint32_t quad, uint32_t out[4])
{
    const uint32_t counter[4] = { quad, (uint32_t)i, (uint32_t)(i >> 32), rng->stream[0] };
    rng->block(rng->key, counter, out);
}

static inline uint32_t iso_rng_bits_at(const struct iso_rng *rng, uint64_t i, uint32_t j)
{
    uint32_t out[4];
    iso_rng_bits_block(rng, i, j / 4, out);
    return out[j % 4];
}

/* Uniform in the open interval (0, 1): the midpoints of 2^32 equal parts. Exact in double. */
static inline double iso_rng_unit(uint32_t bits)
{
    return ((double)bits + 0.5) * 0x1p-32;
}

static inline double iso_rng_uniform_at(const struct iso_rng *rng, uint64_t i, uint32_t j)
{
    return iso_rng_unit(iso_rng_bits_at(rng, i, j));
}

/* Four uniforms in (0, 1). */
static inline void iso_rng_uniforms_block(const struct iso_rng *rng, uint64_t i, uint32_t quad, double out[4])
{
    uint32_t bits[4];
    iso_rng_bits_block(rng, i, quad, bits);
    for (int k = 0; k < 4; k++)
        out[k] = iso_rng_unit(bits[k]);
}

/* ---- Standard normals ----
 * The quantile function of the normal distribution at a uniform: one number gives one normal. Wichura's algorithm
 * AS 241 (PPND16; Applied Statistics 37, 1988, pages 477-484), whose relative error is about 1e-16, with
 * iso_log_double() for the logarithm, so that the bits don't hang on a libm; square roots are exact. Measured error: at
 * most 4e-15 relative. The largest magnitude that 32 bits give is 6.34. */

/* Where |p - 1/2| <= 0.425; q = p - 1/2. */
static inline double iso_normal_centre(double q)
{
    const double r = 0.180625 - q * q;
    const double above = ((((((2.5090809287301226727e+3 * r + 3.3430575583588128105e+4) * r +
        6.7265770927008700853e+4) * r + 4.5921953931549871457e+4) * r + 1.3731693765509461125e+4) * r +
        1.9715909503065514427e+3) * r + 1.3314166789178437745e+2) * r + 3.3871328727963666080e+0;
    const double below = ((((((5.2264952788528545610e+3 * r + 2.8729085735721942674e+4) * r +
        3.9307895800092710610e+4) * r + 2.1213794301586595867e+4) * r + 5.3941960214247511077e+3) * r +
        6.8718700749205790830e+2) * r + 4.2313330701600911252e+1) * r + 1.0;
    return q * above / below;
}

/* Outside of that; p is the smaller tail, at least e^-25. The result is positive. */
static inline double iso_normal_tail(double p)
{
    const double r = sqrt(-iso_log_double(p)) - 1.6;
    const double above = ((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r +
        2.41780725177450611770e-1) * r + 1.27045825245236838258e+0) * r + 3.64784832476320460504e+0) * r +
        5.76949722146069140550e+0) * r + 4.63033784615654529590e+0) * r + 1.42343711074968357734e+0;
    const double below = ((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r +
        1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r + 6.89767334985100004550e-1) * r +
        1.67638483018380384940e+0) * r + 2.05319162663775882187e+0) * r + 1.0;
    return above / below;
}

static inline double iso_normal_of(uint32_t bits)
{
    const double q = iso_rng_unit(bits) - 0.5; /* exact */
    if (q >= -0.425 && q <= 0.425)
        return iso_normal_centre(q);
    return q < 0 ? -iso_normal_tail(0.5 + q) : iso_normal_tail(0.5 - q);
}

static inline double iso_rng_normal_at(const struct iso_rng *rng, uint64_t i, uint32_t j)
{
    return iso_normal_of(iso_rng_bits_at(rng, i, j));
}

/* Four standard normals, j = 4 * quad ... 4 * quad + 3. */
static inline void iso_rng_normals_block(const struct iso_rng *rng, uint64_t i, uint32_t quad, double out[4])
{
    uint32_t bits[4];
    iso_rng_bits_block(rng, i, quad, bits);
    for (int k = 0; k < 4; k++)
        out[k] = iso_normal_of(bits[k]);
}

#endif
