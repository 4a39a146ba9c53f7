/* Leaving out inputs that are zero in a whole minibatch. Hot. */
#include "train/nonzero.h"

#include <stdlib.h>
#include <string.h>

#include <isoflop/parts.h>

#include "base/memory.h"

enum {
    VECTOR = 16, /* floats that are copied at once */
    FEWER = 8,   /* leaving out pays where this part of the inputs, or more, is zero */
    GLANCE = 8   /* rows looked at before it is tried at all */
};

int nonzero_make(struct nonzero *nonzero, size_t inputs, size_t rows, size_t stride, struct iso_error *err)
{
    *nonzero = (struct nonzero){ .inputs = inputs };
    nonzero->any = memory_aligned(stride * sizeof *nonzero->any);
    nonzero->index = memory_array(inputs, sizeof *nonzero->index);
    nonzero->runs = memory_array(inputs / 2 + 1, sizeof *nonzero->runs);
    /* Copies of whole vectors go beyond a row's end, by less than one. */
    nonzero->x = memory_aligned((rows * stride + VECTOR) * sizeof *nonzero->x);
    if (nonzero->any && nonzero->index && nonzero->runs && nonzero->x)
        return 0;
    nonzero_free(nonzero);
    return error_memory(err);
}

void nonzero_free(struct nonzero *nonzero)
{
    free(nonzero->any);
    free(nonzero->index);
    free(nonzero->runs);
    free(nonzero->x);
    *nonzero = (struct nonzero){ 0 };
}

/* any |= the bits of four rows, signs apart: -0 is zero. */
ISO_VECTOR void gather_bits_loop(const float *restrict x, size_t stride, size_t n, uint32_t *restrict any)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t a, b, c, d;
        memcpy(&a, x + i, sizeof a);
        memcpy(&b, x + stride + i, sizeof b);
        memcpy(&c, x + 2 * stride + i, sizeof c);
        memcpy(&d, x + 3 * stride + i, sizeof d);
        any[i] |= (a | b | c | d) & UINT32_C(0x7fffffff);
    }
}
ISO_VECTORS(gather_bits, gather_bits_loop, (const float *x, size_t stride, size_t n, uint32_t *any),
            (x, stride, n, any))

ISO_VECTOR void count_loop(const uint32_t *any, size_t n, size_t *count)
{
    uint32_t active = 0;
    for (size_t i = 0; i < n; i++)
        active += any[i] != 0;
    *count = active;
}
ISO_VECTORS(count_active, count_loop, (const uint32_t *any, size_t n, size_t *count), (any, n, count))

/* One row: run after run in whole vectors. What a copy writes too much, the next overwrites. */
ISO_VECTOR void pack_row_loop(const struct nonzero *nonzero, size_t runs, const float *restrict from,
                              float *restrict to)
{
    for (size_t k = 0; k < runs; k++)
        for (size_t i = 0; i < nonzero->runs[k].length; i += VECTOR)
            memcpy(to + nonzero->runs[k].to + i, from + nonzero->runs[k].from + i, VECTOR * sizeof *to);
}
ISO_VECTORS(pack_row, pack_row_loop, (const struct nonzero *nonzero, size_t runs, const float *from, float *to),
            (nonzero, runs, from, to))

/* Bits of rows first to end. */
static void look(struct nonzero *nonzero, const struct network_input *input, size_t first, size_t end)
{
    size_t row = first;
    for (; row + 4 <= end; row += 4)
        gather_bits(input->x + row * input->stride, input->stride, input->stride, nonzero->any);
    for (; row < end; row++)
        gather_bits(input->x + row * input->stride, 0, input->stride, nonzero->any);
}

static size_t find_runs(struct nonzero *nonzero, size_t *active)
{
    size_t runs = 0, n = 0;
    for (size_t i = 0; i < nonzero->inputs; i++) {
        if (!nonzero->any[i])
            continue;
        if (i == 0 || !nonzero->any[i - 1]) {
            nonzero->runs[runs].from = (uint32_t)i;
            nonzero->runs[runs].to = (uint32_t)n;
            nonzero->runs[runs++].length = 0;
        }
        nonzero->runs[runs - 1].length++;
        nonzero->index[n++] = (uint32_t)i;
    }
    *active = n;
    return runs;
}

void nonzero_pack(struct nonzero *nonzero, struct network_input *input)
{
    const size_t inputs = nonzero->inputs, most = inputs - inputs / FEWER;
    const size_t glance = input->rows < GLANCE ? input->rows : GLANCE;
    size_t active;
    memset(nonzero->any, 0, input->stride * sizeof *nonzero->any);
    look(nonzero, input, 0, glance);
    count_active(nonzero->any, inputs, &active);
    if (active > most)
        return;
    look(nonzero, input, glance, input->rows);
    count_active(nonzero->any, inputs, &active);
    if (active > most)
        return;
    const size_t runs = find_runs(nonzero, &active), stride = (active + VECTOR - 1) / VECTOR * VECTOR;
    for (size_t r = 0; r < input->rows; r++)
        pack_row(nonzero, runs, input->x + r * input->stride, nonzero->x + r * stride);
    input->x = nonzero->x;
    input->stride = stride;
    input->active = active;
    input->index = nonzero->index;
}
