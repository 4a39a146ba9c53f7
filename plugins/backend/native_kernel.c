/* Kernels of the backend native, in vectors of the compiler. This file is compiled once for each instruction set, with
 * NATIVE_KERNEL the name of what it defines: native_portable, native_avx2, native_avx512.
 *
 * A product is cut into tiles that fill the registers: ROWS x 2 vectors of sums. For each k, the two vectors of a
 * panel's row k are loaded once and multiplied by ROWS numbers, each loaded into all lanes: 2 ROWS multiply-adds for
 * ROWS + 2 loads, so that the arithmetic, not the cache, sets the pace. */
#include "native_kernel.h"

#include <math.h>
#include <string.h>

#if defined __AVX512F__
#include <immintrin.h>
#define LANES 16
enum { ROWS = 14 }; /* 28 registers of sums, of 32 */
#define KERNEL_NAME "avx512"
#elif defined __AVX2__ && defined __FMA__
#include <immintrin.h>
#define LANES 8
enum { ROWS = 6 }; /* 12 registers of sums, of 16 */
#define KERNEL_NAME "avx2"
#else
#define LANES 4
enum { ROWS = 6 };
#define KERNEL_NAME "portable"
#endif

#define INLINE static inline __attribute__((always_inline))
#if defined __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));

INLINE vector load(const float *from)
{
    vector v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, vector v)
{
    memcpy(to, &v, sizeof v);
}

