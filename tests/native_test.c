/* The backend native gives the bits of the backend naive: every kernel, any number of threads, all products, inputs left
 * out or not. ISOFLOP_TEST=full tries every size, else a sample of them. */
#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/memory.h"
#include "plugin/plugin.h"
#include "suite.h"

static struct plugins *plugins;

static size_t width_of(size_t k)
{
    static const size_t wide[] = { 127, 128, 129, 925 };
    return k < 70 ? k + 1 : wide[k - 70];
}
enum { WIDTHS = 74 };
static const size_t batches[] = { 1, 2, 5, 6, 7, 13, 14, 15, 50, 127, 255, 256, 257, 600 };
enum { BATCHES = sizeof batches / sizeof batches[0] };

/* Sizes of one layer, and its data. */
struct problem {
    size_t inputs, outputs, rows, active;
    uint32_t *index; /* of the inputs that are not zero */
    float *x, *packed, *dy, *canonical;
};

/* Everything a backend computes, in canonical order. */
struct answers {
    float *y, *dx, *gradient, *updated, *descended;
};

static float *floats(size_t n)
{
    float *values = memory_aligned(n * sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

static float *numbers(size_t n, uint64_t seed)
{
    const struct iso_rng rng = generator_of("test", seed, 0);
    float *values = floats(n);
    for (size_t k = 0; k < n; k++)
        values[k] = (float)(2 * iso_rng_uniform_at(&rng, k, 0) - 1);
    return values;
}

static struct problem problem_new(size_t inputs, size_t outputs, size_t rows)
{
    struct problem p = { .inputs = inputs, .outputs = outputs, .rows = rows, .x = numbers(rows * inputs, 1),
                         .packed = floats(rows * inputs), .dy = numbers(rows * outputs, 2),
                         .canonical = numbers(inputs * outputs, 3) };
    const struct iso_rng rng = generator_of("test", inputs * 1000 + outputs, 4);
    p.index = memory_array(inputs, sizeof *p.index);
    for (size_t i = 0; i < inputs; i++)
        if (iso_rng_uniform_at(&rng, i, 0) < 0.6)
            p.index[p.active++] = (uint32_t)i;
    for (size_t r = 0; r < rows; r++) {
        size_t c = 0;
        for (size_t i = 0; i < inputs; i++)
            if (c < p.active && p.index[c] == i)
                p.packed[r * p.active + c++] = p.x[r * inputs + i];
            else
                p.x[r * inputs + i] = 0;
    }
    return p;
}

static void problem_free(struct problem *p)
{
    free(p->index);
    free(p->x);
    free(p->packed);
    free(p->dy);
    free(p->canonical);
}

static struct answers answers_new(const struct problem *p)
{
    return (struct answers){ floats(p->rows * p->outputs), floats(p->rows * p->inputs), floats(p->inputs * p->outputs),
                             floats(p->inputs * p->outputs), floats(p->inputs * p->outputs) };
}

static void answers_free(struct answers *a)
{
    free(a->y);
    free(a->dx);
    free(a->gradient);
    free(a->updated);
    free(a->descended);
}

/* y = max(y + column, 0), as a bias and relu. */
static void epilogue(void *context, const struct iso_tile *tile)
{
    (void)context;
    for (size_t r = 0; r < tile->rows; r++)
        for (size_t c = 0; c < tile->columns; c++) {
            float *y = &tile->y[r * tile->stride + c];
            *y += (float)(tile->column + c) * 0.01f;
            *y = *y < 0 ? 0 : *y;
        }
}

/* Keeps the gradient, and updates the weights by it. */
static void panel(void *context, size_t offset, size_t n, float *weights, float *gradients)
{
    float *kept = context;
    for (size_t k = 0; k < n; k++) {
        kept[offset + k] = gradients[k];
        weights[k] -= 0.3f * gradients[k] * gradients[k];
    }
}

static void answer(const struct instance *backend, const struct problem *p, bool sparse, unsigned threads,
                   struct answers *a)
{
    struct iso_error err = ERROR_NONE;
    const struct iso_backend *ops = &backend->plugin->ops.backend;
    const struct iso_dense dense = { sizeof dense, p->inputs, p->outputs, p->rows, threads, sparse };
    const struct iso_inputs inputs = { sizeof inputs, p->rows, sparse ? p->packed : p->x,
                                       sparse ? p->active : p->inputs, sparse ? p->active : p->inputs,
                                       sparse ? p->index : NULL };
    void *layer = ops->prepare(backend->state, &backend->host, &dense, &err);
    ck_assert_msg(layer != NULL, "%s", err.text);
    float *weights = floats(ops->weights_length(layer)), *kept = floats(ops->weights_length(layer));
    ops->import(layer, p->canonical, weights);
    ops->forward(layer, &inputs, weights, a->y, p->outputs, epilogue, NULL);
    ops->input_gradient(layer, p->rows, p->dy, p->outputs, weights, a->dx, p->inputs);
    ops->weight_gradient(layer, &inputs, p->dy, p->outputs, weights, panel, kept);
    ops->export(layer, kept, a->gradient);
    ops->export(layer, weights, a->updated);
    ops->descend(layer, &inputs, p->dy, p->outputs, weights, 0.03f);
    ops->export(layer, weights, a->descended);
    free(weights);
    free(kept);
    if (ops->release)
        ops->release(layer);
}

static void compare(const struct problem *p, const float *expected, const float *got, size_t rows, size_t columns,
                    const char *what, const char *how)
{
    for (size_t k = 0; k < rows * columns; k++)
        if (memcmp(&expected[k], &got[k], sizeof *got) != 0)
            ck_abort_msg("%s (%zu, %zu) of %zu inputs, %zu outputs, %zu rows, %s: %.9g, not %.9g", what, k / columns,
                         k % columns, p->inputs, p->outputs, p->rows, how, (double)got[k], (double)expected[k]);
}

/* NULL: this processor does not have the kernel. */
static struct instance *backend(const char *name, const char *kernel)
{
    struct iso_error err = ERROR_NONE;
    const struct plugin *plugin = plugins_find(plugins, ISO_BACKEND, name, &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    const char *const pairs[] = { "kernel", kernel, NULL };
    struct instance *made = instance_new(plugin, kernel ? pairs : NULL, NULL, &err);
    if (!made)
        ck_assert_msg(kernel && strstr(err.text, "does not have the instructions") != NULL, "%s", err.text);
    return made;
}

static void try_sizes(const struct instance *naive, const struct instance *native, const char *kernel, size_t inputs,
                      size_t outputs, size_t rows)
{
    struct problem p = problem_new(inputs, outputs, rows);
    struct answers expected = answers_new(&p), got = answers_new(&p);
    answer(naive, &p, false, 1, &expected);
    for (unsigned way = 0; way < 5; way++) {
        const bool sparse = way % 2;
        const unsigned threads = 1 + way / 2;
        char how[60];
        snprintf(how, sizeof how, "kernel %s, %u threads%s", kernel, threads, sparse ? ", zero inputs left out" : "");
        answer(native, &p, sparse, threads, &got);
        compare(&p, expected.y, got.y, rows, outputs, "y", how);
        compare(&p, expected.dx, got.dx, rows, inputs, "dx", how);
        compare(&p, expected.gradient, got.gradient, outputs, inputs, "gradient", how);
        compare(&p, expected.updated, got.updated, outputs, inputs, "updated weight", how);
        compare(&p, expected.descended, got.descended, outputs, inputs, "descended weight", how);
    }
    answers_free(&expected);
    answers_free(&got);
    problem_free(&p);
}

START_TEST(native_is_naive)
{
    static const char *const kernels[] = { "avx512", "avx2", "portable" };
    static const size_t large[][3] = { { 784, 130, 50 }, { 40, 925, 31 }, { 120, 70, 600 }, { 1030, 40, 20 } };
    const bool full = getenv("ISOFLOP_TEST") && strcmp(getenv("ISOFLOP_TEST"), "full") == 0;
    struct instance *naive = backend("naive", NULL), *native = backend("native", kernels[_i]);
    if (native) {
        ck_assert_str_eq(native->plugin->ops.backend.kernel(native->state), kernels[_i]);
        for (size_t k = 0; k < sizeof large / sizeof large[0]; k++)
            try_sizes(naive, native, kernels[_i], large[k][0], large[k][1], large[k][2]);
        size_t n = 0;
        for (size_t i = 0; i < WIDTHS; i++)
            for (size_t o = 0; o < WIDTHS; o++)
                for (size_t b = 0; b < BATCHES; b++)
                    if (full || n++ % 997 == 0)
                        try_sizes(naive, native, kernels[_i], width_of(i), width_of(o), batches[b]);
    } else {
        fprintf(stderr, "SKIP: this processor does not have the kernel %s\n", kernels[_i]);
    }
    instance_free(native);
    instance_free(naive);
}
END_TEST

/* Without a row the gradients are zero, and every weight is handed over once all the same. */
static void expect_zeros(void *context, size_t offset, size_t n, float *weights, float *gradients)
{
    (void)weights;
    for (size_t k = 0; k < n; k++)
        if (gradients[k] != 0)
            ck_abort_msg("gradient %zu is %g", offset + k, (double)gradients[k]);
    *(size_t *)context += n;
}

START_TEST(native_no_rows)
{
    struct iso_error err = ERROR_NONE;
    struct instance *native = backend("native", NULL);
    const struct iso_backend *ops = &native->plugin->ops.backend;
    const struct iso_dense dense = { sizeof dense, 130, 40, 8, 2, true };
    void *layer = ops->prepare(native->state, &native->host, &dense, &err);
    ck_assert_msg(layer != NULL, "%s", err.text);
    const size_t length = ops->weights_length(layer);
    float *weights = floats(length), *x = numbers(8 * 130, 1), *dy = numbers(8 * 40, 2);
    struct iso_inputs inputs = { sizeof inputs, 8, x, 130, 130, NULL };
    for (size_t k = 0; k < length; k++) /* leaves something in the backend's memory */
        weights[k] = 0;
    size_t count = 0;
    ops->descend(layer, &inputs, dy, 40, weights, 1);
    inputs.rows = 0;
    ops->forward(layer, &inputs, weights, NULL, 40, epilogue, NULL);
    ops->input_gradient(layer, 0, dy, 40, weights, NULL, 130);
    ops->weight_gradient(layer, &inputs, dy, 40, weights, expect_zeros, &count);
    ck_assert_uint_eq(count, length);

    /* Nor any input that is not zero. */
    const uint32_t none = 0;
    inputs.rows = 8;
    inputs.active = 0;
    inputs.index = &none;
    float y[8 * 40];
    count = 0;
    ops->weight_gradient(layer, &inputs, dy, 40, weights, expect_zeros, &count);
    ck_assert_uint_eq(count, length);
    ops->forward(layer, &inputs, weights, y, 40, epilogue, NULL);
    ck_assert_float_eq(y[39], 0.39f);
    free(weights);
    free(x);
    free(dy);
    ops->release(layer);
    instance_free(native);
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    plugins = plugins_new(NULL, &err);
    if (!plugins)
        return 1;
    Suite *suite = suite_create("native");
    TCase *bits = tcase_create("bits");
    tcase_add_loop_test(bits, native_is_naive, 0, 3);
    tcase_add_test(bits, native_no_rows);
    tcase_set_timeout(bits, 0);
    suite_add_tcase(suite, bits);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    return failed != 0;
}
