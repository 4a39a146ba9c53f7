/* isoflop/rng.h: the generator of random numbers handed to plugins.
 *
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): a pure function from a key and
 * a counter to 128 random bits, so that number (i, j) is had without drawing those before it. isoflop sets the key from
 * (seed, purpose); `block` computes the function; a plugin reads numbers with the iso_rng_*_at functions below.
 *
 * iso_rng_*_at(rng, i, j): i and j are the plugin's own indices, such as the row and column of a weight; each pair has
 * a number of its own, the same in every call. The *_block forms give the four numbers j = 4q ... 4q + 3 of row i at the
 * cost of one.
 */
#ifndef ISOFLOP_RNG_H
#define ISOFLOP_RNG_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

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

#endif
