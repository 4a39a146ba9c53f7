/* Tests of the backends: products against plain loops in float64, the layout of weights, panels and tiles. */
#include "config.h"

#include <check.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/generator.h"
#include "base/memory.h"
#include "plugin/plugin.h"
#include "suite.h"

static struct plugins *plugins;

static struct instance *instance(enum iso_kind kind, const char *name, const char *const *pairs)
{
    struct iso_error err = ERROR_NONE;
    const struct plugin *plugin = plugins_find(plugins, kind, name, &err);
    ck_assert_msg(plugin != NULL, "%s", err.text);
    struct instance *made = instance_new(plugin, pairs, NULL, &err);
    ck_assert_msg(made != NULL, "%s", err.text);
    return made;
}

/* Uniform in (-1, 1), some exact zeros. */
static void fill(float *values, size_t n, uint64_t seed)
{
    const struct iso_rng rng = generator_of("test", seed, 0);
    for (size_t i = 0; i < n; i++) {
        const double u = iso_rng_uniform_at(&rng, i, 0);
        values[i] = u < 0.1 ? 0 : (float)(2 * u - 1);
    }
}

static const char *const backend_names[] = { "naive", "openblas", "native",
#ifdef HAVE_ONEDNN
                                             "onednn",
#endif
};
enum { BACKENDS = sizeof backend_names / sizeof backend_names[0] };
static const size_t shapes[][3] = { /* rows, outputs, inputs */
    { 1, 1, 1 }, { 50, 64, 784 }, { 50, 10, 64 }, { 7, 31, 33 }, { 3, 32, 17 }, { 64, 925, 100 }, { 16, 33, 1500 },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

struct products {
    struct instance *backend;
    const struct iso_backend *ops;
    void *layer;
    size_t rows, outputs, inputs, length;
    float *x, *dy, *canonical, *weights;
    size_t x_stride, dy_stride;
};

static struct products products_new(const char *name, const size_t shape[3])
{
    struct iso_error err = ERROR_NONE;
    struct products p = { .backend = instance(ISO_BACKEND, name, NULL), .rows = shape[0], .outputs = shape[1],
                          .inputs = shape[2], .x_stride = shape[2] + 3, .dy_stride = shape[1] + 5 };
    p.ops = &p.backend->plugin->ops.backend;
    const struct iso_dense dense = { .size = sizeof dense, .inputs = p.inputs, .outputs = p.outputs,
                                     .batch = p.rows, .threads = 1 };
    p.layer = p.ops->prepare(p.backend->state, &p.backend->host, &dense, &err);
    ck_assert_msg(p.layer != NULL, "%s", err.text);
    p.length = p.ops->weights_length(p.layer);
    p.x = memory_aligned(p.rows * p.x_stride * sizeof(float));
    p.dy = memory_aligned(p.rows * p.dy_stride * sizeof(float));
    p.canonical = memory_aligned(p.inputs * p.outputs * sizeof(float));
    p.weights = memory_aligned(p.length * sizeof(float));
    fill(p.x, p.rows * p.x_stride, 1);
    fill(p.dy, p.rows * p.dy_stride, 2);
    fill(p.canonical, p.inputs * p.outputs, 3);
    p.ops->import(p.layer, p.canonical, p.weights);
    return p;
}

static void products_free(struct products *p)
{
    free(p->x);
    free(p->dy);
    free(p->canonical);
    free(p->weights);
    if (p->ops->release)
        p->ops->release(p->layer);
    instance_free(p->backend);
}

static struct iso_inputs inputs_of(const struct products *p)
{
    return (struct iso_inputs){ .size = sizeof(struct iso_inputs), .rows = p->rows, .x = p->x, .stride = p->x_stride,
                                .active = p->inputs };
}

/* |got - sum| within what float32 sums of n products of magnitude `size` may be off. */
static void check_sum(double got, double sum, double size, size_t n)
{
    ck_assert_msg(fabs(got - sum) <= 1.2e-7 * (size + fabs(sum)) * (2 + sqrt((double)n)), "%.9g, not %.9g", got, sum);
}

/* How often the epilogue has seen each element. */
struct seen {
    const float *y;
    size_t stride, columns;
    unsigned char *times;
};

static void see(void *context, const struct iso_tile *tile)
{
    const struct seen *seen = context;
    for (size_t r = 0; r < tile->rows; r++)
        for (size_t c = 0; c < tile->columns; c++) {
            const size_t row = tile->row + r, column = tile->column + c;
            ck_assert_ptr_eq(tile->y + r * tile->stride + c, seen->y + row * seen->stride + column);
            seen->times[row * seen->columns + column]++;
        }
}

START_TEST(backend_forward)
{
    struct products p = products_new(backend_names[_i / SHAPES], shapes[_i % SHAPES]);
    const size_t stride = p.outputs + 2;
    float *y = memory_aligned(p.rows * stride * sizeof(float));
    struct seen seen = { .y = y, .stride = stride, .columns = p.outputs, .times = calloc(p.rows, p.outputs) };
    const struct iso_inputs inputs = inputs_of(&p);
    p.ops->forward(p.layer, &inputs, p.weights, y, stride, see, &seen);
    for (size_t r = 0; r < p.rows; r++)
        for (size_t o = 0; o < p.outputs; o++) {
            double sum = 0, size = 0;
            for (size_t i = 0; i < p.inputs; i++) {
                const double product = (double)p.x[r * p.x_stride + i] * (double)p.canonical[o * p.inputs + i];
                sum += product;
                size += fabs(product);
            }
            check_sum((double)y[r * stride + o], sum, size, p.inputs);
            ck_assert_int_eq(seen.times[r * p.outputs + o], 1);
        }
    free(seen.times);
    free(y);
    products_free(&p);
}
END_TEST

START_TEST(backend_input_gradient)
{
    struct products p = products_new(backend_names[_i / SHAPES], shapes[_i % SHAPES]);
    const size_t stride = p.inputs + 1;
    float *dx = memory_aligned(p.rows * stride * sizeof(float));
    p.ops->input_gradient(p.layer, p.rows, p.dy, p.dy_stride, p.weights, dx, stride);
    for (size_t r = 0; r < p.rows; r++)
        for (size_t i = 0; i < p.inputs; i++) {
            double sum = 0, size = 0;
            for (size_t o = 0; o < p.outputs; o++) {
                const double product = (double)p.dy[r * p.dy_stride + o] * (double)p.canonical[o * p.inputs + i];
                sum += product;
                size += fabs(product);
            }
            check_sum((double)dx[r * stride + i], sum, size, p.outputs);
        }
    free(dx);
    products_free(&p);
}
END_TEST

struct gathered {
    const struct products *products;
    float *gradient;
    unsigned char *times;
};

static void gather_panel(void *context, size_t offset, size_t n, float *weights, float *gradients)
{
    const struct gathered *gathered = context;
    ck_assert_uint_le(offset + n, gathered->products->length);
    ck_assert_ptr_eq(weights, gathered->products->weights + offset);
    for (size_t i = 0; i < n; i++) {
        gathered->gradient[offset + i] = gradients[i];
        gathered->times[offset + i]++;
    }
}

START_TEST(backend_weight_gradient)
{
    struct products p = products_new(backend_names[_i / SHAPES], shapes[_i % SHAPES]);
    const float rate = 0.03125f;
    float *gradient = memory_aligned(p.length * sizeof(float)), *descended = memory_aligned(p.length * sizeof(float));
    float *canonical = calloc(p.inputs * p.outputs, sizeof(float));
    float *after = calloc(p.inputs * p.outputs, sizeof(float));
    struct gathered gathered = { .products = &p, .gradient = gradient, .times = calloc(p.length, 1) };
    const struct iso_inputs inputs = inputs_of(&p);
    p.ops->weight_gradient(p.layer, &inputs, p.dy, p.dy_stride, p.weights, gather_panel, &gathered);
    for (size_t i = 0; i < p.length; i++)
        ck_assert_int_eq(gathered.times[i], 1);
    p.ops->export(p.layer, gradient, canonical);
    memcpy(descended, p.weights, p.length * sizeof(float));
    p.ops->descend(p.layer, &inputs, p.dy, p.dy_stride, descended, rate);
    p.ops->export(p.layer, descended, after);
    for (size_t o = 0; o < p.outputs; o++)
        for (size_t i = 0; i < p.inputs; i++) {
            const float before = p.canonical[o * p.inputs + i];
            double sum = 0, size = 0;
            for (size_t r = 0; r < p.rows; r++) {
                const double product = (double)p.dy[r * p.dy_stride + o] * (double)p.x[r * p.x_stride + i];
                sum += product;
                size += fabs(product);
            }
            check_sum((double)canonical[o * p.inputs + i], sum, size, p.rows);
            check_sum((double)after[o * p.inputs + i], (double)before - (double)rate * sum,
                      fabs((double)before) + (double)rate * size, p.rows);
        }
    free(gathered.times);
    free(gradient);
    free(descended);
    free(canonical);
    free(after);
    products_free(&p);
}
END_TEST

START_TEST(backend_layout)
{
    struct products p = products_new(backend_names[_i / SHAPES], shapes[_i % SHAPES]);
    float *back = calloc(p.inputs * p.outputs, sizeof(float));
    p.ops->export(p.layer, p.weights, back);
    ck_assert_mem_eq(back, p.canonical, p.inputs * p.outputs * sizeof(float));
    ck_assert_uint_gt(strlen(p.ops->kernel(p.backend->state)), 0);
    free(back);
    products_free(&p);
}
END_TEST

/* Inputs that are zero in all rows are left out, to the bit. */
START_TEST(naive_sparse_inputs)
{
    struct products p = products_new("naive", (const size_t[]){ 5, 4, 20 });
    ck_assert(p.ops->sparse_inputs);
    float dense[5 * 20] = { 0 }, packed[5 * 7], y[2][5 * 4], g[2][4 * 20];
    uint32_t index[7];
    for (uint32_t c = 0; c < 7; c++) {
        index[c] = 1 + 2 * c + c / 3;
        for (size_t r = 0; r < 5; r++)
            dense[r * 20 + index[c]] = packed[r * 7 + c] = p.x[r * p.x_stride + c];
    }
    const struct iso_inputs inputs[2] = {
        { .size = sizeof inputs[0], .rows = 5, .x = dense, .stride = 20, .active = 20 },
        { .size = sizeof inputs[0], .rows = 5, .x = packed, .stride = 7, .active = 7, .index = index },
    };
    for (int k = 0; k < 2; k++) {
        struct seen seen = { .y = y[k], .stride = 4, .columns = 4, .times = calloc(5, 4) };
        unsigned char times[4 * 20] = { 0 };
        struct gathered gathered = { .products = &p, .gradient = g[k], .times = times };
        p.ops->forward(p.layer, &inputs[k], p.weights, y[k], 4, see, &seen);
        p.ops->weight_gradient(p.layer, &inputs[k], p.dy, p.dy_stride, p.weights, gather_panel, &gathered);
        free(seen.times);
    }
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    ck_assert_mem_eq(g[0], g[1], sizeof g[0]);
    products_free(&p);
}
END_TEST

int main(void)
{
    struct iso_error err = ERROR_NONE;
    plugins = plugins_new(NULL, &err);
    if (!plugins)
        return 1;
    Suite *suite = suite_create("backend");
    TCase *products = tcase_create("products");
    tcase_add_loop_test(products, backend_forward, 0, BACKENDS * SHAPES);
    tcase_add_loop_test(products, backend_input_gradient, 0, BACKENDS * SHAPES);
    tcase_add_loop_test(products, backend_weight_gradient, 0, BACKENDS * SHAPES);
    tcase_add_loop_test(products, backend_layout, 0, BACKENDS * SHAPES);
    tcase_add_test(products, naive_sparse_inputs);
    tcase_set_timeout(products, 300);
    suite_add_tcase(suite, products);
    const int failed = suite_failed(suite);
    plugins_free(plugins);
    return failed != 0;
}
