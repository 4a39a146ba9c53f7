/* Philox4x32-10 by Random123. */
#include "base/generator.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <Random123/philox.h>

#include "base/hash.h"

static void block(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    const philox4x32_key_t k = { { key[0], key[1] } };
    const philox4x32_ctr_t c = { { counter[0], counter[1], counter[2], counter[3] } };
    const philox4x32_ctr_t bits = philox4x32_R(10, c, k);
    memcpy(out, bits.v, sizeof bits.v);
}

struct iso_rng generator_of(const char *purpose, uint64_t seed, uint32_t stream)
{
    char name[96], digest[HASH_TEXT];
    const int length = snprintf(name, sizeof name, "%s:%" PRIu64, purpose, seed);
    assert(length > 0 && (size_t)length < sizeof name);
    hash_of(name, (size_t)length, digest);
    digest[16] = 0;
    const uint64_t key = strtoull(digest, NULL, 16); /* the digest's first eight bytes, big-endian */
    return (struct iso_rng){
        .size = sizeof(struct iso_rng),
        .key = { (uint32_t)(key >> 32), (uint32_t)key },
        .stream = { stream },
        .block = block,
    };
}

/* Uniform integers below a bound without bias: the upper half of bits * bound, where the lower half is not among the
 * first 2^32 mod bound values (Lemire, "Fast random integer generation in an interval", 2019). Words are taken in
 * order, those refused are passed over. */
struct words {
    const struct iso_rng *rng;
    uint64_t row;
    unsigned next;
    uint32_t word[4];
};

static uint32_t word(struct words *words)
{
    if (words->next == 4) {
        iso_rng_bits_block(words->rng, words->row++, 0, words->word);
        words->next = 0;
    }
    return words->word[words->next++];
}

static uint32_t below(struct words *words, uint32_t bound)
{
    uint64_t product = (uint64_t)word(words) * bound;
    if ((uint32_t)product < bound) {
        const uint32_t refused = (uint32_t)-bound % bound;
        while ((uint32_t)product < refused)
            product = (uint64_t)word(words) * bound;
    }
    return (uint32_t)(product >> 32);
}

void generator_permute(const struct iso_rng *rng, uint32_t *order, size_t n)
{
    assert(n <= UINT32_MAX);
    struct words words = { .rng = rng, .next = 4 };
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t left = (uint32_t)n; left > 1; left--) {
        const uint32_t chosen = below(&words, left), last = order[left - 1];
        order[left - 1] = order[chosen];
        order[chosen] = last;
    }
}
