/* The generator: Philox4x32-10 of Random123, keyed by (seed, purpose). Equal keys give equal numbers on every
 * machine. */
#ifndef BASE_GENERATOR_H
#define BASE_GENERATOR_H

#include <isoflop/rng.h>

/* The generator of a seed for a purpose ("init", "order", "dropout", "examples", "subset", "noise", ...); stream
 * separates uses of one purpose, such as layers or epochs. The key is the first 64 bits of SHA-256("PURPOSE:SEED"). */
struct iso_rng generator_of(const char *purpose, uint64_t seed, uint32_t stream);
/* A random permutation of 0 ... n - 1 (Fisher-Yates, unbiased), a function of the generator and n alone. */
void generator_permute(const struct iso_rng *rng, uint32_t *order, size_t n);

#endif
