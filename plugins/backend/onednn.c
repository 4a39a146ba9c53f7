/* onednn: dense layers as products of oneDNN, which writes its kernels at run time for the processor it finds. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include <dnnl.h>

/* Of OpenMP, declared here because its header belongs to a compiler, and this may be another than oneDNN's. */
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
extern void omp_set_num_threads(int threads);
#elif DNNL_CPU_THREADING_RUNTIME != DNNL_RUNTIME_SEQ
#error "this oneDNN can not be kept to one thread: it takes one that was built for OpenMP, or without threads"
#endif

static void multiply(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, float alpha, const float *a,
                     size_t a_stride, const float *b, size_t b_stride, float beta, float *c, size_t c_stride)
{
    /* The sizes were checked; what is left to fail is memory for a kernel, and then there is no product. */
    if (dnnl_sgemm(a_transposed ? 'T' : 'N', b_transposed ? 'T' : 'N', (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k,
                   alpha, a, (dnnl_dim_t)a_stride, b, (dnnl_dim_t)b_stride, beta, c, (dnnl_dim_t)c_stride) ==
        dnnl_success)
        return;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            c[i * c_stride + j] = NAN;
}

/* The instruction set that the kernels are written for; ONEDNN_MAX_CPU_ISA in the environment limits it. */
static const char *kernel(const void *state)
{
    (void)state;
    switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "SSE4.1";
    case dnnl_cpu_isa_avx: return "AVX";
    case dnnl_cpu_isa_avx2: return "AVX2";
    case dnnl_cpu_isa_avx2_vnni: return "AVX2";
    case dnnl_cpu_isa_avx512_mic:
    case dnnl_cpu_isa_avx512_mic_4ops:
    case dnnl_cpu_isa_avx512_core:
    case dnnl_cpu_isa_avx512_core_vnni:
    case dnnl_cpu_isa_avx512_core_bf16:
    case dnnl_cpu_isa_avx512_core_amx: return "AVX-512";
    default: return "generic";
    }
}

static void keep_to_one_thread(void)
{
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
    omp_set_num_threads(1);
#endif
}

#include "sgemm.h"

static const struct iso_backend ops = SGEMM_OPS;
ISO_PLUGIN(ops, .name = "onednn", .revision = 1, .summary = "dense layers through oneDNN, one thread a trial");
