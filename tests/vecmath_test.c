/* The functions of the public headers: vecmath.h against float64, and normals of rng.h. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "bench/vecmath_compare.h"
#include "suite.h"

#include <isoflop/parts.h>

START_TEST(errors_are_within_the_stated_bounds)
{
    const struct compared *function = &compared[_i];
    /* Prime, so that every exponent meets all kinds of mantissas. */
    const struct worst worst = compare_function(function, 0, 8191);
    ck_assert_msg(worst.count > 250000, "%s: only %lu arguments", function->name, worst.count);
    ck_assert_msg(worst.error <= function->bound, "%s(%a) = %a, exactly %a: %g ulp, more than %g", function->name,
                  (double)worst.x, (double)worst.got, worst.exact, worst.error, function->bound);
}
END_TEST

START_TEST(special_arguments)
{
    static const float special[] = { 0.0f, -0.0f, 0x1p-149f, -0x1p-149f, 0x1.fffffcp-127f, 0x1p-126f, -0x1p-126f,
                                     1, -1, -0x1.fffffep-1f, 88.72283f, 88.72284f, -87.33655f, -103.97208f,
                                     -103.97209f, 0x1.fffffep+127f, -0x1.fffffep+127f, INFINITY, -INFINITY, NAN };
    const size_t n = sizeof special / sizeof *special;
    static float x[COMPARE_BLOCK], y[COMPARE_BLOCK];
    memcpy(x, special, sizeof special);
    const struct compared *function = &compared[_i];
    function->block(x, y);
    for (size_t i = 0; i < n; i++) {
        if (!compare_covers(function, x[i])) {
            ck_assert_msg(function->high == 0 || fabsf(y[i]) <= 1, "%s(%a) = %a", function->name, (double)x[i],
                          (double)y[i]);
            continue;
        }
        const double exact = function->exact((double)x[i]), error = error_ulp(y[i], exact);
        ck_assert_msg(error <= function->bound, "%s(%a) = %a, exactly %a", function->name, (double)x[i], (double)y[i],
                      exact);
    }
}
END_TEST

START_TEST(vector_and_scalar_code_agree_to_the_bit)
{
    static float x[COMPARE_BLOCK], y[COMPARE_BLOCK];
    const struct compared *function = &compared[_i];
    for (uint32_t round = 0; round < 16; round++) {
        for (uint32_t i = 0; i < COMPARE_BLOCK; i++)
            x[i] = iso_float_of((round * COMPARE_BLOCK + i) * 65521u);
        function->block(x, y);
        for (size_t i = 0; i < COMPARE_BLOCK; i++) {
            const float other = function->alone(x[i]);
            ck_assert_msg(iso_bits_of(y[i]) == iso_bits_of(other) || (isnan(y[i]) && isnan(other)),
                          "%s(%a): %a in a loop, %a alone", function->name, (double)x[i], (double)y[i], (double)other);
        }
    }
}
END_TEST

/* What plugins do: the same loop for several instruction sets. */
ISO_VECTOR void all_loop(size_t n, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = iso_tanh(x[i]) + iso_erf(x[i]) * iso_log1p(iso_abs(x[i])) + iso_cos(x[i]) * iso_exp(-iso_abs(x[i])) +
               iso_normal_cdf(x[i]) * iso_softplus(x[i]);
}
ISO_VECTORS(all, all_loop, (size_t n, const float *x, float *y), (n, x, y))

START_TEST(instruction_sets_agree_to_the_bit)
{
    enum { N = 100003 };
    static float x[N], y[N], other[N];
    for (uint32_t i = 0; i < N; i++)
        x[i] = ((float)i - N / 2) / 4096;
    all(N, x, y);
    for (uint32_t i = 0; i < N; i++)
        all_loop(1, x + i, other + i);
    ck_assert(memcmp(y, other, sizeof y) == 0);
#if defined __x86_64__ && defined __GNUC__
    all_128(N, x, other);
    ck_assert(memcmp(y, other, sizeof y) == 0);
    if (__builtin_cpu_supports("avx2")) {
        all_256(N, x, other);
        ck_assert(memcmp(y, other, sizeof y) == 0);
    }
#endif
}
END_TEST

