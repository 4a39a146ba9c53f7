/* openblas: dense layers as products of OpenBLAS, through CBLAS. */
#include <stdbool.h>
#include <stddef.h>

#include <cblas.h>

static void multiply(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, float alpha, const float *a,
                     size_t a_stride, const float *b, size_t b_stride, float beta, float *c, size_t c_stride)
{
    cblas_sgemm(CblasRowMajor, a_transposed ? CblasTrans : CblasNoTrans, b_transposed ? CblasTrans : CblasNoTrans,
                (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)a_stride, b, (blasint)b_stride, beta, c,
                (blasint)c_stride);
}

static const char *kernel(const void *state)
{
    (void)state;
    return openblas_get_corename();
}

static void keep_to_one_thread(void)
{
    openblas_set_num_threads(1);
}

#include "sgemm.h"

static const struct iso_backend ops = SGEMM_OPS;
ISO_PLUGIN(ops, .name = "openblas", .revision = 1, .summary = "dense layers through OpenBLAS, one thread a trial");