INLINE vector fma_vector(vector a, vector b, vector c)
{
#if defined __AVX512F__
    return (vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined __AVX2__ && defined __FMA__
    return (vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    for (size_t l = 0; l < LANES; l++)
        c[l] = fmaf(a[l], b[l], c[l]);
    return c;
#endif
}

/* ---- Tiles ----
 *
 * Rows and vectors are constants wherever these functions are used, and every loop over them is unrolled: one that is
 * not makes the compiler keep the sums in memory, and copy them there and back for each tile. */

INLINE void clear(size_t rows, size_t vectors, vector sum[ROWS][2])
{
    UNROLL for (size_t m = 0; m < rows; m++)
        UNROLL for (size_t v = 0; v < vectors; v++)
            sum[m][v] = (vector){ 0 };
}

/* sum[m] += over k: a[m * a_row + k * a_step] * row k of the panel, or its row index[k] where indexed. */
INLINE void add_products(size_t rows, size_t vectors, size_t depth, const float *a, size_t a_row, size_t a_step,
                         const float *panel, bool indexed, const uint32_t *index, vector sum[ROWS][2])
{
    for (size_t k = 0; k < depth; k++, a += a_step) {
        const float *row = panel + (indexed ? index[k] : k) * (vectors * LANES);
        const vector first = load(row), second = vectors == 2 ? load(row + LANES) : first;
        UNROLL for (size_t m = 0; m < rows; m++) {
            const vector x = a[m * a_row] - (vector){ 0 };
            sum[m][0] = fma_vector(x, first, sum[m][0]);
            if (vectors == 2)
                sum[m][1] = fma_vector(x, second, sum[m][1]);
        }
    }
}

INLINE void multiply_tile(size_t rows, size_t vectors, size_t depth, const float *a, size_t a_row, const float *panel,
                          const uint32_t *index, float *c, size_t c_row, bool go_on)
{
    vector sum[ROWS][2];
    clear(rows, vectors, sum);
    if (go_on)
        UNROLL for (size_t m = 0; m < rows; m++)
            UNROLL for (size_t v = 0; v < vectors; v++)
                sum[m][v] = load(c + m * c_row + v * LANES);
    add_products(rows, vectors, depth, a, a_row, 1, panel, true, index, sum);
    UNROLL for (size_t m = 0; m < rows; m++)
        UNROLL for (size_t v = 0; v < vectors; v++)
            store(c + m * c_row + v * LANES, sum[m][v]);
}

INLINE void gradient_tile(size_t rows, size_t vectors, size_t depth, const float *x, size_t x_row, const float *panel,
                          const uint32_t *index, size_t first, float *sums, bool go_on, float *weights, float rate)
{
    vector sum[ROWS][2];
    clear(rows, vectors, sum);
    if (go_on)
        UNROLL for (size_t m = 0; m < rows; m++)
            UNROLL for (size_t v = 0; v < vectors; v++)
                sum[m][v] = load(sums + (index[m] - first) * (vectors * LANES) + v * LANES);
    add_products(rows, vectors, depth, x, 1, x_row, panel, false, NULL, sum);
    if (weights)
        UNROLL for (size_t m = 0; m < rows; m++)
            UNROLL for (size_t v = 0; v < vectors; v++) {
                float *w = weights + index[m] * (vectors * LANES) + v * LANES;
                store(w, load(w) - rate * sum[m][v]);
            }
    else
        UNROLL for (size_t m = 0; m < rows; m++)
            UNROLL for (size_t v = 0; v < vectors; v++)
                store(sums + (index[m] - first) * (vectors * LANES) + v * LANES, sum[m][v]);
}

/* ---- One function for each number of rows and vectors, chosen when called ---- */

#if defined __AVX512F__
#define MORE_ROWS(CASE) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#else
#define MORE_ROWS(CASE)
#endif
#define EACH_NUMBER_OF_ROWS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) MORE_ROWS(CASE)

static void multiply(size_t rows, size_t vectors, size_t depth, const float *a, size_t a_row, const float *panel,
                     const uint32_t *index, float *c, size_t c_row, bool go_on)
{
#define MULTIPLY(n)                                                                                                   \
    case n: multiply_tile(n, 1, depth, a, a_row, panel, index, c, c_row, go_on); return;                              \
    case ROWS + n: multiply_tile(n, 2, depth, a, a_row, panel, index, c, c_row, go_on); return;
    switch (rows + (vectors - 1) * ROWS) { EACH_NUMBER_OF_ROWS(MULTIPLY) }
}

static void gradient(size_t rows, size_t vectors, size_t depth, const float *x, size_t x_row, const float *panel,
                     const uint32_t *index, size_t first, float *sums, bool go_on, float *weights, float rate)
{
#define GRADIENT(n)                                                                                                   \
    case n: gradient_tile(n, 1, depth, x, x_row, panel, index, first, sums, go_on, weights, rate); return;            \
    case ROWS + n: gradient_tile(n, 2, depth, x, x_row, panel, index, first, sums, go_on, weights, rate); return;
    switch (rows + (vectors - 1) * ROWS) { EACH_NUMBER_OF_ROWS(GRADIENT) }
}

/* ---- Transposition ---- */

/* Which lanes of (a, b) make a[0] b[0] a[1] b[1] ..., from lane `from` on. */
#if LANES == 16
#define RIFFLE(a, b, f) __builtin_shufflevector(a, b, f, f + 16, f + 1, f + 17, f + 2, f + 18, f + 3, f + 19, f + 4,  \
                                                f + 20, f + 5, f + 21, f + 6, f + 22, f + 7, f + 23)
#elif LANES == 8
#define RIFFLE(a, b, f) __builtin_shufflevector(a, b, f, f + 8, f + 1, f + 9, f + 2, f + 10, f + 3, f + 11)
#else
#define RIFFLE(a, b, f) __builtin_shufflevector(a, b, f, f + 4, f + 1, f + 5)
#endif

/* Rows as cards: interleaving the upper half of the deck with the lower log2(LANES) times, numbers included, moves
 * number n of row m to number m of row n. */
static void transpose(size_t rows, const float *from, size_t from_row, float *to, size_t to_row)
{
    vector card[LANES], next[LANES];
    for (size_t m = 0; m < LANES; m++)
        card[m] = m < rows ? load(from + m * from_row) : (vector){ 0 };
    UNROLL for (size_t step = 1; step < LANES; step *= 2) {
        UNROLL for (size_t m = 0; m < LANES / 2; m++) {
            next[2 * m] = RIFFLE(card[m], card[m + LANES / 2], 0);
            next[2 * m + 1] = RIFFLE(card[m], card[m + LANES / 2], LANES / 2);
        }
        UNROLL for (size_t m = 0; m < LANES; m++)
            card[m] = next[m];
    }
    for (size_t n = 0; n < LANES; n++)
        store(to + n * to_row, card[n]);
}

const struct native_kernel NATIVE_KERNEL = {
    .name = KERNEL_NAME,
    .lanes = LANES,
    .rows = ROWS,
    .multiply = multiply,
    .gradient = gradient,
    .transpose = transpose,
};
