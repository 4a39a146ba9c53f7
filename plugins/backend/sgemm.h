/* Dense layers as products of a BLAS: what openblas.c and onednn.c share. Before this, the file that includes it defines
 *
 *     static void multiply(bool a_transposed, bool b_transposed, size_t m, size_t n, size_t k, float alpha,
 *                          const float *a, size_t a_stride, const float *b, size_t b_stride, float beta,
 *                          float *c, size_t c_stride);
 *         c = alpha * op(a) op(b) + beta * c, row-major: op(a) is m x k, op(b) k x n, c m x n; op transposes where said
 *     static const char *kernel(const void *state);
 *     static void keep_to_one_thread(void);
 *         for the calling thread, whatever the environment says: the library's own choice would be every core, and
 *         other bits for each number of them
 *
 * and after it names SGEMM_OPS as its functions.
 *
 * Layout of a layer's weights, measured on batches of 50 (Haswell and SkylakeX kernels of OpenBLAS 0.3.21): stored as
 * (inputs, outputs) the forward product is 5 to 15 % faster and the weight gradient the same, but for layers with few
 * outputs, such as the last, (outputs, inputs) is up to twice as fast. So narrow layers are stored canonically, wide
 * ones transposed; neither is padded.
 *
 * The descent W -= rate * dY^T X is one product with beta 1: no gradient is ever stored.
 */
#ifndef BACKEND_SGEMM_H
#define BACKEND_SGEMM_H

#include <string.h>

#include <isoflop/plugin.h>

enum {
    NARROW = 32,  /* outputs below which a layer is stored canonically */
    PANEL = 32768 /* floats of a gradient that are handed over at once: they and what they update stay in the cache */
};

struct sgemm_layer {
    size_t inputs, outputs;
    bool transposed;       /* weights are (inputs, outputs) */
    size_t length, row;    /* floats of the weights, and of one row of them as stored */
    size_t rows_per_panel;
    float *gradient;       /* of one panel */
};

static void *prepare(void *state, const struct iso_host *host, const struct iso_dense *dense, struct iso_error *err)
{
    (void)state;
    const size_t limit = INT32_MAX;
    if (dense->inputs == 0 || dense->outputs == 0 || dense->inputs > limit || dense->outputs > limit ||
        dense->batch > limit || dense->inputs > SIZE_MAX / sizeof(float) / dense->outputs) {
        iso_fail(err, "layers are of 1 to %zu inputs and outputs here, not %zu x %zu at %zu rows", limit,
                 dense->inputs, dense->outputs, dense->batch);
        return NULL;
    }
    struct sgemm_layer *layer = host->allocate(host, sizeof *layer, err);
    if (!layer)
        return NULL;
    layer->inputs = dense->inputs;
    layer->outputs = dense->outputs;
    layer->transposed = dense->outputs >= NARROW;
    layer->length = dense->inputs * dense->outputs;
    layer->row = layer->transposed ? dense->outputs : dense->inputs;
    /* Multiples of 16 rows, so that the products keep to the kernels' own tiles. */
    layer->rows_per_panel = PANEL / layer->row / 16 * 16;
    if (layer->rows_per_panel == 0)
        layer->rows_per_panel = 16;
    if (layer->rows_per_panel > layer->length / layer->row)
        layer->rows_per_panel = layer->length / layer->row;
    layer->gradient = host->allocate(host, layer->rows_per_panel * layer->row * sizeof(float), err);
    if (!layer->gradient)
        return NULL;
    keep_to_one_thread();
    return layer;
}

static size_t weights_length(const void *layer_)
{
    const struct sgemm_layer *layer = layer_;
    return layer->length;
}

/* In squares that fit in the cache. */
static void transpose(size_t rows, size_t columns, const float *from, float *to)
{
    enum { SIDE = 32 };
    for (size_t first = 0; first < rows; first += SIDE)
        for (size_t c = 0; c < columns; c++)
            for (size_t r = first; r < rows && r < first + SIDE; r++)
                to[c * rows + r] = from[r * columns + c];
}

static void import(const void *layer_, const float *canonical, float *weights)
{
    const struct sgemm_layer *layer = layer_;
    if (layer->transposed)
        transpose(layer->outputs, layer->inputs, canonical, weights);
    else
        memcpy(weights, canonical, layer->length * sizeof *weights);
}

static void export(const void *layer_, const float *weights, float *canonical)
{
    const struct sgemm_layer *layer = layer_;
    if (layer->transposed)
        transpose(layer->inputs, layer->outputs, weights, canonical);
    else
        memcpy(canonical, weights, layer->length * sizeof *weights);
}

static void forward(void *layer_, const struct iso_inputs *inputs, const float *weights, float *y, size_t y_stride,
                    iso_epilogue *epilogue, void *context)
{
    const struct sgemm_layer *layer = layer_;
    multiply(false, !layer->transposed, inputs->rows, layer->outputs, layer->inputs, 1, inputs->x, inputs->stride,
             weights, layer->row, 0, y, y_stride);
    const struct iso_tile tile = {
        .size = sizeof tile, .rows = inputs->rows, .columns = layer->outputs, .y = y, .stride = y_stride
    };
    epilogue(context, &tile);
}

static void input_gradient(void *layer_, size_t rows, const float *dy, size_t dy_stride, const float *weights,
                           float *dx, size_t dx_stride)
{
    const struct sgemm_layer *layer = layer_;
    multiply(false, layer->transposed, rows, layer->inputs, layer->outputs, 1, dy, dy_stride, weights, layer->row, 0,
             dx, dx_stride);
}

/* to = beta * to + alpha * (dY^T X, rows `first` to first + count of it as stored). */
static void add_gradient(const struct sgemm_layer *layer, const struct iso_inputs *inputs, const float *dy,
                         size_t dy_stride, size_t first, size_t count, float alpha, float beta, float *to)
{
    const float *a = layer->transposed ? inputs->x : dy, *b = layer->transposed ? dy : inputs->x;
    const size_t a_stride = layer->transposed ? inputs->stride : dy_stride;
    const size_t b_stride = layer->transposed ? dy_stride : inputs->stride;
    multiply(true, false, count, layer->row, inputs->rows, alpha, a + first, a_stride, b, b_stride, beta, to,
             layer->row);
}

static void weight_gradient(void *layer_, const struct iso_inputs *inputs, const float *dy, size_t dy_stride,
                            float *weights, iso_panel *panel, void *context)
{
    const struct sgemm_layer *layer = layer_;
    const size_t rows = layer->length / layer->row;
    for (size_t first = 0, count; first < rows; first += count) {
        count = rows - first < layer->rows_per_panel ? rows - first : layer->rows_per_panel;
        add_gradient(layer, inputs, dy, dy_stride, first, count, 1, 0, layer->gradient);
        panel(context, first * layer->row, count * layer->row, weights + first * layer->row, layer->gradient);
    }
}

static void descend(void *layer_, const struct iso_inputs *inputs, const float *dy, size_t dy_stride, float *weights,
                    float rate)
{
    const struct sgemm_layer *layer = layer_;
    add_gradient(layer, inputs, dy, dy_stride, 0, layer->length / layer->row, -rate, 1, weights);
}

#define SGEMM_OPS                                                                                                     \
    {                                                                                                                 \
        .kernel = kernel, .prepare = prepare, .weights_length = weights_length, .import = import, .export = export,   \
        .forward = forward, .input_gradient = input_gradient, .weight_gradient = weight_gradient, .descend = descend, \
    }

#endif
