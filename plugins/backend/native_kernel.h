/* The kernels of the backend native: what native.c asks of them. native_kernel.c is compiled once for each instruction
 * set, and gives one of these structs each time. */
#ifndef NATIVE_KERNEL_H
#define NATIVE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A tile is up to `rows` rows of one or two vectors; its sums stay in registers while they grow. A panel is a matrix as
 * wide as a tile, stored row after row: `vectors` says how many vectors wide. Every sum takes its products in ascending
 * order, each by one fused multiply-add: s = fma(a, b, s). */
struct native_kernel {
    const char *name;
    size_t lanes; /* floats of a vector */
    size_t rows;  /* of a tile, at most */

    /* c[m][n] = sum over k < depth of a[m][k] * panel[index[k]][n], or, where go_on, goes on from c. m < rows; rows of a
     * and c lie a_row and c_row floats apart. */
    void (*multiply)(size_t rows, size_t vectors, size_t depth, const float *a, size_t a_row, const float *panel,
                     const uint32_t *index, float *c, size_t c_row, bool go_on);

    /* g[m][n] = sum over k < depth of x[k][m] * panel[k][n], or, where go_on, goes on from sums; rows of x lie x_row
     * floats apart. Row m of g is row index[m] - first of the panel `sums`. Where weights is not NULL, g is not kept:
     * weights[index[m]][n] -= rate * g[m][n], the product rounded before the difference. */
    void (*gradient)(size_t rows, size_t vectors, size_t depth, const float *x, size_t x_row, const float *panel,
                     const uint32_t *index, size_t first, float *sums, bool go_on, float *weights, float rate);

    /* to[n][m] = from[m][n] for n < lanes; m < lanes, zero from `rows` on. Rows lie from_row and to_row floats apart. */
    void (*transpose)(size_t rows, const float *from, size_t from_row, float *to, size_t to_row);
};

#pragma GCC visibility push(hidden) /* a plugin exports one symbol */
extern const struct native_kernel native_portable, native_avx2, native_avx512;
#pragma GCC visibility pop

#endif