START_TEST(double_logarithm)
{
    for (uint32_t i = 0; i < 200000; i++) {
        const double x = ldexp(1 + iso_rng_unit(i * 2654435761u), (int)(i % 120) - 60);
        const double exact = log(x);
        ck_assert_msg(fabs(iso_log_double(x) - exact) <= 5e-16 * fabs(exact), "log(%a) = %a, exactly %a", x,
                      iso_log_double(x), exact);
    }
    ck_assert(iso_log_double(1) == 0);
}
END_TEST

/* The normal distribution function, whose inverse AS 241 is: p of the smaller tail. */
static double tail_of(double z)
{
    return erfc(fabs(z) / sqrt(2)) / 2;
}

START_TEST(normals_are_quantiles)
{
    for (uint32_t i = 0; i < 200000; i++) {
        const uint32_t bits = i < 1000 ? i : i < 2000 ? 0xffffffffu - (i - 1000) : i * 2654435761u;
        const double p = iso_rng_unit(bits), z = iso_normal_of(bits);
        const double tail = p < 0.5 ? p : 1 - p;
        ck_assert_msg((z < 0) == (p < 0.5), "z(%.17g) = %g", p, z);
        /* d log tail / d z = -density / tail, which is about max(0.8, |z|). */
        const double slope = exp(-z * z / 2) / sqrt(2 * acos(-1)) / tail;
        ck_assert_msg(fabs(tail_of(z) - tail) / tail <= slope * 4e-15 * fabs(z) + 1e-15, "z(%.17g) = %.17g", p, z);
    }
    /* NormalDist().inv_cdf of Python's statistics module */
    ck_assert(fabs(iso_normal_of(0) - -6.337957754553789) < 1e-14);
    ck_assert(fabs(iso_normal_of(0x40000000u) - -0.6744897498297384) < 1e-15);
    ck_assert(fabs(iso_normal_of(0x12345678u) - -1.4675657314922321) < 1e-14);
}
END_TEST

/* A generator good enough for tests of what is built on it: a mixer of the counter. */
static void mix(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint64_t h = key[0] | (uint64_t)key[1] << 32;
    for (int w = 0; w < 4; w++)
        h = (h ^ counter[w]) * 0x9e3779b97f4a7c15u, h ^= h >> 29;
    for (int w = 0; w < 4; w++) {
        h = (h + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u, h ^= h >> 31;
        out[w] = (uint32_t)(h >> 32);
    }
}

START_TEST(blocks_are_the_single_numbers)
{
    const struct iso_rng rng = { .size = sizeof rng, .key = { 1, 2 }, .stream = { 3 }, .block = mix };
    double sum = 0, squares = 0;
    for (uint32_t i = 0; i < 100; i++)
        for (uint32_t quad = 0; quad < 100; quad++) {
            double normals[4], uniforms[4];
            iso_rng_normals_block(&rng, i, quad, normals);
            iso_rng_uniforms_block(&rng, i, quad, uniforms);
            for (uint32_t k = 0; k < 4; k++) {
                ck_assert(normals[k] == iso_rng_normal_at(&rng, i, 4 * quad + k));
                ck_assert(uniforms[k] == iso_rng_uniform_at(&rng, i, 4 * quad + k));
                sum += normals[k];
                squares += normals[k] * normals[k];
            }
        }
    ck_assert_msg(fabs(sum / 40000) < 4 / 200.0, "mean %g", sum / 40000);
    ck_assert_msg(fabs(squares / 40000 - 1) < 4 * sqrt(2) / 200, "variance %g", squares / 40000);
}
END_TEST

int main(void)
{
    const int functions = (int)(sizeof compared / sizeof *compared);
    Suite *suite = suite_create("vecmath");
    TCase *tests = tcase_create("vecmath");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, errors_are_within_the_stated_bounds, 0, functions);
    tcase_add_loop_test(tests, special_arguments, 0, functions);
    tcase_add_loop_test(tests, vector_and_scalar_code_agree_to_the_bit, 0, functions);
    tcase_add_test(tests, instruction_sets_agree_to_the_bit);
    tcase_add_test(tests, double_logarithm);
    tcase_add_test(tests, normals_are_quantiles);
    tcase_add_test(tests, blocks_are_the_single_numbers);
    suite_add_tcase(suite, tests);
    return suite_failed(suite) != 0;
}
