/* What one core can do, measured now: multiply-adds a second with each width of vectors, and bytes a second from
 * memory. Prints CSV, `what,value,unit`; each value is the best of several tries, as a limit is meant.
 *
 *     peak_avx512, peak_avx2, peak_portable   GFLOP/s, a fused multiply-add counting two
 *     peak                                    the widest that the processor has
 *     read, triad                             GB/s over arrays of 64 MiB: s += a[i]; a[i] = b[i] + s c[i] (3 streams)
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined __x86_64__
#include <immintrin.h>
#endif

enum { CHAINS = 12, TRIES = 9 }; /* independent sums: more than latency times units, fewer than registers */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static volatile float sink;

#if defined __x86_64__
__attribute__((target("avx512f"))) static void multiply_avx512(uint64_t n)
{
    __m512 sums[CHAINS], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm512_set1_ps((float)c);
    for (uint64_t i = 0; i < n; i++)
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm512_fmadd_ps(sums[c], a, b);
    float sum = 0;
    for (int c = 0; c < CHAINS; c++)
        sum += _mm512_reduce_add_ps(sums[c]);
    sink = sum;
}

__attribute__((target("avx2,fma"))) static void multiply_avx2(uint64_t n)
{
    __m256 sums[CHAINS], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
    for (int c = 0; c < CHAINS; c++)
        sums[c] = _mm256_set1_ps((float)c);
    for (uint64_t i = 0; i < n; i++)
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++)
            sums[c] = _mm256_fmadd_ps(sums[c], a, b);
    float sum = 0;
    for (int c = 0; c < CHAINS; c++)
        sum += _mm256_cvtss_f32(sums[c]);
    sink = sum;
}
#endif

/* Four floats at a time, product and sum rounded each: what a program for any x86-64 can do. */
static void multiply_portable(uint64_t n)
{
    float sums[CHAINS][4];
    for (int c = 0; c < CHAINS; c++)
        for (int k = 0; k < 4; k++)
            sums[c][k] = (float)c;
    for (uint64_t i = 0; i < n; i++)
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++)
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                sums[c][k] = sums[c][k] * 0.999f + 0.001f;
    float sum = 0;
    for (int c = 0; c < CHAINS; c++)
        for (int k = 0; k < 4; k++)
            sum += sums[c][k];
    sink = sum;
}

/* GFLOP/s with vectors of `width` floats. */
static double peak(void (*multiply)(uint64_t n), int width)
{
    const uint64_t n = 1 << 21;
    double best = 0;
    for (int k = 0; k < TRIES; k++) {
        const double start = now();
        multiply(n);
        const double rate = 2e-9 * (double)n * CHAINS * width / (now() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

static double read_all(const float *a, size_t n)
{
    float sums[64] = { 0 }, sum = 0;
    const double start = now();
    for (size_t i = 0; i + 64 <= n; i += 64)
        for (size_t k = 0; k < 64; k++)
            sums[k] += a[i + k];
    const double seconds = now() - start;
    for (size_t k = 0; k < 64; k++)
        sum += sums[k];
    sink = sum;
    return 1e-9 * (double)(n * sizeof *a) / seconds;
}

static double triad(float *restrict a, const float *restrict b, const float *restrict c, size_t n)
{
    const float s = sink > 0 ? 0.5f : 0.25f;
    const double start = now();
    for (size_t i = 0; i < n; i++)
        a[i] = b[i] + s * c[i];
    const double seconds = now() - start;
    sink = a[n / 2];
    return 3e-9 * (double)(n * sizeof *a) / seconds;
}

int main(void)
{
    const size_t n = (size_t)16 << 20; /* 64 MiB each: beyond every cache but the largest */
    double widest = peak(multiply_portable, 4), best_read = 0, best_triad = 0;
    printf("what,value,unit\npeak_portable,%.1f,GFLOP/s\n", widest);
#if defined __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        printf("peak_avx2,%.1f,GFLOP/s\n", widest = peak(multiply_avx2, 8));
    if (__builtin_cpu_supports("avx512f"))
        printf("peak_avx512,%.1f,GFLOP/s\n", widest = peak(multiply_avx512, 16));
#endif
    printf("peak,%.1f,GFLOP/s\n", widest);
    float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b), *c = malloc(n * sizeof *c);
    if (!a || !b || !c) {
        fprintf(stderr, "out of memory\n");
        return 1;
    }
    for (size_t i = 0; i < n; i++)
        a[i] = b[i] = c[i] = (float)(i % 7);
    for (int k = 0; k < TRIES; k++) {
        const double reading = read_all(a, n), three = triad(a, b, c, n);
        best_read = reading > best_read ? reading : best_read;
        best_triad = three > best_triad ? three : best_triad;
    }
    printf("read,%.1f,GB/s\ntriad,%.1f,GB/s\n", best_read, best_triad);
    free(a);
    free(b);
    free(c);
    return 0;
}
